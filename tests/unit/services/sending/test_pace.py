"""The pace of a mailbox: what leaves is counted in storage, and who waits is told until when."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.domain.commands.commands import SendMail
from shared.domain.sending.pacing import WINDOW
from shared.domain.sending.states import State
from tests.builders import TENANT, people, rewrite
from tests.unit.services.sending.outbox_world import OutboxWorld

MINUTE = timedelta(seconds=60)


class Rush(OutboxWorld):
    """A mailbox of three mails a minute; each mail takes two seconds to leave."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.left_at: list[datetime] = []
        self.settings(mails_per_minute=3)
        self.storage.sender.on_departure = self._depart

    def settings(self, **changes: Any) -> None:
        stored = self.storage.organisations.get(TENANT)
        assert stored is not None
        self.storage.organisations.put(replace(stored, **changes))
        self.storage.faults.clear()

    def _depart(self) -> None:
        self.left_at.append(self.now)
        self.now += timedelta(seconds=2)

    def wakes(self) -> list[float]:
        return [delay for command, delay in self.storage.queue.sent if isinstance(command, SendMail)]

    def states(self, count: int) -> list[State]:
        return [self.mail(number).state for number in range(1, count + 1)]


@pytest.fixture
def rush() -> Rush:
    return Rush()


def ask(rush: Rush, count: int, first: int = 1) -> None:
    for number in range(first, first + count):
        rush.ask(number, created_at=rush.now + number * timedelta(milliseconds=1))
    rush.now += timedelta(seconds=1)


def most_in_a_minute(rush: Rush) -> int:
    return max(sum(at <= other < at + MINUTE for other in rush.left_at) for at in rush.left_at)


def test_what_is_beyond_a_minute_is_held_with_the_time_and_leaves_then(rush: Rush) -> None:
    ask(rush, 8)
    rush.send()
    sent, held = [State.SENT] * 3, [State.HELD] * 5
    assert rush.states(8) == sent + held
    first = rush.left_at[-1] + WINDOW
    times = [rush.mail(number).not_before for number in range(4, 9)]
    assert times == [first] * 3 + [first + WINDOW] * 2
    assert f"It waits until {first:%Y-%m-%d %H:%M:%S} UTC." in rush.mail(4).steps[-1].detail
    # A command comes at each of these times.
    assert rush.wakes() == [(until - rush.now).total_seconds() for until in (first, first + WINDOW)]
    rush.now = first
    rush.send()
    assert rush.states(8) == sent + sent + [State.HELD] * 2
    rush.work()
    assert len(rush.left) == 8
    assert most_in_a_minute(rush) == 3


def test_a_restart_and_another_limit_begin_no_new_count(rush: Rush) -> None:
    ask(rush, 3)
    rush.send()
    rush.settings(mails_per_minute=4)
    ask(rush, 3, first=4)
    rush.send()
    assert len(rush.left) == 4
    rush.settings(mails_per_minute=1)
    rush.now += timedelta(seconds=30)
    ask(rush, 1, first=7)
    rush.send()
    assert len(rush.left) == 4
    rush.work()
    assert len(rush.left) == 7


def test_recipients_of_a_day_are_counted_and_the_rest_leaves_the_day_after(rush: Rush) -> None:
    rush.settings(recipients_per_day=5)
    crowd = people(*(f"guest{number}@fabrikam.example" for number in range(3)))
    rush.ask(1, to=crowd)
    rush.ask(2, to=crowd, created_at=rush.now + timedelta(milliseconds=1))
    rush.now += timedelta(seconds=1)
    asked_at = rush.now
    rush.send()
    assert rush.states(2) == [State.SENT, State.HELD]
    rush.work(until=timedelta(hours=23))
    assert len(rush.left) == 1
    rush.work()
    assert len(rush.left) == 2
    assert rush.left_at[1] >= asked_at + timedelta(days=1)


def test_a_burst_larger_than_what_is_told_leaves_whole(rush: Rush) -> None:
    rush.settings(mails_per_minute=30)
    ask(rush, 140)
    rush.send()
    assert rush.states(140) == [State.SENT] * 30 + [State.HELD] * 100 + [State.QUEUED] * 10
    rush.work(until=timedelta(hours=1))
    assert len(rush.left) == 140
    assert most_in_a_minute(rush) <= 30


def test_a_kill_anywhere_lets_no_mail_out_uncounted() -> None:
    for number in range(1, 30):
        rush = Rush()
        ask(rush, 5)
        rush.storage.faults.kill_after(number)
        rush.send_or_die()
        rush.work(until=timedelta(hours=1))
        assert len(rush.left) == 5, number
        assert most_in_a_minute(rush) <= 3, number


def test_mail_of_a_paused_mailbox_is_held_until_it_is_resumed(rush: Rush) -> None:
    ask(rush, 2)
    rewrite(rush.storage.mailboxes, rush.mailbox, enabled=False)
    rush.work(until=timedelta(hours=1))
    assert (rush.states(2), rush.left) == ([State.HELD] * 2, [])
    rewrite(rush.storage.mailboxes, rush.mailbox, enabled=True)
    rush.work()
    assert len(rush.left) == 2
