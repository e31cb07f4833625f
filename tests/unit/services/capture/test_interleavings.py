"""Two workers at one mailbox, in every order of their steps: no row is left for which nobody comes."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import pytest

from shared.domain.capture.pending import Lane, PendingRow
from shared.domain.commands.commands import (
    FileHistory,
    IngestMessages,
    ReconcileMailbox,
    SyncMailbox,
    WakeMailbox,
)
from shared.domain.commands.envelope import Command
from shared.services.capture.running import Holder
from shared.services.capture.scopes import Scope, hasher_of
from shared.services.capture.turns import TakeTurn
from shared.services.capture.waking import STALE
from tests.builders import (
    HASH_KEY,
    MAILBOX_ID,
    NOW,
    TENANT,
    a_mailbox,
    a_pending_mail,
    an_item,
    an_organisation,
)
from tests.composed import use_cases_over
from tests.fakes import FakePorts, FakeStorage
from tests.unit.services.capture.interleaving import Bounds, Play, Stage, Worker, every_play

PLAIN: Final = use_cases_over(FakePorts())
AT: Final = {"tenant_id": TENANT, "mailbox_id": MAILBOX_ID, "first_at": NOW}
SCOPE: Final = Scope(an_organisation(), a_mailbox(), hasher_of(HASH_KEY, TENANT))


def mail(name: str) -> IngestMessages:
    return IngestMessages(**AT, items=(an_item(name),))


WALK: Final = SyncMailbox(**AT)
SWEEP: Final = ReconcileMailbox(**AT)
WAKE: Final = WakeMailbox(**AT)
HISTORY: Final = FileHistory(**AT)
LIVE_ROW: Final = a_pending_mail("live row")
OLD_ROW: Final = a_pending_mail("old row", lane=Lane.HISTORY)


# A kill or a third worker makes the orders too many to try; faults show themselves in those of few switches.
ONE_KILL: Final = Bounds(kills=1, switches=3)
FEW_SWITCHES: Final = Bounds(switches=2)


def _scope(command: Command) -> Any:
    return SCOPE


@dataclass
class Stand:
    """Storage, and workers of processes of their own; `ran` is what has been carried out.

    `first_runs` are the mails that were run by a worker who knew of no earlier run.
    """

    rows: Sequence[PendingRow] = ()
    ran: list[str] = field(default_factory=list)
    first_runs: list[str] = field(default_factory=list)
    now: datetime = NOW

    def __post_init__(self) -> None:
        self.storage = FakeStorage()
        self.stage = Stage()
        self.stage.workers = {}
        for fake in (self.storage.pending, self.storage.leases, self.storage.queue):
            fake.faults = self.stage
        self.storage.pending.put(TENANT, MAILBOX_ID, self.rows)

    def process(self) -> TakeTurn:
        """What one process has: the protocol as it is, over runs that only say that they were made."""
        storage, clock = self.storage, self.clock
        waits = replace(PLAIN.take_turn.waits, queue=storage.queue, clock=clock, _known={}, _woken={})
        hold: Any = PLAIN.take_turn.hold
        rows = replace(hold.run_rows, pending=storage.pending, ingest=self._mails, run=self._command)
        rows = replace(rows, exceptions=storage.exceptions, waits=waits, clock=clock)
        hold = replace(hold, scope=_scope, pending=storage.pending, run=self._command, run_rows=rows)
        hold = replace(hold, waits=waits, clock=clock)
        turn = replace(PLAIN.take_turn, leases=storage.leases, pending=storage.pending, queue=storage.queue)
        return replace(turn, hold=hold, waits=waits, clock=clock)

    def clock(self) -> datetime:
        return self.now

    def lose_lease(self) -> None:
        """The lease ends under its holder, who does not notice; another may take the mailbox."""
        self.stage.read("Leases.take")
        self.storage.leases.held.clear()

    def sweep(self) -> None:
        """The tick, after a killed holder's lease has ended."""
        storage = self.storage
        storage.leases.held.clear()
        self.now += 2 * STALE
        scope: Any = _scope
        wake = replace(PLAIN.wake_stale, pending=storage.pending, leases=storage.leases, scope=scope)
        replace(wake, queue=storage.queue, clock=self.clock)()

    def work_off(self) -> None:
        """Carry out what stands in the queue, one after the other."""
        for _ in range(50):
            if not self.storage.queue.sent:
                return
            command, _ = self.storage.queue.sent.pop(0)
            self.process()(command)
        raise AssertionError(f"the queue does not empty: {self.storage.queue.sent}")

    def state(self) -> dict[str, Hashable]:
        rows = [replace(row, etag="") for row in self.storage.pending.of(TENANT, MAILBOX_ID)]
        sent = sorted(type(command).__name__ for command in self.storage.queue.commands)
        return {
            "Pending": tuple(rows),
            "Leases": bool(self.storage.leases.held),
            "run": None,
            "sent": tuple(sent),
            "ran": tuple(sorted(self.ran)),
        }

    def play(self, *commands: Command) -> Play:
        def worker(command: Command) -> Worker:
            process = self.process()
            return Worker(lambda: process(command))

        return Play(self.stage, [worker(command) for command in commands], self.state)

    def _mails(self, scope: object, wanted: Any) -> dict[Any, Any]:
        self.stage.read("run")
        items = [item.item_id for item in wanted.command.items]
        self.ran += items
        if not wanted.is_repeat:
            self.first_runs += items
        return {}

    def _command(self, scope: object, command: Command, holder: Holder) -> bool:
        if isinstance(command, FileHistory):
            if not holder.reach.is_bulk:
                self.storage.queue.send(command)
            return False
        if isinstance(command, WakeMailbox):
            return False
        self.stage.read("run")
        self.ran.append(type(command).__name__)
        return True


