"""How a mail becomes message content: bodies, attachments, broken input."""

import csv
import json
from email import message_from_bytes
from pathlib import Path

import pytest

from dev.simulator.body import unique_part, without_scripts
from dev.simulator.compose import regenerate
from dev.simulator.headers import Address, addresses, decode_words
from dev.simulator.mime import read_mail

CORPUS = Path(__file__).parents[2] / ".." / "shared" / "mail"


def a_multipart(kind: str, *parts: str, more: str = "") -> bytes:
    inner = "".join(f"--b\r\n{part}\r\n" for part in parts)
    head = f"Subject: s\r\nMIME-Version: 1.0\r\nContent-Type: multipart/{kind}; boundary=b{more}\r\n\r\n"
    return f"{head}{inner}--b--\r\n".encode()


TEXT = "Content-Type: text/plain\r\n\r\nplain words"
HTML = 'Content-Type: text/html\r\n\r\n<p>rich words <img src="cid:Logo@x"></p>'
LOGO = (
    "Content-Type: image/png; name=logo.png\r\nContent-ID: <Logo@x>\r\n"
    "Content-Transfer-Encoding: base64\r\n\r\niVBORw0="
)
PDF = "Content-Type: application/pdf; name=a.pdf\r\nContent-Disposition: inline\r\nContent-ID: <pdf@x>\r\n\r\n%PDF"


def test_the_address_of_a_person_is_the_last_one_in_angle_brackets() -> None:
    assert addresses("john@evil.example <real@example.com>") == [
        Address("john@evil.example", "real@example.com")
    ]


def test_commas_in_quotes_and_encoded_words_do_not_split_addresses() -> None:
    found = addresses('"Doe, Jane" <j@x.example>, =?utf-8?Q?D=C3=B6=2C?= <d@x.example>')
    assert found == [Address("Doe, Jane", "j@x.example"), Address("Dö,", "d@x.example")]


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("=?utf-8?Q?Doe, Jane?=", "Doe, Jane"),
        ("Dr. =?utf-8?Q?Doe,_Jane?= =?utf-8?Q?(x); y?=", "Dr. Doe, Jane(x); y"),
        ("=?utf-8?B?RG9lLCBKYW5l?=", "Doe, Jane"),
        ("=?utf-8?Q?Desk: <Jane>, Bo?=", "Desk: <Jane>, Bo"),
    ],
)
def test_what_stands_within_an_encoded_word_is_part_of_a_name(written: str, name: str) -> None:
    found = addresses(f"a@x.example, {written} <jane@x.example>; b@x.example")
    assert found == [Address("", "a@x.example"), Address(name, "jane@x.example"), Address("", "b@x.example")]


def test_the_quotes_of_a_local_part_are_part_of_the_address() -> None:
    assert addresses('Jane <"jane doe"@x.example>, "bo@x.example"') == [
        Address("Jane", '"janedoe"@x.example'),
        Address("", "bo@x.example"),
    ]


def test_group_syntax_gives_its_members_and_undisclosed_recipients_nobody() -> None:
    assert addresses("Friends: a@x.example, b@x.example;") == [
        Address("", "a@x.example"),
        Address("", "b@x.example"),
    ]
    assert addresses("undisclosed-recipients:;") == []


def test_a_character_split_over_two_encoded_words_is_joined() -> None:
    assert decode_words("=?utf-8?B?w6TD?= =?utf-8?B?tg==?=") == "äö"


def test_plain_mail_is_wrapped_as_exchange_html() -> None:
    content = read_mail(b"Subject: x\r\n\r\na < b\r\n> quoted\r\n")
    assert '<div class="PlainText">a &lt; b<br>\r\n&gt; quoted</div>' in content.markup
    assert content.text == "a < b\r\n> quoted\r\n"


def test_html_wins_over_plain_text() -> None:
    content = read_mail(a_multipart("alternative", TEXT, HTML))
    assert "rich words" in content.markup
    assert "plain words" not in content.markup
    assert content.attachments == ()


def test_a_related_part_of_pictures_alone_is_no_alternative_of_a_text() -> None:
    pictures = (
        a_multipart("related", LOGO).decode().partition("\r\n")[2].replace("b--", "c--").replace("--b", "--c")
    )
    content = read_mail(a_multipart("alternative", TEXT, pictures.replace("boundary=b", "boundary=c")))
    assert "plain words" in content.text
    assert [attachment.name for attachment in content.attachments] == ["logo.png"]


def test_winmail_dat_is_a_file_as_it_is() -> None:
    packed = "Content-Type: application/ms-tnef; name=winmail.dat\r\n\r\npacked"
    content = read_mail(a_multipart("mixed", TEXT, packed))
    assert [(a.name, a.content_type, a.data) for a in content.attachments] == [
        ("winmail.dat", "application/ms-tnef", b"packed")
    ]


def test_an_image_is_inline_only_when_the_body_shows_it() -> None:
    shown = read_mail(a_multipart("related", HTML, LOGO))
    unshown = read_mail(a_multipart("related", "Content-Type: text/html\r\n\r\n<p>none</p>", LOGO))
    assert [(one.content_id, one.is_inline) for one in shown.attachments] == [("Logo@x", True)]
    assert [one.is_inline for one in unshown.attachments] == [False]
    assert (shown.has_attachments, unshown.has_attachments) == (False, True)


