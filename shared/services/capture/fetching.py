"""Fetches the mails of a command: headers, then bodies of what capture keeps, as far as the provider gives them."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Generic, TypeVar

from shared import telemetry
from shared.domain.capture.folders import FolderState
from shared.domain.capture.sightings import FAILED, SKIPPED, Sighting
from shared.domain.commands.commands import IngestMessages
from shared.domain.errors import (
    AccessDenied,
    MailboxUnavailable,
    NotFound,
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
from shared.ports.work import Clock, CommandQueue
from shared.services.capture.arrivals import Arrivals
from shared.services.capture.scopes import Scope
from shared.services.capture.screening import Screen, Screened, keep_begun
from shared.services.capture.unlisted import UnlistedFolders
from shared.services.commands.failures import failure_of, record
from shared.services.remembering.recent_rows import RecentRows

# A notification may come before its mail can be read, and a draft's id goes when it is sent.
NOT_FOUND_TRIES = 3
NOT_FOUND_DELAY = 15.0
# A command that has waited for so long may come after another one for the same mails: the ledger is asked first.
LATE = timedelta(seconds=60)
# A command of which the host has lost sight comes back no sooner (visibilityTimeout in host.json).
REPEATED = timedelta(seconds=10)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kept:
    """A mail that capture keeps, fetched whole."""

    screened: Screened
    mail: FetchedMessage


@dataclass(frozen=True, slots=True)
class Answers(Generic[T]):
    """What was asked of the provider, by item: had, never to be had, and to be asked for again."""

    had: Mapping[ItemRef, T]
    failed: Mapping[ItemRef, PermanentError]
    later: Mapping[ItemRef, TransientError]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a command's items came to."""

    kept: list[Kept]
    others: list[Sighting]
    later: Mapping[ItemRef, TransientError]


