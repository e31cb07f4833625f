"""Whose turn it is to send from a mailbox: one worker at a time, who goes on until nothing is due.

And at what pace: who has to wait is held until a time that is said, and a command comes at that time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from shared.domain.commands.commands import SendMail
from shared.domain.errors import Conflict, TransientError, WrongState
from shared.domain.sending import transitions
from shared.domain.sending.outbox import OutboxMail, Problem
from shared.domain.sending.pacing import WINDOW, PaceLimits, Pause
from shared.domain.sending.states import Event, State, may
from shared.domain.sending.waits import Waits
from shared.ports.stores.sending import DueMail, Outbox
from shared.ports.work import Clock, CommandQueue, Leases
from shared.services.capture.scopes import FindScope, Scope
from shared.services.capture.waits import MailboxWaits
from shared.services.sending.change_mail import ChangeMail
from shared.services.sending.departing import SendOne
from shared.services.sending.gate import Gate
from shared.services.sending.releasing import ReleaseMail

# A turn makes way for other mailboxes after this time, and leaves the rest to another command.
LENGTH: Final = timedelta(minutes=2)
GROUP: Final = 10
# So many are told when they may go; those behind them wait for their turn unheld, since each hold is a write.
MOST_HELD: Final = 100
# A mailbox that an admin has paused is looked at again after this time.
_PAUSED_FOR: Final = timedelta(minutes=10)
_NOT_BEGUN: Final = (State.QUEUED, State.HELD)
_PAUSED: Final = "The mailbox, or the organisation, is paused."
_ASKED: Final = "The mailbox's provider has asked to be left alone."
_REMOVED: Final = Problem(
    "mailbox_removed", "The mailbox was removed. Ask for the mail again from another one."
)


def outbox_lease(mailbox_id: str) -> str:
    """The name under which a mailbox's outbox is held: a long walk through its mail keeps none from leaving."""
    return f"{mailbox_id}~outbox"


