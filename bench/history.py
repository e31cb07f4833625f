"""Rows of `bench.pipeline` over mail that lies in a mailbox already: first walk, backfill, mail that is skipped."""

import time
from datetime import UTC, datetime, timedelta

from bench.correspondence import Size, ThreadMail, correspondence
from bench.costs import Cost
from bench.house import House, a_house
from shared.domain import names

A_DAY = timedelta(hours=22)  # within the window of a first walk
LONG_AGO = timedelta(hours=70)  # before it
STRANGERS = 500_000  # threads from here on are with people nobody knows


def first_walk(threads: int, length: int) -> Cost:
    """Connect a mailbox with a day of threads and wait until all of it is filed."""
    size = Size(threads, length)
    with a_house(lambda house: house.know(threads)) as house:
        address, mails = _filled(house, size, A_DAY)
        house.meter.clear()
        rows, started = house.rows(), time.monotonic()
        house.tenant.connect(address, wait=False)
        house.wait_filed(rows + size.mails)
        return _cost("first walk", house, mails, started)


def backfill(threads: int, length: int) -> Cost:
    """Ask for the history of a connected mailbox and wait until all of it is filed."""
    size = Size(threads, length)
    with a_house(lambda house: house.know(threads)) as house:
        address = house.tenant.agent("ann")
        house.connect(address)
        house.tenant.control.put_faults(drop_notifications=1.0)
        mails = correspondence(size, address, datetime.now(UTC) - LONG_AGO)
        house.deliver(address, mails)
        house.tenant.control.clear_faults()
        house.meter.settle()
        house.meter.clear()
        rows, started = house.rows(), time.monotonic()
        since = (datetime.now(UTC) - 2 * LONG_AGO).isoformat()
        house.tenant.admin.call("POST", f"mailboxes/{address}/backfill", json={"since": since})
        house.wait_filed(rows + size.mails)
        return _cost("backfill", house, mails, started)


def skipped(count: int) -> Cost:
    """Connect a mailbox with a day of strangers' mail and wait until the ledger has all of it."""
    size = Size(count, 1)
    with a_house() as house:
        address = house.tenant.agent("late")
        mails = correspondence(size, address, datetime.now(UTC) - A_DAY, first=STRANGERS)
        house.deliver(address, mails)
        house.meter.settle()
        house.meter.clear()
        rows, started = house.rows(names.SIGHTINGS), time.monotonic()
        house.tenant.connect(address, wait=False)
        # A copy has a row of its own and one that leads to it.
        house.wait_filed(rows + 2 * size.mails, table=names.SIGHTINGS)
        seconds = time.monotonic() - started
        return Cost("first walk, skipped", count, seconds, house.meter.read())


def _filled(house: House, size: Size, age: timedelta) -> tuple[str, list[ThreadMail]]:
    """An agent's mailbox, not connected, with mail of that age and younger."""
    address = house.tenant.agent("late")
    mails = correspondence(size, address, datetime.now(UTC) - age)
    house.deliver(address, mails)
    house.meter.settle()
    return address, mails


def _cost(name: str, house: House, mails: list[ThreadMail], started: float) -> Cost:
    seconds = time.monotonic() - started
    reading = house.meter.read()
    return Cost(name, len(mails), seconds, reading, house.shown(mails))
