"""Carries on at the soak's intake and IMAP mailboxes while everything fails: mail comes, folders are moved and numbered
anew, lines are cut, a password changes.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_string
from email.policy import default
from functools import partial
from typing import Final

import requests

from bench.soak_doors import CHANGED_PASSWORD, OUTSIDE, Door, House
from bench.soak_letters import Letters
from bench.soak_plan import Plan
from bench.soak_replies import BREAKS
from bench.soak_run import Post
from bench.soak_script import Step
from dev.dovecot import Dovecot
from dev.tenant import ApiError

KEPT: Final = "Kept"
LOCKED_OUT: Final = 240.0  # seconds in which the old password must have been refused
_AGAIN: Final = 1.0
_DEEP: Final = {"inbox": "INBOX", "sentitems": "Sent"}


@dataclass
class Mailroom:
    """One run. `post` carries copies for mailboxes at Microsoft; `server` is None without an IMAP server.

    `lies`: how often a mail with this subject lies in a folder of an IMAP mailbox, and whether it is read.
    """

    house: House
    post: Post
    letters: Letters
    seconds: float
    server: Dovecot | None
    plan: Plan = field(init=False)
    lies: dict[str, Counter[tuple[str, str, bool]]] = field(default_factory=dict)
    happened: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    was_refused: bool = False

    def __post_init__(self) -> None:
        self._control = self.post.control
        self.plan = self.letters.to(self.house.doors)
        self._own_post = Post(self._control, self.plan, lies=self.post.lies, folders=self.post.folders)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        """Until the last mail is delivered, and the mailbox with another password is open again."""
        self._thread.join()

    def ids(self) -> dict[str, str]:
        """Item ids of copies at Microsoft."""
        return self._own_post.ids

    def _run(self) -> None:
        """A script that breaks off is no run without mistakes."""
        try:
            self._deliver()
        except BREAKS as error:
            self.failed.append(repr(error))

    def _deliver(self) -> None:
        began = time.monotonic()
        happenings = [*self._happenings()]
        for step in self.plan.steps:
            while happenings and step.at >= happenings[0][0] * self.seconds:
                self._happen(*happenings.pop(0)[1:])
            time.sleep(max(step.at - (time.monotonic() - began), 0.0))
            self._lay(step)
        for happening in happenings:
            self._happen(*happening[1:])

    def _happen(self, name: str, does: Callable[[], None]) -> None:
        does()
        self.happened.append(f"{datetime.now(UTC):%H:%M:%S} {name}")

    def _happenings(self) -> Iterator[tuple[float, str, Callable[[], None]]]:
        """At which share of the time, what, and how."""
        if self.server is None:
            return
        cut, anew = partial(self._outside, self._cut), partial(self._outside, self._number_anew)
        yield 0.2, "lines cut", cut
        yield 0.3, "mail moved", self._move
        yield 0.4, "numbered anew", anew
        yield 0.5, "password changed", self._change_password
        yield 0.7, "password saved", self._save_password
        yield 0.75, "mail moved again", self._move
        yield 0.8, "numbered anew again", anew
        yield 0.85, "lines cut again", cut

    def _outside(self, does: Callable[[Dovecot, Door], None]) -> None:
        assert self.server is not None
        for door in self.house.doors:
            if door.is_outside:
                does(self.server, door)

    def _cut(self, server: Dovecot, _: Door) -> None:
        server.cut_lines()

    def _number_anew(self, server: Dovecot, door: Door) -> None:
        server.cut_lines()
        server.number_anew(door.address)

    def _move(self) -> None:
        """From a personal inbox for good; from that of an intake mailbox and back, by hand or by a rule."""
        for door in self.house.doors:
            if not door.is_outside:
                continue
            self._control.imap_move(door.address, "inbox", KEPT)
            if door.is_intake:
                self._control.imap_move(door.address, KEPT, "inbox")
                continue
            lying = self.lies.setdefault(door.address, Counter())
            moved = {key: count for key, count in lying.items() if key[0] == "INBOX"}
            lying.subtract(moved)
            lying.update({(KEPT, subject, is_read): count for (_, subject, is_read), count in moved.items()})

    def _change_password(self) -> None:
        assert self.server is not None
        self._control.imap_users(OUTSIDE.address, CHANGED_PASSWORD)
        self.server.cut_lines()

    def _save_password(self) -> None:
        """Once the old one was refused; a killed host takes a moment until it answers again."""
        until = time.monotonic() + LOCKED_OUT
        while not self.was_refused and time.monotonic() < until:
            self.was_refused = bool(self._asked(self._is_locked_out))
        while self._asked(self._save) is None:
            continue

    def _is_locked_out(self) -> bool:
        if self.house.state(OUTSIDE)["state"] == "no_access":
            return True
        self.house.sync(OUTSIDE)
        time.sleep(_AGAIN)
        return False

    def _save(self) -> bool:
        self.house.save_password(OUTSIDE, CHANGED_PASSWORD)
        return True

    def _asked(self, ask: Callable[[], bool]) -> bool | None:
        """None where no host answers, or storage has no time."""
        try:
            return ask()
        except (requests.RequestException, ApiError):
            time.sleep(_AGAIN)
            return None

    def _lay(self, step: Step) -> None:
        outside = next(
            (door for door in self.house.doors if door.address == step.address and door.is_outside), None
        )
        if outside is None:
            self._own_post.apply_decision([_at_once(step)])
            return
        self._control.imap_deliver(outside.address, step.raw, step.folder)
        subject = str(message_from_string(step.raw.decode("utf-8", "replace"), policy=default)["Subject"])
        lying = self.lies.setdefault(outside.address, Counter())
        lying[_DEEP[step.folder], subject, step.folder == "sentitems"] += 1


def _at_once(step: Step) -> Step:
    return Step(0.0, step.kind, step.token, step.copy, step.address, step.folder, step.raw, step.age)
