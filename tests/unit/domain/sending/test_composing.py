"""The bytes of a mail: whatever a name, a subject or a file name holds, they say what was asked for and no more."""

import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import getaddresses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dev.simulator.mime import read_mail
from shared.domain.errors import InvalidInput
from shared.domain.mail.addresses import Person
from shared.domain.mail.encoded_words import decoded
from shared.domain.mail.message_ids import parse_ids
from shared.domain.sending import composed
from shared.domain.sending.composing import compose
from shared.domain.sending.headers import display_name, one_line
from shared.domain.sending.letters import File, Letter, estimated_size, leaving_name, safe_file_name

DATE = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
CODE = "[PL-7K3Q9X-F2MX]"
PNG = b"\x89PNG\r\n\x1a\n"
JANE, BO = "jane@client.example", "bo@harbour.example"
INNER = b"From: a@b.example\r\nSubject: Inner\r\n\r\nHello\r\n"


def a_letter(**changes: Any) -> Letter:
    given: dict[str, Any] = {
        "sender": Person("Bo Agent", BO),
        "to": (Person("Jane", JANE),),
        "subject": f"Offer {CODE}",
        "message_id": "ours-1@harbour.example",
        "date": DATE,
        "html": "<p>Thursday it is.</p>",
        "text": "Thursday it is.",
    }
    return Letter(**{**given, **changes})


def parsed(letter: Letter) -> EmailMessage:
    return message_from_bytes(compose(letter), EmailMessage, policy=default)


def head(letter: Letter) -> dict[str, str]:
    """The raw headers, each on the lines on which it leaves."""
    top = compose(letter).partition(b"\r\n\r\n")[0].decode("ascii")
    lines = re.split(r"\r\n(?![ \t])", top)
    return dict(line.split(": ", 1) for line in lines)


def unfolded(raw: str) -> str:
    return re.sub(r"\r\n(?=[ \t])", "", raw)


