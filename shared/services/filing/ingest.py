"""Puts each message of one mailbox where it belongs. Safe to run twice."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from shared import telemetry
from shared.domain.capture.sightings import FAILED, FILED, SKIPPED, TRIAGE, Sighting
from shared.domain.commands.commands import IngestMessages
from shared.domain.errors import (
    PermanentError,
    TransientError,
    longest,
)
from shared.domain.filing.filing import StoredMessage
from shared.domain.mail.items import ItemRef
from shared.ports.stores.capture import Sightings
from shared.ports.stores.exceptions import Exceptions
from shared.ports.work import Clock
from shared.services.capture.fetching import Fetched, FetchMail, Kept, Wanted, failing
from shared.services.capture.scopes import Scope
from shared.services.capture.waits import MailboxWaits
from shared.services.commands.failures import failure_of, record
from shared.services.filing.bring_in_line import BringInLine, Filed
from shared.services.filing.file_group import FileGroup
from shared.services.filing.vanished import EndVanished
from shared.services.intake.marking import NoteUnread
from shared.services.intake.wordless import ReadInvitations
from shared.services.sending.confirming import ConfirmSent
from shared.telemetry import Counted

_COUNTED: Final = {
    FILED: Counted.FILED,
    TRIAGE: Counted.TRIAGE,
    SKIPPED: Counted.SKIPPED,
    FAILED: Counted.FAILED,
}


@dataclass(frozen=True, slots=True)
class Ingest:
    """Fetch up to 20 messages, decide capture on headers, then match and file what is kept."""

    waits: MailboxWaits
    fetch: FetchMail
    read_invitations: ReadInvitations
    file_group: FileGroup
    bring_in_line: BringInLine
    end_vanished: EndVanished
    confirm_sent: ConfirmSent
    note_unread: NoteUnread
    sightings: Sightings
    exceptions: Exceptions
    clock: Clock

    def __call__(self, scope: Scope, wanted: Wanted) -> Mapping[ItemRef, TransientError]:
        """Those that were not had this time, and why; raises why when that is all."""
        command = wanted.command
        if not scope.is_readable:
            telemetry.event("ingest_dropped", mailbox=command.mailbox_id, ids=len(command.items))
            return {}
        scope = replace(scope, unbounded=command.unbounded, silent=command.silent, doubtful=command.doubtful)
        fetched = self.fetch(scope, wanted)
        if fetched.gone:
            self.end_vanished(scope, fetched.gone, wanted.received)
        if fetched.later:
            error = longest(fetched.later.values())
            if not fetched.kept and not fetched.others:
                raise error
            # Before anything is filed, which may fail as well.
            self.waits.note(scope.mailbox, error)
        fetched = replace(fetched, kept=self.read_invitations(scope, fetched.kept))
        sightings, conflicts = self._file_all(scope, command, fetched)
        tell(command, sightings, self.clock())
        return {**fetched.later, **fetched.missing, **conflicts}

    def _file_all(
        self, scope: Scope, command: IngestMessages, fetched: Fetched
    ) -> tuple[list[Sighting], Mapping[ItemRef, TransientError]]:
        """File what was kept, then write the ledger, then finish.

        A mail that can never be filed is recorded, and the others go on. Returns the ledger rows, and the mails that
        changed while they were filed.
        """
        screened = {kept.mail.head.item: kept.screened.sighting for kept in fetched.kept}
        sent = {
            kept.mail.head.item: kept for kept in fetched.kept if kept.screened.candidates.sent is not None
        }
        sightings = list(fetched.others)
        unfinished: dict[ItemRef, Filed] = {}
        # In the order of filing: of two copies of one mail, the later look knows what the earlier one has added.
        for item, outcome in self.file_group(scope, fetched.kept).items():
            if isinstance(outcome, PermanentError):
                record(self.exceptions, failure_of(command.of_one(item), outcome, self.clock()))
                sightings.append(failing(screened[item], outcome))
            else:
                sightings.append(settled(screened[item], outcome.message))
                unfinished[item] = outcome
        self._confirm(unfinished, sent)
        # Ahead of `done`, and of the ledger, which tells who has been marked.
        heads = {kept.mail.head.item: kept.mail.head for kept in fetched.kept}
        self.note_unread(scope, [(heads[item], filed) for item, filed in unfinished.items()])
        # Behind the rows that readers see, ahead of `done`: what is done is in the ledger.
        if sightings:
            self.sightings.put(scope.mailbox, sightings)
        return sightings, self._finish(scope, unfinished)

    def _confirm(self, filed: Mapping[ItemRef, Filed], sent: Mapping[ItemRef, Kept]) -> None:
        """Behind the entries, so that a mail which is said to have left is on its records."""
        confirmed = []
        for item, outcome in filed.items():
            kept = sent.get(item)
            mail = kept.screened.candidates.sent if kept else None
            if kept is not None and mail is not None:
                confirmed.append(self.confirm_sent(mail, kept.mail.head, outcome.message.key))
        self.confirm_sent.tell(confirmed)

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
    """Count what became of the mails, and how many seconds after its receipt each live one was kept."""
    outcomes = Counter(row.outcome for row in rows)
    for outcome, counted in _COUNTED.items():
        telemetry.count(counted, outcomes[outcome])
    if command.silent or command.unbounded:
        return
    for row in rows:
        if row.outcome in (FILED, TRIAGE):
            telemetry.delayed((now - row.received_at).total_seconds())
