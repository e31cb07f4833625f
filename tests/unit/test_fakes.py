"""The fakes' own promise: a run can be ended between any two writes."""

import pytest

from shared.domain import names
from shared.domain.errors import Unavailable
from tests.builders import AGENT, TENANT, a_record, an_entry, an_inbox_item
from tests.fakes import FakePorts, FakeStorage, FakeTimeline, Killed
from tests.fakes.faults import operations


def run(storage):
    storage.timeline.put(TENANT, [an_entry()])
    storage.inbox.put(TENANT, [an_inbox_item()])
    storage.records.put_many(TENANT, [a_record()])


def rows(storage):
    return [bool(storage.timeline.rows), bool(storage.inbox.rows), bool(storage.records.rows)]


def test_writes_are_numbered_over_all_stores():
    storage = FakeStorage()
    run(storage)
    assert storage.faults.writes == ["Timeline.put", "Inbox.put", "Records.put_many"]


@pytest.mark.parametrize(("number", "written"), [(1, [0, 0, 0]), (2, [1, 0, 0]), (3, [1, 1, 0])])
def test_killed_before_a_write(number, written):
    storage = FakeStorage()
    storage.faults.kill_before(number)
    with pytest.raises(Killed):
        run(storage)
    assert rows(storage) == [bool(one) for one in written]


@pytest.mark.parametrize(("number", "written"), [(1, [1, 0, 0]), (2, [1, 1, 0]), (3, [1, 1, 1])])
def test_killed_after_a_write(number, written):
    storage = FakeStorage()
    storage.faults.kill_after(number)
    with pytest.raises(Killed):
        run(storage)
    assert rows(storage) == [bool(one) for one in written]


def test_an_operation_can_fail_every_time_until_it_is_cleared():
    storage = FakeStorage()
    storage.faults.named["Inbox.put"] = Unavailable("busy")
    for _ in range(2):
        with pytest.raises(Unavailable):
            run(storage)
    storage.faults.clear()
    run(storage)
    assert rows(storage) == [True, True, True]


def test_a_fake_on_its_own_has_its_own_faults():
    first, second = FakeTimeline(), FakeTimeline()
    first.faults.kill_before(1)
    second.put(TENANT, [an_entry()])
    with pytest.raises(Killed):
        first.put(TENANT, [an_entry()])


def test_a_fault_of_an_operation_that_no_fake_has_is_refused():
    ports = FakePorts()
    with pytest.raises(LookupError, match=r"Timeline\.putt"):
        ports.faults.named["Timeline.putt"] = Unavailable("busy")
    with pytest.raises(LookupError, match="ends"):
        ports.subscription_source.errors["ends"] = Unavailable("busy")
    with pytest.raises(LookupError, match="reads"):
        ports.probe.errors["reads", AGENT] = Unavailable("busy")


def test_faults_reach_every_operation_that_a_fake_reports():
    assert {"Timeline.put", "CommandQueue.send", "Leases.take", "Records.get"} <= operations()


def test_what_a_tenant_holds_is_taken_from_every_table():
    assert set(FakePorts().holdings.places) >= set(names.TABLES)
