"""What `winmail.dat` holds: body, files, mails within; and what becomes of one that a stranger has made."""

import json
import struct
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest
from compressed_rtf import compress

from shared.domain.errors import Unreadable
from shared.domain.mail.messages import Attachment
from shared.domain.mail.rtf import html_and_text
from shared.domain.mail.tnef import LONGEST, Unpacked, is_packed, unpack
from tests.builders import an_attachment
from tests.cpu import check_cost
from tests.tnef import (
    FILE,
    MAIL,
    a_file,
    a_mail_within,
    attribute,
    number,
    properties,
    tnef,
    unicode,
    variable,
)

SHARED = Path(__file__).parents[4] / ".." / "shared"
SECOND_OPINION = SHARED / "data" / "mimekit.jsonl"


def names(found: Unpacked) -> list[str]:
    return [file.name for file in found.files]


def test_files_come_in_order_under_their_long_names_with_type_and_content_id() -> None:
    more = (unicode(0x370E, "image/png"), unicode(0x3712, "<logo@x>"))
    found = unpack(tnef(a_file("Entwürfe 2026.pdf", b"%PDF"), a_file("logo.png", b"png", *more)))
    assert names(found) == ["Entwürfe 2026.pdf", "logo.png"]
    assert [file.data for file in found.files] == [b"%PDF", b"png"]
    assert (found.files[1].content_type, found.files[1].content_id) == ("image/png", "logo@x")


def test_a_title_in_the_code_page_stands_for_a_missing_long_name() -> None:
    found = unpack(tnef(a_file("", b"x", title="счёт.pdf\0".encode("cp1251")), code_page=1251))
    assert names(found) == ["счёт.pdf"]


def test_html_is_read_in_its_own_code_page() -> None:
    html = "<p>шостий</p>".encode("koi8-r")
    found = unpack(tnef(message=(number(0x3FDE, 20866), variable(0x102, 0x1013, html), unicode(0x0037, "S"))))
    assert (found.html, found.subject) == ("<p>шостий</p>", "S")


def test_the_plain_body_is_an_attribute_or_a_property() -> None:
    assert unpack(tnef(attribute(MAIL, 0x800C, b"Plain words\0"))).text == "Plain words"
    assert unpack(tnef(message=(unicode(0x1000, "Plain wörds"),))).text == "Plain wörds"


def test_rich_text_is_a_body_where_there_is_no_other() -> None:
    rtf = rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}Gr\'fc\'dfe\par Bo}"
    rich = variable(0x102, 0x1009, compress(rtf))
    assert unpack(tnef(message=(rich,))).text == "Grüße\r\nBo"
    assert unpack(tnef(message=(rich, unicode(0x1000, "said plainly")))).text == "said plainly"


def test_rich_text_that_cannot_be_read_leaves_the_files() -> None:
    found = unpack(tnef(a_file("a.pdf", b"a"), message=(variable(0x102, 0x1009, b"LZFu" * 8),)))
    assert (found.html, found.text, names(found)) == ("", "", ["a.pdf"])


def test_html_within_rich_text_is_taken_out() -> None:
    rtf = (
        rb"{\rtf1\ansi\ansicpg1252\fromhtml1 {\fonttbl{\f0 Arial;}{\f1\fcharset204 Arial;}}"
        rb"{\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 Caf\'e9 {\f1 \'e4\'e0} \u-10179?\u-8704?\htmlrtf\par}\htmlrtf0"
        rb"{\*\htmltag84 &lt;}\htmlrtf <\htmlrtf0 {\*\mhtmltag64 <img>}{\*\htmltag72 </p>}}"
    )
    html, text = html_and_text(rtf)
    assert (html, text) == ("<p>Café да 😀&lt;</p>", "")


def test_named_and_repeated_properties_are_passed_over() -> None:
    by_name = struct.pack("<HH16sII", 0x1F, 0x8001, bytes(16), 1, 6) + "abc".encode("utf-16-le") + bytes(2)
    by_number = struct.pack("<HH16sII", 0x03, 0x8002, bytes(16), 0, 7) + bytes(4)
    several = struct.pack("<HHI", 0x1002, 0x0005, 3) + bytes(8)
    named = by_name + struct.pack("<II", 1, 4) + b"x\0\0\0"
    found = unpack(tnef(message=(named, by_number, several, unicode(0x0037, "behind them"))))
    assert found.subject == "behind them"


