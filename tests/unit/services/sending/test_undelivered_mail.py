"""A report of non-delivery marks the mail of the outbox, address by address, and proves no more than it names."""

from typing import Any

import pytest

from shared.domain.sending.states import State
from tests.builders import CONTACT, NOW, people
from tests.fakes import Killed
from tests.unit.services.sending.sent_world import (
    MESSAGE_ID,
    RENAMED,
    SUBJECT,
    SentWorld,
    a_copy,
)

GONE, BLOCKING, ELSEWHERE = "gone@fabrikam.example", "strict@adatum.example", "home@tailspin.example"


def a_report(*failed: tuple[str, str, str], of: str = MESSAGE_ID, number: int = 1) -> dict[str, Any]:
    """What a mail server writes: addresses with status and words."""
    parts = "".join(
        f"Final-Recipient: rfc822; {address}\nAction: failed\nStatus: {status}\n"
        f"Diagnostic-Code: smtp; {words}\n\n"
        for address, status, words in failed
    )
    mime = (
        "From: MAILER-DAEMON@fabrikam.example\nSubject: Undelivered\nMIME-Version: 1.0\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n"
        "Content-Type: text/plain\n\nIt did not arrive.\n--b\nContent-Type: message/delivery-status\n\n"
        f"Reporting-MTA: dns; mx.fabrikam.example\n\n{parts}--b\nContent-Type: text/rfc822-headers\n\n"
        f"Message-ID: <{of}>\nTo: {GONE}\n--b--\n"
    )
    return {
        "sender": "MAILER-DAEMON@fabrikam.example",
        "subject": f"Undelivered: {SUBJECT}",
        "message_id": f"report-{number}@fabrikam.example",
        "headers": (("content-type", "multipart/report; report-type=delivery-status"),),
        "received_at": NOW,
        "mime": mime.encode(),
    }


NO_SUCH = (GONE, "5.1.1", "550 5.1.1 no such user")
REFUSED = (BLOCKING, "5.7.1", "550 5.7.1 blocked by policy")
FORWARDED = (ELSEWHERE, "5.1.1", "550 no such user")
TO = {"to": (CONTACT, GONE, BLOCKING)}


@pytest.fixture
def world() -> SentWorld:
    made = SentWorld()
    made.ask(to=people(*TO["to"]))
    return made


def report(world: SentWorld, *failed: tuple[str, str, str], **more: Any) -> None:
    world.notify(world.deliver(**a_report(*failed, **more)))
    world.work()


@pytest.mark.parametrize("message_id", [MESSAGE_ID, RENAMED])
def test_the_row_says_whom_it_did_not_reach_and_who_is_silenced(world: SentWorld, message_id: str) -> None:
    world.notify(world.deliver(**a_copy(**TO, message_id=message_id)))
    report(world, NO_SUCH, REFUSED, FORWARDED, of=message_id)
    row = world.row()
    assert row.state is State.BOUNCED
    assert (row.rejected, row.silenced) == ((GONE, BLOCKING), (GONE,))
    assert "there is no such mailbox" in row.steps[-1].detail
    assert ELSEWHERE in row.steps[-1].detail
    [entry] = [entry for entry in world.timeline("property/P-1") if entry.kind == "sent"]
    assert set(entry.bounced) == {GONE, BLOCKING, ELSEWHERE}


def test_a_second_report_adds_to_the_first_and_the_same_one_changes_nothing(world: SentWorld) -> None:
    world.notify(world.deliver(**a_copy(**TO)))
    report(world, NO_SUCH)
    report(world, REFUSED, number=2)
    before = world.row()
    assert (before.rejected, before.silenced) == ((GONE, BLOCKING), (GONE,))
    report(world, REFUSED, number=2)
    assert world.row() == before


def test_a_report_that_is_faster_than_the_sent_copy_is_noted_with_that(world: SentWorld) -> None:
    world.rewrite(capture="everything")
    report(world, NO_SUCH)
    assert world.row().state is State.SENT
    world.notify(world.deliver(**a_copy(**TO)))
    world.work()
    assert world.row().state is State.BOUNCED
    assert world.row().message_key


def test_a_code_in_its_subject_proves_nothing(world: SentWorld) -> None:
    world.notify(world.deliver(**a_copy(**TO)))
    report(world, NO_SUCH, of="another@contoso.example")
    assert world.row().state is State.CONFIRMED
    assert world.row().rejected == ()


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_anywhere_it_is_noted_once(when: str) -> None:
    number = 0
    while True:
        number += 1
        world = SentWorld()
        world.ask(to=people(*TO["to"]))
        world.notify(world.deliver(**a_copy(**TO)))
        item = world.deliver(**a_report(NO_SUCH))
        world.storage.faults.clear()
        getattr(world.storage.faults, f"kill_{when}")(number)
        try:
            world.notify(item)
        except Killed:
            world.storage.faults.clear()
            world.restart()
            world.notify(item)
            world.work()
            assert (world.row().state, world.row().rejected) == (State.BOUNCED, (GONE,))
            assert [step.what for step in world.row().steps].count("bounced") == 1
        else:
            break
    assert number > 5
