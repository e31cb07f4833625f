"""Bounces: tied to the mail that did not arrive, whatever they name and whichever comes first."""

import pytest

from tests.builders import AGENT, CONTACT, NOW, a_record
from tests.unit.services.world import World

COLLEAGUE = "colleague@contoso.example"
REPORT = b"""\
From: mailer-daemon@mx.adatum.example
To: agent@contoso.example
Subject: Undeliverable: Offer
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It did not work.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.adatum.example

Final-Recipient: rfc822; buyer@fabrikam.example
Action: failed
Status: 5.1.1

--b
Content-Type: text/rfc822-headers

Message-ID: <offer@contoso.example>
To: buyer@fabrikam.example

--b--
"""
IS_REPORT = ("content-type", "multipart/report; report-type=delivery-status")
FAILED = ("x-failed-recipients", CONTACT)


@pytest.fixture
def world() -> World:
    made = World()
    made.records(a_record())
    return made


def the_offer(world: World, to: str = CONTACT) -> str:
    """A mail of the agent, not yet noticed."""
    return world.deliver(
        folder="sentitems", sender=AGENT, to=(to,), subject="Offer", message_id="offer@contoso.example"
    )


def the_report(
    world: World,
    sender: str,
    *headers: tuple[str, str],
    answers: tuple[str, ...] = ("offer@contoso.example",),
) -> str:
    return world.deliver(
        sender=sender,
        subject="Undeliverable: Offer",
        message_id="report@mx.adatum.example",
        received_at=NOW,
        headers=(IS_REPORT, *headers),
        in_reply_to=answers,
        mime=REPORT,
    )


def entries(world: World) -> list[tuple[str, tuple[str, ...]]]:
    """Rule of each entry, and whom it did not reach; newest first."""
    return [(one.link.rule, one.bounced) for one in world.timeline()]


def test_the_organisations_own_server_reports_though_only_staff_is_named(world: World) -> None:
    world.notify(the_offer(world))
    report = the_report(world, "postmaster@contoso.example")
    world.notify(report)
    world.work()
    assert world.outcome(report) == ("filed", "bounce")
    assert entries(world) == [("bounce", ()), ("contact_address", (CONTACT,))]


def test_a_report_to_a_colleague_about_a_mail_that_is_not_filed_is_not_opened(world: World) -> None:
    world.notify(the_offer(world, to=COLLEAGUE))
    report = the_report(world, "postmaster@contoso.example")
    world.notify(report)
    assert world.outcome(report) == ("skipped", "staff_only")
    assert world.mail.bodies_read == {}


def test_a_persons_mail_among_colleagues_is_not_kept_though_it_answers_what_is_filed(world: World) -> None:
    world.notify(the_offer(world))
    mail = world.deliver(
        sender=COLLEAGUE, message_id="x@contoso.example", in_reply_to=("offer@contoso.example",)
    )
    world.notify(mail)
    assert world.outcome(mail) == ("skipped", "staff_only")


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_report_that_names_a_contact_in_its_headers_alone_finds_the_mail_it_is_about(
    world: World, order: tuple[int, ...]
) -> None:
    commands = (the_offer(world), the_report(world, "mailer-daemon@mx.adatum.example", FAILED, answers=()))
    for number in order:
        world.notify(commands[number])
    world.work()
    assert entries(world) == [("bounce", ()), ("contact_address", (CONTACT,))]


def test_a_report_about_somebody_unknown_that_names_no_mail_is_not_opened(world: World) -> None:
    failed = ("x-failed-recipients", "nobody@adatum.example")
    report = the_report(world, "mailer-daemon@mx.adatum.example", failed, answers=())
    world.notify(report)
    assert world.outcome(report) == ("skipped", "foreign_report")
