"""Runs a command of a mailbox that is held, other than to take in mails."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.domain.capture.pending import Lane
from shared.domain.commands.commands import (
    BackfillMailbox,
    FileHistory,
    MaintainSubscription,
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


@dataclass(frozen=True, slots=True)
class RunCommand:
    """Whatever it leaves in the worklist is the holder's to run."""

    sync: Sync
    maintain: MaintainSubscriptions
    reconcile: Reconcile
    backfill: StepBackfill
    queue: CommandQueue
    clock: Clock

    def __call__(self, scope: Scope, command: Command, lanes: Sequence[Lane]) -> bool:
        """Whether it may have left rows. Raises what the use case raises."""
        match command:
            case SyncMailbox():
                return self.sync(scope, command, is_bulk=Lane.HISTORY in lanes)
            case MaintainSubscription():
                self.maintain(scope, command)
            case ReconcileMailbox():
                self.reconcile(scope, command)
            case BackfillMailbox():
                self.backfill(scope, command)
            # The holder runs live rows alone. At a mailbox that is paused or lost, history waits for `WakeStale`.
            case FileHistory() if Lane.HISTORY not in lanes and scope.is_readable:
                self.queue.put(FileHistory.of(command.tenant_id, command.mailbox_id, self.clock()))
            case FileHistory() | WakeMailbox():
                return False
        return True
