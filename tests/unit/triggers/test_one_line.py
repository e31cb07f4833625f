"""A command writes one line, whatever happens to it and to the mails of strangers in it."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared.bootstrap.dispatch import carry_out
from shared.domain.commands.commands import MAX_IDS, IngestMessages, SyncMailbox
from shared.domain.commands.envelope import Command
from shared.domain.commands.families import MAIL
from shared.domain.errors import AccessDenied, NotThereYet, Throttled, Unavailable, Unreadable
from shared.domain.mail.items import ItemRef
from shared.services.commands.occupancy import Occupancy
from shared.triggers.queue import Outcomes, handle
from tests.builders import CONTACT, NOW, TENANT, a_record
from tests.log import events, lines
from tests.unit.services.world import World
from tests.unit.triggers.test_queue import INGEST, SYNC, Message, Run

STRANGER = "somebody@adatum.example"
BRACKETS = "(" * 500


@pytest.fixture
def world(caplog: pytest.LogCaptureFixture) -> World:
    caplog.set_level(logging.INFO, "postledger")
    made = World()
    made.records(a_record(addresses=(CONTACT,)))
    return made


@pytest.fixture
def outcomes(world: World) -> Outcomes:
    return Outcomes(world.storage.queue, world.storage.exceptions, lambda: world.now, Occupancy())


def take(world: World, outcomes: Outcomes, command: Command) -> None:
    """As the queue function does."""
    handle(Message(command.to_json()), MAIL, lambda given: carry_out(world.use_cases, given), outcomes)


def ingest(world: World, items: list[ItemRef]) -> IngestMessages:
    return IngestMessages(
        tenant_id=TENANT, mailbox_id=world.mailbox.mailbox_id, first_at=world.now, items=tuple(items)
    )


def broken(world: World, number: int) -> ItemRef:
    item = world.deliver(sender=STRANGER, message_id=f"broken-{number}@adatum.example")
    world.mail.failing[item] = Unreadable("The mail cannot be read: RecursionError in head.", NOW)
    return item


def late(world: World, number: int) -> ItemRef:
    item = world.deliver(sender=STRANGER, message_id=f"late-{number}@adatum.example")
    world.mail.failing[item] = NotThereYet("not there yet")
    return item


def unanswered(world: World, number: int) -> ItemRef:
    item = world.deliver(message_id=f"unanswered-{number}@fabrikam.example")
    world.mail.failing[item] = Unavailable("busy")
    return item


def forged(world: World, number: int) -> ItemRef:
    return world.deliver(subject="[PL-7K3Q9X-F2MX] Hello", message_id=f"forged-{number}@fabrikam.example")


def a_report(world: World, number: int) -> ItemRef:
    return world.deliver(
        sender="MAILER-DAEMON@adatum.example",
        subject="Undelivered Mail Returned to Sender",
        message_id=f"report-{number}@adatum.example",
        mime=BRACKETS.encode(),
    )


def plain(world: World, number: int) -> ItemRef:
    return world.deliver(message_id=f"plain-{number}@fabrikam.example")


Mail = Callable[[World, int], ItemRef]


@pytest.mark.parametrize("mail", [plain, broken, late, unanswered, forged, a_report])
def test_mails_of_every_kind_leave_one_line_a_command(
    world: World, outcomes: Outcomes, caplog: pytest.LogCaptureFixture, mail: Mail
) -> None:
    """A mail that comes alone is a command of its own: more than its one line, and a stranger could fill the log."""
    alone = [mail(world, 0)]
    together = [mail(world, number) for number in range(1, MAX_IDS)]
    for items in (alone, together):
        take(world, outcomes, ingest(world, items))
    assert [line["event"] for line in lines(caplog)] == ["mail_handled"] * 2


def test_a_walk_that_notes_much_has_a_short_line(
    world: World, outcomes: Outcomes, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(200):
        broken(world, number)
    take(world, outcomes, SyncMailbox.of(world.mailbox, world.now))
    [line] = lines(caplog)
    assert line["mails_failed"] == line["times"]["exception_recorded"] == 50, "a page"
    assert max(len(record.message) for record in caplog.records) < 32_000


def test_a_line_says_which_command_it_was_and_what_became_of_its_mails(
    world: World, outcomes: Outcomes, caplog: pytest.LogCaptureFixture
) -> None:
    items = [plain(world, 0), broken(world, 1), world.deliver(sender=STRANGER, message_id="2@adatum.example")]
    world.now += timedelta(seconds=30)
    take(world, outcomes, ingest(world, items))
    [line] = lines(caplog)
    assert line["command"] == "IngestMessages"
    assert (line["tenant"], line["mailbox"]) == (TENANT, world.mailbox.mailbox_id)
    assert (line["attempt"], line["outcome"]) == (0, "done")
    assert {name: mails for name, mails in line.items() if name.startswith("mails_")} == {
        "mails_filed": 1,
        "mails_skipped": 1,
        "mails_failed": 1,
    }
    assert len(line["delays"]) == 1
    [recorded] = events([line], "exception_recorded")
    assert (recorded["level"], recorded["code"]) == ("warning", "unreadable")
    assert caplog.records[0].levelno == logging.WARNING


ENDS: list[tuple[Exception | None, dict[str, Any], int]] = [
    (None, {"outcome": "done"}, logging.INFO),
    (Throttled("slow", retry_after=60), {"outcome": "put_back", "error": "Throttled"}, logging.INFO),
    (
        AccessDenied("no", "ErrorAccessDenied"),
        {"outcome": "failed", "code": "ErrorAccessDenied"},
        logging.ERROR,
    ),
    (
        ZeroDivisionError("words of a mail"),
        {"outcome": "raised", "error": "ZeroDivisionError"},
        logging.ERROR,
    ),
]


@pytest.mark.parametrize(("error", "said", "level"), ENDS)
def test_every_outcome_is_one_line_as_loud_as_it_deserves(
    outcomes: Outcomes,
    caplog: pytest.LogCaptureFixture,
    error: Exception | None,
    said: dict[str, Any],
    level: int,
) -> None:
    try:
        handle(Message(SYNC.to_json()), MAIL, Run(error), outcomes)
    except ZeroDivisionError as raised:
        assert raised is error
    [line] = lines(caplog)
    assert {name: line[name] for name in said} == said
    assert caplog.records[0].levelno == level
    assert "words" not in caplog.text


def test_what_is_no_command_has_one_line(outcomes: Outcomes, caplog: pytest.LogCaptureFixture) -> None:
    handle(Message("no command"), MAIL, Run(), outcomes)
    [line] = lines(caplog)
    assert (line["event"], line["outcome"]) == ("mail_handled", "malformed")
    assert [event["event"] for event in line["noted"]] == ["exception_recorded"]


def test_a_command_that_waits_for_an_hour_is_overdue_in_its_line(
    world: World, outcomes: Outcomes, caplog: pytest.LogCaptureFixture
) -> None:
    world.now += timedelta(hours=2)
    handle(Message(INGEST.to_json()), MAIL, Run(Unavailable("down")), outcomes)
    [line] = lines(caplog)
    [overdue] = events([line], "command_overdue")
    assert (overdue["error"], overdue["level"]) == ("Unavailable", "warning")
