"""The poll timer: every due mailbox is walked, each on its own second of its interval."""

import json
import logging
from datetime import timedelta

import pytest

from shared.domain.commands.commands import SyncMailbox
from shared.domain.connections.mailbox_state import NEW, POLLING
from tests.builders import NOW, TENANT, a_mailbox
from tests.composed import use_cases_over
from tests.fakes import FakePorts, Killed


def test_due_mailboxes_are_queued_once_per_interval() -> None:
    storage = FakePorts()
    for number, due in enumerate([None, NOW, NOW + timedelta(seconds=1)]):
        storage.mailboxes.save(
            a_mailbox(mailbox_id=f"{number:032x}", address=f"{number}@contoso.example", next_poll_at=due)
        )
    poll = use_cases_over(storage).poll
    poll()
    poll()
    assert all(isinstance(one, SyncMailbox) for one in storage.queue.commands)
    assert sorted(one.mailbox_id for one in storage.queue.commands) == [
        f"{number:032x}" for number in range(2)
    ]


def test_mailboxes_spread_over_their_interval() -> None:
    storage = FakePorts()
    ids = [f"{number * 7919:08x}{'0' * 24}" for number in range(600)]
    for one in ids:
        storage.mailboxes.save(a_mailbox(mailbox_id=one, address=f"{one}@contoso.example"))
    use_cases_over(storage).poll()
    minutes = [0] * 10
    for one in ids:
        row = storage.mailboxes.by_id(TENANT, one)
        assert row is not None
        assert row.state.next_poll_at is not None
        minutes[int((row.state.next_poll_at - NOW).total_seconds() - 1) // 60] += 1
    assert max(minutes) < 2 * min(minutes)


def test_a_crash_between_queueing_and_noting_only_walks_twice() -> None:
    storage = FakePorts()
    storage.mailboxes.save(a_mailbox())
    storage.faults.clear()
    storage.faults.kill_after(1)
    poll = use_cases_over(storage).poll
    with pytest.raises(Killed):
        poll()
    storage.faults.clear()
    poll()
    assert len(storage.queue.commands) == 2


def test_every_due_mailbox_says_how_far_it_lags(caplog: pytest.LogCaptureFixture) -> None:
    storage = FakePorts()
    hour = timedelta(hours=1)
    for number, fields in enumerate(
        [
            {
                "state": POLLING,
                "last_sync_at": NOW - hour,
                "poll_minutes": 10,
                "connection": "graph-delegated",
            },
            {"state": NEW, "last_sync_at": None, "connected_at": NOW - timedelta(minutes=2)},
            {"last_sync_at": NOW - hour, "paused_at": NOW - hour},
        ]
    ):
        address = f"{number}@contoso.example"
        storage.mailboxes.save(a_mailbox(mailbox_id=f"{number:032x}", address=address, **fields))
    with caplog.at_level(logging.INFO, "postledger"):
        use_cases_over(storage).poll()
    lines = [json.loads(one.message) for one in caplog.records]
    said = {one["mailbox"]: one for one in lines if one["event"] == "mailbox_lag"}
    assert {
        name: (one["state"], one["seconds"], one["late"], one["polled_only"]) for name, one in said.items()
    } == {
        f"{0:032x}": (POLLING, 3600, 3000, True),
        f"{1:032x}": (NEW, 120, 0, False),
    }, "a paused mailbox has no lag"
