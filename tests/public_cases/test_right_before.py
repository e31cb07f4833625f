"""What others have had reported and went right here from the first: it is to stay right."""

import re
from typing import Final

import pytest

from shared.domain.mail.addresses import normalise
from tests.public_cases.office import AGENT, Office, a_mail, reported

CLIENT: Final = "ada@client-a.example"
HTML: Final = "text/html; charset=utf-8"
SENT: Final = a_mail(AGENT, CLIENT, "Lease", message_id="<lease@harbour.example>")


def replied(subject: str = "Re: Lease", **headers: str) -> bytes:
    return a_mail(CLIENT, AGENT, subject, **headers)


def both(number: str, *, client: str) -> list[tuple[tuple[bytes, ...], str]]:
    return [(tuple(reported(f"{number}-")), client)] if reported(f"{number}-") else []


@pytest.mark.parametrize(
    ("mails", "client"),
    [
        ((SENT, replied(in_reply_to="<<\r\n lease@harbour.example>")), CLIENT),
        ((SENT, replied("Another matter", in_reply_to="<lease@harbour.example>")), CLIENT),
        (
            (
                SENT,
                replied(
                    in_reply_to="<forward@client-b.example>",
                    references="<lease@harbour.example> <forward@client-b.example>",
                ),
            ),
            CLIENT,
        ),
        *both("02", client="jane2@client2.example"),
        *both("11", client="jane11@client11.example"),
        *both("12", client="jane12@client12.example"),
    ],
)
def test_an_answer_is_in_the_thread(mails: tuple[bytes, bytes], client: str) -> None:
    office = Office()
    office.connect()
    office.contacts(client)

    office.receive(mails[0], folder="sentitems")
    item = office.receive(mails[1])

    assert office.outcome(item) == ("filed", "thread")
    assert [entry.kind for entry in office.timeline()] == ["synced", "reply"]


RECEIPT: Final = a_mail(
    CLIENT,
    AGENT,
    "Lu : Lease",
    "--cut\r\nContent-Type: text/plain\r\n\r\nRead.\r\n--cut\r\nContent-Type: message/disposition-notification\r\n\r\n"
    "Disposition: manual-action/MDN-sent-manually; displayed\r\n--cut--\r\n",
    in_reply_to="<lease@harbour.example>",
    content_type="multipart/report; report-type=disposition-notification; boundary=cut",
)


@pytest.mark.parametrize(
    ("mails", "client"), [((SENT, RECEIPT), CLIENT), *both("35", client="jane35@client35.example")]
)
def test_a_read_receipt_is_no_reply(mails: tuple[bytes, bytes], client: str) -> None:
    office = Office()
    office.connect()
    office.contacts(client)

    office.receive(mails[0], folder="sentitems")
    office.receive(mails[1])

    found = [(entry.kind, entry.automatic) for entry in office.timeline()]
    assert found == [("synced", ""), ("synced", "automatic")]


CROWD: Final = ", ".join([AGENT, *(f"guest{number}@elsewhere.example" for number in range(1_500))])
RELAY: Final = a_mail(
    "Ada via Portal <relay@portal.example>", AGENT, reply_to=CLIENT, x_original_from=f"Ada <{CLIENT}>"
)
FILED: Final = [
    (a_mail("Zoë <zoë@bücher.example>", AGENT), "zoë@xn--bcher-kva.example"),
    (a_mail(CLIENT, AGENT, "Offer\x0b \x1f12\u2028Quay", "First\x00 line and \x08more."), CLIENT),
    (a_mail(CLIENT, CROWD), CLIENT),
    (RELAY, CLIENT),
    (a_mail(CLIENT, "undisclosed-recipients:;"), CLIENT),
    *((mail, normalise("josé@exämple6.example")) for mail in reported("06-")),
    *((mail, "jane8@client8.example") for mail in reported("08-")),
    *((mail, "jane9@client9.example") for mail in reported("09-")),
    *((mail, "jane15@client15.example") for mail in reported("15-")),
    *((mail, "jane52@client52.example") for mail in reported("52-")),
]


