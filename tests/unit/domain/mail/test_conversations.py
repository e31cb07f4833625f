"""Conversation indexes as Outlook and Exchange write them."""

from base64 import b64encode

import pytest

from shared.domain.mail.conversations import goes_on, guid_of
from tests.builders import a_head

# The example of Microsoft's own documentation for a mail of 2021-01-06.
REAL = "AQHW5C+U7qGSnzigx0abpkGxIfvawQ=="
ANSWER = b64encode(b"\x01" + bytes(26)).decode()


def test_the_guid_stands_behind_the_time() -> None:
    assert guid_of(REAL) == "eea1929f38a0c7469ba641b121fbdac1"


def test_an_answer_has_the_guid_of_what_it_answers() -> None:
    assert guid_of(b64encode(b"\x01" + bytes(5) + b"g" * 16).decode()) == "67" * 16
    assert guid_of(b64encode(b"\x01" + bytes(5) + b"g" * 16 + b"later").decode()) == "67" * 16


@pytest.mark.parametrize(
    "index",
    [
        "",
        "AQ==",
        "no base64!",
        b64encode(b"\x02" + bytes(21)).decode(),
        b64encode(b"\x01" + bytes(20)).decode(),
    ],
)
def test_what_is_no_index_has_no_guid(index: str) -> None:
    assert guid_of(index) == ""


@pytest.mark.parametrize(
    ("mail", "expected"),
    [
        ({"subject": "Offer", "conversation_index": REAL}, False),
        ({"subject": "Offer", "conversation_index": ANSWER}, True),
        ({"subject": "Re: Offer", "conversation_index": REAL}, True),
        ({"subject": "Offer", "in_reply_to": ("x@fabrikam.example",)}, True),
        ({"subject": "Fwd: Offer", "conversation_index": ANSWER}, False),
    ],
)
def test_a_mail_goes_on_with_a_conversation_unless_it_starts_or_forwards_one(
    mail: dict[str, str], expected: bool
) -> None:
    assert goes_on(a_head(**mail)) is expected
