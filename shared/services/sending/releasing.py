"""Lets mail go that waits for its mailbox's sign-in, once that is another one, or is taken again."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from shared.domain.commands.commands import SendMail
from shared.domain.sending.outbox import OutboxMail
from shared.domain.sending.states import State
from shared.domain.sending.waits import Waits
from shared.ports.stores.sending import Outbox
from shared.ports.work import Clock
from shared.services.sending.change_mail import ChangeMail

# Those behind them come at their own times, within an hour.
MOST: Final = 500
_WAITING: Final = (State.QUEUED, State.HELD)
_MARGIN: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ReleaseMail:
    """Make due what was put back or held for no longer than a refused sign-in has mail wait.

    What waits for the mailbox's pace is held anew by whoever finds it too early.
    """

    outbox: Outbox
    change: ChangeMail
    waits: Waits
    clock: Clock

    def __call__(self, command: SendMail) -> None:
        now = self.clock()
        soon = now + self.waits.longest_pause + _MARGIN
        found = self.outbox.due(command.tenant_id, command.mailbox_id, soon, limit=MOST)

        def released(row: OutboxMail) -> OutboxMail:
            waits = row.not_before is not None and row.not_before > now
            return replace(row, not_before=now) if waits and row.state in _WAITING else row

        for mail in found.mails:
            self.change(mail, released)
