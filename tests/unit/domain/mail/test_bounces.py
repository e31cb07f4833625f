"""Delivery reports: who was not reached, why, for good or not, and which mail it was."""

from base64 import encodebytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.mail.bounces import (
    LARGEST,
    LONGEST_DIAGNOSTIC,
    MOST_RECIPIENTS,
    Bounce,
    Report,
    failed_recipients,
    read_report,
)
from tests.cpu import check_cost

ORIGINAL = """\
Received: from desk.contoso.example by mx.contoso.example; Mon, 2 Mar 2026 09:00:00 +0000
Message-ID: <lease@contoso.example>
From: Agent <agent@contoso.example>
To: Bo <bo@fabrikam.example>, li@fabrikam.example
Subject: Lease

Dear Bo
"""
STATUS = """\
Reporting-MTA: dns; mx.contoso.example

Final-Recipient: rfc822; bo@fabrikam.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <bo@fabrikam.example>:
 no such user here
"""


def report(status: str = STATUS, *, original: str = ORIGINAL, as_type: str = "message/rfc822") -> bytes:
    """A report as RFC 3464 wants it."""
    return f"""\
From: MAILER-DAEMON@mx.contoso.example
To: agent@contoso.example
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It did not work: <nobody@elsewhere.example>: 550 5.2.2 full

--b
Content-Type: message/delivery-status

{status}
--b
Content-Type: {as_type}

{original}
--b--
""".encode()


@pytest.mark.parametrize("encoding", ["8bit", "base64"])
def test_a_status_in_utf_8_says_the_same(encoding: str) -> None:
    """RFC 6533: the email package takes its groups of fields for one mail."""
    status = STATUS.replace("rfc822; bo@", "utf-8; bo@")
    written = encodebytes(status.encode()).decode() if encoding == "base64" else status
    part = f"message/global-delivery-status\nContent-Transfer-Encoding: {encoding}\n\n{written}"
    mime = report().replace(f"message/delivery-status\n\n{STATUS}".encode(), part.encode())
    [bounce] = read_report(mime).bounces
    assert (bounce.address, bounce.status, bounce.permanent) == ("bo@fabrikam.example", "5.1.1", True)


def told(text: str, *headers: str) -> bytes:
    """A report in words."""
    lines = ["From: MAILER-DAEMON@mx.contoso.example", "To: agent@contoso.example", *headers, "", text]
    return "\n".join(lines).encode()


def recipient(*fields: str) -> str:
    return "\n".join(["Reporting-MTA: dns; x", "", *fields, ""])


def test_a_report_says_who_why_and_which_mail() -> None:
    bounce = Bounce(
        "bo@fabrikam.example",
        "5.1.1",
        permanent=True,
        diagnostic="550 5.1.1 <bo@fabrikam.example>: no such user here",
    )
    expected = Report((bounce,), "lease@contoso.example", ("bo@fabrikam.example", "li@fabrikam.example"))
    assert read_report(report()) == expected
    assert read_report(report(as_type="text/rfc822-headers")) == expected
    assert read_report(report().replace(b"\n", b"\r\n")) == expected


@pytest.mark.parametrize(
    ("fields", "status", "permanent"),
    [
        (("Action: failed", "Status: 4.4.7"), "4.4.7", False),
        (("Action: FAILED", "Status: 5.0.0 (permanent failure)"), "5.0.0", True),
        (("Action: failed", "Status: 5.0.0", "Diagnostic-Code: smtp; 550 5.2.2 full"), "5.2.2", True),
        (("Action: failed", "Status: 5.1.1", "Diagnostic-Code: smtp; 550 5.2.2 full"), "5.1.1", True),
        (("Action: failed", "Status: 5.0.0", "Diagnostic-Code: smtp; 451 4.2.2 full"), "5.0.0", True),
        (("Action: failed", "Diagnostic-Code: smtp; 552 too large"), "5.0.0", True),
        (("Action: failed", "Diagnostic-Code: smtp; 421 try later"), "4.0.0", False),
        (("Action: failed",), "", False),
    ],
)
def test_status_says_whether_for_good(fields: tuple[str, ...], status: str, permanent: bool) -> None:
    found = read_report(report(recipient("Final-Recipient: rfc822; bo@fabrikam.example", *fields))).bounces
    assert [(one.status, one.permanent) for one in found] == [(status, permanent)]


def test_the_address_is_the_one_that_was_written_to() -> None:
    status = recipient(
        "Original-Recipient: rfc822;bo@fabrikam.example",
        "Final-Recipient: rfc822;inner-17@mx.fabrikam.example",
        "Action: failed",
        "Status: 5.2.2",
    )
    assert [one.address for one in read_report(report(status)).bounces] == ["bo@fabrikam.example"]