@dataclass(frozen=True, slots=True)
class SendDue:
    """Send what is due. Who finds the outbox held leaves: the holder releases, then looks, so nothing stays behind.

    For whoever asks for a mail writes it first.
    """

    outbox: Outbox
    scope: FindScope
    leases: Leases
    send_one: SendOne
    change: ChangeMail
    release: ReleaseMail
    queue: CommandQueue
    waits: Waits
    provider: MailboxWaits
    clock: Clock

    def __call__(self, command: SendMail) -> None:
        """Raises TransientError only where storage fails: what befalls a mail is the mail's own."""
        if command.renewed:
            self.release(command)
            command = replace(command, renewed=False)
        ends = self.clock() + LENGTH
        while self._holds_once(command, ends):
            pass

    def _holds_once(self, command: SendMail, ends: datetime) -> bool:
        """Whether more has become due since the outbox was given back."""
        lease = self.leases.take(command.tenant_id, outbox_lease(command.mailbox_id))
        if lease is None:
            return False
        try:
            waits = self._turn(command, ends)
        finally:
            lease.release()
        # Behind a pause a command comes by itself.
        if waits or not self.outbox.has_due(command.tenant_id, command.mailbox_id, self.clock()):
            return False
        if self.clock() >= ends:
            self.queue.send(command)
            return False
        return True

    def _turn(self, command: SendMail, ends: datetime) -> bool:
        """Send group after group; whether the mailbox has to wait."""
        scope = self.scope(command)
        while self.clock() < ends:
            due = self._due(command)
            if scope is None or scope.mailbox.is_removed:
                self._leave(due.mails)
            elif due.mails:
                gate = Gate(self.outbox, _limits(scope), due.pace)
                pause = self._begin_some(command, scope, due.mails, gate)
                if pause is not None:
                    self._hold(command, pause, gate.limits)
                    return True
            if len(due.mails) < GROUP:
                return False
        return False

    def _due(self, command: SendMail) -> DueMail:
        """What is to be gone on with; who was killed may have left mails behind of which readers are told first."""
        due = self.outbox.due(command.tenant_id, command.mailbox_id, self.clock(), limit=GROUP)
        untold = [mail for mail in due.mails if mail.untold]
        told = {mail.id: mail for mail in self.change.tell(untold)} if untold else {}
        standing = (told.get(mail.id, mail) for mail in due.mails)
        now = self.clock()
        return replace(due, mails=tuple(mail for mail in standing if not mail.untold and mail.is_due(now)))

    def _begin_some(
        self, command: SendMail, scope: Scope, mails: Sequence[OutboxMail], gate: Gate
    ) -> Pause | None:
        """Written down for all that may go, so that who comes after a killed worker knows where to look."""
        if not scope.is_enabled:
            return Pause(self.clock() + _PAUSED_FOR, _PAUSED)
        if asked := self._asked_for(scope):
            return asked
        fresh = [mail for mail in mails if mail.state in _NOT_BEGUN and not mail.begun]
        room = gate.pace.room(gate.limits, self.clock())
        going, waiting = fresh[:room], fresh[room:]
        begun = {mail.id: mail for mail in self.outbox.begin(going)} if going else {}
        # Whoever has changed a mail since it was read, such as a person who cancelled it, was faster.
        left = {mail.id for mail in fresh} - begun.keys()
        sendable = [begun.get(mail.id, mail) for mail in mails if mail.id not in left]
        pause = self._send_some(command, scope, sendable, gate)
        if pause is None and waiting:
            return gate.pause_before(waiting[0], self.clock())
        return pause

    def _send_some(
        self, command: SendMail, scope: Scope, mails: Sequence[OutboxMail], gate: Gate
    ) -> Pause | None:
        """One after the other, up to a pause: the others are read again behind it."""
        for number, mail in enumerate(mails):
            if number and (asked := self._asked_meanwhile(command)):
                return asked
            try:
                pause = self.send_one(scope.mailbox, mail, gate)
            except Conflict:
                # Another worker is at this mailbox, or a person was faster: what stands is read anew.
                return None
            except WrongState:
                # A person has cancelled it meanwhile.
                continue
            except TransientError as error:
                self._note(scope, self._pause_of(error))
                self._try_again(mail, error.retry_after)
                continue
            if pause is not None:
                self._note(scope, pause)
                return pause
        return None

    def _asked_meanwhile(self, command: SendMail) -> Pause | None:
        """Whoever captures this mailbox, in another process, may have been asked to leave it alone."""
        scope = self.scope(command)
        return self._asked_for(scope) if scope else None

    def _asked_for(self, scope: Scope) -> Pause | None:
        """The provider's wait that somebody has noted. A server that takes mail knows nothing of its reader."""
        until = scope.mailbox.state.blocked_until
        if scope.mailbox.is_outside or until is None or not self.provider.lasts_for(scope.mailbox):
            return None
        return Pause(until, _ASKED)

    def _note(self, scope: Scope, pause: Pause | None) -> None:
        """So that nobody, in whatever process, asks before it is over."""
        until = pause.asked_until if pause else None
        if until is not None and not scope.mailbox.is_outside:
            self.provider.note_until(scope.mailbox, until)

    def _pause_of(self, error: TransientError) -> Pause | None:
        if not error.retry_after:
            return None
        until = self.clock() + timedelta(seconds=error.retry_after)
        return Pause(until, _ASKED, asked_until=until)

    def _leave(self, mails: Sequence[OutboxMail]) -> None:
        """Of a mailbox that is gone nothing can be sent, nor found out."""
        for mail in mails:
            end = transitions.failed if may(mail.state, Event.FAIL) else transitions.left_open
            self.change(mail, end(self.clock(), _REMOVED))

    def _try_again(self, mail: OutboxMail, wait: float | None) -> None:
        """As it stands by now: the error may have come behind some of its steps."""
        until = self.clock() + max(self.waits.try_again, timedelta(seconds=wait or 0))
        standing = self.outbox.get(mail.tenant_id, mail.id)
        if standing is not None and not standing.has_ended:
            postponed = transitions.postponed(until)
            self.change(standing, lambda row: postponed(replace(row, begun=True)))

    def _hold(self, command: SendMail, pause: Pause, limits: PaceLimits) -> None:
        """Say until when each mail waits, and have a command come at each of these times."""
        now, times = self.clock(), {pause.until}
        due = self.outbox.due(command.tenant_id, command.mailbox_id, now, limit=MOST_HELD)
        waiting = [mail for mail in due.mails if mail.state is State.HELD or may(mail.state, Event.HOLD)]
        untold = []
        for place, mail in enumerate(waiting):
            wave = place // limits.a_minute if pause.waves else 0
            until = pause.until + wave * WINDOW
            is_held = mail.state is State.HELD
            wait = transitions.postponed(until) if is_held else transitions.held(now, until, pause.why)
            held = self.change.untold(mail, wait)
            if held.untold:
                untold.append(held)
            times.add(until)
        for until in sorted(times):
            self.queue.send(command, delay=(until - now).total_seconds())
        if untold:
            self.change.tell(untold)


def _limits(scope: Scope) -> PaceLimits:
    organisation = scope.organisation
    return PaceLimits(organisation.mails_per_minute, organisation.recipients_per_day)
