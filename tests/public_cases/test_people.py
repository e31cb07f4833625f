"""Who wrote a mail: web forms and booking engines in an own domain, senders that cannot be read, mail servers."""

import pytest

from shared.domain.mail.messages import Direction
from tests.public_cases.office import AGENT, OWN, Office, a_mail, reported

FORMS = [
    a_mail(f"Website <website@{OWN}>", AGENT, "Enquiry", reply_to="Ada Berg <ada@client-a.example>"),
    a_mail(
        f"no-reply@{OWN}", AGENT, "New booking 4711", reply_to="ada@client-a.example", auto_submitted="no"
    ),
    a_mail(
        f"Kiosk <kiosk@{OWN}>",
        f"{AGENT}, ada@client-a.example",
        "Copy of your request",
        reply_to="ada@client-a.example",
    ),
]


@pytest.mark.parametrize(
    ("mail", "client"),
    [
        *((mail, "ada@client-a.example") for mail in FORMS),
        *((mail, "jane17@client17.example") for mail in reported("17-")),
    ],
)
def test_what_a_web_form_of_ours_passes_on_comes_from_the_client(mail: bytes, client: str) -> None:
    office = Office()
    office.connect()
    office.contacts(client)

    item = office.receive(mail)

    [entry] = office.timeline()
    assert (entry.direction, entry.kind, entry.agent) == (Direction.IN, "synced", AGENT)
    assert office.outcome(item) == ("filed", "contact_address")


def test_what_an_agent_writes_is_ours_whoever_an_answer_is_to_go_to() -> None:
    office = Office()
    office.connect()
    office.contacts("ada@client-a.example")

    office.receive(a_mail(AGENT, f"bo@{OWN}", reply_to="ada@client-a.example"), folder="sentitems")

    assert [entry.direction for entry in office.timeline()] == [Direction.OUT]


def test_what_a_ticket_system_of_ours_sends_to_a_client_is_ours() -> None:
    office = Office()
    office.connect()
    office.contacts("ada@client-a.example")

    ticket = a_mail(f"desk@{OWN}", f"ada@client-a.example, {AGENT}", reply_to="case-7@tickets.example")
    office.receive(ticket)

    assert [entry.direction for entry in office.timeline()] == [Direction.OUT]


@pytest.mark.parametrize(
    ("mail", "agent"),
    [(FORMS[0], AGENT), (FORMS[1], AGENT), *((mail, f"leads53@{OWN}") for mail in reported("53-")[1:])],
)
def test_an_enquiry_by_a_web_form_opens_what_the_prospects_own_mail_would(mail: bytes, agent: str) -> None:
    office = Office()
    office.connect(agent, capture="everything", unmatched="new")

    assert office.outcome(office.receive(mail, agent), agent) == ("filed", "opened")


@pytest.mark.parametrize(("mail", "agent"), [(FORMS[0], AGENT)])
def test_an_enquiry_by_a_web_form_that_nobody_knows_waits_in_my_inbox(mail: bytes, agent: str) -> None:
    office = Office()
    office.connect(agent, capture="everything")

    assert office.outcome(office.receive(mail, agent), agent) == ("triage", "no_match")
    assert len(office.inbox(agent)) == 1


UNREADABLE = [
    "Scanner Hall 2",
    "<>",
    "ada@client-a@example",
    '"ada berg"@client-a.example x',
    "Unknown <no address>",
]


@pytest.mark.parametrize(
    ("mail", "agent"),
    [
        *((a_mail(sender, AGENT, "Scan"), AGENT) for sender in UNREADABLE),
        *((mail, f"ev63@{OWN}") for mail in reported("63-")),
    ],
)
def test_a_sender_whose_address_cannot_be_read_is_nobodys_colleague(mail: bytes, agent: str) -> None:
    office = Office()
    office.connect(agent, capture="everything")

    assert office.outcome(office.receive(mail, agent), agent) == ("triage", "no_match")
    assert len(office.inbox(agent)) == 1


