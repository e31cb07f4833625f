"""Sending as it goes wrong elsewhere: names that add recipients, headers that are folded to pieces, lying answers."""

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import getaddresses
from typing import Any, Final

import pytest

from dev.simulator.mime import read_mail
from shared.domain.errors import WrongState
from shared.domain.mail import codes
from shared.domain.mail.addresses import Person, parse_mailbox
from shared.domain.mail.bounces import read_report
from shared.domain.mail.documents import document_of
from shared.domain.mail.messages import Document
from shared.domain.sending import transitions
from shared.domain.sending.checking import Asked, Known, Limits, people_from, refusals
from shared.domain.sending.composing import compose
from shared.domain.sending.letters import File, Letter
from shared.domain.sending.outbox import Mode, OutboxFile
from shared.domain.sending.outcomes import Answer, Do, Found, Outcome, next_step
from shared.domain.sending.pictures import without_data
from shared.domain.sending.quoting import Reading, chain_of
from shared.domain.sending.replying import Own, html_below, recipients_of, text_below, thread_of
from shared.domain.sending.sent_copies import Part, differences
from shared.domain.sending.states import State
from shared.domain.sending.subjects import Signing, subject_of, subject_of_answer
from shared.domain.sending.undelivered import undelivered
from tests.builders import NOW, a_fetched_message, a_head, an_outbox_mail
from tests.public_cases.office import AGENT, OWN, Office, a_mail, reported

KEYS: Final = (b"key",)
TENANT: Final = "11111111-1111-4111-8111-111111111111"
SIGNING: Final = Signing(KEYS, TENANT)
CODE: Final = codes.issue(215, KEYS, TENANT)
WITH_DRAFTS: Final = Limits(500, composed=2_240_000, message=35_000_000, file=150_000_000, adds_files=True)
SEND_ONLY: Final = Limits(500, composed=2_240_000, message=35_000_000, file=150_000_000, adds_files=False)
PEOPLE: Final = Own.of((AGENT,), (OWN,))
WINTER: Final = timezone(timedelta(hours=1))


def a_letter(**changes: Any) -> Letter:
    given: dict[str, Any] = {
        "sender": Person("Bo Agent", AGENT),
        "to": (Person("", "jane@client.example"),),
        "subject": f"Offer [{CODE.text}]",
        "message_id": f"ours@{OWN}",
        "date": datetime(2026, 12, 1, tzinfo=UTC),
        "html": "<p>Hello</p>",
        "text": "Hello",
    }
    return Letter(**{**given, **changes})


def parsed(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, EmailMessage, policy=default)


def raw_header(letter: Letter, name: str) -> str:
    head = compose(letter).partition(b"\r\n\r\n")[0].decode("ascii")
    [line] = [line for line in re.split(r"\r\n(?![ \t])", head) if line.startswith(f"{name}: ")]
    return line.removeprefix(f"{name}: ")


@pytest.mark.parametrize("draft", ["draft-1", ""])
def test_201_what_is_accepted_with_retry_after_is_never_sent_again(draft: str) -> None:
    mail = an_outbox_mail(state=State.SENDING, draft_id=draft, sending_at=NOW, tries=1)
    assert next_step(mail, Outcome(Answer.TAKEN, retry_after=30), None, NOW).do is Do.TAKE
    sent = transitions.taken(NOW)(mail)
    for minutes in (1, 10, 60, 24 * 60):
        assert next_step(sent, None, Found.NOTHING, NOW + timedelta(minutes=minutes)).do is not Do.SEND


def test_202_the_largest_file_is_said_before_anything_is_queued() -> None:
    asked = Asked(
        to=(Person("", "jane@client.example"),),
        html="<p>Two</p><p>lines</p>",
        bodies=("<p>Two</p><p>lines</p>", "Two\nlines"),
        files=(OutboxFile("offer.pdf", "application/pdf", 2_400_000, upload_id="u"),),
    )
    known = Known(PEOPLE, recipients=frozenset(("jane@client.example",)))
    assert refusals(asked, known, WITH_DRAFTS) == ()
    [reason] = refusals(asked, known, SEND_ONLY)
    assert (reason.code, "1.6 MB" in reason.sentence) == ("too_large", True)


NAME = "Doe, Jane (Head of Acquisitions; Harbour Quarter and Old Town), mallory@other.example"