@dataclass(frozen=True)
class Case:
    commands: tuple[Command, ...]
    rows: tuple[PendingRow, ...] = ()

    def stand(self) -> Stand:
        return Stand(self.rows)

    @property
    def expected(self) -> set[str]:
        asked = {row.item.item_id for row in self.rows if row.item is not None}
        for command in self.commands:
            if isinstance(command, IngestMessages):
                asked |= {item.item_id for item in command.items}
            elif not isinstance(command, WakeMailbox | FileHistory):
                asked.add(type(command).__name__)
        return asked


CASES: Final = {
    "two mails": Case((mail("a"), mail("b"))),
    "the same mail": Case((mail("a"), mail("a"))),
    "a mail and a walk": Case((mail("a"), WALK)),
    "two walks": Case((WALK, WALK)),
    "a mail and a wake-up": Case((mail("a"), WAKE), (LIVE_ROW,)),
    "two wake-ups": Case((WAKE, WAKE), (LIVE_ROW,)),
    "a mail and history": Case((mail("a"), HISTORY), (OLD_ROW,)),
    "a mail and a sweep": Case((mail("a"), SWEEP)),
    "history and a sweep": Case((HISTORY, SWEEP), (OLD_ROW,)),
    "a wake-up and history": Case((WAKE, HISTORY), (LIVE_ROW, OLD_ROW)),
}


def cases(*quick: str) -> list[Any]:
    """All, of which these are tried in every run: threads that hand over to one another wait long under load."""
    return [pytest.param(name, marks=() if name in quick else pytest.mark.slow) for name in CASES]


@pytest.mark.parametrize("name", cases("two mails", "a mail and a walk", "two wake-ups"))
def test_whatever_the_order_all_is_carried_out_and_nothing_is_left(name: str) -> None:
    case, plays = CASES[name], 0
    for stand in plays_of(case):
        plays += 1
        stand.work_off()
        assert stand.storage.pending.of(TENANT, MAILBOX_ID) == []
        assert set(stand.ran) == case.expected
        assert not stand.storage.leases.held
    assert plays > 10


@pytest.mark.parametrize("name", cases("two wake-ups"))
def test_whoever_is_killed_at_whatever_step_all_is_carried_out_in_the_end(name: str) -> None:
    """The command of who was killed comes again, as the host gives it back, and the tick finds the rest."""
    case, plays = CASES[name], 0
    for stand, play in killed_plays_of(case):
        plays += 1
        for command, worker in zip(case.commands, play.workers, strict=True):
            if worker.is_dead:
                stand.process()(command)
        stand.work_off()
        stand.sweep()
        stand.work_off()
        assert stand.storage.pending.of(TENANT, MAILBOX_ID) == []
        assert set(stand.ran) == case.expected
    assert plays > 20


def plays_with_a_lost_lease(case: Case) -> Iterator[Stand]:
    """The same, where the lease of whoever holds the mailbox ends at whatever step: then two hold it."""
    stands: list[Stand] = []

    def make() -> Play:
        stand = case.stand()
        stands.append(stand)
        play = stand.play(*case.commands)
        return Play(play.stage, [*play.workers, Worker(stand.lose_lease)], play.state)

    for play in every_play(make, bounds=FEW_SWITCHES):
        for worker in play.workers:
            assert worker.error is None, worker.error
        yield stands[-1]


@pytest.mark.parametrize("name", cases("two wake-ups"))
def test_where_two_hold_the_mailbox_who_runs_a_row_that_another_has_begun_knows_it(name: str) -> None:
    """Who looked at it before another began it, or ended it, leaves it alone; who looks later sees its tries."""
    case, plays = CASES[name], 0
    rows = [row.item.item_id for row in case.rows if row.item is not None]
    for stand in plays_with_a_lost_lease(case):
        plays += 1
        stand.work_off()
        assert [stand.first_runs.count(item_id) for item_id in rows] == [1] * len(rows)
        assert set(stand.ran) == case.expected
        assert stand.storage.pending.of(TENANT, MAILBOX_ID) == []
    assert plays > 10


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("write", "whoever writes tries no second time"),
        ("release", "whoever releases does not look"),
    ],
)
def test_without_either_half_of_the_protocol_a_row_is_left(
    broken: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if broken == "write":
        monkeypatch.setattr(TakeTurn, "_try_again", lambda self, turn: self._leave_word(turn) and None)
    else:
        monkeypatch.setattr(TakeTurn, "_look", lambda self, turn: [])
    left = 0
    for stand in plays_of(CASES["two mails"]):
        stand.work_off()
        left += bool(stand.storage.pending.of(TENANT, MAILBOX_ID))
    assert left, message


def plays_of(case: Case) -> Iterator[Stand]:
    stands: list[Stand] = []

    def make() -> Play:
        stands.append(case.stand())
        return stands[-1].play(*case.commands)

    for play in every_play(make):
        for worker in play.workers:
            assert worker.error is None, worker.error
        yield stands[-1]


def killed_plays_of(case: Case) -> Iterator[tuple[Stand, Play]]:
    stands: list[Stand] = []

    def make() -> Play:
        stands.append(case.stand())
        return stands[-1].play(*case.commands)

    for play in every_play(make, bounds=ONE_KILL):
        yield stands[-1], play
