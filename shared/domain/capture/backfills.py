"""A backfill: history that an admin asked for, read once, all folders side by side, in small steps."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Self

from shared.domain.capture.windows import Window, second_of

RUNNING: Final = "running"
DONE: Final = "done"
CANCELLED: Final = "cancelled"

# A step takes seconds: one that has not been followed for this long is believed lost, with its row.
STALLED_AFTER: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class FolderLeft:
    """A folder and what is left of it to read."""

    folder_id: str
    window: Window


@dataclass(frozen=True, slots=True)
class Backfill:
    """The state of a mailbox's last backfill. It reads mail received from `since` until it was started.

    `step` numbers the commands: only the one with this number does anything. `folders` are those still to be
    read; None before they are known. `done` of `expected` mails are dealt with.
    """

    since: datetime
    started_at: datetime
    stepped_at: datetime
    step: int = 0
    state: str = RUNNING
    folders: tuple[FolderLeft, ...] | None = None
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

    @property
    def next_folder(self) -> FolderLeft | None:
        """The folder that is furthest behind: an answer in one comes after what it answers in another."""
        return min(self.folders or (), key=lambda left: left.window.start, default=None)

    @property
    def read_until(self) -> datetime:
        """All mail before this has been read, of whatever folder."""
        left = self.next_folder
        return left.window.start if left is not None else self.all_of_it.end

    def planned(self, folder_ids: tuple[str, ...], expected: int) -> Self:
        """With the folders to read."""
        whole = tuple(FolderLeft(folder_id, self.all_of_it) for folder_id in folder_ids)
        return replace(self, folders=whole, expected=expected)

    def advanced(self, folder_id: str, rest: Window | None, done: int) -> Self:
        """After a page: `rest` is what is left of the folder, None when it was the last page of it."""
        left = [entry for entry in self.folders or () if entry.folder_id != folder_id]
        if rest is not None and not rest.is_empty:
            left.append(FolderLeft(folder_id, rest))
        return replace(self, folders=tuple(left), done=self.done + done)

    def stepped(self, now: datetime) -> Self:
        """Ready for the next step. The one that finds no folder left ends it: by then, its mails have been filed."""
        return replace(self, step=self.step + 1, stepped_at=now)

    def ended(self, state: str, now: datetime) -> Self:
        return replace(self, step=self.step + 1, stepped_at=now, state=state, finished_at=now)

    def is_taken(self, step: int) -> bool:
        """Whether this step is the last one taken. It came again: perhaps its run ended before the next was left."""
        return self.is_running and step == self.step - 1

    def is_stalled(self, now: datetime) -> bool:
        """Whether it runs, but no step has been taken for long."""
        return self.is_running and now - self.stepped_at >= STALLED_AFTER

    def rate_per_minute(self, now: datetime) -> float:
        """Mails dealt with per minute since it was started."""
        seconds = ((self.finished_at or now) - self.started_at).total_seconds()
        return round(self.done * 60 / seconds, 1) if seconds > 0 else 0.0