@pytest.mark.parametrize("role", ["to", "cc", "bcc"])
def test_204_a_name_adds_no_recipient(role: str) -> None:
    raw = compose(a_letter(**{"to": (), role: (Person(NAME, "jane204@client204.example"),)}))
    read = {
        *(found.address for found in read_mail(raw).people(role.title())),
        *(address.addr_spec for address in parsed(raw)[role].addresses),
        *(address for _, address in getaddresses([str(parsed(raw)[role])])),
    }
    assert read == {"jane204@client204.example"}
    assert b"mallory@" not in raw


def test_205_an_unsubscribe_address_is_plain_and_whole() -> None:
    url = f"https://api.{OWN}/api/v1/unsubscribe/{'u' * 170}"
    letter = a_letter(
        extra=(("List-Unsubscribe", f"<{url}>"), ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
    )
    assert raw_header(letter, "List-Unsubscribe") == f"<{url}>"
    assert raw_header(letter, "List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"


ACCENTED = (
    "Angebot für die Wohnung am Überseequartier, zweite Besichtigung – Schlüsselübergabe im Büro Köln, Tür rechts, "
    "bitte läuten"
)


def test_207_encoded_words_stand_apart_and_the_code_is_whole() -> None:
    letter = a_letter(subject=subject_of(ACCENTED, CODE, SIGNING))
    raw = raw_header(letter, "Subject")
    assert parsed(compose(letter))["Subject"] == f"{ACCENTED} [{CODE.text}]"
    assert raw.endswith(f" [{CODE.text}]")
    assert all(len(word) <= 75 for word in raw.split())
    assert "?==?" not in raw


@pytest.mark.parametrize("separator", ["\u2028", "\u000c", "\u0085"])
def test_207_a_separator_of_a_word_processor_is_a_blank(separator: str) -> None:
    subject = subject_of(f"Offer{separator}for 12 Quay", CODE, SIGNING)
    assert subject == f"Offer for 12 Quay [{CODE.text}]"
    assert parsed(compose(a_letter(subject=subject)))["Subject"] == subject


def test_208_an_accented_domain_leaves_in_ascii_and_an_accented_local_part_not_at_all() -> None:
    given = [("", "info@bücher208.example"), ("", "jörg@client208.example"), ("", "ann@client208.example")]
    persons, [reason] = people_from("to", given)
    assert "jörg@client208.example" in reason.sentence
    raw = compose(a_letter(to=persons))
    assert parsed(raw)["To"] == "info@xn--bcher208-65a.example, ann@client208.example"


@pytest.mark.parametrize("answer", reported("208-"))
def test_208_the_answer_comes_from_the_address_that_was_written_to(answer: bytes) -> None:
    [person], _ = people_from("to", [("", "info@bücher208.example")])
    sender = parse_mailbox(read_mail(answer).header("From") or "")
    assert sender is not None
    assert sender.address == person.address


INNER = (
    b"From: jane@client.example\r\nTo: solicitor@other.example\r\nSubject: Inner offer\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/mixed; boundary=inner\r\n\r\n--inner\r\nContent-Type: text/plain\r\n\r\nSee below.\r\n"
    b"--inner\r\nContent-Type: application/pdf; name=deed.pdf\r\nContent-Transfer-Encoding: base64\r\n"
    b"Content-Disposition: attachment; filename=deed.pdf\r\n\r\nREVFRA==\r\n--inner--\r\n"
)


def attached_mails(raw: bytes) -> Iterator[bytes]:
    """The mails that are attached to a mail, as they came."""
    for part in parsed(raw).walk():
        if part.get_content_type() == "message/rfc822":
            inner = part.get_payload(0)
            assert isinstance(inner, EmailMessage)
            yield inner.as_bytes()


@pytest.mark.parametrize(
    "inner", [INNER, *(inner for raw in reported("209-") for inner in attached_mails(raw))]
)
def test_209_an_attached_mail_opens_and_has_its_own_file(inner: bytes) -> None:
    raw = compose(a_letter(files=(File("Inner offer", "message/rfc822", inner),)))
    [part] = parsed(raw).iter_attachments()
    assert part.get_content_type() == "message/rfc822"
    assert part["Content-Transfer-Encoding"] in ("7bit", "8bit")
    sent, came = part.get_content(), parsed(inner)
    assert sent["Subject"] == came["Subject"]
    digests = [
        [hashlib.sha256(file.get_payload(decode=True)).hexdigest() for file in mail.iter_attachments()]
        for mail in (sent, came)
    ]
    assert digests[0] == digests[1] != []


FILES = (
    File(
        "Grundriss Größe 2 – Überseequartier Süd (letzte Fassung, unterschrieben).pdf",
        "application/pdf",
        b"1",
    ),
    File("plan.pdf", "application/pdf", b"A"),
    File("plan.pdf", "application/pdf", b"B"),
    File("empty.txt", "text/plain", b""),
)


def test_210_every_file_arrives_with_its_own_name_and_bytes() -> None:
    raw = compose(a_letter(files=FILES))
    parts = list(parsed(raw).iter_attachments())
    assert [(part.get_filename(), part.get_payload(decode=True)) for part in parts] == [
        (file.name, file.content) for file in FILES
    ]
    assert [attachment.name for attachment in read_mail(raw).attachments] == [file.name for file in FILES]


PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def test_211_a_pasted_picture_stands_in_its_place() -> None:
    pasted = f'<p>See the crack:</p><img src="data:image/png;base64,{PICTURE}"><p>Thanks</p>'
    pictured = without_data(pasted, OWN)
    mail = parsed(compose(a_letter(html=pictured.html, files=pictured.files)))
    [related] = [part for part in mail.walk() if part.get_content_type() == "multipart/related"]
    html, picture = related.iter_parts()
    assert picture["Content-ID"] == f"<{pictured.files[0].content_id}>"
    assert f'src="cid:{pictured.files[0].content_id}"' in html.get_content()
    assert "data:" not in html.get_content()


def test_211_a_picture_of_4_mb_is_refused_before_the_queue() -> None:
    asked = Asked(
        to=(Person("", "jane@client.example"),),
        html="<p>See:</p>",
        bodies=("<p>See:</p>",),
        files=(OutboxFile("p.png", "image/png", 4_000_000, content_id=f"p@{OWN}"),),
    )
    known = Known(PEOPLE, recipients=frozenset(("jane@client.example",)))
    assert [reason.code for reason in refusals(asked, known, WITH_DRAFTS)] == ["picture_too_large"]


def received(raw: bytes) -> Document:
    """The document of a mail that came to the agent."""
    office = Office()
    office.connect(capture="everything")
    return office.document(office.receive(raw))


HOSTILE = a_mail(
    "Jane Doe <jane@client.example>",
    AGENT,
    "Viewing",
    "<html><body><script>steal()</script><p onclick='steal()'>Does Thursday suit you?</p>"
    '<img src="https://tracker.example/o.gif" width="1" height="1">'
    '<img src="https://client.example/house.jpg" alt="house" width="300">'
    "<form action='https://client.example/f'><input name='a'></form></body></html>",
    content_type="text/html; charset=utf-8",
    date="Mon, 30 Nov 2026 09:30:00 +0100",
)


@pytest.mark.parametrize("mail", [HOSTILE, *reported("213-")])
def test_213_an_answer_leaves_whatever_the_quoted_mail_holds(mail: bytes) -> None:
    chain = chain_of(received(mail), "key", Reading("en", WINTER), OWN)
    html = html_below("<p>Yes, Thursday.</p>", "Bo Agent, Harbour Homes", chain)
    text = text_below("Yes, Thursday.", "Bo Agent, Harbour Homes", chain)
    for body in (html, text):
        places = [body.index(part) for part in ("Yes, Thursday.", "Harbour Homes", "Does Thursday suit you?")]
        assert places == sorted(places)
        assert "09:30" in body
        assert "08:30" not in body
    assert re.search(r"<script|onclick|<form|<input|tracker", html) is None
    assert "house.jpg" in html
    unknown = chain_of(received(mail), "key", Reading(), OWN)
    assert "08:30 (UTC+00:00)" in unknown.html


FORM = a_mail(
    f"Website <website@{OWN}>",
    AGENT,
    "Enquiry",
    "Please call me.",
    reply_to="Jane Doe <jane@client.example>",
    message_id="<form@harbour.example>",
)


@pytest.mark.parametrize("mode", [Mode.REPLY, Mode.REPLY_ALL])
@pytest.mark.parametrize("mail", [FORM, *reported("214-")])
def test_214_an_answer_to_our_own_web_form_reaches_the_prospect_alone(mail: bytes, mode: Mode) -> None:
    document = received(mail)
    found = recipients_of(document, mode, PEOPLE)
    assert [person.name for person in found.to] == ["Jane Doe"]
    assert found.cc == ()
    assert thread_of(document).in_reply_to == document.message_id


NUMBERED = a_mail(
    "Service Desk <service@client.example>", AGENT, f"[Case 56664579] {'Request for the documents, ' * 9}"
)


@pytest.mark.parametrize("mail", [NUMBERED, *reported("215-")])
def test_215_both_numbers_stay_whole(mail: bytes) -> None:
    answered = received(mail).subject
    subject = subject_of(subject_of_answer(answered, Mode.REPLY), CODE, SIGNING)
    assert len(subject) <= 255
    assert subject.startswith("RE: [Case 56664579] ")
    assert subject.endswith(f" [{CODE.text}]")
    assert subject.count("...") == 1
    assert parsed(compose(a_letter(subject=subject)))["Subject"] == subject
    # The next answer comes with this subject and ours goes out again.
    again = subject_of(subject_of_answer(f"AW: {subject}", Mode.REPLY), CODE, SIGNING)
    assert again == subject


def test_216_another_sender_is_said() -> None:
    asked = an_outbox_mail(sender=Person("Sales", f"sales@{OWN}"), to=(Person("", "jane@client.example"),))
    copy = a_head(sender=Person("Bo Agent", AGENT), to=("jane@client.example",), subject=asked.subject)
    [found] = differences(asked, copy)
    assert found.part is Part.SENDER
    assert found.sentence == f"It left as {AGENT}, asked for sales@{OWN}."
    assert transitions.confirmed(NOW, found.sentence)(asked).steps[-1].detail == found.sentence


BOUNCES = [
    # Number of the case, who is named, whether that address is kept out of campaigns from now on.
    ("218-", "j.d.private@mailbox218.example", ["jane218@client218.example"], False),
    ("220-", "jane220@client220.example", ["jane220@client220.example"], False),
]


@pytest.mark.parametrize(("number", "named", "recipients", "silenced"), BOUNCES)
def test_218_and_220_what_a_report_says_of_an_address(
    number: str, named: str, recipients: list[str], silenced: bool
) -> None:
    for raw in reported(number):
        filled = raw.replace(b"@@MID@@", b"<ours@harbour.example>").replace(b"@@SUBJECT@@", b"Offer")
        report = read_report(filled)
        assert report.original_message_id == "ours@harbour.example"
        [found] = undelivered(report.bounces, recipients)
        assert (found.address, found.silenced) == (named, silenced)


def test_220_a_second_report_of_a_dead_address_silences_it() -> None:
    for raw in reported("220-"):
        dead = raw.replace(
            b"5.7.1 client host blocked by a block list; poor reputation of harbour.example", b"no user"
        )
        [found] = undelivered(
            read_report(dead.replace(b"5.7.1", b"5.1.1")).bounces, ["jane220@client220.example"]
        )
        assert found.silenced


def test_224_the_draft_is_the_agent_s() -> None:
    drafted = transitions.drafted(NOW, "draft-1")(an_outbox_mail())
    # (a) The agent sends it in Outlook. (b) The agent deletes it. (c) A file of it cannot be uploaded.
    assert next_step(drafted, None, Found.COPY, NOW).do is Do.CONFIRM
    assert transitions.confirmed(NOW)(drafted).state is State.CONFIRMED
    assert next_step(drafted, None, Found.DELETED, NOW).do is Do.CANCEL
    cancelled = transitions.deleted(NOW)(drafted)
    assert transitions.retried(NOW, "tag-2")(cancelled).state is State.QUEUED
    # (d) A request to cancel comes in time, or is refused: never both.
    sending = transitions.sending(NOW)(drafted)
    assert transitions.cancelled(NOW)(drafted).state is State.CANCELLED
    with pytest.raises(WrongState):
        transitions.sending(NOW)(transitions.cancelled(NOW)(drafted))
    with pytest.raises(WrongState):
        transitions.cancelled(NOW)(sending)


def test_a_mail_of_ours_comes_back_with_own_text_and_chain_told_apart() -> None:
    chain = chain_of(received(HOSTILE), "key", Reading("de", WINTER), OWN)
    html = html_below("<p>Ja, Donnerstag.</p>", "", chain)
    document = document_of(a_fetched_message(html=html, text="", subject="RE: Viewing"), None)
    assert document.html_quote_start == html.index('<div id="divRplyFwdMsg"')
