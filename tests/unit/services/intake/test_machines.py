"""Mail by machines to an intake mailbox: it opens nothing, and what answers an acknowledgement stands on its case."""

import pytest

from shared.domain.filing.entries import Entry
from tests.builders import TENANT
from tests.public_cases.office import a_mail
from tests.unit.services.intake.answering import WIDE, AnsweringOffice
from tests.unit.services.intake.desk import AGENT, CHIEF, SERVICE

KIM = "kim@x.example"
BOUNCE = """--cut
Content-Type: text/plain

Your message could not be delivered.
--cut
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.x.example

Final-Recipient: rfc822; kim@x.example
Action: failed
Status: 5.1.1
--cut
Content-Type: message/rfc822

From: service@harbour.example
To: kim@x.example
Message-ID: <{acknowledgement}>
Subject: We have it: Boiler

Dear Kim.
--cut--
"""


def an_office(*, copy_seen: bool) -> AnsweringOffice:
    """A case has been acknowledged; its copy in Sent was seen, or not yet."""
    office = AnsweringOffice(limits=WIDE, agents=(AGENT, CHIEF))
    office.enquire(f"Kim <{KIM}>", subject="Boiler", message_id="<a@x.example>")
    if copy_seen:
        office.receive(office.world.storage.sender.outbound[0], SERVICE, "sentitems")
    return office


def entries(office: AnsweringOffice) -> list[Entry]:
    return office.timeline(str(office.case.ref))


def the_same_is_seen(office: AnsweringOffice, *, copy_seen: bool) -> None:
    """Whichever came first, the answer or the copy in Sent."""
    if not copy_seen:
        office.receive(office.world.storage.sender.outbound[0], SERVICE, "sentitems")


@pytest.mark.parametrize("copy_seen", [True, False])
def test_a_bounce_of_our_acknowledgement_stands_on_its_case(copy_seen: bool) -> None:
    office = an_office(copy_seen=copy_seen)
    report = a_mail(
        "postmaster@mx.x.example",
        SERVICE,
        "Undeliverable: We have it: Boiler",
        BOUNCE.format(acknowledgement=office.rows[0].message_id),
        content_type='multipart/report; report-type=delivery-status; boundary="cut"',
        message_id="<bounce@mx.x.example>",
    )
    office.receive(report, SERVICE)
    the_same_is_seen(office, copy_seen=copy_seen)
    found = entries(office)
    assert [(entry.kind, entry.automatic) for entry in found if entry.automatic] == [("synced", "bounce")]
    [sent] = [entry for entry in found if entry.kind == "acknowledgement"]
    assert sent.bounced == (KIM,)
    assert (len(office.cases()), len(office.rows), office.waiting()) == (1, 1, [])


@pytest.mark.parametrize("copy_seen", [True, False])
@pytest.mark.parametrize("headers", [{"auto_submitted": "auto-replied"}, {}])
def test_an_out_of_office_to_our_acknowledgement_stands_on_its_case(
    copy_seen: bool, headers: dict[str, str]
) -> None:
    office = an_office(copy_seen=copy_seen)
    acknowledgement = f"<{office.rows[0].message_id}>"
    office.enquire(
        KIM,
        subject=f"Automatic reply: {office.rows[0].subject}",
        in_reply_to=acknowledgement,
        references=acknowledgement,
        message_id="<away@x.example>",
        **headers,
    )
    the_same_is_seen(office, copy_seen=copy_seen)
    [away] = [entry for entry in entries(office) if entry.automatic]
    assert away.automatic == "auto_reply"
    assert (len(office.cases()), len(office.rows), office.waiting()) == (1, 1, [])


def test_newsletters_wait_with_every_agent_of_the_mailbox_and_open_nothing() -> None:
    office = AnsweringOffice(agents=(AGENT, CHIEF))
    office.connect(f"third@{AGENT.partition('@')[2]}")
    office.enquire(
        "news@vendor.example",
        subject="Spring offers",
        list_id="<news.vendor.example>",
        list_unsubscribe="<https://vendor.example/u>",
        precedence="bulk",
    )
    assert (office.cases(), office.rows) == ([], [])
    for agent, sees in ((AGENT, True), (CHIEF, True), (f"third@{AGENT.partition('@')[2]}", False)):
        assert (office.inbox_of(agent) == ["Spring offers"]) is sees


def test_an_agent_makes_a_case_of_what_waits_and_the_others_see_it_no_more() -> None:
    office = AnsweringOffice(agents=(AGENT, CHIEF))
    office.enquire("news@vendor.example", subject="Spring offers", precedence="bulk")
    [item] = office.desk_items()
    office.open_by_hand(item.message_key, CHIEF)
    assert (office.case.name, office.inbox_of(AGENT)) == ("Spring offers", [])
    assert office.left == []
    assert "list" in office.held()[0]
    stored = office.world.storage.messages.get(TENANT, item.message_key)
    assert stored is not None
    assert stored.is_filed
