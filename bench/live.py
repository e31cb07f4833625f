"""Rows of `bench.pipeline` over mail that comes while one looks: alone, in bursts, beside many first walks."""

import statistics
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bench.correspondence import Size, ThreadMail, correspondence
from bench.costs import Cost
from bench.house import PATIENCE, House, a_house
from dev.tenant import eventually

BURST = 10
LENGTH = 5  # mails of a thread
# The mailboxes that are connected beside live mail: two threads each, and how the live mailbox's are numbered.
EACH = Size(threads=2, length=LENGTH)
LIVE = 700_000
BEFORE = 5  # live mails before the first walks begin
MOST = 60  # live mails beside them
PAUSE = 2.0


def alone(mails: int, every: float) -> Cost:
    """One mail every so many seconds, each waited for."""
    threads = -(-mails // LENGTH)
    with a_house(lambda house: house.know(threads)) as house:
        address, written = _connected(house, Size(threads, LENGTH))
        return _live("live, alone", house, address, [[mail] for mail in written[:mails]], every)


def bursts(count: int, every: float) -> Cost:
    """Ten mails of ten threads at once, the answers in the next burst."""
    with a_house(lambda house: house.know(BURST)) as house:
        address, written = _connected(house, Size(BURST, count))
        groups = [written[start : start + BURST] for start in range(0, len(written), BURST)]
        return _live(f"live, bursts of {BURST}", house, address, groups, every)


def beside_first_walks(mailboxes: int) -> Cost:
    """Live mail of one mailbox alone, then while so many others are walked for the first time; prints both."""

    def know_all(house: House) -> None:
        house.know(EACH.threads * mailboxes)
        house.know(1, LIVE)

    with a_house(know_all) as house:
        address = house.tenant.agent("live")
        house.connect(address)
        mails = correspondence(Size(1, BEFORE + MOST), address, datetime.now(UTC), first=LIVE)
        before = _LiveMail(house, address)
        before.run(mails[:BEFORE])
        histories = [_history(house, number) for number in range(mailboxes)]
        house.meter.settle()
        beside = _LiveMail(house, address)
        started = time.monotonic()
        beside.run_until_filed(mails[BEFORE:], [other for other, _ in histories], mailboxes * EACH.mails)
        seconds = time.monotonic() - started
        reading = house.meter.read()
        print(before.compared(beside), flush=True)
        mails = mails[: BEFORE + len(beside.delays)] + [mail for _, history in histories for mail in history]
        count = len(beside.delays) + mailboxes * EACH.mails
        name = f"{mailboxes} first walks, live beside"
        return Cost(name, count, seconds, reading, house.shown(mails), beside.delays)


def _connected(house: House, size: Size) -> tuple[str, list[ThreadMail]]:
    address = house.tenant.agent("ann")
    house.connect(address)
    return address, correspondence(size, address, datetime.now(UTC))


def _live(
    name: str, house: House, address: str, groups: Sequence[Sequence[ThreadMail]], every: float
) -> Cost:
    house.meter.clear()
    rows, delays, seconds = house.rows(), list[float](), 0.0
    for group in groups:
        started = time.monotonic()
        house.deliver(address, group, now=True)
        rows += len(group)
        house.wait_filed(rows)
        delays.append(time.monotonic() - started)
        seconds += delays[-1]
        time.sleep(max(0.0, every - delays[-1]))
    mails = [mail for group in groups for mail in group]
    reading = house.meter.read()
    return Cost(name, len(mails), seconds, reading, house.shown(mails), delays)


def _history(house: House, number: int) -> tuple[str, list[ThreadMail]]:
    """Another agent's mailbox with history, not connected."""
    address = house.tenant.agent(f"agent{number}")
    start = datetime.now(UTC) - timedelta(hours=20)
    mails = correspondence(EACH, address, start, first=EACH.threads * number)
    house.deliver(address, mails)
    return address, mails


class _LiveMail:
    """Delivers mails to one mailbox, each waited for, and says what they cost."""

    def __init__(self, house: House, address: str) -> None:
        self._house = house
        self._address = address
        house.meter.clear()
        self.delays: list[float] = []
        self.operations = 0.0

    def run(self, mails: Sequence[ThreadMail]) -> None:
        for mail in mails:
            self._deliver(mail)
            time.sleep(PAUSE)
        self._count()

    def run_until_filed(self, mails: Sequence[ThreadMail], others: Sequence[str], history: int) -> None:
        """Connect the others, and go on until their history is filed."""
        goal = self._house.rows() + history
        connecting = threading.Thread(target=self._connect, args=(others,))
        connecting.start()
        for number, mail in enumerate(mails, 1):
            self._deliver(mail)
            if self._house.rows() >= goal + number:
                break
        connecting.join()
        self._house.wait_filed(goal + len(self.delays))
        self._count()

    def compared(self, beside: "_LiveMail") -> str:
        """This mail alone and that beside first walks, in one line."""
        slower = statistics.median(beside.delays) / statistics.median(self.delays)
        return (
            f"    live mail alone: {statistics.median(self.delays):.2f} s, {self.operations:.1f} storage operations "
            f"in commands; beside: {statistics.median(beside.delays):.2f} s (worst {max(beside.delays):.2f}), "
            f"{beside.operations:.1f} operations, {len(beside.delays)} mails; {slower:.2f} times the delay"
        )

    def _connect(self, others: Sequence[str]) -> None:
        self._house.tenant.connect(*others, wait=False)

    def _deliver(self, mail: ThreadMail) -> None:
        rows, started = self._house.entries(LIVE), time.monotonic()
        self._house.deliver(self._address, [mail], now=True)
        eventually(lambda: self._house.entries(LIVE) > rows, seconds=PATIENCE, what="the live mail's entry")
        self.delays.append(time.monotonic() - started)

    def _count(self) -> None:
        """Storage requests of this mailbox's commands; those of the queue and of the webhook are not in them."""
        mailbox_id = self._house.mailbox_id(self._address)
        own = [c for c in self._house.meter.commands() if c.mailbox == mailbox_id]
        self.operations = sum(c.storage_calls for c in own) / len(self.delays)
