"""A mail's octets as a mail of the domain: head, bodies, files, and mail that keeps to no rule."""

from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors import NotFound, Unreadable
from shared.domain.mail.addresses import Person
from shared.domain.mail.items import ItemRef
from shared.domain.mime.reading import Copy, head_of, part_of, whole_of
from tests.cpu import check_cost

RECEIVED = datetime(2026, 11, 30, 9, 13, tzinfo=UTC)
COPY = Copy(ItemRef("INBOX", "7-1"), "INBOX", RECEIVED)
HEAD = (
    b"From: =?utf-8?q?J=C3=B6rg_Kim?= <Kim@Client.Example>\r\n"
    b'To: Service <service@harbour.example>, "Poe, Sam" <sam@harbour.example>\r\n'
    b"Cc: undisclosed-recipients:;\r\n"
    b"Subject: Boiler\r\n =?utf-8?b?4oSWIDc=?=\r\n"
    b"Date: Mon, 30 Nov 2026 10:12:00 +0100\r\n"
    b"Message-ID: <boiler@client.example>\r\n"
    b"In-Reply-To: <first@harbour.example>\r\n"
    b"References: <zero@harbour.example>\r\n <first@harbour.example>\r\n"
    b"Sensitivity: Private\r\n"
    b"List-Id: <tenants.client.example>\r\n"
    b"X-Mailer: Nothing\r\n"
)


def a_mail(*parts: bytes, kind: str = "mixed") -> bytes:
    """A mail of parts, each with its own header."""
    body = b"".join(b"\r\n--b\r\n" + part for part in parts)
    return HEAD + f'Content-Type: multipart/{kind}; boundary="b"\r\n\r\n'.encode() + body + b"\r\n--b--\r\n"


TEXT = b"Content-Type: text/plain; charset=utf-8\r\n\r\nCold \xc3\xbc."
HTML = b'Content-Type: text/html\r\n\r\n<p>Cold.</p><img src="cid:plan%40client">'
PICTURE = (
    b"Content-Type: image/png; name=plan.png\r\nContent-ID: <plan@client>\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo="
)
INVITATION_ANSWER = b"Content-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR\r\nMETHOD:REPLY\r\n"


class TestHead:
    def test_a_head_says_who_wrote_what_when_and_to_whom(self) -> None:
        head = head_of(HEAD + b"\r\nBody", COPY)
        assert head.sender == Person("Jörg Kim", "kim@client.example")
        assert head.to == (
            Person("Service", "service@harbour.example"),
            Person("Poe, Sam", "sam@harbour.example"),
        )
        assert head.cc == ()
        assert head.subject == "Boiler № 7"
        assert head.sent_at == datetime(2026, 11, 30, 9, 12, tzinfo=UTC)
        assert (head.item, head.folder_id, head.received_at) == (COPY.item, "INBOX", RECEIVED)
        assert head.message_id == "boiler@client.example"
        assert head.answers == ("first@harbour.example", "zero@harbour.example")
        assert head.is_private

    def test_only_headers_that_are_read_later_are_kept(self) -> None:
        names = {name for name, _ in head_of(HEAD, COPY).headers}
        assert names == {"sensitivity", "list-id"}

    @pytest.mark.parametrize("date", [b"", b"Date: soon\r\n", b"Date: 13.12.101\r\n"])
    def test_without_a_date_it_was_sent_when_it_came(self, date: bytes) -> None:
        assert head_of(date + b"Subject: x\r\n", COPY).sent_at == RECEIVED

    def test_a_sender_for_somebody_else_is_told(self) -> None:
        head = head_of(b"From: chief@harbour.example\r\nSender: desk@harbour.example\r\n", COPY)
        assert head.on_behalf_of == Person("", "desk@harbour.example")

    @pytest.mark.parametrize(
        ("raw", "subject"),
        [
            ("Büro", "Büro"),
            (b"B\xfcro", "Büro"),
            (b"\xff\xfeB", "ÿþB"),
            ("=?windows-1251?Q?=C4=EE=EC?= =?windows-1251?Q?=E8?=", "Доми"),
            ("=?nonsense?Q?B=C3=BC?=", "Bü"),
            ("Invoice \u202e0074", "Invoice 0074"),
        ],
    )
    def test_a_subject_is_read_in_whatever_octets_it_came(self, raw: str | bytes, subject: str) -> None:
        octets = raw if isinstance(raw, bytes) else raw.encode()
        assert head_of(b"Subject: " + octets + b"\r\n", COPY).subject == subject

    @pytest.mark.parametrize(
        ("written", "named"),
        [
            ("Doe, Jane <jane@client.example>", [("Doe, Jane", "jane@client.example")]),
            ("jane@client.example (Jane)", [("Jane", "jane@client.example")]),
            ("desk: a@b.example, c@d.example;", [("", "a@b.example"), ("", "c@d.example")]),
            ('"x@evil.example" <jane@client.example>', [("x@evil.example", "jane@client.example")]),
            ("jane@client.example <jane@client.example>", [("", "jane@client.example")]),
            ("MAILER-DAEMON", [("MAILER-DAEMON", "")]),
            ("Jane <jane(her account)@client.example>", [("Jane", "jane@client.example")]),
            ("=?utf-8?Q?Doe=2C_Jane?= <jane@client.example>", [("Doe, Jane", "jane@client.example")]),
        ],
    )
    def test_people_are_told_apart(self, written: str, named: list[tuple[str, str]]) -> None:
        head = head_of(f"To: {written}\r\n".encode(), COPY)
        assert [(person.name, person.address) for person in head.to] == named