@pytest.mark.parametrize(
    ("action", "status"),
    [
        ("delivered", "2.0.0"),
        ("relayed", "2.0.0"),
        ("expanded (to list)", "2.0.0"),
        ("delayed", "4.4.1"),
        ("delayed", "5.4.1"),
    ],
)
def test_who_was_reached_or_may_be_yet_did_not_bounce(action: str, status: str) -> None:
    found = read_report(
        report(
            recipient(
                "Final-Recipient: rfc822; bo@fabrikam.example", f"Action: {action}", f"Status: {status}"
            )
        )
    )
    assert (found.bounces, found.tells_of_no_failure) == ((), True)


def test_a_report_that_names_nobody_does_not_say_that_nothing_has_failed() -> None:
    assert not read_report(b"Subject: Undelivered\n\nSorry.\n").tells_of_no_failure


def test_each_recipient_has_a_status_of_its_own() -> None:
    status = (
        recipient("Final-Recipient: rfc822; bo@fabrikam.example", "Action: failed", "Status: 5.1.1")
        + recipient("Final-Recipient: rfc822; li@fabrikam.example", "Action: failed", "Status: 4.2.2")
        + recipient("Final-Recipient: rfc822; bo@fabrikam.example", "Action: failed", "Status: 5.7.1")
    )
    found = read_report(report(status)).bounces
    assert [(one.address, one.status) for one in found] == [
        ("bo@fabrikam.example", "5.1.1"),
        ("li@fabrikam.example", "4.2.2"),
    ]


def test_a_report_on_a_report_is_about_the_outer_one() -> None:
    inner = report(
        recipient("Final-Recipient: rfc822; old@fabrikam.example", "Action: failed", "Status: 5.1.1")
    )
    other_boundary = inner.decode().replace("--b", "--c").replace('"b"', '"c"')
    found = read_report(report(original=other_boundary))
    assert [one.address for one in found.bounces] == ["bo@fabrikam.example"]


def test_a_status_pasted_into_the_text_is_read() -> None:
    found = read_report(told(f"Sorry.\n\n{STATUS}\n\n{ORIGINAL}"))
    assert [(one.address, one.status) for one in found.bounces] == [("bo@fabrikam.example", "5.1.1")]
    assert found.original_message_id == "lease@contoso.example"


@pytest.mark.parametrize(
    ("text", "address", "status"),
    [
        (
            "Hi. This is the qmail-send program.\n\n<bo@fabrikam.example>:\n192.0.2.4 said: 550 no user. (#5.1.1)\n",
            "bo@fabrikam.example",
            "5.1.1",
        ),
        (
            "There was an error delivering your mail to <bo@fabrikam.example>.\n\n550-5.7.26 no\n",
            "bo@fabrikam.example",
            "5.7.26",
        ),
        ("These failed:\n\n  bo@fabrikam.example\n    550 Unknown user\n", "bo@fabrikam.example", "5.0.0"),
        (
            "<bo@fabrikam.example>:\nThis user doesn't have a fabrikam.example account\n",
            "bo@fabrikam.example",
            "5.1.1",
        ),
        ("This is a permanent error.\n\nbo@fabrikam.example\n", "bo@fabrikam.example", "5.0.0"),
        (
            "<bo@fabrikam.example>:\nmailbox busy, server 192.0.2.45 port 587 v4.2.99.1\n",
            "bo@fabrikam.example",
            "",
        ),
    ],
)
def test_reports_in_words_are_read_where_they_are_plain(text: str, address: str, status: str) -> None:
    found = read_report(told(f"{text}\n--- Below this line is a copy of the message.\n\n{ORIGINAL}"))
    assert [(one.address, one.status) for one in found.bounces] == [(address, status)]
    assert found.original_message_id == "lease@contoso.example"
    assert found.original_to == ("bo@fabrikam.example", "li@fabrikam.example")


def test_recipients_named_in_a_header_are_the_only_ones_taken_from_the_text() -> None:
    text = (
        "These failed:\n\n  bo@fabrikam.example\n    550 5.1.1 unknown\n  li@fabrikam.example\n    452 4.2.2 full\n\n"
        "Questions go to\nhelp@mx.contoso.example\n"
    )
    found = read_report(told(text, "X-Failed-Recipients: bo@fabrikam.example,", "  li@fabrikam.example"))
    assert [(one.address, one.status, one.permanent, one.diagnostic) for one in found.bounces] == [
        ("bo@fabrikam.example", "5.1.1", True, "550 5.1.1 unknown"),
        ("li@fabrikam.example", "4.2.2", False, "452 4.2.2 full"),
    ]


