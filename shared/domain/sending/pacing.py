"""How fast a mailbox sends: its hand-overs of the last minute, its recipients of the last day, and when more may go.

Whatever leaves is counted, so single mails, campaigns and acknowledgements share one pace. The count is kept in
storage under the mailbox: another process, or another limit, changes nothing of what has left already.

Source of the limits: Microsoft, "Exchange Online limits", sending limits.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from shared.domain.sending.outbox import OutboxMail

# A hand-over is counted before the call, and by the server once it has arrived: two calls may come closer together
# than they were counted.
WINDOW: Final = timedelta(seconds=65)
_HOUR: Final = timedelta(hours=1)
# The last one is over by the time that its hour counts for nothing.
_DAY: Final = timedelta(hours=25)

TOO_MANY_MAILS: Final = "The mailbox has sent as many mails as it may in a minute."
TOO_MANY_RECIPIENTS: Final = "The mailbox has written to as many recipients as it may in a day."


@dataclass(frozen=True, slots=True)
class PaceLimits:
    """What a mailbox may send: mails in any minute, recipients in any day."""

    a_minute: int
    recipients_a_day: int


@dataclass(frozen=True, slots=True)
class Hour:
    """The recipients of the mails that were handed over in an hour, which begins at `start`."""

    start: datetime
    recipients: int


@dataclass(frozen=True, slots=True)
class Pause:
    """Until when a mailbox sends nothing; `why` is a sentence. `waves`: what waits goes in groups, one a window.

    `asked_until`: until when its provider has asked to be left alone by everybody, capture as well.
    """

    until: datetime
    why: str
    waves: bool = False
    asked_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """What a mailbox has handed over lately, oldest first."""

    hand_overs: tuple[datetime, ...] = ()
    hours: tuple[Hour, ...] = ()
    etag: str = ""

    def counting(self, mail: OutboxMail, now: datetime) -> "Pace":
        """The pace once a mail is handed over now. What counts no more is left out."""
        recent = (*(at for at in self.hand_overs if at > now - WINDOW), now)
        start = now.replace(minute=0, second=0, microsecond=0)
        counted = {hour.start: hour.recipients for hour in self.hours if hour.start > now - _DAY}
        counted[start] = counted.get(start, 0) + len(mail.recipients)
        hours = tuple(Hour(at, counted[at]) for at in sorted(counted))
        return replace(self, hand_overs=recent, hours=hours)

    def room(self, limits: PaceLimits, now: datetime) -> int:
        """How many mails may be handed over now, as far as the minute goes."""
        return max(limits.a_minute - sum(at > now - WINDOW for at in self.hand_overs), 0)

    def pause_before(self, mail: OutboxMail, limits: PaceLimits, now: datetime) -> Pause | None:
        """What keeps a mail from being handed over now; None where it may go.

        After a full minute the next mails wait until all of it counts no more, and go together then. A mail to more
        recipients than a day has goes on a day without others.
        """
        recent = [at for at in self.hand_overs if at > now - WINDOW]
        if len(recent) >= limits.a_minute:
            return Pause(recent[-1] + WINDOW, TOO_MANY_MAILS, waves=True)
        hours = [hour for hour in self.hours if hour.start > now - _DAY]
        until = None
        while hours and _total(hours) + len(mail.recipients) > limits.recipients_a_day:
            until = hours.pop(0).start + _DAY
        return Pause(until, TOO_MANY_RECIPIENTS) if until else None


def _total(hours: list[Hour]) -> int:
    return sum(hour.recipients for hour in hours)
