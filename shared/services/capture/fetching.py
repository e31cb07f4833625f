"""Fetches mails: headers, then bodies of what capture keeps, as far as the provider gives them."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic, Self, TypeVar

from shared import telemetry
from shared.domain.capture.folders import FolderState
from shared.domain.capture.pending import EARLIEST, PendingRow
from shared.domain.capture.sightings import FAILED, SKIPPED, Sighting
from shared.domain.commands.commands import IngestMessages
from shared.domain.errors import (
    AccessDenied,
    MailboxUnavailable,
    NotFound,
    NotThereYet,
    Outcome,
    PermanentError,
    TransientError,
    Unreadable,
    longest,
)
from shared.domain.filing.filing import PENDING, StoredMessage
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import FetchedMessage, MessageHead
from shared.ports.mail import Listed, MailAccess
from shared.ports.stores.exceptions import Exceptions
from shared.ports.stores.filing import MessageStore
from shared.ports.work import Clock
from shared.services.capture.arrivals import Arrivals
from shared.services.capture.scopes import Scope
from shared.services.capture.screening import Screen, Screened, keep_begun
from shared.services.capture.unlisted import UnlistedFolders
from shared.services.commands.failures import failure_of, record
from shared.services.remembering.recent_rows import RecentRows

# What was announced and is not found is looked for so many times more.
NOT_FOUND_TRIES = 3
# What has waited for so long may come after others have dealt with the same mails: the ledger is asked first.
LATE = timedelta(seconds=60)
# A command of which the host has lost sight comes back no sooner (visibilityTimeout in host.json).
REPEATED = timedelta(seconds=10)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Mails to take in; `received` is when they came, as far as that is known.

    `is_repeat`: an earlier run may have begun with some of them.
    """

    command: IngestMessages
    received: Mapping[ItemRef, datetime]
    is_repeat: bool

    @classmethod
    def first_asked(cls, command: IngestMessages, now: datetime) -> Self:
        """Those of a queue message: one whose worker was killed comes back as the same try, but later."""
        return cls(command, {}, command.attempt > 0 or now - command.first_at >= REPEATED)

    @classmethod
    def of_rows(cls, command: IngestMessages, rows: Sequence[PendingRow]) -> Self:
        """Those of a worklist's rows, whose tries have been raised; several may be of one mail."""
        known = {row.item: row.at for row in rows if row.item is not None and row.at > EARLIEST}
        return cls(command, known, any(row.tries > 1 or row.attempt > 0 for row in rows))


@dataclass(frozen=True, slots=True)
class Kept:
    """A mail that capture keeps, fetched whole."""

    screened: Screened
    mail: FetchedMessage


@dataclass(frozen=True, slots=True)
class Answers(Generic[T]):
    """What was asked of the provider, by item: had, never to be had, and to be asked for again.

    `missing` are not there yet, and `gone` are not there any more.
    """

    had: Mapping[ItemRef, T]
    failed: Mapping[ItemRef, PermanentError]
    later: Mapping[ItemRef, TransientError]
    missing: Mapping[ItemRef, NotThereYet]
    gone: Sequence[ItemRef] = ()


@dataclass(frozen=True, slots=True)
class Fetched:
    """What mails came to."""

    kept: list[Kept]
    others: list[Sighting]
    later: Mapping[ItemRef, TransientError]
    missing: Mapping[ItemRef, NotThereYet]
    gone: Sequence[ItemRef]


