"""Puts each message of one mailbox where it belongs. Safe to run twice."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shared import telemetry
from shared.domain.capture.sightings import FAILED, FILED, SKIPPED, TRIAGE, Sighting
from shared.domain.commands.commands import IngestMessages
from shared.domain.commands.retries import delay, is_overdue
from shared.domain.errors import (
    Conflict,
    PermanentError,
    TransientError,
    longest,
    none_passing,
)
from shared.domain.filing.filing import Filed, StoredMessage
from shared.domain.mail.items import ItemRef
from shared.ports.stores.capture import Sightings
from shared.ports.stores.exceptions import Exceptions
from shared.ports.work import Clock, CommandQueue
from shared.services.capture.fetching import Fetched, FetchMail, failing
from shared.services.capture.scopes import Scope
from shared.services.capture.turns import Turns
from shared.services.commands.failures import failure_of, record
from shared.services.filing.bring_in_line import BringInLine
from shared.services.filing.file_group import FileGroup


@dataclass(frozen=True, slots=True)
class Ingest:
    """Fetch up to 20 messages, decide capture on headers, then match and file what is kept."""

    turns: Turns
    fetch: FetchMail
    file_group: FileGroup
    bring_in_line: BringInLine
    sightings: Sightings
    exceptions: Exceptions
    queue: CommandQueue
    clock: Clock

    def __call__(self, command: IngestMessages) -> None:
        with self.turns.slot(command) as scope:
            if scope is None or not scope.is_readable:
                telemetry.event("ingest_dropped", mailbox=command.mailbox_id, ids=len(command.items))
                return
            left = self._take_in(scope, command)
            if left:
                self._go_on(command, left)

    def within(self, scope: Scope, command: IngestMessages) -> None:
        """The same inside a turn that the caller has; raises what kept Graph from giving some of it."""
        none_passing(self._take_in(scope, command))

    def _take_in(self, scope: Scope, command: IngestMessages) -> Mapping[ItemRef, TransientError]:
        """Returns what was not had this time; raises why when that is all."""
        scope = replace(scope, unbounded=command.unbounded, silent=command.silent)
        fetched = self.fetch(scope, command)
        if fetched.later:
            error = longest(fetched.later.values())
            if not fetched.kept and not fetched.others:
                raise error
            self.turns.told(scope, error)
        sightings, conflicts = self._file_all(scope, command, fetched)
        tell(command, sightings, self.clock())
        return {**fetched.later, **conflicts}

    def _go_on(self, command: IngestMessages, later: Mapping[ItemRef, TransientError]) -> None:
        """What was not given this time gets a command of its own. Some was had: this counts as no try."""
        error = longest(later.values())
        wait = delay(0, error.retry_after, random.random())
        # A further try, so that what was begun is finished, whatever capture says of it by then.
        begun = tuple(item for item, error in later.items() if isinstance(error, Conflict))
        if begun:
            self.queue.put(replace(command.again(), items=begun), delay=wait)
        others = tuple(item for item in later if item not in begun)
        if others:
            self.queue.put(replace(command, items=others), delay=wait)
        if is_overdue(command.first_at, self.clock()):
            telemetry.overdue(command.mailbox_id, command.attempt, error, wait)

    def _file_all(
        self, scope: Scope, command: IngestMessages, fetched: Fetched
    ) -> tuple[list[Sighting], Mapping[ItemRef, TransientError]]:
        """File what was kept, then write the ledger, then finish.

        A mail that can never be filed is recorded, and the others go on. Returns the ledger rows, and the mails that
        changed while they were filed.
        """
        outcomes = self.file_group(scope, fetched.kept)
        sightings = list(fetched.others)
        unfinished: dict[ItemRef, Filed] = {}
        for kept in fetched.kept:
            item = kept.mail.head.item
            outcome = outcomes[item]
            if isinstance(outcome, PermanentError):
                record(self.exceptions, failure_of(replace(command, items=(item,)), outcome, self.clock()))
                sightings.append(failing(kept.screened.sighting, outcome))
            else:
                sightings.append(settled(kept.screened.sighting, outcome.message))
                unfinished[item] = outcome
        # Behind the rows that readers see, ahead of `done`: what is done is in the ledger.
        if sightings:
            self.sightings.put(scope.mailbox, sightings)
        return sightings, self._finish(scope, unfinished)

    def _finish(self, scope: Scope, unfinished: Mapping[ItemRef, Filed]) -> Mapping[ItemRef, TransientError]:
        """Returns those that changed meanwhile; raises Conflict when all of them did."""
        changed = self.bring_in_line.finish_together(scope.tenant_id, unfinished.values())
        # A bounce may stand in the same batch as the mail that it is about: only that mail comes back.
        conflicts: dict[ItemRef, TransientError] = {
            item: changed[filed.message.key]
            for item, filed in unfinished.items()
            if filed.message.key in changed
        }
        if conflicts and len(conflicts) == len(unfinished):
            raise next(iter(conflicts.values()))
        return conflicts


def settled(sighting: Sighting, stored: StoredMessage) -> Sighting:
    """The ledger row of a copy whose mail has been filed, sent to triage, or deleted before by a person."""
    if stored.is_deleted:
        return replace(sighting, outcome=SKIPPED, reason="deleted", message_key=stored.key, final=True)
    outcome = stored.decision.disposition.value
    return replace(
        sighting, outcome=outcome, reason=stored.decision.reason, message_key=stored.key, final=True
    )


def tell(command: IngestMessages, rows: Sequence[Sighting], now: datetime) -> None:
    """Say how many mails came to each outcome, and how many seconds after its receipt each was kept."""
    kept = [row for row in rows if row.outcome in (FILED, TRIAGE)]
    outcomes = Counter(row.outcome for row in rows)
    telemetry.event(
        "ingested",
        mailbox=command.mailbox_id,
        live=not (command.silent or command.unbounded),
        filed=outcomes[FILED],
        triage=outcomes[TRIAGE],
        skipped=outcomes[SKIPPED],
        failed=outcomes[FAILED],
        seconds=[round((now - row.received_at).total_seconds()) for row in kept],
    )
