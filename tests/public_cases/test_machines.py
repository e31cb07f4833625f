"""Mail by machines: reports of delay and success, receipts, calendar answers, out-of-office in any language."""

import pytest

from tests.public_cases.office import AGENT, Office, a_mail, reported

CLIENT = "ada@client-a.example"
SENT = a_mail(AGENT, CLIENT, "Offer", message_id="<offer@harbour.example>")
STATUS = """--cut
Content-Type: text/plain

See below.
--cut
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.client-a.example

Final-Recipient: rfc822; ada@client-a.example
Action: {action}
Status: {status}
--cut
Content-Type: message/rfc822

From: agent@harbour.example
To: ada@client-a.example
Message-ID: <offer@harbour.example>
Subject: Offer

Good morning.
--cut--
"""


def a_report(subject: str, action: str, status: str) -> bytes:
    return a_mail(
        "postmaster@mx.client-a.example",
        AGENT,
        subject,
        STATUS.format(action=action, status=status),
        content_type='multipart/report; report-type=delivery-status; boundary="cut"',
    )


@pytest.mark.parametrize(
    ("sent", "report", "client"),
    [
        (SENT, a_report("Warning: message delayed 4 hours", "delayed", "4.7.1"), CLIENT),
        (SENT, a_report("Relayed: Offer", "relayed", "2.5.0"), CLIENT),
        (SENT, a_report("Successful Mail Delivery Report", "delivered", "2.0.0"), CLIENT),
        *([(*reported("30-"), "jane30@client30.example")] if reported("30-") else []),
        *([(*reported("31-"), "jane31@client31.example")] if reported("31-") else []),
    ],
)
def test_a_report_that_nothing_has_failed_is_no_bounce(sent: bytes, report: bytes, client: str) -> None:
    office = Office()
    office.connect()
    office.contacts(client)

    first = office.receive(sent, folder="sentitems")
    item = office.receive(report)

    assert office.stored(first).bounces == ()
    assert office.stored(item).automatic == "automatic"
    assert [entry.bounced for entry in office.timeline()] == [(), ()]


AWAY = [
    "Automatski odgovor: Ponuda",
    "Samodejni odgovor: Ponudba",
    "Automātiskā atbilde: Piedāvājums",
    "Automatinis atsakymas: Pasiūlymas",
    "Automaatvastus: Pakkumine",
    "Resposta automàtica: Oferta",
    "Автоматичен отговор: Оферта",
    "Аутоматски одговор: Понуда",
    "Tự động trả lời: Đề nghị",
    "Trả lời Tự động: Đề nghị",
    "ตอบกลับอัตโนมัติ: ข้อเสนอ",
    "Balasan otomatis: Penawaran",
    "پاسخ خودکار: پیشنهاد",
    "मेरा स्वचालित उत्तर: प्रस्ताव",
    "自動返信: 見積",
    "자동 응답: 제안",
    "Auto Response: Offer",
    "AutoReply: Offer",
    "Outomatiese antwoord: Aanbod",
    "Odpowiedź automatyczna: Oferta",
]


@pytest.mark.parametrize(
    "mail",
    [*(a_mail(CLIENT, AGENT, subject) for subject in AWAY), *reported("32-"), *reported("59-")],
)
def test_an_out_of_office_is_known_by_the_words_that_programs_put_before_the_subject(mail: bytes) -> None:
    office = Office()
    office.connect(capture="everything")

    assert office.stored(office.receive(mail)).automatic == "auto_reply"


@pytest.mark.parametrize(
    "subject",
    [
        "Automotive response team: meeting",
        "Automatic door: offer",
        "Your reply: when may I come",
        "Automatik defekt: Antwort bis Montag",
    ],
)
def test_what_people_write_about_machines_is_theirs(subject: str) -> None:
    office = Office()
    office.connect(capture="everything")

    assert office.stored(office.receive(a_mail(CLIENT, AGENT, subject))).automatic == ""


INVITATION_ANSWER = """--cut
Content-Type: text/plain

--cut
Content-Type: text/calendar; charset="utf-8"; method=REPLY

BEGIN:VCALENDAR
METHOD:REPLY
BEGIN:VEVENT
UID:1
ATTENDEE;PARTSTAT=TENTATIVE:mailto:ada@client-a.example
DTSTART:20261201T090000Z
END:VEVENT
END:VCALENDAR
--cut--
"""


@pytest.mark.parametrize(
    ("mail", "agent"),
    [
        (
            a_mail(
                CLIENT, AGENT, subject, INVITATION_ANSWER, content_type="multipart/alternative; boundary=cut"
            ),
            AGENT,
        )
        for subject in ("Tentative: Viewing", "Zugesagt: Besichtigung", "Accepted: Viewing")
    ]
    + [(mail, "leads56@harbour.example") for mail in reported("56-")],
)
def test_a_click_in_a_calendar_opens_nothing(mail: bytes, agent: str) -> None:
    office = Office()
    office.connect(agent, capture="everything", unmatched="new")

    item = office.receive(mail, agent)

    assert office.outcome(item, agent) == ("triage", "no_match")
    assert office.stored(item, agent).automatic == "automatic"


@pytest.mark.parametrize("mail", [a_mail(CLIENT, AGENT, AWAY[1]), *reported("54-")[1:]])
def test_an_out_of_office_opens_nothing_in_any_language(mail: bytes) -> None:
    office = Office()
    agent = "leads54@harbour.example"
    office.connect(agent, capture="everything", unmatched="new")

    assert office.outcome(office.receive(mail, agent), agent) == ("triage", "no_match")


RECEIPT = a_mail(
    CLIENT,
    AGENT,
    "Gelesen: Offer",
    "--cut\r\nContent-Type: text/plain\r\n\r\nGelesen.\r\n--cut\r\n"
    "Content-Type: message/disposition-notification\r\n\r\nDisposition: manual-action/MDN-sent-manually; displayed"
    "\r\n--cut--\r\n",
    auto_submitted="auto-replied",
    in_reply_to="<offer@harbour.example>",
    content_type="multipart/report; report-type=disposition-notification; boundary=cut",
)


@pytest.mark.parametrize(
    ("sent", "receipt", "client"),
    [(SENT, RECEIPT, CLIENT), *([(*reported("57-"), "jane57@client57.example")] if reported("57-") else [])],
)
def test_a_read_receipt_is_nobodys_reply(sent: bytes, receipt: bytes, client: str) -> None:
    office = Office()
    office.connect()
    office.contacts(client)

    office.receive(sent, folder="sentitems")
    item = office.receive(receipt)

    assert office.stored(item).automatic == "automatic"
    assert [entry.kind for entry in office.timeline()] == ["synced", "synced"]
