"""A mail that breaks a parser fails alone: its page, its batch and its mailbox go on."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.capture import screening
from shared.domain.commands.commands import ReconcileMailbox
from shared.domain.connections.mailbox_state import OK
from shared.domain.errors import NotFound, Unreadable
from shared.domain.mail import documents
from shared.domain.mail.items import ItemRef
from shared.services.commands.exceptions import CountUnreadable, ReplayExceptions
from tests import hostile_text
from tests.builders import NOW, TENANT, a_record
from tests.unit.services.world import World

EVIL = "evil@fabrikam.example"
RECEIVED = NOW - timedelta(minutes=3)
Read = Callable[[World, ItemRef], None]


def walked(world: World, item: ItemRef) -> None:
    world.walk()
    world.work()


def notified(world: World, item: ItemRef) -> None:
    world.notify(item)


def reconciled(world: World, item: ItemRef) -> None:
    box = world.mailbox
    command = ReconcileMailbox(tenant_id=TENANT, mailbox_id=box.mailbox_id, first_at=world.now)
    world.walk()
    world.run(command)
    world.work()


@pytest.fixture
def world() -> World:
    made = World()
    made.records(a_record())
    return made


def good(world: World, count: int = 3) -> None:
    for number in range(count):
        world.deliver(
            message_id=f"good-{number}@fabrikam.example", received_at=NOW - timedelta(minutes=number)
        )


def unreadable(world: World, **mail: Any) -> ItemRef:
    item = world.deliver(message_id=EVIL, received_at=RECEIVED, **mail)
    world.mail.failing[item] = Unreadable("The mail cannot be read: RecursionError in head.", RECEIVED)
    return item


def codes(world: World) -> list[tuple[str, ItemRef | None]]:
    return [(failure.code, failure.item) for failure in world.storage.exceptions.all]


@pytest.mark.parametrize("read", [walked, notified, reconciled])
def test_a_head_that_cannot_be_read_is_one_failure_and_the_others_are_filed(world: World, read: Read) -> None:
    good(world)
    item = unreadable(world)
    read(world, item)
    walked(world, item)
    assert len(world.timeline()) == 3
    assert world.outcome(item) == ("failed", "unreadable")
    assert codes(world) == [("unreadable", item)]


def test_the_mailbox_stays_ok_and_says_how_many(world: World) -> None:
    good(world)
    unreadable(world)
    unreadable(world)
    world.walk()
    world.work()
    assert world.storage.mailboxes.by_id(TENANT, world.mailbox.mailbox_id).shown_state == OK
    count = world.use_cases.part(CountUnreadable)
    assert count.of(world.mailbox) == 2
    assert count(TENANT) == {world.mailbox.mailbox_id: 2}


def test_a_head_that_breaks_what_decides_on_capture_does_not_take_its_page_along(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide = screening.decide

    def choking(head: Any, *others: Any) -> Any:
        if head.message_id == EVIL:
            raise Unreadable("The mail cannot be read: KeyError in nature_of.")
        return decide(head, *others)

    monkeypatch.setattr(screening, "decide", choking)
    good(world)
    item = world.deliver(message_id=EVIL, received_at=RECEIVED)
    world.walk()
    world.work()
    assert len(world.timeline()) == 3
    assert world.outcome(item) == ("failed", "unreadable")
    assert codes(world) == [("unreadable", item)]


def test_a_body_that_cannot_be_read_does_not_take_its_batch_along(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    text_of = documents.quotes.split

    def choking(text: str, **others: Any) -> Any:
        if "evil" in text:
            raise Unreadable("The mail cannot be read: RecursionError in split.")
        return text_of(text, **others)

    monkeypatch.setattr(documents.quotes, "split", choking)
    good(world)
    item = world.deliver(message_id=EVIL, received_at=RECEIVED, text="evil")
    world.walk()
    world.work()
    assert len(world.timeline()) == 3
    assert world.outcome(item) == ("failed", "unreadable")
    assert codes(world) == [("unreadable", item)]


def test_once_it_can_be_read_a_replay_files_it_and_it_counts_no_more(world: World) -> None:
    item = unreadable(world)
    walked(world, item)
    del world.mail.failing[item]
    world.use_cases.part(ReplayExceptions)(TENANT, "unreadable")
    world.work()
    assert world.outcome(item)[0] == "filed"
    assert world.use_cases.part(CountUnreadable).of(world.mailbox) == 0


def test_a_replay_that_fails_again_counts_again(world: World) -> None:
    item = unreadable(world)
    walked(world, item)
    world.use_cases.part(ReplayExceptions)(TENANT, "unreadable")
    world.work()
    assert world.use_cases.part(CountUnreadable).of(world.mailbox) == 1


def test_other_failures_are_not_counted(world: World) -> None:
    item = world.deliver()
    world.mail.failing[item] = NotFound("gone")
    walked(world, item)
    assert world.use_cases.part(CountUnreadable).of(world.mailbox) == 0


EVIL_HEADERS = [
    *(("x-failed-recipients", sign * times) for sign in '(<"\\[' for times in (494, 2_000)),
    *((name, "(" * 2_000) for name in hostile_text.NAMES),
    ("x-failed-recipients", "=?\x00?q?a?= <bo@fabrikam.example>"),
    ("thread-index", "\ud800"),
    ("list-id", "<" * 2_000),
]


def test_good_mail_beside_every_evil_header_is_filed_and_nothing_stops_the_mailbox(world: World) -> None:
    good(world)
    for number, header in enumerate(EVIL_HEADERS):
        world.deliver(message_id=f"evil-{number}@fabrikam.example", headers=(header,))
    world.walk()
    world.work()
    filed = {entry.message_key for entry in world.timeline()}
    assert len(filed) >= 3
    rows = world.storage.sightings.all(world.mailbox).values()
    assert len(rows) == 3 + len(EVIL_HEADERS)
    assert not [row for row in rows if row.outcome == "queued"]
    assert world.storage.mailboxes.by_id(TENANT, world.mailbox.mailbox_id).shown_state == OK
