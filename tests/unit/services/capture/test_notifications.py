"""Hints from Graph: genuine ones become commands of one mailbox, forged ones become nothing."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from shared.domain.commands.commands import IngestMessages, MaintainSubscription
from shared.domain.errors import Unavailable
from shared.services.capture.notifications import Notification, TakeNotifications
from tests.builders import MAILBOX_ID, NOW, TENANT, a_subscription, an_item
from tests.composed import use_cases_over
from tests.fakes import FakePorts

STATE = a_subscription().client_state


@pytest.fixture
def storage() -> FakePorts:
    made = FakePorts()
    made.subscriptions.put(TENANT, a_subscription())
    made.faults.clear()
    return made


def take(storage: FakePorts, clock: Callable[[], datetime] = lambda: NOW) -> TakeNotifications:
    return use_cases_over(storage, clock).take_notifications


def created(message_id: str, state: str = STATE, tenant: str = TENANT) -> Notification:
    return Notification(tenant, state, message_id, "created")


def test_a_notification_becomes_a_command_with_its_id(storage: FakePorts) -> None:
    take(storage)([created("A")])
    assert storage.queue.commands == [
        IngestMessages(tenant_id=TENANT, mailbox_id=MAILBOX_ID, first_at=NOW, items=(an_item("A"),))
    ]


def test_many_notifications_share_commands_of_at_most_twenty_ids(storage: FakePorts) -> None:
    take(storage)([created(str(number)) for number in range(45)])
    assert [len(one.items) for one in storage.queue.commands] == [20, 20, 5]  # type: ignore[attr-defined]


def test_the_same_id_twice_is_one(storage: FakePorts) -> None:
    take(storage)([created("A"), created("B"), created("A")])
    assert [one.items for one in storage.queue.commands] == [(an_item("A"), an_item("B"))]  # type: ignore[attr-defined]


def test_a_subscription_is_looked_up_once_per_body(storage: FakePorts) -> None:
    take(storage)([created(str(number)) for number in range(9)])
    assert storage.faults.reads == ["Subscriptions.get"]


@pytest.mark.parametrize(
    "forged",
    [
        created("A", STATE + "x"),
        created("A", f"{MAILBOX_ID}."),
        created("A", ""),
        created("A", "ä" * 3),
        created("A", tenant="99999999-8888-4777-8666-555555555555"),
        created("A", tenant="../Mailboxes"),
    ],
)
def test_forged_notifications_queue_nothing(storage: FakePorts, forged: Notification) -> None:
    take(storage)([forged, created("B")])
    assert [one.items for one in storage.queue.commands] == [(an_item("B"),)]  # type: ignore[attr-defined]


@pytest.mark.parametrize("event", ["missed", "subscriptionRemoved", "reauthorizationRequired"])
def test_a_lifecycle_event_becomes_a_subscription_command(storage: FakePorts, event: str) -> None:
    take(storage)([Notification(TENANT, STATE, lifecycle=event)] * 2)
    assert storage.queue.commands == [
        MaintainSubscription(tenant_id=TENANT, mailbox_id=MAILBOX_ID, first_at=NOW, event=event)
    ]


def test_a_queue_that_takes_too_long_is_reported(storage: FakePorts) -> None:
    with pytest.raises(Unavailable):
        take(storage, slow_after("CommandQueue.send", storage))([created("A")])
    assert len(storage.queue.commands) == 1


def test_storage_that_takes_too_long_is_reported_before_all_is_read(storage: FakePorts) -> None:
    with pytest.raises(Unavailable):
        take(storage, slow_after("Subscriptions.get", storage))(forgeries(9))
    assert len(storage.faults.reads) < 9
    assert storage.queue.commands == []


def slow_after(operation: str, storage: FakePorts) -> Callable[[], datetime]:
    """A clock by which the operation, once it was done, has taken longer than Graph waits."""

    def clock() -> datetime:
        was_done = operation in (*storage.faults.reads, *storage.faults.writes)
        return NOW + timedelta(seconds=2.1) if was_done else NOW

    return clock


def test_a_subscription_stays_known_for_some_minutes(storage: FakePorts) -> None:
    now = [NOW]
    taker = take(storage, lambda: now[0])
    for seconds in (0, 200, 299):
        now[0] = NOW + timedelta(seconds=seconds)
        taker([created(str(seconds))])
    assert storage.faults.reads == ["Subscriptions.get"]
    now[0] = NOW + timedelta(seconds=301)
    taker([created("later")])
    assert len(storage.faults.reads) == 2


def test_a_new_subscription_is_believed_although_the_old_one_is_remembered(storage: FakePorts) -> None:
    now = [NOW]
    taker = take(storage, lambda: now[0])
    taker([created("A")])
    renewed = replace(storage.subscriptions.rows[TENANT, MAILBOX_ID], client_state=f"{MAILBOX_ID}.new-secret")
    storage.subscriptions.put(TENANT, renewed)
    now[0] = NOW + timedelta(seconds=2)
    taker([created("B", f"{MAILBOX_ID}.new-secret")])
    assert [one.items for one in storage.queue.commands] == [(an_item("A"),), (an_item("B"),)]  # type: ignore[attr-defined]


def test_a_subscription_made_again_at_once_is_believed_at_once(storage: FakePorts) -> None:
    """subscriptionRemoved is answered within a second, and mail may come in the same second."""
    taker = take(storage)
    taker([Notification(TENANT, STATE, lifecycle="subscriptionRemoved")])
    renewed = replace(storage.subscriptions.rows[TENANT, MAILBOX_ID], client_state=f"{MAILBOX_ID}.new-secret")
    storage.subscriptions.put(TENANT, renewed)
    taker([created("A", f"{MAILBOX_ID}.new-secret")])
    assert storage.queue.commands[1].items == (an_item("A"),)  # type: ignore[attr-defined]


def test_a_flood_of_forgeries_reads_a_mailboxs_row_once_a_second(storage: FakePorts) -> None:
    taker = take(storage)
    for _ in range(50):
        taker([created("A", f"{MAILBOX_ID}.guess")])
    assert storage.faults.reads == ["Subscriptions.get"]
    assert storage.queue.commands == []


def forgeries(number: int, tenant: str = "") -> list[Notification]:
    """Made up, each of another mailbox; of one tenant, or each of another one."""
    made_up = (f"99999999-8888-4777-8666-{count:012x}" for count in range(number))
    return [created("A", f"{count:032x}.guess", tenant or stranger) for count, stranger in enumerate(made_up)]


@pytest.mark.parametrize("tenant", ["", TENANT, "99999999-8888-4777-8666-555555555555"])
def test_a_body_of_forgeries_costs_a_few_reads_and_genuine_ones_in_it_are_taken(
    storage: FakePorts, tenant: str
) -> None:
    taker = take(storage)
    taker([created("A")])
    storage.faults.clear()
    taker([*forgeries(1_000, tenant), created("B")])
    assert len(storage.faults.reads) <= 21
    assert storage.queue.commands[-1].items == (an_item("B"),)  # type: ignore[attr-defined]


def test_a_tenant_without_mailboxes_is_asked_for_once_a_minute(storage: FakePorts) -> None:
    now = [NOW]
    taker, stranger = take(storage, lambda: now[0]), "99999999-8888-4777-8666-555555555555"
    taker(forgeries(100, stranger))
    assert storage.faults.reads == ["Subscriptions.get", "Subscriptions.of"]
    storage.subscriptions.put(stranger, a_subscription())
    now[0] += timedelta(seconds=59)
    taker([created("A", tenant=stranger)])
    assert storage.queue.commands == []
    now[0] += timedelta(seconds=2)
    taker([created("B", tenant=stranger)])
    assert storage.queue.commands[0].items == (an_item("B"),)  # type: ignore[attr-defined]


def test_what_strangers_make_up_displaces_nothing_that_is_known(storage: FakePorts) -> None:
    taker = take(storage)
    taker([created("A")])
    for number in range(600):
        taker(forgeries(20, f"99999999-8888-4777-8666-{number:012x}"))
        taker(forgeries(20, TENANT))
    storage.faults.clear()
    taker([created("B")])
    assert storage.faults.reads == []


def test_what_was_held_is_read_again_although_a_body_is_full_of_forgeries(storage: FakePorts) -> None:
    now = [NOW]
    taker = take(storage, lambda: now[0])
    taker([created("A")])
    now[0] += timedelta(minutes=6)
    taker([*forgeries(1_000), created("B")])
    assert storage.queue.commands[-1].items == (an_item("B"),)  # type: ignore[attr-defined]


def test_a_body_of_forgeries_is_one_line_of_the_log(
    storage: FakePorts, caplog: pytest.LogCaptureFixture
) -> None:
    take(storage)(forgeries(1_000))
    [line] = [json.loads(record.message) for record in caplog.records]
    assert (line["event"], line["count"]) == ("notifications_forged", 1_000)
