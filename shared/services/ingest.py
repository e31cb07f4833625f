"""Puts each message of one mailbox where it belongs. Safe to run twice."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from shared import telemetry
from shared.domain.commands import IngestMessages, SyncMailbox
from shared.domain.errors import (
    AccessDenied,
    MailboxUnavailable,
    NotFound,
    Outcome,
    PermanentError,
    TransientError,
    longest,
    none_passing,
)
from shared.domain.filing import DONE, StoredMessage, copy_of
from shared.domain.folders import FolderState
from shared.domain.mailboxes import Mailbox
from shared.domain.messages import FetchedMessage, MessageHead
from shared.domain.retries import delay, is_overdue
from shared.domain.sightings import FAILED, FILED, SKIPPED, TRIAGE, Sighting
from shared.ports import (
    Clock,
    CommandQueue,
    Exceptions,
    FolderStates,
    MailSource,
    Sightings,
)
from shared.services.bounces import NoteBounces
from shared.services.failures import failure_of, record
from shared.services.filing import Filing
from shared.services.matching import MatchMail
from shared.services.scopes import Scope
from shared.services.screening import Screen, Screened
from shared.services.turns import Turns

# A notification may come before its mail can be read, and a draft's id goes when it is sent.
NOT_FOUND_TRIES = 3
NOT_FOUND_DELAY = 15.0
# A command that has waited for so long may come after another one for the same mails: the ledger is asked first.
LATE = timedelta(seconds=60)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kept:
    """A mail that capture keeps, fetched whole."""

    screened: Screened
    mail: FetchedMessage


@dataclass(frozen=True, slots=True)
class Answers(Generic[T]):
    """What was asked of Graph, by id: had, never to be had, and to be asked for again."""

    had: Mapping[str, T]
    failed: Mapping[str, PermanentError]
    later: Mapping[str, TransientError]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a command's ids came to."""

    kept: list[Kept]
    others: list[Sighting]
    later: Mapping[str, TransientError]


