"""The way out of one mailbox for as long as its outbox is held: each hand-over is counted with the row that says so."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from shared.domain.errors import Conflict
from shared.domain.sending.outbox import OutboxMail
from shared.domain.sending.outcomes import Answer, Outcome
from shared.domain.sending.pacing import Pace, PaceLimits, Pause
from shared.domain.sending.transitions import Transition
from shared.ports.stores.sending import Outbox

# Answers behind which a server may ask for a pause.
_PAUSING: Final = (Answer.TAKEN, Answer.SIGNED_OUT, Answer.NOT_NOW)
_ASKED: Final = "The server asked for a pause before the mailbox's next mail."


class Gate:
    """Knows the pace as it stands. Another worker who counts along makes `let_out` raise Conflict."""

    def __init__(self, outbox: Outbox, limits: PaceLimits, pace: Pace) -> None:
        self.outbox = outbox
        self.limits = limits
        self.pace = pace

    def pause_before(self, mail: OutboxMail, now: datetime) -> Pause | None:
        """What keeps a mail from being handed over now."""
        return self.pace.pause_before(mail, self.limits, now)

    def let_out(self, mail: OutboxMail, transition: Transition, now: datetime) -> OutboxMail:
        """The mail as it is handed over: the row says so and the pace counts it, or neither.

        Raises Conflict where somebody else has changed one of them, and WrongState.
        """
        after = transition(mail)
        try:
            saved, self.pace = self.outbox.start(after, self.pace.counting(mail, now))
        except Conflict:
            saved = self._own(after)
        return saved

    def _own(self, after: OutboxMail) -> OutboxMail:
        """What was written all the same, where only the answer to it was lost. Raises Conflict where it was not."""
        standing = self.outbox.get(after.tenant_id, after.id)
        if standing is None or replace(standing, etag=after.etag) != after:
            raise Conflict("the mail, or its mailbox's pace, was changed meanwhile")
        self.pace = self.outbox.due(after.tenant_id, after.mailbox_id, after.created_at, limit=1).pace
        return standing


def is_parking(said: Outcome) -> bool:
    """Whether the mailbox's sign-in was refused, which keeps all of its mail."""
    return said.answer is Answer.SIGNED_OUT and bool(said.retry_after)


def asked_for(said: Outcome | None, mail: OutboxMail, now: datetime) -> Pause | None:
    """The pause that a server has asked for with its last answer."""
    if said is None or said.answer not in _PAUSING or not said.retry_after:
        return None
    until = now + timedelta(seconds=said.retry_after)
    if said.answer is Answer.TAKEN:
        return Pause(until, _ASKED, asked_until=until)
    asked_until = until if said.answer is Answer.NOT_NOW else None
    # What keeps this mail keeps the others: one asks for all of them.
    return Pause(max(until, mail.not_before or until), said.words or _ASKED, asked_until=asked_until)
