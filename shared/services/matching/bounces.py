"""Reports that a mail did not arrive: tied to that mail, and shown on it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Final

from shared import telemetry
from shared.domain.commands.commands import FileMessage
from shared.domain.errors import PermanentError
from shared.domain.filing.copies import Dependent
from shared.domain.filing.filing import PENDING, Bounced, StoredMessage
from shared.domain.mail.automatic import Automatic, nature_of
from shared.domain.mail.bounces import LARGEST, Bounce, Report, read_report
from shared.domain.mail.messages import Direction, MessageHead
from shared.domain.matching.candidates import ThreadHit
from shared.ports.mail import MailAccess
from shared.ports.stores.filing import MessageStore
from shared.ports.work import Clock, CommandQueue
from shared.services.capture.scopes import Scope
from shared.services.filing.change_message import ChangeMessage
from shared.services.sending.undelivered import NoteUndelivered

# A mail to many may bounce from each of them; what comes behind these is not kept.
MOST_BOUNCES: Final = 100


@dataclass(frozen=True, slots=True)
class ReadBounce:
    """What a mail reports, and the stored mail that it is about. Costs a request to the provider and a read."""

    mail: MailAccess
    messages: MessageStore

    def __call__(self, scope: Scope, head: MessageHead) -> tuple[Report | None, ThreadHit | None]:
        """Two times None for a mail that is no report, or whose MIME cannot be had: it is filed as any other."""
        nature = nature_of(head.headers, head.sender.address, head.subject)
        if nature.automatic is not Automatic.BOUNCE:
            return None, None
        try:
            report = read_report(self.mail.open(scope.mailbox).mime(head.item, LARGEST))
        except PermanentError as error:
            telemetry.event("report_not_read", code=error.code)
            return None, None
        return report, self._original(scope, head, report)

    def _original(self, scope: Scope, head: MessageHead, report: Report) -> ThreadHit | None:
        """The mail that bounced was sent by the organisation; of several with its Message-ID, to that address."""
        wanted = report.original_message_id
        if not wanted:
            return None
        ids = {scope.hasher.message_id(wanted): wanted}
        hits = chain.from_iterable(self.messages.find(scope.tenant_id, ids).values())
        # A report may quote any Message-ID: only our own mail can have bounced.
        found = [hit for hit in hits if hit.direction is Direction.OUT]
        addresses = {bounce.address for bounce in report.bounces} | set(report.original_to)
        named = [hit for hit in found if hit.among(addresses)]
        return next(iter(named or found), None) or self._to_come(scope, head, wanted)

    def _to_come(self, scope: Scope, head: MessageHead, wanted: str) -> ThreadHit | None:
        """A report may be faster than the sent copy: whoever files that one has the report looked at again."""
        dependent = Dependent(scope.mailbox.mailbox_id, head.item)
        stored = self.messages.wait_for(scope.tenant_id, scope.hasher.message_id(wanted), dependent)
        return stored.as_thread_hit(wanted) if stored and stored.direction is Direction.OUT else None


@dataclass(frozen=True, slots=True)
class NoteBounces:
    """Write on a mail whom it did not reach, and have its entries written again. Safe to run twice."""

    change: ChangeMessage
    note_undelivered: NoteUndelivered
    queue: CommandQueue
    clock: Clock

    def __call__(
        self, tenant_id: str, key: str, bounces: tuple[Bounced, ...], reported: Sequence[Bounce] = ()
    ) -> None:
        """The row first, then the command: a crash in between is repaired when the report is filed again."""
        stored = self.change(tenant_id, key, partial(_noted, bounces=bounces))
        if stored is not None and stored.outbox_id:
            self.note_undelivered(tenant_id, stored.outbox_id, reported)
        # Entries written here would stay on a record from which a person takes the mail at the same time.
        if stored is not None and stored.state == PENDING:
            self.queue.send(FileMessage(tenant_id=tenant_id, key=key, first_at=self.clock()))


def _noted(stored: StoredMessage, bounces: tuple[Bounced, ...]) -> StoredMessage | None:
    """None where all are noted; a tombstone keeps no addresses."""
    others = [bounced for bounced in bounces if not _is_noted(bounced, stored)]
    if stored.is_deleted or not others or len(stored.bounces) >= MOST_BOUNCES:
        return None
    # Silent: what is shown anew is no new mail.
    return replace(stored.reopened(silent=True), bounces=(*stored.bounces, *others)[:MOST_BOUNCES])


def _is_noted(bounced: Bounced, stored: StoredMessage) -> bool:
    return any(
        (noted.address, noted.message_key) == (bounced.address, bounced.message_key)
        for noted in stored.bounces
    )