@dataclass(frozen=True, slots=True)
class Ingest:
    """Fetch up to 20 messages, decide capture on headers, then match and file what is kept."""

    turns: Turns
    mail: MailSource
    folders: FolderStates
    screen: Screen
    match: MatchMail
    filing: Filing
    note_bounces: NoteBounces
    sightings: Sightings
    exceptions: Exceptions
    queue: CommandQueue
    clock: Clock

    def __call__(self, command: IngestMessages) -> None:
        with self.turns.slot(command) as scope:
            if scope is None or not scope.is_open:
                telemetry.event("ingest_dropped", mailbox=command.mailbox_id, ids=len(command.ids))
                return
            left = self._take_in(replace(scope, unbounded=command.unbounded), command)
            if left:
                self._go_on(command, left)

    def within(self, scope: Scope, command: IngestMessages) -> None:
        """The same inside a turn that the caller has; raises what kept Graph from giving some of it."""
        none_passing(self._take_in(scope, command))

    def _take_in(self, scope: Scope, command: IngestMessages) -> Mapping[str, TransientError]:
        """Returns what was not had this time; raises why when that is all."""
        fetched = self._fetch(scope, command)
        if fetched.later:
            error = longest(fetched.later.values())
            if not fetched.kept and not fetched.others:
                raise error
            self.turns.told(scope, error)
        tell(command, self._file_all(scope, command, fetched), self.clock())
        return fetched.later

    def _fetch(self, scope: Scope, command: IngestMessages) -> Fetched:
        """Bodies of what capture keeps, and the ledger rows of all others. Screened ids are fetched whole at once."""
        later: Mapping[str, TransientError] = {}
        is_late = not command.unbounded and self.clock() - command.first_at >= LATE
        if command.screened and not is_late:
            whole = self._answers(command, self.mail.messages(scope.mailbox, command.ids), later)
            heads = [one.head for one in whole.had.values()] + self._heads_of(scope, whole.failed)
            screened = self._screened(scope, heads)
        else:
            known = self._answers(command, self.mail.heads(scope.mailbox, command.ids), later)
            later = known.later
            heads = list(known.had.values())
            screened = self._screened(scope, self._unsettled(scope, heads) if is_late else heads)
            wanted = [one.head.graph_id for one in screened if one.verdict.keep]
            whole = self._answers(command, self._whole(scope, wanted, later), later)
        keepers = {one.head.graph_id: one for one in screened if one.verdict.keep}
        kept = [Kept(one, whole.had[graph_id]) for graph_id, one in keepers.items() if graph_id in whole.had]
        others = [one.sighting for one in screened if not one.verdict.keep]
        others += [
            failing(one.sighting, whole.failed[key]) for key, one in keepers.items() if key in whole.failed
        ]
        return Fetched(kept, others, {**later, **whole.later})

    def _unsettled(self, scope: Scope, heads: Sequence[MessageHead]) -> list[MessageHead]:
        """Those for which something is left to do; a mail may be in the ledger and not have all its rows yet."""
        times = [one.received_at for one in heads]
        seen = self.sightings.between(scope.mailbox, min(times), max(times)) if times else {}
        settled = {
            one.graph_id: seen[one.graph_id]
            for one in heads
            if one.graph_id in seen
            and seen[one.graph_id].is_settled
            and seen[one.graph_id].folder_id == one.folder_id
        }
        kept = [one.message_key for one in settled.values() if one.outcome in (FILED, TRIAGE)]
        complete = self.filing.complete(scope.tenant_id, kept)
        left = [
            one
            for one in heads
            if (known := settled.get(one.graph_id)) is None
            or (known.outcome != SKIPPED and known.message_key not in complete)
        ]
        telemetry.event("ingest_late", mailbox=scope.mailbox.mailbox_id, ids=len(heads), left=len(left))
        return left

    def _whole(
        self, scope: Scope, wanted: Sequence[str], later: Mapping[str, TransientError]
    ) -> Mapping[str, Outcome[FetchedMessage]]:
        """Nothing is asked for while Graph wants to be left alone."""
        error = longest(later.values()) if later else None
        if error is not None and error.retry_after:
            return dict.fromkeys(wanted, error)
        return self.mail.messages(scope.mailbox, wanted) if wanted else {}

    def _go_on(self, command: IngestMessages, later: Mapping[str, TransientError]) -> None:
        """What Graph did not give this time gets a command of its own. Some was had: this counts as no try."""
        error = longest(later.values())
        wait = delay(0, error.retry_after, random.random())
        self.queue.put(replace(command, ids=tuple(later)), delay=wait)
        if is_overdue(command.first_at, self.clock()):
            telemetry.overdue(command.mailbox_id, command.attempt, error, wait)

    def _heads_of(self, scope: Scope, failed: Mapping[str, PermanentError]) -> list[MessageHead]:
        """Headers of mails that could not be had whole, so that the ledger can say so; as far as they can be had."""
        try:
            found = self.mail.heads(scope.mailbox, list(failed)) if failed else {}
        except TransientError:
            return []
        return [one for one in found.values() if isinstance(one, MessageHead)]

    def _answers(
        self,
        command: IngestMessages,
        fetched: Mapping[str, Outcome[T]],
        waiting: Mapping[str, TransientError],
    ) -> Answers[T]:
        """What is not there at all is looked for again later, some times.

        Raises the refusal when every mail is refused: then it may be the mailbox that is. Not while some, these
        or others that are `waiting`, are still to be asked for: then all come back.
        """
        later = {one: what for one, what in fetched.items() if isinstance(what, TransientError)}
        refused = [one for one in fetched.values() if isinstance(one, AccessDenied | MailboxUnavailable)]
        if refused and len(refused) == len(fetched) - len(later):
            others = [*later.values(), *waiting.values()]
            raise longest(others) if others else refused[0]
        missing = tuple(one for one, what in fetched.items() if isinstance(what, NotFound))
        if missing and command.attempt < NOT_FOUND_TRIES:
            self.queue.put(replace(command.again(), ids=missing), delay=NOT_FOUND_DELAY)
        had: dict[str, T] = {}
        failed: dict[str, PermanentError] = {}
        for one, what in fetched.items():
            if isinstance(what, TransientError | NotFound):
                continue
            if isinstance(what, PermanentError):
                failed[one] = what
                self._record(command, one, what)
            else:
                had[one] = what
        return Answers(had, failed, later)

    def _record(self, command: IngestMessages, graph_id: str, error: PermanentError) -> None:
        record(self.exceptions, failure_of(replace(command, ids=(graph_id,)), error, self.clock()))

    def _screened(self, scope: Scope, heads: Sequence[MessageHead]) -> list[Screened]:
        folders: dict[str, FolderState] = {}
        for folder_id in {head.folder_id for head in heads}:
            state = self.folders.get(scope.mailbox, folder_id)
            if state is not None:
                folders[folder_id] = state
        known = [head for head in heads if head.folder_id in folders]
        if len(known) < len(heads):
            # A folder made since the last walk: the walk will list it and bring its mail.
            self.queue.put(walk_of(scope.mailbox, self.clock()))
        return self.screen(scope, known, folders)

    def _file_all(self, scope: Scope, command: IngestMessages, fetched: Fetched) -> list[Sighting]:
        """Oldest first, so that a mail of this batch finds its parent in it; sightings, then `done`.

        A mail that can never be filed is recorded, and the others go on.
        """
        oldest_first = sorted(
            fetched.kept, key=lambda one: (one.mail.head.received_at, one.mail.head.graph_id)
        )
        sightings = list(fetched.others)
        unfinished = []
        for one in oldest_first:
            try:
                stored = self._file(scope, one)
            except (AccessDenied, MailboxUnavailable):  # no matter of this mail alone
                raise
            except PermanentError as error:
                self._record(command, one.mail.head.graph_id, error)
                sightings.append(failing(one.screened.sighting, error))
                continue
            sightings.append(settled(one.screened.sighting, stored))
            unfinished.append(stored)
        if sightings:
            self.sightings.put(scope.mailbox, sightings)
        for stored in unfinished:
            self.filing.finish(scope.tenant_id, stored, silent=scope.unbounded)
        return sightings

    def _file(self, scope: Scope, kept: Kept) -> StoredMessage:
        matched = self.match(scope, kept.mail, kept.screened.candidates)
        copy = copy_of(kept.mail, scope.mailbox)
        stored = self.filing(scope, matched.message, matched.document, copy)
        if matched.report is not None and matched.bounced is not None and stored.state != DONE:
            self.note_bounces(scope, matched.bounced, matched.report, stored)
        return stored


