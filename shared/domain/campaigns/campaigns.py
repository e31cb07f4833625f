"""A campaign: one mail to each of many, from a template. Its states, and the figures, which are sums of rows.

```
 preparing -> running <-> paused          preparing: its recipients are being written
                 |           |
                 +-> done    +-> cancelled   from every state before done
```
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from shared.domain.errors import WrongState
from shared.domain.mail.templates import MailTemplate
from shared.domain.privacy.callers import Caller
from shared.domain.records.records import RecordRef
from shared.domain.sending.outbox import Problem
from shared.domain.sending.states import State

MOST_RECIPIENTS: Final = 10_000
# Beside these a single mail of the same mailbox waits a minute at most, at thirty mails a minute.
MOST_WAITING: Final = 20


class CampaignState(StrEnum):
    """Where a campaign stands."""

    PREPARING = "preparing"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"


ENDED: Final = (CampaignState.DONE, CampaignState.CANCELLED)
_SENTENCES: Final[Mapping[CampaignState, str]] = {
    CampaignState.PREPARING: "Its recipients are being written; repeat the request that was cut off, or cancel it.",
    CampaignState.RUNNING: "The campaign is running.",
    CampaignState.PAUSED: "The campaign is paused.",
    CampaignState.DONE: "The campaign is done.",
    CampaignState.CANCELLED: "The campaign was cancelled.",
}


class Share(StrEnum):
    """What became of a recipient. Every recipient counts in one of these, and together they are all."""

    WAITING = "waiting"
    ON_ITS_WAY = "on_its_way"
    SENT = "sent"
    FAILED = "failed"
    OUTCOME_UNKNOWN = "outcome_unknown"
    LEFT_OUT = "left_out"
    CANCELLED = "cancelled"


SHARES: Final[Mapping[State, Share]] = {
    State.QUEUED: Share.ON_ITS_WAY,
    State.HELD: Share.ON_ITS_WAY,
    State.DRAFTED: Share.ON_ITS_WAY,
    State.SENDING: Share.ON_ITS_WAY,
    State.SENT: Share.SENT,
    State.CONFIRMED: Share.SENT,
    State.BOUNCED: Share.SENT,
    State.FAILED: Share.FAILED,
    State.OUTCOME_UNKNOWN: Share.OUTCOME_UNKNOWN,
    State.CANCELLED: Share.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class Campaign:
    """What is sent, for whom it was asked, and how far it has come.

    `caller` asked for it; `sender` is the request's `from`, '' = absent, `agent` for whom a service asks. `records` are
    those on which every mail stands beside its contact. `recipients` is the number of rows that count. `reached` is
    where the worker goes on looking, and says nothing of who got a mail. `turn` numbers the worker's commands.
    `headers_survive`: whether the way out still stood in the headers of the first sent copy; None: not looked yet.
    """

    id: str
    tenant_id: str
    name: str
    caller: Caller
    template: MailTemplate
    created_at: datetime
    sender: str = ""
    agent: str = ""
    purpose: str = ""
    records: tuple[RecordRef, ...] = ()
    request_hash: str = ""
    state: CampaignState = CampaignState.PREPARING
    recipients: int = 0
    reached: int = 0
    turn: int = 0
    touched_at: datetime | None = None
    ended_at: datetime | None = None
    problem: Problem | None = None
    headers_survive: bool | None = None
    etag: str = ""

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED

    @property
    def is_running(self) -> bool:
        return self.state is CampaignState.RUNNING

    def begun(self, recipients: int, at: datetime) -> "Campaign":
        """All rows stand. Begun again: no change."""
        if self.state is not CampaignState.PREPARING:
            return self
        return replace(self, state=CampaignState.RUNNING, recipients=recipients, touched_at=at)

    def paused(self, problem: Problem | None = None) -> "Campaign":
        """Nobody else gets a mail until it is resumed; `problem` says why where no person paused it."""
        if self.state is CampaignState.PAUSED:
            return self
        return replace(self._after(CampaignState.PAUSED, CampaignState.RUNNING), problem=problem)

    def resumed(self, at: datetime) -> "Campaign":
        """It goes on, with a look at every recipient that is waiting."""
        if self.is_running:
            return self
        after = self._after(CampaignState.RUNNING, CampaignState.PAUSED)
        return replace(after, problem=None, reached=0, turn=self.turn + 1, touched_at=at)

    def cancelled(self, at: datetime) -> "Campaign":
        """Who is waiting gets no mail any more."""
        if self.state is CampaignState.CANCELLED:
            return self
        before = (CampaignState.PREPARING, CampaignState.RUNNING, CampaignState.PAUSED)
        return replace(self._after(CampaignState.CANCELLED, *before), ended_at=at)

    def done(self, at: datetime) -> "Campaign":
        """Nobody is waiting, and no mail is on its way."""
        return replace(self._after(CampaignState.DONE, CampaignState.RUNNING), ended_at=at, problem=None)

    def _after(self, state: CampaignState, *before: CampaignState) -> "Campaign":
        if self.state not in before:
            raise WrongState(f"{_SENTENCES[self.state]} It cannot become {state}.")
        return replace(self, state=state)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Why somebody gets no mail: a word for programs, and a sentence."""

    reason: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Recipient:
    """One row: who is to get the mail, with the values that go into it. `address` is '' for a contact without one.

    `mail_id` is the row of the outbox, '' as long as the mail has not been asked for.
    """

    number: int
    contact: str
    name: str
    address: str
    values: dict[str, str | list[str]] = field(default_factory=dict)
    records: tuple[RecordRef, ...] = ()
    left_out: LeftOut | None = None
    mail_id: str = ""

    @property
    def is_waiting(self) -> bool:
        """Whether nothing is decided about it."""
        return self.left_out is None and not self.mail_id


