"""Bounces: tied to the mail that did not arrive, shown on it and on its entries, whatever fails in between."""

from datetime import timedelta
from typing import Any

import pytest

from shared.domain.errors import NotFound
from shared.domain.filing.filing import StoredMessage
from tests.builders import AGENT, CONTACT, NOW, TENANT, a_record
from tests.fakes import Killed
from tests.unit.services.world import World

GONE = "gone@fabrikam.example"
REPORT = """\
From: MAILER-DAEMON@fabrikam.example
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

It did not arrive.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.fabrikam.example

Final-Recipient: rfc822; gone@fabrikam.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user

--b
Content-Type: text/rfc822-headers

Message-ID: <out@contoso.example>
To: gone@fabrikam.example
--b--
"""
BOUNCE: dict[str, Any] = {
    "sender": "MAILER-DAEMON@fabrikam.example",
    "subject": "Undelivered Mail Returned to Sender",
    "message_id": "report@fabrikam.example",
    "headers": (("content-type", "multipart/report; report-type=delivery-status"),),
    "received_at": NOW,
    "mime": REPORT.encode(),
}


@pytest.fixture
def world() -> World:
    made = World()
    made.rewrite(capture="everything")
    made.records(a_record())
    return made


def send(world: World) -> str:
    """A mail of the agent to the contact and to somebody who is gone."""
    sent = world.deliver(
        folder="sentitems", sender=AGENT, to=(CONTACT, GONE), message_id="out@contoso.example"
    )
    world.notify(sent)
    return sent


def original(world: World) -> StoredMessage:
    entry = next(one for one in world.timeline() if one.internet_message_id == "out@contoso.example")
    stored = world.storage.messages.get(TENANT, entry.message_key)
    assert stored is not None
    return stored


def test_a_bounce_is_on_the_timeline_and_shown_on_the_mail_that_bounced(world: World) -> None:
    send(world)
    item = world.deliver(**BOUNCE)
    world.notify(item)
    world.work()
    report, sent = world.timeline()
    assert (report.link.rule, report.link.evidence.text) == ("bounce", "out@contoso.example")
    assert (report.automatic, report.kind, sent.bounced) == ("bounce", "synced", (GONE,))
    [bounced] = original(world).bounces
    assert (bounced.address, bounced.status, bounced.permanent) == (GONE, "5.1.1", True)
    assert (bounced.at, bounced.message_key) == (NOW, report.message_key)
    assert world.outcome(item) == ("filed", "bounce")


def test_a_bounce_that_is_taken_in_again_is_noted_once(world: World) -> None:
    send(world)
    item = world.deliver(**BOUNCE)
    world.notify(item)
    world.work()
    before = world.rows()
    world.notify(item)
    assert world.storage.queue.sent == []
    assert world.rows() == before
    assert len(original(world).bounces) == 1


@pytest.mark.parametrize("number", range(1, 7))
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_that_is_killed_anywhere_leaves_what_a_rerun_repairs(
    world: World, number: int, when: str
) -> None:
    whole = World()
    whole.rewrite(capture="everything")
    whole.records(a_record())
    for one in (whole, world):
        send(one)
        item = one.deliver(**BOUNCE)
        one.storage.faults.clear()
    whole.notify(item)
    getattr(world.storage.faults, f"kill_{when}")(number)
    with pytest.raises(Killed):
        world.notify(item)
    world.storage.faults.clear()
    world.notify(item)
    for one in (whole, world):
        one.work()
    assert original(world).state == "done"
    assert world.rows() == whole.rows()


def test_a_second_report_adds_to_the_first(world: World) -> None:
    send(world)
    world.notify(world.deliver(**BOUNCE))
    second = REPORT.replace("gone@", "away@").encode()
    world.notify(world.deliver(**{**BOUNCE, "message_id": "second@fabrikam.example", "mime": second}))
    assert [one.address for one in original(world).bounces] == [GONE, "away@fabrikam.example"]


def test_a_report_on_an_unknown_mail_waits_like_any_other(world: World) -> None:
    item = world.deliver(**BOUNCE)
    world.notify(item)
    assert world.outcome(item) == ("triage", "no_match")


def test_a_report_whose_mime_is_gone_is_filed_as_any_mail(world: World) -> None:
    send(world)
    item = world.deliver(**{**BOUNCE, "in_reply_to": ("out@contoso.example",)})
    world.mail.fail("mime", NotFound("gone", "ErrorItemNotFound"))
    world.notify(item)
    assert world.outcome(item) == ("filed", "thread")
    assert original(world).bounces == ()


def test_mail_by_people_costs_no_further_request(world: World) -> None:
    world.notify(world.deliver())
    assert world.mail.calls["mime"] == 0


def test_of_a_batch_only_the_mail_that_its_own_bounce_changed_comes_back(world: World) -> None:
    earlier = NOW - timedelta(minutes=1)
    sent = world.deliver(
        folder="sentitems",
        sender=AGENT,
        to=(CONTACT, GONE),
        message_id="out@contoso.example",
        received_at=earlier,
    )
    report = world.deliver(**BOUNCE)
    world.notify(sent, report)
    assert [(row.item, row.attempt) for row in world.worklist()] == [(sent, 1)]
    world.work()
    assert [bounced.address for bounced in original(world).bounces] == [GONE]
    assert {row.message.state for row in world.storage.messages.rows.values() if row.message} == {"done"}