class TestWhole:
    def test_html_is_the_body_where_there_are_both_forms(self) -> None:
        found = whole_of(a_mail(TEXT, HTML, kind="alternative"), COPY)
        assert found.html.startswith("<p>Cold.</p>")
        assert (found.text, found.attachments) == ("", ())

    def test_plain_text_is_the_body_where_there_is_nothing_else(self) -> None:
        assert whole_of(HEAD + b"\r\nCold \xc3\xbc.", COPY).text == "Cold ü."

    def test_a_picture_that_the_body_shows_is_no_attachment_to_see(self) -> None:
        found = whole_of(a_mail(HTML, PICTURE, kind="related"), COPY)
        assert [(file.name, file.inline, file.size, file.content_id) for file in found.attachments] == [
            ("plan.png", True, 8, "plan@client")
        ]
        assert not found.head.has_attachments

    def test_a_picture_that_nothing_shows_is_an_attachment(self) -> None:
        found = whole_of(a_mail(TEXT, PICTURE), COPY)
        assert [file.inline for file in found.attachments] == [False]
        assert found.head.has_attachments

    def test_a_further_text_is_a_file(self) -> None:
        found = whole_of(a_mail(TEXT, b"Content-Type: text/plain\r\n\r\nFooter"), COPY)
        assert [(file.name, file.size) for file in found.attachments] == [("ATT00001.txt", 6)]

    def test_an_attached_mail_has_its_subject_for_a_name(self) -> None:
        inner = b"Content-Type: message/rfc822\r\n\r\nSubject: Roof\r\n\r\nTiles"
        (file,) = whole_of(a_mail(TEXT, inner), COPY).attachments
        assert (file.name, file.kind, file.content_type) == ("Roof.eml", "item", "message/rfc822")

    def test_an_answer_to_an_invitation_is_told_as_one_and_is_no_file(self) -> None:
        found = whole_of(a_mail(TEXT, INVITATION_ANSWER), COPY)
        assert found.attachments == ()
        assert ("content-type", "text/calendar; method=REPLY") in found.head.headers

    def test_what_a_server_says_to_a_server_is_no_file(self) -> None:
        report = b"Content-Type: message/delivery-status\r\n\r\nStatus: 5.1.1\r\n"
        assert whole_of(a_mail(TEXT, report, kind="report"), COPY).attachments == ()

    @pytest.mark.parametrize(
        ("disposition", "name"),
        [
            (b"filename*=utf-8''Pl%C3%A4ne%20A.pdf", "Pläne A.pdf"),
            (b"filename*0*=iso-8859-1''Pl%E4; filename*1=ne.pdf", "Pläne.pdf"),
            (b'filename="=?utf-8?B?UGzDpG5lLnBkZg==?="', "Pläne.pdf"),
            (b'filename="Pl\xc3\xa4ne.pdf"', "Pläne.pdf"),
            (b"filename=two words.pdf", "two words.pdf"),
            (b'filename="C:\\\\temp\\\\plan.pdf"', "plan.pdf"),
            (b'filename="../../etc/passwd"', "passwd"),
            (b'filename="plan.pdf', "plan.pdf"),
        ],
    )
    def test_a_file_name_is_read_in_whatever_way_it_is_written(self, disposition: bytes, name: str) -> None:
        part = (
            b"Content-Type: application/pdf\r\nContent-Disposition: attachment; " + disposition + b"\r\n\r\nx"
        )
        (file,) = whole_of(a_mail(TEXT, part), COPY).attachments
        assert file.name == name

    def test_flowed_lines_are_joined(self) -> None:
        raw = (
            b"Content-Type: text/plain; format=flowed\r\n\r\nOne \r\ntwo.\r\n> quoted \r\n> on\r\n-- \r\nKim"
        )
        assert whole_of(raw, COPY).text == "One two.\n> quoted on\n-- \nKim"

    def test_an_attachment_is_found_by_the_id_that_it_was_given(self) -> None:
        raw = a_mail(TEXT, PICTURE)
        (file,) = whole_of(raw, COPY).attachments
        assert part_of(raw, file.source_id) == b"\x89PNG\r\n\x1a\n"
        for other in ("9", "1.1", "", "x"):
            with pytest.raises(NotFound):
                part_of(raw, other)