@dataclass(frozen=True, slots=True)
class CampaignMail:
    """The row of the outbox that a recipient has: `number` is the recipient's, `code` says why it has ended so."""

    number: int
    mail_id: str
    state: State
    code: str = ""

    @property
    def share(self) -> Share:
        # The look right before the draft ends a mail as a person does, and says why.
        is_left_out = self.state is State.CANCELLED and bool(self.code)
        return Share.LEFT_OUT if is_left_out else SHARES[self.state]


@dataclass(frozen=True, slots=True)
class Figures:
    """How many recipients there are of each share; `bounced` are among the sent, `reasons` among those left out."""

    all: int
    shares: Mapping[Share, int]
    bounced: int
    reasons: Mapping[str, int]

    @property
    def is_done(self) -> bool:
        """Whether nothing more will happen by itself."""
        return not self.shares[Share.WAITING] and not self.shares[Share.ON_ITS_WAY]


def figures(campaign: Campaign, rows: Iterable[tuple[int, str]], mails: Iterable[CampaignMail]) -> Figures:
    """The sums of a campaign.

    `rows` are (number, reason to leave out) of its recipients; `mails` what the outbox has of it. Who has neither is
    waiting, or was cancelled with the campaign.
    """
    reasons = {number: reason for number, reason in rows if number < campaign.recipients}
    found = {mail.number: mail for mail in mails}
    rest = Share.CANCELLED if campaign.state is CampaignState.CANCELLED else Share.WAITING
    counted = Counter(_share(found.get(number), reason, rest) for number, reason in reasons.items())
    why = Counter(_reason(found.get(number), reason) for number, reason in reasons.items())
    bounced = sum(mail.state is State.BOUNCED for mail in found.values())
    del why[""]
    return Figures(
        len(reasons), {share: counted[share] for share in Share}, bounced, dict(sorted(why.items()))
    )


def _share(mail: CampaignMail | None, reason: str, rest: Share) -> Share:
    if mail is not None:
        return mail.share
    return Share.LEFT_OUT if reason else rest


def _reason(mail: CampaignMail | None, reason: str) -> str:
    if mail is None:
        return reason
    return mail.code if mail.share is Share.LEFT_OUT else ""