@dataclass(frozen=True, slots=True)
class FetchMail:
    """What mails come to. What can never be had is recorded; what is not there yet is named, a few times."""

    mail: MailAccess
    recent: RecentRows
    unlisted: UnlistedFolders
    screen: Screen
    arrivals: Arrivals
    messages: MessageStore
    exceptions: Exceptions
    clock: Clock

    def __call__(self, scope: Scope, wanted: Wanted) -> Fetched:
        """Bodies of what capture keeps, and the ledger rows of all others. Screened mails are fetched whole at once."""
        command = wanted.command
        is_late = not command.unbounded and self.clock() - command.first_at >= LATE
        if not command.screened:
            return self._heads_first(scope, wanted, is_late=is_late)
        if not is_late:
            return self._whole_at_once(scope, wanted, command.items)
        if len(wanted.received) < len(command.items):
            return self._heads_first(scope, wanted, is_late=True)
        # The ledger tells by their times which of them somebody has dealt with meanwhile: nothing is fetched for that.
        left = self._unsettled(scope, [Listed(item, at) for item, at in wanted.received.items()])
        return self._whole_at_once(scope, wanted, [entry.item for entry in left])

    def _whole_at_once(self, scope: Scope, wanted: Wanted, items: Sequence[ItemRef]) -> Fetched:
        whole = self._answers(scope, wanted, self._bodies(scope, items), {})
        heads = [mail.head for mail in whole.had.values()] + self._heads_of(scope, whole.failed)
        return _fetched(self._screened(scope, wanted, heads), whole, Answers({}, {}, {}, {}))

    def _heads_first(self, scope: Scope, wanted: Wanted, *, is_late: bool) -> Fetched:
        asked = self.mail.open(scope.mailbox).heads(wanted.command.items)
        known = self._answers(scope, wanted, asked, {})
        heads = list(known.had.values())
        if is_late:
            unsettled = self._unsettled(scope, [Listed(head.item, head.received_at, head) for head in heads])
            heads = [entry.head for entry in unsettled if entry.head is not None]
        screened = self._screened(scope, wanted, heads)
        keepers = [mail.head.item for mail in screened if mail.verdict.keep]
        whole = self._answers(scope, wanted, self._whole(scope, keepers, known.later), known.later)
        return _fetched(screened, whole, known)

    def _unsettled(self, scope: Scope, listed: Sequence[Listed]) -> list[Listed]:
        """Those for which something is left to do; a mail may be in the ledger and not have all its rows yet."""
        known = self.arrivals.known(scope, listed)
        settled = {entry.item: known[entry.item] for entry in listed if _is_settled(entry, known)}
        keys = [row.message_key for row in settled.values() if row.message_key]
        stored = self.messages.get_many(scope.tenant_id, keys) if keys else {}
        done = {item for item, row in settled.items() if _is_complete(row, stored.get(row.message_key))}
        left = [entry for entry in listed if entry.item not in done]
        telemetry.event("ingest_late", mailbox=scope.mailbox.mailbox_id, ids=len(listed), left=len(left))
        return left

    def _whole(
        self, scope: Scope, wanted: Sequence[ItemRef], later: Mapping[ItemRef, TransientError]
    ) -> Mapping[ItemRef, Outcome[FetchedMessage]]:
        """Nothing is asked for while the provider wants to be left alone."""
        error = longest(later.values()) if later else None
        if error is not None and error.retry_after:
            return dict.fromkeys(wanted, error)
        return self._bodies(scope, wanted)

    def _bodies(self, scope: Scope, items: Sequence[ItemRef]) -> Mapping[ItemRef, Outcome[FetchedMessage]]:
        return self.mail.open(scope.mailbox).messages(items) if items else {}

    def _heads_of(self, scope: Scope, failed: Mapping[ItemRef, PermanentError]) -> list[MessageHead]:
        """Headers of mails that could not be had whole, so that the ledger can say so; as far as they can be had."""
        try:
            found = self.mail.open(scope.mailbox).heads(list(failed)) if failed else {}
        except TransientError:
            return []
        return [outcome for outcome in found.values() if isinstance(outcome, MessageHead)]

    def _answers(
        self,
        scope: Scope,
        wanted: Wanted,
        fetched: Mapping[ItemRef, Outcome[T]],
        waiting: Mapping[ItemRef, TransientError],
    ) -> Answers[T]:
        """What is not there at all is looked for again later, some times.

        Raises the refusal when every mail is refused: then it may be the mailbox that is. Not while some, these
        or others that are `waiting`, are still to be asked for: then all come back.
        """
        later = {item: error for item, error in fetched.items() if isinstance(error, TransientError)}
        _raise_if_refused(fetched, later, waiting)
        had: dict[ItemRef, T] = {}
        failed: dict[ItemRef, PermanentError] = {}
        missing: dict[ItemRef, NotThereYet] = {}
        for item, outcome in fetched.items():
            if isinstance(outcome, TransientError):
                continue
            if isinstance(outcome, NotFound):
                missing[item] = NotThereYet(str(outcome))
            elif isinstance(outcome, PermanentError):
                failed[item] = outcome
                self._record(scope, wanted.command, item, outcome)
            else:
                had[item] = outcome
        if wanted.command.attempt >= NOT_FOUND_TRIES:
            return Answers(had, failed, later, {}, gone=list(missing))
        return Answers(had, failed, later, missing)

    def _record(self, scope: Scope, command: IngestMessages, item: ItemRef, error: PermanentError) -> None:
        if isinstance(error, Unreadable):
            self.arrivals.set_aside(scope, item, error, replays=command.replays)
        else:
            record(self.exceptions, failure_of(command.of_one(item), error, self.clock()))

    def _screened(self, scope: Scope, wanted: Wanted, heads: Sequence[MessageHead]) -> list[Screened]:
        folders = self._folders(scope, {head.folder_id for head in heads})
        known = [head for head in heads if head.folder_id in folders]
        screened = self.screen(scope, known, folders)
        self.arrivals.record_unreadable(scope, screened)
        return keep_begun(self.messages, scope, screened) if wanted.is_repeat else screened

    def _folders(self, scope: Scope, folder_ids: Set[str]) -> dict[str, FolderState]:
        """The states of those that a walk has listed, or that are remembered as unlisted."""
        now = self.clock()
        states = [self.recent.folder(scope.mailbox, folder_id) for folder_id in folder_ids]
        known = {state.folder_id: state for state in states if state is not None and state.is_known(now)}
        unknown = sorted(folder_ids - known.keys())
        return known | (self.unlisted(scope, unknown) if unknown else {})