@dataclass(frozen=True, slots=True)
class FetchMail:
    """What the items of a command come to; what can never be had is recorded, what is not there yet is put back."""

    mail: MailAccess
    recent: RecentRows
    unlisted: UnlistedFolders
    screen: Screen
    arrivals: Arrivals
    messages: MessageStore
    exceptions: Exceptions
    queue: CommandQueue
    clock: Clock

    def __call__(self, scope: Scope, command: IngestMessages) -> Fetched:
        """Bodies of what capture keeps, and the ledger rows of all others. Screened mails are fetched whole at once."""
        is_late = not command.unbounded and self.clock() - command.first_at >= LATE
        if command.screened and not is_late:
            return self._whole_at_once(scope, command)
        return self._heads_first(scope, command, is_late=is_late)

    def _is_repeat(self, command: IngestMessages) -> bool:
        """Whether an earlier try may have begun; one that was killed comes back as the same try, but later."""
        return command.attempt > 0 or self.clock() - command.first_at >= REPEATED

    def _whole_at_once(self, scope: Scope, command: IngestMessages) -> Fetched:
        whole = self._answers(scope, command, self.mail.open(scope.mailbox).messages(command.items), {})
        heads = [mail.head for mail in whole.had.values()] + self._heads_of(scope, whole.failed)
        return _fetched(self._screened(scope, command, heads), whole, {})

    def _heads_first(self, scope: Scope, command: IngestMessages, *, is_late: bool) -> Fetched:
        known = self._answers(scope, command, self.mail.open(scope.mailbox).heads(command.items), {})
        heads = list(known.had.values())
        left = self._unsettled(scope, heads) if is_late else heads
        screened = self._screened(scope, command, left)
        wanted = [mail.head.item for mail in screened if mail.verdict.keep]
        whole = self._answers(scope, command, self._whole(scope, wanted, known.later), known.later)
        return _fetched(screened, whole, known.later)

    def _unsettled(self, scope: Scope, heads: Sequence[MessageHead]) -> list[MessageHead]:
        """Those for which something is left to do; a mail may be in the ledger and not have all its rows yet."""
        known = self.arrivals.known(scope, [Listed(head.item, head.received_at, head) for head in heads])
        settled = {head.item: known[head.item] for head in heads if _is_settled(head, known)}
        keys = [row.message_key for row in settled.values() if row.message_key]
        stored = self.messages.get_many(scope.tenant_id, keys) if keys else {}
        done = {item for item, row in settled.items() if _is_complete(row, stored.get(row.message_key))}
        left = [head for head in heads if head.item not in done]
        telemetry.event("ingest_late", mailbox=scope.mailbox.mailbox_id, ids=len(heads), left=len(left))
        return left

    def _whole(
        self, scope: Scope, wanted: Sequence[ItemRef], later: Mapping[ItemRef, TransientError]
    ) -> Mapping[ItemRef, Outcome[FetchedMessage]]:
        """Nothing is asked for while the provider wants to be left alone."""
        error = longest(later.values()) if later else None
        if error is not None and error.retry_after:
            return dict.fromkeys(wanted, error)
        return self.mail.open(scope.mailbox).messages(wanted) if wanted else {}

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
        command: IngestMessages,
        fetched: Mapping[ItemRef, Outcome[T]],
        waiting: Mapping[ItemRef, TransientError],
    ) -> Answers[T]:
        """What is not there at all is looked for again later, some times.

        Raises the refusal when every mail is refused: then it may be the mailbox that is. Not while some, these
        or others that are `waiting`, are still to be asked for: then all come back.
        """
        later = {item: error for item, error in fetched.items() if isinstance(error, TransientError)}
        _raise_if_refused(fetched, later, waiting)
        missing = tuple(item for item, outcome in fetched.items() if isinstance(outcome, NotFound))
        if missing and command.attempt < NOT_FOUND_TRIES:
            self.queue.put(replace(command.again(), items=missing), delay=NOT_FOUND_DELAY)
        had: dict[ItemRef, T] = {}
        failed: dict[ItemRef, PermanentError] = {}
        for item, outcome in fetched.items():
            if isinstance(outcome, TransientError | NotFound):
                continue
            if isinstance(outcome, Unreadable):
                failed[item] = outcome
                self.arrivals.set_aside(scope, item, outcome, replays=command.replays)
            elif isinstance(outcome, PermanentError):
                failed[item] = outcome
                alone = replace(command, items=(item,))
                record(self.exceptions, failure_of(alone, outcome, self.clock()))
            else:
                had[item] = outcome
        return Answers(had, failed, later)

    def _screened(
        self, scope: Scope, command: IngestMessages, heads: Sequence[MessageHead]
    ) -> list[Screened]:
        folders = self._folders(scope, {head.folder_id for head in heads})
        known = [head for head in heads if head.folder_id in folders]
        screened = self.screen(scope, known, folders)
        self.arrivals.record_unreadable(scope, screened)
        return keep_begun(self.messages, scope, screened) if self._is_repeat(command) else screened

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
    later: Mapping[ItemRef, TransientError],
) -> Fetched:
    """What screened mails come to: filed, if they were had; in the ledger, if they are not kept or never to be had."""
    others = [mail.sighting for mail in screened if not mail.verdict.keep]
    keepers = {mail.head.item: mail for mail in screened if mail.verdict.keep}
    kept = [Kept(mail, whole.had[item]) for item, mail in keepers.items() if item in whole.had]
    lost = [
        failing(mail.sighting, whole.failed[item]) for item, mail in keepers.items() if item in whole.failed
    ]
    return Fetched(kept, others + lost, {**later, **whole.later})


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


def _is_settled(head: MessageHead, known: Mapping[ItemRef, Sighting]) -> bool:
    row = known.get(head.item)
    return row is not None and row.is_settled and row.folder_id == head.folder_id


def _is_complete(row: Sighting, stored: StoredMessage | None) -> bool:
    """Skipped mail is not stored, unless it was begun before capture came to skip it."""
    return row.outcome == SKIPPED if stored is None else stored.state != PENDING


def failing(sighting: Sighting, error: PermanentError) -> Sighting:
    """The ledger row of a copy whose mail could not be had or filed; the exception says more."""
    return replace(sighting, outcome=FAILED, reason=error.code or type(error).__name__)
