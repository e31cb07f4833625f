"""The poll timer: every due mailbox is walked, each on its own second of its interval."""

import logging
from datetime import timedelta

import pytest

from shared import telemetry
from shared.domain.commands.commands import SyncMailbox
from shared.domain.connections.mailbox_state import NEW, POLLING
from shared.services.capture.polling import MOST_LAGS
from tests.builders import NOW, TENANT, a_mailbox
from tests.composed import use_cases_over
from tests.fakes import FakePorts, Killed
from tests.log import events, lines


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
            {"state": POLLING, "last_sync_at": NOW - 2 * hour, "poll_minutes": 10},
        ]
    ):
        address = f"{number}@contoso.example"
        storage.mailboxes.save(a_mailbox(mailbox_id=f"{number:032x}", address=address, **fields))
    with caplog.at_level(logging.INFO, "postledger"):
        use_cases_over(storage).poll()
    [polled] = events(lines(caplog), "polled")
    assert polled["due"] == 4
    said = [tuple(lag.values()) for lag in polled["lags"]]
    assert said == [
        (f"{3:032x}", POLLING, 7200, 6600, True),
        (f"{0:032x}", POLLING, 3600, 3000, False),
        (f"{1:032x}", NEW, 120, 0, False),
    ], (
        "the latest first; a paused mailbox has no lag, one that Graph cannot notify us of is rightly not notified"
    )


def test_a_tick_says_of_the_latest_mailboxes_how_far_they_lag_and_its_line_stays_short(
    caplog: pytest.LogCaptureFixture,
) -> None:
    storage = FakePorts()
    for number in range(MOST_LAGS + 10):
        fields = {"last_sync_at": NOW - timedelta(hours=1, seconds=number), "poll_minutes": 10}
        address = f"{number}@contoso.example"
        storage.mailboxes.save(a_mailbox(mailbox_id=f"{number:032x}", address=address, **fields))
    with caplog.at_level(logging.INFO, "postledger"), telemetry.measured("tick_handled", mailbox=""):
        use_cases_over(storage).poll()
    [line] = lines(caplog)
    [polled] = line["noted"]
    assert polled["due"] == MOST_LAGS + 10
    assert min(lag["late"] for lag in polled["lags"]) == 3000 + 10
    assert len(caplog.records[0].message) < 32_000, "what is longer is cut by Application Insights"