def test_an_inline_pdf_is_a_normal_attachment() -> None:
    (pdf,) = read_mail(a_multipart("mixed", HTML, PDF)).attachments
    assert (pdf.name, pdf.is_inline, pdf.data) == ("a.pdf", False, b"%PDF")


def test_an_enclosed_mail_is_an_item_named_by_its_subject() -> None:
    enclosed = "Content-Type: message/rfc822\r\n\r\nSubject: inner words\r\n\r\nyo"
    (item,) = read_mail(a_multipart("mixed", TEXT, enclosed)).attachments
    assert (item.kind, item.name, item.content_type) == ("item", "inner words", None)


def test_a_clear_signed_mail_has_one_attachment_that_holds_the_original() -> None:
    signature = "Content-Type: application/pkcs7-signature; name=smime.p7s\r\n\r\nsig"
    more = '; protocol="application/pkcs7-signature"; micalg=sha256'
    content = read_mail(a_multipart("signed", TEXT, signature, more=more))
    assert [(one.name, one.content_type) for one in content.attachments] == [
        ("smime.p7m", "multipart/signed")
    ]
    assert b"plain words" in content.attachments[0].data
    assert "plain words" in content.text


def test_an_invitation_is_an_event_message_without_attachment() -> None:
    calendar = "Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR"
    content = read_mail(a_multipart("alternative", TEXT, calendar))
    assert content.odata_type == "#microsoft.graph.eventMessageRequest"
    assert (content.meeting, content.attachments) == ("meetingRequest", ())


def test_a_topic_loses_one_short_prefix_only() -> None:
    assert read_mail(b"Subject: Re: Aw: Offer\r\n\r\n").topic == "Aw: Offer"
    assert read_mail(b"Subject: Antwort: Offer\r\n\r\n").topic == "Antwort: Offer"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\x00\x00",
        b"\xff\xfe no headers at all",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\nnever opened",
        b"Content-Type: text/plain; charset=nonsense\r\n\r\n\xe4\xf6",
        b"Subject: \xe4\xf6\xfc\r\nFrom: \xff<\r\nDate: not a date\r\n\r\n",
        b"From: a@x.example\r\n" * 2000 + b"\r\n",
        b"".join(b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n" % (n, n) for n in range(3000)),
    ],
)
def test_garbage_is_read_as_something_that_json_can_hold(raw: bytes) -> None:
    content = read_mail(raw)
    shown = [content.subject, content.markup, content.text, content.preview, content.headers]
    assert "\x00" not in json.dumps(shown).encode("utf-8").decode()
    assert content.markup.lower().count("<html") == 1


def test_regenerated_mime_says_the_same_in_another_form() -> None:
    content = read_mail(a_multipart("mixed", TEXT, PDF))
    again = regenerate(content)
    reread = read_mail(again)
    assert (reread.subject, reread.text.strip()) == ("s", "plain words")
    assert [one.data for one in reread.attachments] == [b"%PDF"]
    assert message_from_bytes(again).get_boundary() != "b"


def test_a_large_body_is_served_in_time_that_grows_with_its_size() -> None:
    markup = read_mail(b"Content-Type: text/html\r\n\r\n<body>" + b"<p>x < y</p>" * 100_000).markup
    assert unique_part(without_scripts(markup), has_parent=True).count("<p>") == 100_000


@pytest.mark.skipif(not CORPUS.exists(), reason="the mail corpus is not beside this repository")
def test_every_mail_of_the_corpus_is_read_and_written_again() -> None:
    with (CORPUS / "manifest.csv").open(encoding="utf-8") as manifest:
        names = [row["file"] for row in csv.DictReader(manifest) if row["type"] == "rfc822"]
    assert len(names) > 1000
    for name in names:
        content = read_mail((CORPUS / name).read_bytes())
        shown = [
            content.subject,
            content.markup,
            content.text,
            content.message_id,
            content.topic,
            content.headers,
        ]
        json.dumps([*shown, [one.as_json("i", "m", with_bytes=True) for one in content.attachments]]).encode(
            "utf-8"
        )
        assert message_from_bytes(regenerate(content)).get_content_type(), name


def test_a_report_s_parts_stand_in_its_mime_alone() -> None:
    status = "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\nAction: failed\r\n"
    returned = "Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: <o1@x.example>"
    read = read_mail(a_multipart("report; report-type=delivery-status", TEXT, status, returned))
    assert (read.text.strip(), read.attachments) == ("plain words", ())
    made = message_from_bytes(regenerate(read))
    assert (made.get_content_type(), made.get_param("report-type")) == (
        "multipart/report",
        "delivery-status",
    )
    kinds = [part.get_content_type() for part in made.get_payload()]
    assert kinds == ["text/plain", "message/delivery-status", "text/rfc822-headers"]
    assert b"Action: failed" in made.as_bytes()
    assert "<o1@x.example>" in made.get_payload()[2].get_payload()


def test_a_report_returns_the_whole_mail_that_it_is_about() -> None:
    status = "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n"
    whole = "Content-Type: message/rfc822\r\n\r\nSubject: inner\r\nMessage-ID: <o1@x.example>\r\n\r\nyo"
    read = read_mail(a_multipart("report", TEXT, status, whole))
    assert [attachment.kind for attachment in read.attachments] == ["item"]
    kinds = [part.get_content_type() for part in message_from_bytes(regenerate(read)).get_payload()]
    assert kinds == ["text/plain", "message/delivery-status", "message/rfc822"]
