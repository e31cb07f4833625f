"""Parks a mailbox that may no longer be read, says so once, and resumes capture when access returns."""

from dataclasses import dataclass

from shared import telemetry
from shared.domain.commands.commands import MaintainSubscription, ReconcileMailbox, SyncMailbox
from shared.domain.commands.envelope import Command
from shared.domain.connections.mailbox_access import LOSSES, Verdict, judge
from shared.domain.connections.mailbox_state import access_lost, access_returned, failing
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import Noted, PermanentError
from shared.ports.mail import MailAccess
from shared.ports.stores.connections import Mailboxes
from shared.ports.work import Clock, CommandQueue
from shared.services.capture.scopes import Scope


@dataclass(frozen=True, slots=True)
class WatchAccess:
    """Hears how each turn at a mailbox ended. Of several workers that notice a loss at once, one tells the admin."""

    mailboxes: Mailboxes
    mail: MailAccess
    queue: CommandQueue
    clock: Clock

    def failed(self, scope: Scope, command: Command, error: PermanentError) -> PermanentError:
        """The error to go on with: Noted where the mailbox's state says it already.

        Raises TransientError where it cannot be told now.
        """
        mailbox = self.mailboxes.by_id(scope.tenant_id, scope.mailbox.mailbox_id)
        if mailbox is None:
            return error
        walking = isinstance(command, SyncMailbox)
        denied = isinstance(error, LOSSES) and self._is_denied(mailbox)
        verdict = judge(mailbox, error, walking=walking, denied=denied)
        if verdict is Verdict.LOST:
            self._park(mailbox, error)
        if verdict is Verdict.FAILING:
            self.mailboxes.change(mailbox, failing(str(error)))
        if verdict in (Verdict.LOST, Verdict.KNOWN):
            return Noted(str(error), error.code)
        return error

    def proved(self, scope: Scope) -> None:
        """The mailbox's folders could be listed: where access was lost, it is back."""
        if scope.mailbox.has_lost_access and scope.is_enabled:
            self._resume(scope)

    def _is_denied(self, mailbox: Mailbox) -> bool:
        """One folder or one mail may be refused; the mailbox is lost when its folders cannot be listed.

        A parked one is not asked again: its walk asked just now.
        """
        if mailbox.has_lost_access:
            return True
        try:
            self.mail.open(mailbox).folders({})
        except LOSSES:
            return True
        except PermanentError:
            return False
        return False

    def _park(self, mailbox: Mailbox, error: PermanentError) -> None:
        change = self.mailboxes.change(mailbox, access_lost(str(error), self.clock()))
        if change is None or not change.has_renamed:
            return
        telemetry.alert("access_lost", mailbox=mailbox.mailbox_id, code=error.code or type(error).__name__)
        self._maintain(mailbox)

    def _resume(self, scope: Scope) -> None:
        """Commands first: a worker killed before the state is written finds `no_access` and does it again."""
        mailbox = self.mailboxes.by_id(scope.tenant_id, scope.mailbox.mailbox_id)
        if mailbox is None or not mailbox.has_lost_access:
            return
        self._maintain(mailbox)
        now = self.clock()
        gap = mailbox.state.lost_at or now
        self.queue.send(ReconcileMailbox.of(mailbox, now, since=scope.missed_since(gap)))
        change = self.mailboxes.change(mailbox, access_returned)
        if change is not None and change.has_renamed:
            telemetry.alert("access_returned", mailbox=mailbox.mailbox_id)

    def _maintain(self, mailbox: Mailbox) -> None:
        self.queue.send(MaintainSubscription.of(mailbox, self.clock()))
