"""Marks mail of intake mailboxes as read once its case stands. A courtesy: the claim on a mail is a row of ours.

What is to be marked waits in the mailbox's worklist from before the mail is done, so that no crash forgets it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shared.domain.capture.pending import Lane, PendingRow
from shared.domain.capture.sightings import FILED
from shared.domain.commands.commands import MarkRead
from shared.domain.connections.mailboxes import INTAKE, Mailbox
from shared.domain.errors import NotFound, PermanentError, Unavailable
from shared.domain.mail.messages import Direction, MessageHead
from shared.ports.marking import MailMarker
from shared.ports.stores.capture import Pending, Sightings
from shared.ports.stores.exceptions import Exceptions, FailureFilter
from shared.ports.work import Clock
from shared.services.capture.scopes import Scope
from shared.services.commands.failures import failure_of, record
from shared.services.filing.bring_in_line import Filed

REFUSED: Final = "MarkReadRefused"


class NotMarked(PermanentError):
    """The provider does not let mail of a mailbox be marked as read."""


def marks(mailbox: Mailbox) -> bool:
    """Whether mail of this mailbox is marked as read: never of a personal one."""
    return mailbox.kind == INTAKE and mailbox.mark_read


@dataclass(frozen=True, slots=True)
class NoteUnread:
    """Put what is to be marked into the worklist: mail that has just been filed, and is unread."""

    pending: Pending
    sightings: Sightings
    clock: Clock

    def __call__(self, scope: Scope, filed: Sequence[tuple[MessageHead, Filed]]) -> None:
        """One request, where there is any; a query for each further copy of a mail that is done."""
        if not marks(scope.mailbox):
            return
        items = [head.item for head, done in filed if self._is_to_be_marked(scope, head, done)]
        if not items:
            return
        command = MarkRead(
            tenant_id=scope.tenant_id,
            mailbox_id=scope.mailbox.mailbox_id,
            first_at=self.clock(),
            items=tuple(items),
        )
        row = PendingRow.of_command(command, lane=Lane.LIVE)
        self.pending.put(scope.tenant_id, scope.mailbox.mailbox_id, [row])

    def _is_to_be_marked(self, scope: Scope, head: MessageHead, done: Filed) -> bool:
        message = done.message
        if head.is_read or not message.is_filed or message.direction is not Direction.IN:
            return False
        if not message.is_settled:
            return True
        # Done before: by this copy, which a person may have marked as unread since, or by another mailbox's.
        seen = self.sightings.between(scope.mailbox, head.received_at, head.received_at).get(head.item)
        return seen is None or seen.outcome != FILED


@dataclass(frozen=True, slots=True)
class MarkMail:
    """Mark mails as read. Run twice, nothing more happens.

    A refusal is told in one exception for the mailbox, until that is replayed.
    """

    marker: MailMarker
    exceptions: Exceptions
    clock: Clock

    def __call__(self, scope: Scope, command: MarkRead) -> None:
        """Raises TransientError where some are left to be marked."""
        if not marks(scope.mailbox) or not scope.is_readable:
            return
        try:
            outcomes = self.marker.mark_read(scope.mailbox, command.items)
        except PermanentError as error:
            self._tell(scope, command, error)
            return
        refused = [error for error in outcomes.values() if _is_refusal(error)]
        if refused:
            self._tell(scope, command, refused[0])
        if len(outcomes) < len(command.items):
            raise Unavailable("Some mails could not be marked as read for now.")

    def _tell(self, scope: Scope, command: MarkRead, error: object) -> None:
        wanted = FailureFilter(code=REFUSED, unreplayed=True, mailbox_id=scope.mailbox.mailbox_id)
        told, _ = self.exceptions.page(scope.tenant_id, wanted, limit=1, after="")
        if told:
            return
        failure = NotMarked(f"Mail could not be marked as read: {error}", REFUSED)
        record(self.exceptions, failure_of(command, failure, self.clock()))


def _is_refusal(outcome: object) -> bool:
    return isinstance(outcome, PermanentError) and not isinstance(outcome, NotFound)