def test_a_mail_within_is_a_mail_with_its_own_files() -> None:
    inner = tnef(
        a_file("plan.pdf", b"%PDF"), message=(unicode(0x0037, "Fwd: plan"), unicode(0x1000, "See it."))
    )
    [file] = unpack(tnef(a_mail_within(inner))).files
    mail = message_from_bytes(file.data)
    assert (file.name, file.content_type, mail["Subject"]) == ("Fwd: plan.eml", "message/rfc822", "Fwd: plan")
    assert [part.get_filename() for part in mail.walk()][-1] == "plan.pdf"


def test_what_somebody_put_behind_the_last_attribute_is_left_aside() -> None:
    for garbage in (b"\0\0", b"\r\n", b"-- \r\nlist footer of many bytes"):
        assert names(unpack(tnef(a_file("a.pdf", b"a")) + garbage)) == ["a.pdf"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x89PNG\r\n\x1a\n" * 9,
        tnef(a_file("a.pdf", b"a" * 99))[:-70],
        tnef(attribute(MAIL, 0x9003, struct.pack("<I", 0xFFFFFFFF))),
        tnef(attribute(MAIL, 0x9003, properties(struct.pack("<HHI", 0x1F, 0x1000, 0xFFFFFFFF)))),
        tnef(attribute(MAIL, 0x9003, properties(struct.pack("<HHII", 0x1003, 5, 0x7FFFFFFF, 0)))),
        tnef(attribute(MAIL, 0x9003, properties(struct.pack("<HH", 0x77, 5)))),
        tnef(*[attribute(FILE, 0x9001, b"")] * 30_000),
        bytes(LONGEST + 1),
    ],
    ids=["nothing", "a picture", "cut", "count", "values", "array", "type", "attributes", "size"],
)
def test_what_is_no_whole_tnef_is_unreadable_at_no_cost(data: bytes) -> None:
    def refused() -> None:
        with pytest.raises(Unreadable):
            unpack(data)

    check_cost(refused, at_most=1)


def test_mails_within_mails_end_somewhere() -> None:
    data = tnef(a_file("a.pdf", b"a"))
    for _ in range(3):
        data = tnef(a_mail_within(data))
    assert unpack(data).files
    with pytest.raises(Unreadable):
        unpack(tnef(a_mail_within(data)))


def test_the_largest_rich_text_and_a_thousand_files_are_cheap() -> None:
    repeated = compress(b"{\\rtf1 " + b"\\'e4{\\b words}" * 7_000, compressed=False)
    data = tnef(*[a_file("a.pdf", bytes(9_000))] * 1_000, message=(variable(0x102, 0x1009, repeated),))
    assert len(unpack(data).files) == 500
    check_cost(lambda: unpack(data), at_most=30)


@pytest.mark.parametrize(
    ("attachment", "packed"),
    [
        (an_attachment(name="winmail.dat", content_type="application/octet-stream"), True),
        (an_attachment(name="Winmail.DAT", content_type=""), True),
        (an_attachment(name="", content_type="application/ms-tnef; name=x"), True),
        (an_attachment(name="winmail.dat", kind="reference"), False),
        (an_attachment(), False),
    ],
)
def test_it_is_known_by_its_name_or_its_type(attachment: Attachment, packed: bool) -> None:
    assert is_packed(attachment) is packed


def packed_parts(mail: Message) -> Iterator[bytes]:
    for part in mail.walk():
        if part.get_content_type() == "application/ms-tnef":
            yield part.get_payload(decode=True)


@pytest.mark.skipif(not SECOND_OPINION.exists(), reason="no mails of others here")
def test_another_reader_finds_the_same_files_in_mails_of_others() -> None:
    compared = 0
    for line in SECOND_OPINION.read_text("utf-8").splitlines():
        parts = [part["tnef"] for part in json.loads(line).get("parts", ()) if "tnef" in part]
        data = (SHARED / json.loads(line)["file"]).read_bytes() if parts else b""
        for theirs, packed in zip(parts, packed_parts(message_from_bytes(data)), strict=True):
            try:
                found = unpack(packed)
            except Unreadable:
                found = Unpacked()
            # It names the body by its type.
            bodies = ["text/html"] if found.html else []
            assert [*bodies, *names(found)] == theirs, json.loads(line)["file"]
            compared += 1
    assert compared