def test_a_mail_has_the_headers_that_were_asked_for_and_both_bodies() -> None:
    mail = parsed(a_letter(cc=(Person("", "cc@client.example"),), bcc=(Person("", "bcc@client.example"),)))
    assert list(mail.keys()) == [
        *("From", "To", "Cc", "Bcc", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type")
    ]
    assert mail["From"] == "Bo Agent <bo@harbour.example>"
    assert mail["Date"].datetime == DATE
    assert mail["Message-ID"] == "<ours-1@harbour.example>"
    text, html = mail.iter_parts()
    assert (text.get_content_type(), text.get_content()) == ("text/plain", "Thursday it is.")
    assert (html.get_content_type(), html.get_content()) == ("text/html", "<p>Thursday it is.</p>")


def test_a_mail_of_text_alone_has_one_part() -> None:
    mail = parsed(a_letter(html="", text="One\nTwo\n"))
    assert (mail.get_content_type(), mail.get_content()) == ("text/plain", "One\r\nTwo\r\n")


def test_the_same_letter_gives_the_same_bytes() -> None:
    letter = a_letter(files=(File("plan.pdf", "application/pdf", b"A"),))
    assert compose(letter) == compose(letter)


NAMES = [
    "Doe, Jane (Head of Acquisitions; Harbour Quarter and Old Town), mallory@other.example",
    "Doe, Jane",
    'Jane "JJ" Doe',
    "Jane\\",
    "Jane <mallory@other.example>",
    "mallory@other.example",
    "=?utf-8?q?mallory=40other=2Eexample=2C?=",
    "Jane\r\nBcc: mallory@other.example",
    "Jane\u2028Bcc: mallory@other.example",
    "Jörg Müller, Büro für Überseequartiere und Wohnungen aller Art und Größe in Hamburg und Köln, Leitung",
    "عبد الله",
    "株式会社ハーバー不動産",
    "Ivan Петров",
    "👩‍👩‍👧 Smith",
    ';:,<>@()[]\\"',
    "x" * 5_000,
    "a, " * 500,
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_adds_no_recipient_for_any_reader(name: str) -> None:
    letter = a_letter(to=(Person(name, JANE), Person("", "second@client.example")))
    for role in ("cc", "bcc"):
        compose(a_letter(**{role: (Person(name, JANE),)}))
    raw = unfolded(head(letter)["To"])
    expected = [JANE, "second@client.example"]
    assert [address.addr_spec for address in parsed(letter)["To"].addresses] == expected
    assert [address for _, address in getaddresses([raw])] == expected
    assert [found.address for found in read_mail(compose(letter)).people("To")] == expected
    # A reader that decodes before it takes the list apart may lose somebody, and finds nobody else.
    assert {word for _, word in getaddresses([decoded(raw)]) if "@" in word} <= {*expected}


@pytest.mark.parametrize(
    "name", ["Jane Doe", "Doe, Jane", "Jörg Ü", 'Jane "JJ" Doe', "O'Neill (Sales)", "Jane\\ Doe"]
)
def test_a_name_is_read_as_it_was_written(name: str) -> None:
    assert parsed(a_letter(to=(Person(name, JANE),)))["To"].addresses[0].display_name == name


def test_addresses_leave_in_ascii_or_not_at_all() -> None:
    mail = parsed(a_letter(to=(Person("", "info@xn--bcher208-65a.example"),)))
    assert mail["To"] == "info@xn--bcher208-65a.example"
    for address in ("jörg@client208.example", "info@bücher208.example", "", "nobody", "a b@c.example"):
        with pytest.raises(InvalidInput, match="before the @"):
            compose(a_letter(to=(Person("", JANE), Person("", address))))


LONG = (
    "Angebot für die Wohnung am Überseequartier, zweite Besichtigung – Schlüsselübergabe im Büro Köln, Tür rechts, "
    "bitte läuten"
)


def test_encoded_words_are_apart_and_the_code_is_whole() -> None:
    raw = head(a_letter(subject=f"{LONG} {CODE}"))["Subject"]
    assert parsed(a_letter(subject=f"{LONG} {CODE}"))["Subject"] == f"{LONG} {CODE}"
    words = re.split(r"\s+", raw)
    assert words[-1] == CODE
    assert all(len(word) <= 75 for word in words)
    assert [word for word in words if "=?" in word.strip("=?") or not word.isascii()] == []
    assert len([word for word in words if word.startswith("=?") and word.endswith("?=")]) == 3
    assert all(len(line) <= 76 for line in raw.split("\r\n"))


@pytest.mark.parametrize(
    "separator", ["\u2028", "\x0c", "\x85", "\r\n", "\n", "\r", "\0", "\t", "\u2029", "\u202e"]
)
def test_what_ends_a_line_is_a_blank_in_a_subject(separator: str) -> None:
    subject = str(parsed(a_letter(subject=f"Offer{separator}for 12 Quay {CODE}"))["Subject"])
    assert " ".join(subject.split()) in (f"Offer for 12 Quay {CODE}", f"Offerfor 12 Quay {CODE}")


@pytest.mark.parametrize(
    "subject", ["a  b   c", "ü  b", "a  ü", "=?utf-8?q?a?= b", "x" * 3_000, "", "a =? b", "ü", "- ü - b  c ü"]
)
def test_any_subject_is_read_as_it_was_written(subject: str) -> None:
    assert str(parsed(a_letter(subject=subject))["Subject"]) == subject


def test_ids_and_urls_are_never_encoded_or_broken() -> None:
    url = f"<https://api.harbour.example/api/v1/unsubscribe/{'u' * 700}>"
    earlier = tuple(f"{'r' * 150}{number}@mail.client.example" for number in range(8))
    raw = head(
        a_letter(
            in_reply_to=f"{'i' * 200}@client.example",
            references=earlier,
            extra=(
                ("List-Unsubscribe", f"{url}, <mailto:out@harbour.example>"),
                ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
            ),
        )
    )
    assert raw["In-Reply-To"] == f"<{'i' * 200}@client.example>"
    assert raw["References"].split("\r\n ") == [f"<{given}>" for given in earlier]
    assert raw["List-Unsubscribe"] == f"{url},\r\n <mailto:out@harbour.example>"
    assert raw["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "=?" not in "".join(raw.values())


@pytest.mark.parametrize("given", ["", "a b@c", "a\r\nBcc: x@y.example", "ä@b", "a>b@c", "a" * 1_000])
def test_an_id_that_no_header_can_hold_is_left_out(given: str) -> None:
    raw = head(a_letter(in_reply_to=given, references=(given, "good@client.example")))
    assert "In-Reply-To" not in raw
    assert raw["References"] == "<good@client.example>"
    with pytest.raises(InvalidInput):
        compose(a_letter(message_id=given))


@pytest.mark.parametrize("value", ["a\r\nBcc: x@y.example", "ä", "a\x0bb", "a  b", "", "x" * 1_000])
def test_a_further_header_holds_plain_text_only(value: str) -> None:
    with pytest.raises(InvalidInput):
        compose(a_letter(extra=(("X-Tag", value),)))


@pytest.mark.parametrize("name", ["X Tag", "X-Tag\r\nBcc", "X:Tag", "", "Bcc", "to", "Content-Type"])
def test_a_further_header_is_no_other_one(name: str) -> None:
    with pytest.raises(InvalidInput):
        compose(a_letter(extra=((name, "x@y.example"),)))


FILES = (
    File(
        "Grundriss Größe 2 – Überseequartier Süd (letzte Fassung, unterschrieben).pdf",
        "application/pdf",
        b"A",
    ),
    File("plan.pdf", "application/pdf", b"B"),
    File("plan.pdf", "application/pdf", b"C"),
    File("empty.txt", "text/plain", b""),
)


def test_files_keep_name_order_and_bytes() -> None:
    parts = list(parsed(a_letter(files=FILES)).iter_attachments())
    assert [part.get_filename() for part in parts] == [file.name for file in FILES]
    assert [part.get_payload(decode=True) for part in parts] == [file.content for file in FILES]
    assert [part.get_content_type() for part in parts] == [file.content_type for file in FILES]
    # Old Outlook reads the name of the type alone.
    assert [decoded(str(part.get_param("name"))) for part in parts] == [file.name for file in FILES]


@pytest.mark.parametrize(
    ("kind", "leaves_as"),
    [
        ("application/pdf", "application/pdf"),
        ("Image/PNG", "image/png"),
        ("multipart/mixed", "application/octet-stream"),
        ("message/partial", "application/octet-stream"),
        ("nonsense", "application/octet-stream"),
        ("text/html\r\nX: y", "application/octet-stream"),
        ('a/b; name="x"', "application/octet-stream"),
    ],
)
def test_a_type_that_promises_more_than_a_file_is_not_passed_on(kind: str, leaves_as: str) -> None:
    [part] = parsed(a_letter(files=(File("a.bin", kind, b"x"),))).iter_attachments()
    assert part.get_content_type() == leaves_as


def test_an_attached_mail_is_one_with_its_own_bytes() -> None:
    raw = compose(a_letter(files=(File("Offer", "message/rfc822", INNER),)))
    [part] = message_from_bytes(raw, EmailMessage, policy=default).iter_attachments()
    assert (part.get_content_type(), part["Content-Transfer-Encoding"]) == ("message/rfc822", "7bit")
    assert part.get_filename() == "Offer.eml"
    assert part.get_content()["Subject"] == "Inner"
    assert INNER in raw


@pytest.mark.parametrize(
    "content",
    [
        b"Subject: x\r\n\r\n" + b"y" * 1_200,
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\nnever ended",
        b"no header at all",
        b"a: b\r\n\r\n\0",
        b"",
    ],
)
def test_a_mail_that_would_not_stay_as_it_is_leaves_as_a_file(content: bytes) -> None:
    [part] = parsed(a_letter(files=(File("x", "message/rfc822", content),))).iter_attachments()
    is_file = part.get_content_type() == "application/octet-stream"
    assert not is_file or part.get_payload(decode=True) == content
    assert is_file or content in compose(a_letter(files=(File("x", "message/rfc822", content),)))
    assert part.get_filename() == "x.eml"


@pytest.mark.parametrize(
    "content", [b"Subject:no blank\nX: \n folded\n\nb\xe9\n", b"Subject: a\r\n\r\n\r\n\r\n"]
)
def test_an_attached_mail_is_not_rewritten(content: bytes) -> None:
    raw = compose(a_letter(files=(File("x.eml", "message/rfc822", content),)))
    assert b"Content-Type: message/rfc822" in raw
    assert content.replace(b"\r\n", b"\n") in raw.replace(b"\r\n", b"\n")


def test_a_picture_stands_where_the_html_shows_it() -> None:
    letter = a_letter(
        html='<img src="cid:p1@harbour.example">',
        files=(
            File("plan.pdf", "application/pdf", b"A"),
            File("p.png", "image/png", PNG, "p1@harbour.example"),
        ),
    )
    mail = parsed(letter)
    assert mail.get_content_type() == "multipart/mixed"
    alternative, plan = mail.iter_parts()
    assert isinstance(alternative, EmailMessage)
    text, related = alternative.iter_parts()
    assert (text.get_content_type(), related.get_content_type()) == ("text/plain", "multipart/related")
    html, picture = related.iter_parts()
    assert html.get_content_type() == "text/html"
    assert (picture["Content-ID"], picture.get_content()) == ("<p1@harbour.example>", PNG)
    assert (picture.get_content_disposition(), plan.get_content_disposition()) == ("inline", "attachment")


@pytest.mark.parametrize(
    ("name", "leaves_as"),
    [
        ("plan.pdf", "plan.pdf"),
        ("../../etc/passwd", ".._.._etc_passwd"),
        ("a\r\nContent-Type: text/html\r\n\r\n", "a Content-Type: text_html"),
        ("invoice\u202egpj.exe", "invoicegpj.exe"),
        ("", "file"),
        ("\0", "file"),
        (f"{'x' * 300}.pdf", f"{'x' * 196}.pdf"),
        ("x" * 300, "x" * 200),
    ],
)
def test_a_file_name_is_one_name_on_one_line(name: str, leaves_as: str) -> None:
    assert safe_file_name(name) == leaves_as
    [part] = parsed(a_letter(files=(File(name, "application/pdf", b"x"),))).iter_attachments()
    assert part.get_filename() == leaves_as


def test_bytes_that_say_something_else_do_not_leave() -> None:
    raw = compose(a_letter())
    composed.check(a_letter(), raw)
    other = {
        "address in To": raw.replace(b"To: Jane", b"To: mallory@other.example, Jane"),
        "address in Bcc and header": raw.replace(b"Date:", b"Bcc: mallory@other.example\r\nDate:"),
        "subject": raw.replace(b"Offer [", b"Other ["),
        "message-id": raw.replace(b"ours-1@", b"ours-2@"),
        "header": raw.replace(b"Date:", b"X-Other: y\r\nDate:"),
    }
    for difference, changed in other.items():
        with pytest.raises(InvalidInput, match=f"would have another {difference} than asked for"):
            composed.check(a_letter(), changed)
    with pytest.raises(InvalidInput, match="another file"):
        composed.check(a_letter(files=FILES), raw)


TEXTS = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from('\r\n\0\t "\\,;:<>@()[]=?_-.\u2028\u0085\u202e\u200bäß漢ع\ud800'),
    ),
    max_size=120,
)
ADDRESSES = st.lists(
    st.sampled_from(
        [JANE, "info@xn--bcher208-65a.example", "o'neill+x@c.example", '"a.b"@c.example', "a_b=c@d.example"]
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=50)
@given(TEXTS, TEXTS, TEXTS, ADDRESSES, st.binary(max_size=60))
def test_whatever_they_hold_nothing_breaks_a_header_or_reaches_anybody_else(
    name: str, subject: str, file_name: str, addresses: list[str], content: bytes
) -> None:
    letter = a_letter(
        sender=Person(name, BO),
        to=tuple(Person(name, address) for address in addresses),
        cc=tuple(Person(name[::-1], address) for address in addresses[:1]),
        subject=f"{subject} {CODE}",
        in_reply_to=name,
        references=(subject, "r@client.example"),
        files=(File(file_name, name, content), File(file_name, "message/rfc822", content)),
    )
    raw = compose(letter)
    top = raw.partition(b"\r\n\r\n")[0].decode("ascii")
    assert all(re.match(r"[A-Za-z-]+: |[ \t]+\S", line) for line in top.split("\r\n"))
    assert all(len(line) <= 998 for line in top.split("\r\n"))
    seen = read_mail(raw)
    bare = [address.replace('"', "") for address in addresses]
    assert [found.address.replace('"', "") for found in seen.people("To")] == bare
    assert seen.subject == one_line(f"{subject} {CODE}")
    mail = message_from_bytes(raw, EmailMessage, policy=default)
    assert [part.get_filename() for part in mail.iter_attachments()] == [
        leaving_name(file) for file in letter.files
    ]
    # The library's own reader of 3.11 sets blanks between the encoded-words of a name.
    sender = seen.from_
    assert sender is not None
    assert sender.name == display_name(name)
    assert parse_ids(head(letter)["References"])[-1] == "r@client.example"


@settings(max_examples=40)
@given(st.text(max_size=400), st.lists(st.binary(max_size=400), max_size=3))
def test_a_mail_is_never_larger_than_was_estimated(body: str, contents: list[bytes]) -> None:
    files = tuple(File("Ü" * 200, "application/pdf", content) for content in contents)
    letter = a_letter(html=body or "x", text=body, subject="ü" * 255, files=files)
    sizes = [len(content) for content in contents]
    assert len(compose(letter)) <= estimated_size((letter.html, body), sizes)


def test_a_file_of_1_6_mb_is_estimated_at_less_than_2_24_mb_and_one_of_2_4_mb_at_more() -> None:
    assert estimated_size(("x" * 1_000, "y" * 1_000), (1_600_000,)) < 2_240_000
    assert estimated_size(("x",), (2_400_000,)) > 2_240_000