@pytest.mark.parametrize(("mail", "client"), FILED, ids=range(len(FILED)))
def test_a_mail_of_a_known_person_is_filed_and_incoming_however_odd_it_is(mail: bytes, client: str) -> None:
    office = Office()
    office.connect()
    office.contacts(client)

    assert office.outcome(office.receive(mail)) == ("filed", "contact_address")
    [entry] = office.timeline()
    assert entry.direction.value == "in"
    assert all("undisclosed" not in person.address for person in entry.to)


def in_html(text: str) -> bytes:
    return a_mail(CLIENT, AGENT, "Notice", text, content_type=HTML)


def shown(mail: bytes) -> str:
    office = Office()
    office.connect(capture="everything")
    return office.read(office.receive(mail)).html


CONDITIONAL: Final = in_html(
    "<style><!-- p {} --></style><!--[if mso]><table><tr><td><![endif]--><div>The meter is off.</div>"
    "<!--[if !mso]><!--><p>Second line.</p><!--<![endif]--><![if gte mso 9]><span>Third</span><![endif]>"
)


@pytest.mark.parametrize(
    ("mail", "said"),
    [
        (CONDITIONAL, ["The meter is off.", "Second line.", "Third"]),
        *((mail, ["The boiler is off.", "Second line.", "Third"]) for mail in reported("39-")),
    ],
)
def test_comments_for_one_program_swallow_no_text(mail: bytes, said: list[str]) -> None:
    assert all(text in shown(mail) for text in said)


OVERLAID: Final = in_html(
    '<style>:host{position:fixed}</style><div style="position:absolute;inset:0">A</div>'
    '<p style="transform:scale(9);z-index:9;margin-top:-900px">B</p>'
)
LOADING: Final = in_html(
    '<style>@import "https://t.example/a.css";</style><ul style="list-style:url(https://t.example/b)"><li>x</li></ul>'
    '<p style="background:url(https://t.example/c);cursor:url(https://t.example/d),auto">y</p>'
    '<table background="https://t.example/e"><tr><td>z</td></tr></table><img src="https://t.example/f.gif">'
)


@pytest.mark.parametrize("mail", [OVERLAID, *reported("40-")])
def test_nothing_lies_over_the_page(mail: bytes) -> None:
    assert re.findall(r"position|fixed|transform|z-index|inset|:host", shown(mail)) == []


@pytest.mark.parametrize("mail", [LOADING, *reported("41-")])
def test_nothing_is_loaded_from_elsewhere(mail: bytes) -> None:
    assert "t.example" not in shown(mail)


PICTURED: Final = a_mail(
    CLIENT,
    AGENT,
    "Plan",
    '--cut\r\nContent-Type: text/html\r\n\r\n<p>Plan:</p><img src="cid:floor%201@c">\r\n--cut\r\n'
    "Content-Type: image/png\r\nContent-ID: <floor 1@c>\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n"
    "--cut--\r\n",
    content_type="multipart/related; boundary=cut",
)


@pytest.mark.parametrize("mail", [PICTURED, *reported("43-")])
def test_a_picture_of_the_body_is_shown_in_it_and_hangs_on_nothing(mail: bytes) -> None:
    office = Office()
    office.connect(capture="everything")
    item = office.receive(mail)

    found = office.read(item)

    assert 'src="attachments/0"' in found.html
    assert (found.has_attachments, found.attachment_names) == (False, [])


def dated(date: str, number: int) -> bytes:
    return a_mail(CLIENT, AGENT, f"No {number}", date=date, message_id=f"<date-{number}@client-a.example>")


DATES: Final = [
    "Sat, 17 Mar 2096 05:32:00 +0000",
    "Thu, 01 Jan 1970 00:00:00 +0000",
    "13 Feb 22 00:04 EST",
    "?",
]


@pytest.mark.parametrize(
    ("mails", "client"),
    [
        ([dated(date, number) for number, date in enumerate(DATES)], CLIENT),
        *([(reported("44-"), "jane44@client44.example")] if reported("44-") else []),
    ],
)
def test_mail_stands_in_the_order_of_its_receipt_whatever_its_date_says(
    mails: list[bytes], client: str
) -> None:
    office = Office()
    office.connect()
    office.contacts(client)

    office.receive_all(mails)

    assert [entry.subject for entry in office.timeline()] == [f"No {number}" for number in range(len(mails))]
