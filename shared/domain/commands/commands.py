"""Every command: what one part of the service asks of another, and how it is made from what is at hand."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Final, Self

from shared.domain import names
from shared.domain.commands.envelope import Command, OrganisationCommand
from shared.domain.errors import MalformedCommand
from shared.domain.mail.items import ItemRef

if TYPE_CHECKING:
    from shared.domain.connections.mailboxes import Mailbox

    # The webhooks read commands, and load nothing that reads mail.
    from shared.domain.privacy.erasure import Deletion, Erasure
    from shared.domain.sending.outbox import OutboxMail

# Graph takes 20 requests in a $batch: a command's mails are fetched in one round trip.
MAX_IDS: Final = 20
# From this many passing errors on, a mail is asked for by itself: it may be the reason.
SINGLY_AFTER: Final = 3
# First steps of what is taken away page by page.
MESSAGES: Final = "messages"
SUBSCRIPTIONS: Final = "subscriptions"


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncMailbox(Command):
    """Walk the mailbox's folders from where their deltas stand."""

    queue: ClassVar[str] = names.MAIL

    @classmethod
    def of(cls, mailbox: "Mailbox", now: datetime) -> Self:
        return cls(tenant_id=mailbox.tenant_id, mailbox_id=mailbox.mailbox_id, first_at=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestMessages(Command):
    """Fetch up to 20 messages of one mailbox, match them, write their rows.

    `screened`: capture has already been decided on their headers. `silent`: tell nobody. `unbounded`: they are
    history that was asked for, so the capture window does not count. `doubtful`: they may have lain there before.
    """

    queue: ClassVar[str] = names.MAIL

    items: tuple[ItemRef, ...]
    screened: bool = False
    silent: bool = False
    unbounded: bool = False
    doubtful: bool = False

    @classmethod
    def groups(
        cls,
        items: Sequence[ItemRef],
        *,
        tenant_id: str,
        mailbox_id: str,
        first_at: datetime,
        silent: bool = False,
        unbounded: bool = False,
    ) -> Iterator[Self]:
        """The commands for any number of one mailbox's items, in their order; none for no items."""
        for start in range(0, len(items), MAX_IDS):
            yield cls(
                tenant_id=tenant_id,
                mailbox_id=mailbox_id,
                first_at=first_at,
                items=tuple(items[start : start + MAX_IDS]),
                silent=silent,
                unbounded=unbounded,
            )

    @property
    def is_apart(self) -> bool:
        """Whether each of its mails is to have an outcome of its own, in the worklist: it has failed several times."""
        return self.attempt >= SINGLY_AFTER

    def apart(self) -> Self:
        """The same mails, to be taken in one by one."""
        return replace(self, attempt=max(self.attempt, SINGLY_AFTER))

    def of_one(self, item: ItemRef) -> Self:
        """The command of a single mail among these, as it is recorded however often that was tried."""
        return replace(self, items=(item,), attempt=0)

    def __post_init__(self) -> None:
        if not 0 < len(self.items) <= MAX_IDS:
            raise MalformedCommand(f"{len(self.items)} items; a command carries 1 to {MAX_IDS}")
        if not all(isinstance(item, ItemRef) for item in self.items):
            raise MalformedCommand("a command's items are objects of folder and item_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkRead(Command):
    """Mark these mails of an intake mailbox as read: their cases stand."""

    queue: ClassVar[str] = names.MAIL

    items: tuple[ItemRef, ...]

    def __post_init__(self) -> None:
        if not self.items or not all(isinstance(item, ItemRef) for item in self.items):
            raise MalformedCommand("a command's items are objects of folder and item_id, one at least")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileMailbox(Command):
    """Compare a window of each folder with the ledger and repair; from `since`, or the nightly window.

    One that gave way says how far it came: folders up to `after` are done, the next one is to be read from
    `start` on, and `counted` so far (JSON).
    """

    queue: ClassVar[str] = names.WORK
    times: ClassVar[tuple[str, ...]] = ("first_at", "since", "start")

    since: datetime | None = None
    after: str = ""
    start: datetime | None = None
    counted: str = ""

    @classmethod
    def of(cls, mailbox: "Mailbox", now: datetime, *, since: datetime | None = None) -> Self:
        return cls(tenant_id=mailbox.tenant_id, mailbox_id=mailbox.mailbox_id, first_at=now, since=since)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillMailbox(Command):
    """Do this step of the mailbox's running backfill, if it is the next one."""

    queue: ClassVar[str] = names.WORK

    step: int = 0

    @classmethod
    def of(cls, mailbox: "Mailbox", now: datetime, *, step: int) -> Self:
        return cls(tenant_id=mailbox.tenant_id, mailbox_id=mailbox.mailbox_id, first_at=now, step=step)


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinLateContacts(OrganisationCommand):
    """Join the addresses and domains of new records with the organisation's ledger.

    Over the announcements behind `behind` and up to `until`, which is known once a pass has begun. `more`: others
    behind these are to follow in a pass of their own. `second`: the same once more, some minutes later. `after`
    is the mailbox id behind which a pass goes on that gave way.
    """

    queue: ClassVar[str] = names.WORK
    times: ClassVar[tuple[str, ...]] = ("first_at", "behind", "until")

    second: bool = False
    behind: datetime | None = None
    until: datetime | None = None
    more: bool = False
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RematchMessages(OrganisationCommand):
    """Decide anew on stored mail, from behind the message `after`: all of it, or what concerns `record`.

    `run` names the whole run; `turn` counts how often it has gone through, `changed` what this time has changed.
    `keys`: only these messages, up to 20, whose parent has lost records; in two turns, the second some minutes later.
    """

    queue: ClassVar[str] = names.WORK

    run: str = ""
    record: str = ""
    after: str = ""
    turn: int = 0
    changed: int = 0
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMessage(OrganisationCommand):
    """Bring everything in line with what a person has said of a stored mail; `key` is the message's."""

    queue: ClassVar[str] = names.MAIL

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasePerson(OrganisationCommand):
    """The next page of erasing a person; `run` is the id of the erasure.

    `step` and `after` say how far this `turn` has come. A second turn catches what was being written during the
    first one.
    """

    queue: ClassVar[str] = names.WORK

    run: str
    step: str = MESSAGES
    after: str = ""
    turn: int = 0

    @classmethod
    def first(cls, tenant_id: str, erasure: "Erasure") -> Self:
        return cls(tenant_id=tenant_id, first_at=erasure.at, run=erasure.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteOrganisation(OrganisationCommand):
    """The next page of deleting an organisation: `step` is the place that is cleared, in the first or second `turn`."""

    queue: ClassVar[str] = names.WORK

    step: str = SUBSCRIPTIONS
    turn: int = 0

    @classmethod
    def first(cls, tenant_id: str, deletion: "Deletion") -> Self:
        return cls(tenant_id=tenant_id, first_at=deletion.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyRetention(OrganisationCommand):
    """The next page of taking away what was received before `before`: stored mail, the ledger, then campaigns.

    `after` is the message, or the mailbox, behind which it goes on.
    """

    queue: ClassVar[str] = names.WORK
    times: ClassVar[tuple[str, ...]] = ("first_at", "before")

    before: datetime
    step: str = MESSAGES
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetEvents(OrganisationCommand):
    """The next page of taking away what is older than the feed of changes is kept."""

    queue: ClassVar[str] = names.WORK


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportBack(OrganisationCommand):
    """Say that a command has come through: the operator's trial of a deployment. `trial` names it."""

    queue: ClassVar[str] = names.MAIL

    trial: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRecords(OrganisationCommand):
    """Move what was filed on one record to the one that has taken its place; both as `kind/id`.

    `pages` have been moved so far. `second`: the pass some minutes later, for mail that was on its way.
    """

    queue: ClassVar[str] = names.WORK

    merged: str
    into: str
    pages: int = 0
    second: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintainSubscription(Command):
    """Bring the mailbox's Graph subscription in order. `event` is the lifecycle event that asked for it."""

    queue: ClassVar[str] = names.MAIL

    event: str = ""

    @classmethod
    def of(cls, mailbox: "Mailbox", now: datetime) -> Self:
        return cls(tenant_id=mailbox.tenant_id, mailbox_id=mailbox.mailbox_id, first_at=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareSubscriptions(OrganisationCommand):
    """Compare the organisation's subscriptions with those that Graph has."""

    queue: ClassVar[str] = names.WORK


@dataclass(frozen=True, slots=True, kw_only=True)
class WakeMailbox(Command):
    """Run the rows of the mailbox's worklist that are live."""

    queue: ClassVar[str] = names.MAIL


@dataclass(frozen=True, slots=True, kw_only=True)
class SendMail(Command):
    """Go on with every mail of the mailbox's outbox that is due.

    `renewed`: its sign-in is another one by now, or is taken again, so that what waits for it is due at once.
    """

    queue: ClassVar[str] = names.OUTBOUND
    renewed: bool = False

    @classmethod
    def renewing(cls, mailbox: "Mailbox", now: datetime) -> Self:
        return cls(tenant_id=mailbox.tenant_id, mailbox_id=mailbox.mailbox_id, first_at=now, renewed=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResendMail(Command):
    """Send a mail once more that has not left, or of which nobody knows.

    `tag` is that of the attempt which failed: a mail that somebody has retried meanwhile bears another one.
    """

    queue: ClassVar[str] = names.OUTBOUND
    mail_id: str
    tag: str

    @classmethod
    def of(cls, mail: "OutboxMail") -> Self:
        """For the attempt that a mail has behind it: the same text whenever it is asked for."""
        return cls(
            tenant_id=mail.tenant_id,
            mailbox_id=mail.mailbox_id,
            first_at=mail.created_at,
            mail_id=mail.id,
            tag=mail.tag,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCampaign(OrganisationCommand):
    """Ask for the next mails of a campaign. `turn` tells the command that is due from one that came twice."""

    queue: ClassVar[str] = names.WORK

    campaign: str
    turn: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FileHistory(Command):
    """Run the rows of the mailbox's worklist: live ones first, then history."""

    queue: ClassVar[str] = names.WORK