def test_a_quoted_returned_mail_is_known_by_its_message_id() -> None:
    quoted = "".join(f"> {line}\n" for line in ORIGINAL.splitlines())
    assert read_report(told(f"Sorry.\n\n{quoted}")).original_message_id == "lease@contoso.example"


def test_a_message_id_that_strangers_may_use_too_names_no_mail() -> None:
    assert (
        read_report(report(original=ORIGINAL.replace("lease@contoso.example", "1001"))).original_message_id
        == ""
    )


def test_one_recipient_of_the_returned_mail_is_the_one_that_failed() -> None:
    original = ORIGINAL.replace(", li@fabrikam.example", "")
    found = read_report(told(f"The mailbox is unknown: account not found.\n\n{original}"))
    assert [(one.address, one.status) for one in found.bounces] == [("bo@fabrikam.example", "5.1.1")]
    assert read_report(told(f"Something went wrong.\n\n{ORIGINAL}")).bounces == ()


def test_sender_and_daemon_are_never_who_failed() -> None:
    text = "Your mail failed.\n\nagent@contoso.example\n\nmail from <agent@contoso.example>\n\npostmaster@x.example\n"
    assert read_report(told(text)).bounces == ()


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (("In-Reply-To: <lease@contoso.example>",), "lease@contoso.example"),
        (("References: <first@contoso.example> <lease@contoso.example>",), "lease@contoso.example"),
        ((), ""),
    ],
)
def test_without_the_original_the_report_s_own_references_name_it(
    headers: tuple[str, ...], expected: str
) -> None:
    assert read_report(told("Sorry.", *headers)).original_message_id == expected


def test_headers_may_name_whom_it_did_not_reach() -> None:
    headers = (
        ("X-Failed-Recipients", "Bo@Fabrikam.example, nonsense"),
        ("x-failed-recipients", "li@a.example"),
    )
    assert failed_recipients(headers) == {"bo@fabrikam.example", "li@a.example"}
    assert failed_recipients((("to", "bo@fabrikam.example"),)) == frozenset()


def test_a_long_report_is_cut_short() -> None:
    many = "".join(
        recipient(
            f"Final-Recipient: rfc822; a{n}@fabrikam.example",
            "Status: 5.1.1",
            "Diagnostic-Code: smtp; " + "x" * 900,
        )
        for n in range(80)
    )
    found = read_report(report(many)).bounces
    assert len(found) == MOST_RECIPIENTS
    assert {len(one.diagnostic) for one in found} == {LONGEST_DIAGNOSTIC}


def test_what_a_broken_report_says_can_be_stored_as_text() -> None:
    broken = report().replace(b"no such user", b"no such \xff\xfe user")
    (bounce,) = read_report(broken).bounces
    assert bounce.diagnostic.encode("utf-8")


def nested(levels: int) -> bytes:
    opened = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(levels)
    )
    return b"From: MAILER-DAEMON@x.example\n" + opened + b"\n<bo@fabrikam.example>: 550 5.1.1\n" * 5_000


@pytest.mark.parametrize(
    "mime",
    [
        nested(10_000),
        nested(29),
        b"Content-Type: message/rfc822\n\n" * 20_000,
        report() * 2_000,
        told("<a@b.example>\n" * 40_000),
        told("X-A: b\n" * 80_000),
        told(">" * LARGEST),
        told("To: " + "a" * LARGEST),
        b"To: " + b"<" * LARGEST,
        told("a@" * 250_000),
        told(" " * LARGEST),
        told("550 " * 100_000),
    ],
)
def test_hostile_reports_take_no_time(mime: bytes) -> None:
    check_cost(lambda: read_report(mime), at_most=20)


_PIECES = st.sampled_from(
    [
        report(),
        report(as_type="message/partial"),
        STATUS.encode(),
        ORIGINAL.encode(),
        b"\n\n",
        b"\n--b\n",
        b"--b--\n",
    ]
)


@given(st.lists(_PIECES | st.binary(max_size=60), max_size=12), st.integers(0, 2_000))
def test_no_mail_makes_it_fail(pieces: list[bytes], cut: int) -> None:
    mime = b"".join(pieces)
    for one in (mime, mime[cut:], mime[:cut]):
        found = read_report(one)
        assert all("@" in bounce.address for bounce in found.bounces)
        repr(found).encode()