class TestBroken:
    def test_text_is_shown_where_no_boundary_is_found(self) -> None:
        raw = b'Content-Type: multipart/mixed; boundary="gone"\r\n\r\nStill text'
        assert whole_of(raw, COPY).text == "Still text"

    def test_a_boundary_that_is_not_told_is_found(self) -> None:
        raw = b"Content-Type: multipart/mixed\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nText\r\n--x--"
        assert whole_of(raw, COPY).text == "Text"

    def test_the_last_part_may_lack_its_end(self) -> None:
        assert whole_of(a_mail(TEXT).replace(b"\r\n--b--", b""), COPY).text.rstrip() == "Cold ü."

    def test_a_line_that_is_no_field_ends_no_header(self) -> None:
        raw = b"From: a@b.example\r\nnonsense here\r\nSubject: Roof\r\n\r\nTiles"
        found = whole_of(raw, COPY)
        assert (found.head.subject, found.text) == ("Roof", "Tiles")

    def test_a_body_may_follow_without_an_empty_line(self) -> None:
        assert whole_of(b"Subject: Roof\r\nTwo tiles are off.", COPY).text == "Two tiles are off."

    @pytest.mark.parametrize("encoding", [b"base64", b"BASE64;", b"quoted-printable", b"x-uuencode", b"what"])
    def test_no_octets_break_a_transfer_encoding(self, encoding: bytes) -> None:
        raw = b"Content-Transfer-Encoding: " + encoding + b"\r\n\r\n" + bytes(range(256)) * 3
        assert whole_of(raw, COPY).head.item == COPY.item

    @given(st.binary(max_size=300))
    def test_no_octets_break_the_reader(self, raw: bytes) -> None:
        for mail in (raw, a_mail(raw), HEAD + raw, b"Content-Type: " + raw + b"\r\n\r\n" + raw):
            try:
                whole_of(mail, COPY)
            except Unreadable as error:  # it fails alone
                raise AssertionError(mail) from error

    @given(st.text(max_size=60), st.text(min_size=1, max_size=200), st.binary(min_size=1, max_size=200))
    def test_what_is_written_by_the_rules_is_read_back(self, subject: str, text: str, data: bytes) -> None:
        mail = EmailMessage()
        mail["Subject"] = " ".join(word for word in subject.split() if word.isprintable() and word.isascii())
        mail.set_content("A" + "".join(char for char in text if char.isprintable() and char not in "\r\n"))
        mail.add_attachment(data, maintype="application", subtype="octet-stream", filename="x.bin")
        raw = mail.as_bytes()
        found = whole_of(raw, COPY)
        assert found.head.subject == mail["Subject"]
        assert found.text.rstrip("\r\n") == mail.get_body().get_content().rstrip("\n")  # type: ignore[union-attr]
        assert part_of(raw, found.attachments[0].source_id) == data


HOSTILE = {
    "a hundred thousand parts": a_mail(*([b"\r\nx"] * 100_000)),
    "nested without an end": b"".join(
        f'Content-Type: multipart/mixed; boundary="b{level}"\r\n\r\n--b{level}\r\n'.encode()
        for level in range(20_000)
    ),
    "a megabyte of recipients": b"To: " + b"a@b.example," * 90_000 + b"\r\n\r\n",
    "a parameter without an end": b"Content-Type: text/plain; name=" + b"a;" * 200_000 + b"\r\n\r\n",
    "a header without a line end": b"Subject: " + b"=?utf-8?q?a?=" * 90_000,
    "lines that may be boundaries": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    + b"--b \r\n" * 200_000,
    "open brackets": b"From: " + b"(" * 500_000 + b"<" * 400_000 + b"\r\n\r\n",
    "flowed quotes": b"Content-Type: text/plain; format=flowed\r\n\r\n" + b"> a \r\n" * 200_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_mail_costs_little(name: str) -> None:
    check_cost(lambda: whole_of(HOSTILE[name], COPY), at_most=25, name=name)