def settled(sighting: Sighting, stored: StoredMessage) -> Sighting:
    """The ledger row of a copy whose mail has been filed, sent to triage, or deleted before by a person."""
    if stored.is_deleted:
        return replace(sighting, outcome=SKIPPED, reason="deleted", message_key=stored.key, final=True)
    outcome = stored.decision.disposition.value
    return replace(
        sighting, outcome=outcome, reason=stored.decision.reason, message_key=stored.key, final=True
    )


def failing(sighting: Sighting, error: PermanentError) -> Sighting:
    """The ledger row of a copy whose mail could not be had or filed; the exception says more."""
    return replace(sighting, outcome=FAILED, reason=error.code or type(error).__name__)


def tell(command: IngestMessages, rows: Sequence[Sighting], now: datetime) -> None:
    """Say how many mails came to each outcome, and how many seconds after its receipt each was kept."""
    kept = [one for one in rows if one.outcome in (FILED, TRIAGE)]
    outcomes = Counter(one.outcome for one in rows)
    telemetry.event(
        "ingested",
        mailbox=command.mailbox_id,
        live=not (command.silent or command.unbounded),
        filed=outcomes[FILED],
        triage=outcomes[TRIAGE],
        skipped=outcomes[SKIPPED],
        failed=outcomes[FAILED],
        seconds=[round((now - one.received_at).total_seconds()) for one in kept],
    )


def walk_of(mailbox: Mailbox, now: datetime) -> SyncMailbox:
    """The command to walk a mailbox."""
    return SyncMailbox(tenant_id=mailbox.tenant_id, mailbox_id=mailbox.mailbox_id, first_at=now)