def _fetched(
    screened: Sequence[Screened],
    whole: Answers[FetchedMessage],
    first: Answers[MessageHead],
) -> Fetched:
    """What screened mails come to: filed, if they were had; in the ledger, if they are not kept or never to be had."""
    others = [mail.sighting for mail in screened if not mail.verdict.keep]
    keepers = {mail.head.item: mail for mail in screened if mail.verdict.keep}
    kept = [
        Kept(mail, _as_screened(whole.had[item], mail.head))
        for item, mail in keepers.items()
        if item in whole.had
    ]
    lost = [
        failing(mail.sighting, whole.failed[item]) for item, mail in keepers.items() if item in whole.failed
    ]
    return Fetched(
        kept=kept,
        others=others + lost,
        later={**first.later, **whole.later},
        missing={**first.missing, **whole.missing},
        gone=[*first.gone, *whole.gone],
    )


def _as_screened(mail: FetchedMessage, head: MessageHead) -> FetchedMessage:
    """The whole mail under the Message-ID by which capture knows it."""
    return replace(mail, head=mail.head.as_first_sent()) if head.relayed_as else mail


def _raise_if_refused(
    fetched: Mapping[ItemRef, Outcome[T]],
    later: Mapping[ItemRef, TransientError],
    waiting: Mapping[ItemRef, TransientError],
) -> None:
    """Raise the refusal where every mail is refused, or what keeps others from being asked for."""
    refused = [error for error in fetched.values() if isinstance(error, AccessDenied | MailboxUnavailable)]
    if not refused or len(refused) < len(fetched) - len(later):
        return
    others = [*later.values(), *waiting.values()]
    raise longest(others) if others else refused[0]


def _is_settled(entry: Listed, known: Mapping[ItemRef, Sighting]) -> bool:
    row = known.get(entry.item)
    if row is None or not row.is_settled:
        return False
    # Where the mail lies now is known from its head; a move is another walk's find.
    return entry.head is None or row.folder_id == entry.head.folder_id


def _is_complete(row: Sighting, stored: StoredMessage | None) -> bool:
    """Skipped mail is not stored, unless it was begun before capture came to skip it."""
    return row.outcome == SKIPPED if stored is None else stored.state != PENDING


def failing(sighting: Sighting, error: PermanentError) -> Sighting:
    """The ledger row of a copy whose mail could not be had or filed; the exception says more."""
    return replace(sighting, outcome=FAILED, reason=error.code or type(error).__name__)
