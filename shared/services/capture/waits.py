"""Until when the provider of a mailbox has asked to be left alone, and the one wake-up for when that is over."""

import random
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.domain.commands.commands import WakeMailbox
from shared.domain.commands.envelope import Command
from shared.domain.connections.mailbox_state import blocked
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import TransientError
from shared.ports.stores.connections import Mailboxes
from shared.ports.work import Clock, CommandQueue

# Of so many mailboxes a process remembers waits at most.
MOST_REMEMBERED = 10_000

Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class MailboxWaits:
    """Notes waits and remembers them: who comes to a mailbox while one lasts asks nobody for it.

    A wait that Graph asks for is written down before the lease goes, so whoever has the next turn, in whatever
    process, knows of it.
    """

    mailboxes: Mailboxes
    queue: CommandQueue
    clock: Clock
    # By tenant and mailbox, as far as this process knows: the end of the wait, and when its wake-up comes.
    _known: dict[Place, datetime] = field(default_factory=dict)
    _woken: dict[Place, datetime] = field(default_factory=dict)

    def note(self, mailbox: Mailbox, error: TransientError) -> None:
        """Write down the wait that an error asks for, if it asks for one."""
        if error.retry_after:
            until = self.clock() + timedelta(seconds=error.retry_after)
            _remember(self._known, (mailbox.tenant_id, mailbox.mailbox_id), until)
            self.mailboxes.change(mailbox, blocked(until))

    def lasts(self, command: Command) -> bool:
        """Whether this process knows that the command's mailbox must be left alone now."""
        until = self._known.get(_place(command))
        return until is not None and until > self.clock()

    def lasts_for(self, mailbox: Mailbox) -> bool:
        """The same by the mailbox's row, from now on known to this process."""
        until = mailbox.state.blocked_until
        if until is None or until <= self.clock():
            return False
        _remember(self._known, (mailbox.tenant_id, mailbox.mailbox_id), until)
        return True

    def wake(self, command: Command) -> None:
        """See that the mailbox is woken when its wait is over: a process asks for that once.

        A wake-up that comes too early is always followed by another one: it may be the only one.
        """
        place, now = _place(command), self.clock()
        until = self._known.get(place, now)
        if self._woken.get(place, now) > now and not isinstance(command, WakeMailbox):
            return
        # Whose waits end together do not return together, and a clock that is late by a second does no harm.
        seconds = ((until - now).total_seconds() + 1) * (1 + random.random() / 4)
        self.queue.put(WakeMailbox.of(*place, now), delay=seconds)
        _remember(self._woken, place, now + timedelta(seconds=seconds))


def _place(command: Command) -> Place:
    return command.tenant_id, command.mailbox_id


def _remember(known: MutableMapping[Place, datetime], place: Place, until: datetime) -> None:
    if len(known) >= MOST_REMEMBERED:
        known.clear()
    known[place] = until
