"""Until when the provider of a mailbox has asked to be left alone, and the wake-ups for when that is over."""

import random
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from shared.domain.capture.pending import Lane, lane_of
from shared.domain.capture.worklist import wake_up
from shared.domain.commands.envelope import Command
from shared.domain.connections.mailbox_state import blocked
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import TransientError
from shared.ports.stores.connections import Mailboxes
from shared.ports.work import Clock, CommandQueue

# Of so many mailboxes a process remembers waits at most.
MOST_REMEMBERED = 10_000

Place = tuple[str, str]
K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class MailboxWaits:
    """Notes waits and remembers them: who comes to a mailbox while one lasts asks nobody for it.

    A wait that Graph asks for is written down before the lease goes, so whoever has the next turn, in whatever
    process, knows of it.
    """

    mailboxes: Mailboxes
    queue: CommandQueue
    clock: Clock
    # As far as this process knows: the end of a mailbox's wait, and when the wake-up of each of its lanes comes.
    _known: dict[Place, datetime] = field(default_factory=dict)
    _woken: dict[tuple[Lane, Place], datetime] = field(default_factory=dict)

    def note(self, mailbox: Mailbox, error: TransientError) -> None:
        """Write down the wait that an error asks for, if it asks for one."""
        if error.retry_after:
            self.note_until(mailbox, self.clock() + timedelta(seconds=error.retry_after))

    def note_until(self, mailbox: Mailbox, until: datetime) -> None:
        """Write down that the mailbox is to be left alone until then."""
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

    def left(self, mailbox: Mailbox) -> float:
        """Seconds until the end of the wait that this process knows of."""
        until = self._known.get((mailbox.tenant_id, mailbox.mailbox_id), self.clock())
        return max((until - self.clock()).total_seconds(), 0.0)

    def wake(self, command: Command) -> None:
        """See that the mailbox is woken when its wait is over: a process asks for that once for each lane.

        Who came for history has it woken, too: who is woken for live rows leaves it alone. A wake-up that comes too
        early is always followed by another one: it may be the only one.
        """
        self._wake(Lane.LIVE, command)
        if lane_of(command) is Lane.HISTORY:
            self._wake(Lane.HISTORY, command)

    def _wake(self, lane: Lane, command: Command) -> None:
        place, now = _place(command), self.clock()
        following = wake_up(lane, *place, now=now)
        is_asked = self._woken.get((lane, place), now) > now
        if is_asked and type(command) is not type(following):
            return
        until = self._known.get(place, now)
        # Whose waits end together do not return together, and a clock that is late by a second does no harm.
        seconds = ((until - now).total_seconds() + 1) * (1 + random.random() / 4)
        self.queue.send(following, delay=seconds)
        _remember(self._woken, (lane, place), now + timedelta(seconds=seconds))


def _place(command: Command) -> Place:
    return command.tenant_id, command.mailbox_id


def _remember(known: MutableMapping[K, datetime], place: K, until: datetime) -> None:
    if len(known) >= MOST_REMEMBERED:
        known.clear()
    known[place] = until
