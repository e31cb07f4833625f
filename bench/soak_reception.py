"""The soak's part with intake and IMAP mailboxes: set up before the faults, carried on under them, judged after."""

import re
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bench.soak_door_verdict import (
    DoorVerdict,
    Lying,
    judge_acknowledgements,
    judge_cases,
    judge_marks,
    judge_untouched,
)
from bench.soak_doors import Door, House
from bench.soak_letters import Letters, asks
from bench.soak_mailroom import Mailroom
from bench.soak_replies import Replies
from bench.soak_report import Report
from bench.soak_run import Post
from bench.soak_script import Expected, Step
from bench.soak_verify import ACKNOWLEDGES, token_of
from dev.stack import Stack
from dev.tenant import Tenant

_LOOK: Final = 2.0
# Beyond them nothing of an acknowledgement happens any more.
_ENDED: Final = ("sent", "confirmed", "failed", "bounced", "cancelled", "outcome_unknown")
_MARKED: Final = 120.0
# A personal mailbox outside whose mail nobody keeps may be read from the top of its mails alone.
_BODIES: Final = r"imap\({address}\).*body_count=(\d+)"


@dataclass(frozen=True, slots=True)
class Span:
    """The run's size: so many mails in so many seconds from `start`, drawn with `seed`."""

    seed: int
    mails: int
    seconds: float
    start: datetime


@dataclass
class Reception:
    """One run. Raises TimeoutError where the mailboxes are not walked."""

    stack: Stack
    house: House
    room: Mailroom
    replies: Replies
    post: Post

    @classmethod
    def prepared(cls, stack: Stack, tenants: list[Tenant], post: Post, span: Span) -> "Reception":
        """With all mailboxes connected."""
        house = House.of(stack.ready, tenants)
        house.connect()
        letters = Letters(span.seed, span.mails, span.seconds, span.start)
        room = Mailroom(house, post, letters, span.seconds, stack.dovecot)
        return cls(stack, house, room, Replies(house, post.control, letters), post)

    def start(self) -> None:
        self.room.start()
        self.replies.start()

    @property
    def truth(self) -> dict[str, Expected]:
        """As it is now: answers to acknowledgements come in the course of the run."""
        return dict(self.room.plan.truth)

    @property
    def steps(self) -> list[Step]:
        return list(self.room.plan.steps)

    @property
    def connected(self) -> list[tuple[Tenant, str]]:
        return [(self.house.tenants[door.domain], door.address) for door in self.house.doors]

    def settle(self, *, seconds: float) -> int:
        """Until every acknowledgement has ended that is owed; how many have not within this time."""
        deadline = time.monotonic() + seconds
        owed = sum(map(asks, self.truth.values()))
        while (waiting := owed - self._ended()) > 0 and time.monotonic() < deadline:
            time.sleep(_LOOK)
        self.replies.finish()
        return max(waiting, 0)

    def report(self, report: Report) -> DoorVerdict:
        """The figures, of which those that must be zero are marked."""
        verdict = self._verdict()
        report.title("Intake and IMAP mailboxes")
        if self.stack.dovecot is None:
            report.figure("Dovecot is not installed: IMAP mailboxes left out", "")
        for door in self.house.doors:
            kind = "intake" if door.is_intake else "personal"
            copies = sum(step.address == door.address for step in self.room.plan.steps)
            report.figure(f"{kind} {door.address}, copies delivered", copies)
        report.figure("enquiries", sum(map(asks, self.truth.values())))
        for way in sorted(set(self.replies.answered.values())):
            count = list(self.replies.answered.values()).count(way)
            report.figure(f"acknowledgements answered by {way}", count)
        report.lines += [f"      {line}" for line in self.room.happened]
        failed = self.room.failed + self.replies.failed
        report.zero("breaks of the script", len(failed), failed)
        verdict.report(report)
        if self.stack.dovecot is not None:
            report.zero("old passwords that were not refused", int(not self.room.was_refused))
            self._report_bodies(report)
        states: dict[str, int] = {}
        for row in self.house.acknowledgements():
            states[row["state"]] = states.get(row["state"], 0) + 1
        report.counts("Acknowledgements, by state", states)
        return verdict

    def leave_out_marked(self) -> None:
        """What lies in intake mailboxes is judged here, not with the mailboxes in which nothing may change."""
        for door in self.house.doors:
            if door.is_intake:
                self.post.lies.pop(door.address, None)

    def _ended(self) -> int:
        return sum(row["state"] in _ENDED for row in self.house.acknowledgements())

    def _verdict(self) -> DoorVerdict:
        verdict, truth = DoorVerdict(), self.truth
        judge_cases(
            verdict, truth, [str(case["name"]) for cases in self.house.cases().values() for case in cases]
        )
        unknown = {
            token_of(str(row["subject"]))
            for row in self.house.acknowledgements()
            if row["state"] == "outcome_unknown"
        }
        judge_acknowledgements(verdict, truth, self.replies.left(), unknown)
        for door in self.house.doors:
            if door.is_intake:
                verdict.unmarked += self._unmarked(door, truth)
            else:
                judge_untouched(verdict, door, self.room.lies.get(door.address, {}), self._lying(door))
        return verdict

    def _unmarked(self, door: Door, truth: dict[str, Expected]) -> list[str]:
        """Marks are a courtesy and come last: they get some time."""
        deadline = time.monotonic() + _MARKED
        while True:
            found = DoorVerdict()
            judge_marks(found, truth, door, self._lying(door))
            if not found.unmarked or time.monotonic() > deadline:
                return found.unmarked
            time.sleep(_LOOK)

    def _lying(self, door: Door) -> list[Lying]:
        control = self.post.control
        rows: list[dict[str, Any]] = (
            control.imap_messages(door.address) if door.is_outside else control.messages(door.address)
        )
        return [
            (str(row["folder"]), str(row["subject"]), bool(row["isRead"]))
            for row in rows
            if not str(row["subject"]).startswith(ACKNOWLEDGES)
        ]

    def _report_bodies(self, report: Report) -> None:
        """As the server counts them, of sessions that ended by themselves."""
        assert self.stack.dovecot is not None
        log = (self.stack.dovecot.root / "dovecot.log").read_text("utf-8", "replace")
        for door in self.house.doors:
            if door.is_outside:
                counts = re.findall(_BODIES.format(address=re.escape(door.address)), log)
                count = sum(map(int, counts))
                name = f"bodies read in {door.address}"
                if door.keeps_nothing:
                    report.zero(f"{name}, all of it skipped", count)
                else:
                    report.figure(name, count)
