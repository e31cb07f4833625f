"""Runs a command of a mailbox that is held, other than to take in mails."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.domain.capture.pending import Lane, Reach
from shared.domain.capture.worklist import wake_up
from shared.domain.commands.commands import (
    BackfillMailbox,
    FileHistory,
    MaintainSubscription,
    MarkRead,
    ReconcileMailbox,
    SyncMailbox,
    WakeMailbox,
)
from shared.domain.commands.envelope import Command
from shared.ports.work import Clock, CommandQueue
from shared.services.capture.backfill import StepBackfill
from shared.services.capture.reconcile import Reconcile
from shared.services.capture.scopes import Scope
from shared.services.capture.sync import Sync
from shared.services.connections.subscriptions import MaintainSubscriptions
from shared.services.intake.marking import MarkMail


@dataclass(frozen=True, slots=True)
class Holder:
    """Who runs a command: the rows that he may run, and how he looks after live mail while the command takes long."""

    reach: Reach
    attend: Callable[[], None]


@dataclass(frozen=True, slots=True)
class RunCommand:
    """Whatever it leaves in the worklist is the holder's to run."""

    sync: Sync
    maintain: MaintainSubscriptions
    reconcile: Reconcile
    backfill: StepBackfill
    mark: MarkMail
    queue: CommandQueue
    clock: Clock

    def __call__(self, scope: Scope, command: Command, holder: Holder) -> bool:
        """Whether it may have left rows. Raises what the use case raises."""
        match command:
            case SyncMailbox():
                return self.sync(scope, command, holder.attend, is_bulk=holder.reach.is_bulk)
            case MaintainSubscription():
                self.maintain(scope, command)
            case MarkRead():
                self.mark(scope, command)
                return False
            case ReconcileMailbox():
                self.reconcile(scope, command, holder.attend)
            case BackfillMailbox():
                self.backfill(scope, command)
            # The holder runs live rows alone. At a mailbox that is paused or lost, history waits for `WakeStale`.
            case FileHistory() if not holder.reach.is_bulk and scope.is_readable:
                self.queue.send(
                    wake_up(Lane.HISTORY, command.tenant_id, command.mailbox_id, now=self.clock())
                )
            case FileHistory() | WakeMailbox():
                return False
        return True
