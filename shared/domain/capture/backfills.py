"""A backfill: history that an admin asked for, read once, folder by folder, in small steps."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Self

from shared.domain.capture.windows import Window, second_of
from shared.domain.mail.items import ItemRef

RUNNING: Final = "running"
DONE: Final = "done"
CANCELLED: Final = "cancelled"

# A step takes seconds. One that has not been followed for this long is believed lost, with its command.
FOLLOWED_WITHIN: Final = timedelta(seconds=15)
STALLED_AFTER: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Backfill:
    """The state of a mailbox's last backfill. It reads mail received from `since` until it was started.

    `step` numbers the commands: only the one with this number does anything. `folders` are those still to be
    read, the first one from `window` on; None before they are known. `begun` are the mails that a step is
    at work on: who does it again does them all again. `done` of `expected` mails are dealt with.
    """

    since: datetime
    started_at: datetime
    stepped_at: datetime
    step: int = 0
    state: str = RUNNING
    folders: tuple[str, ...] | None = None
    window: Window | None = None
    begun: tuple[ItemRef, ...] = ()
    done: int = 0
    expected: int = 0
    finished_at: datetime | None = None
    etag: str = ""

    @classmethod
    def starting(cls, since: datetime, now: datetime, last: Self | None) -> Self:
        """A new one in the place of the last; commands of that one find no step of theirs."""
        fresh = cls(since=second_of(since), started_at=now, stepped_at=now)
        return replace(fresh, step=last.step + 2, etag=last.etag) if last else fresh

    @property
    def is_running(self) -> bool:
        return self.state == RUNNING

    @property
    def all_of_it(self) -> Window:
        """The window that each folder is read in."""
        return Window.of(self.since, self.started_at)

    def planned(self, folders: tuple[str, ...], expected: int) -> Self:
        """With the folders to read."""
        return replace(self, folders=folders, window=self.all_of_it, expected=expected)

    def advanced(self, rest: Window | None, done: int) -> Self:
        """After a page: `rest` is what is left of the folder, None when it was the last page of it."""
        after = replace(self, begun=(), done=self.done + done)
        if rest is not None and not rest.is_empty:
            return replace(after, window=rest)
        return replace(after, folders=(self.folders or ())[1:], window=self.all_of_it)

    def stepped(self, now: datetime) -> Self:
        """Ready for the next step, or done when no folder is left."""
        if self.folders:
            return replace(self, step=self.step + 1, stepped_at=now)
        return self.ended(DONE, now)

    def ended(self, state: str, now: datetime) -> Self:
        return replace(self, step=self.step + 1, stepped_at=now, state=state, finished_at=now)

    def has_lost_command(self, step: int, now: datetime) -> bool:
        """Whether the command of a step already taken came again because its worker died before it queued the next."""
        return self.is_running and step == self.step - 1 and now - self.stepped_at >= FOLLOWED_WITHIN

    def is_stalled(self, now: datetime) -> bool:
        """Whether it runs, but no step has been taken for long."""
        return self.is_running and now - self.stepped_at >= STALLED_AFTER

    def rate_per_minute(self, now: datetime) -> float:
        """Mails dealt with per minute since it was started."""
        seconds = ((self.finished_at or now) - self.started_at).total_seconds()
        return round(self.done * 60 / seconds, 1) if seconds > 0 else 0.0