def test_what_lies_in_sent_without_a_sender_to_colleagues_is_a_colleagues() -> None:
    office = Office()
    office.connect(capture="everything")

    item = office.receive(a_mail("Scanner Hall 2", f"bo@{OWN}"), folder="sentitems")

    assert office.outcome(item) == ("skipped", "staff_only")


STATUS = """--cut
Content-Type: text/plain

I'm sorry to have to inform you that your message could not be delivered.
--cut
Content-Type: message/delivery-status

Reporting-MTA: dns; {server}

Final-Recipient: rfc822; {address}
Action: failed
Status: 5.1.1
--cut
Content-Type: text/rfc822-headers

From: {agent}
To: {address}
Message-ID: <{message_id}>
Subject: Offer
--cut--
"""


def a_report(server: str, message_id: str, address: str = "ada@client-a.example") -> bytes:
    return a_mail(
        f"Mail Delivery System <MAILER-DAEMON@{server}>",
        AGENT,
        "Undelivered Mail Returned to Sender",
        STATUS.format(server=server, address=address, agent=AGENT, message_id=message_id),
        auto_submitted="auto-replied",
        content_type='multipart/report; report-type=delivery-status; boundary="cut"',
    )


SENT = a_mail(AGENT, "ada@client-a.example", "Offer", message_id="<offer-1@harbour.example>")


@pytest.mark.parametrize(
    ("sent", "report", "client"),
    [
        (SENT, a_report("mx.somewhere.example", "offer-1@harbour.example"), "ada@client-a.example"),
        (SENT, a_report(OWN, "offer-1@harbour.example"), "ada@client-a.example"),
        *([(*reported("55-"), "jane55@client55.example")] if reported("55-") else []),
    ],
)
def test_a_report_on_a_filed_mail_of_ours_is_filed_with_it_though_nobody_on_it_is_known(
    sent: bytes, report: bytes, client: str
) -> None:
    office = Office()
    office.connect()
    office.contacts(client)

    office.receive(sent, folder="sentitems")
    item = office.receive(report)

    assert office.outcome(item) == ("filed", "bounce")
    assert [entry.bounced for entry in office.timeline()] == [(client,), ()]


def test_a_report_that_is_faster_than_the_sent_copy_is_filed_once_that_one_is() -> None:
    office = Office()
    office.connect()
    office.contacts("ada@client-a.example")

    report = office.receive(a_report("mx.somewhere.example", "offer-1@harbour.example"))
    assert office.outcome(report) == ("skipped", "foreign_report")
    office.receive(SENT, folder="sentitems")

    assert office.outcome(report) == ("filed", "bounce")


def test_a_report_on_mail_of_others_is_skipped() -> None:
    office = Office()
    office.connect()
    office.contacts("ada@client-a.example")
    office.receive(SENT, folder="sentitems")

    item = office.receive(a_report("mx.somewhere.example", "other@elsewhere.example"))

    assert office.outcome(item) == ("skipped", "foreign_report")


@pytest.mark.parametrize(
    ("card", "mails"),
    [
        (
            "ada.berg@googlemail.com",
            [a_mail("adaberg+flat@gmail.com", AGENT), a_mail("a.d.a.berg@googlemail.com", AGENT)],
        ),
        ("adaberg@gmail.com", [a_mail("Ada.Berg@GoogleMail.com", AGENT)]),
        *([("jane.doe16623ce4@googlemail.com", reported("16-"))] if reported("16-") else []),
    ],
)
def test_a_mailbox_of_googles_is_one_in_all_its_spellings(card: str, mails: list[bytes]) -> None:
    office = Office()
    office.connect()
    office.contacts(card)

    found = [office.outcome(office.receive(mail)) for mail in mails]

    assert found == [("filed", "contact_address")] * len(mails)


def test_of_other_providers_mailboxes_a_dot_and_a_tag_may_make_another() -> None:
    office = Office()
    office.connect()
    office.contacts("ada.berg@client-a.example")

    found = [
        office.outcome(office.receive(a_mail(sender, AGENT)))
        for sender in ("adaberg@client-a.example", "ada.berg+x@client-a.example")
    ]

    assert found == [("skipped", "unknown_people")] * 2
