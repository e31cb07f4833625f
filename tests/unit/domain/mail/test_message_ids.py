"""Message-ID headers as they occur in real mail."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.mail.encoded_words import LONGEST
from shared.domain.mail.message_ids import (
    MAX_REFERENCES,
    SHORTEST_WITHOUT_DOMAIN,
    answered,
    message_id,
    parse_ids,
)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("<a@x.example> <b@x.example>", ("a@x.example", "b@x.example")),
        ("<a@x.example>,<b@x.example>", ("a@x.example", "b@x.example")),
        ("<a@x.example>\r\n\t<b@x.example>", ("a@x.example", "b@x.example")),
        ("a@x.example", ("a@x.example",)),
        ("a@x.example, b@x.example", ("a@x.example", "b@x.example")),
        ("<a@x.example> <a@x.example>", ("a@x.example",)),
        ("Your message of Monday <a@x.example>", ("a@x.example",)),
        ("<1001> <a@x.example>", ("a@x.example",)),
        ("<20261130-093015>", ()),
        ("<20261130-0930150>", ("20261130-0930150",)),
        ("no ids here", ()),
        ("", ()),
    ],
)
def test_ids_are_found_with_and_without_brackets(text: str, ids: tuple[str, ...]) -> None:
    assert parse_ids(text) == ids


@pytest.mark.parametrize(
    ("text", "expected"),
    [("<a@x.example>", "a@x.example"), (" a@x.example ", "a@x.example"), ("<odd>", "odd"), ("", "")],
)
def test_a_message_id_loses_its_brackets(text: str, expected: str) -> None:
    assert message_id(text) == expected


def test_the_nearest_parent_comes_first() -> None:
    assert answered(("d",), ("a", "b", "c", "d")) == ("d", "c", "b", "a")


def test_only_the_end_of_a_long_chain_counts() -> None:
    references = [str(number) for number in range(60)]
    found = answered((), references)
    assert (len(found), found[0], found[-1]) == (MAX_REFERENCES, "59", "40")


@given(st.text())
def test_no_header_makes_it_fail(text: str) -> None:
    ids = parse_ids(text)
    assert all("@" in found or len(found) >= SHORTEST_WITHOUT_DOMAIN for found in ids)
    assert not any(set("<>\r\n\t ") & set(found) for found in ids)


def test_of_a_long_chain_in_encoded_words_the_nearest_mails_are_read() -> None:
    chain = [f"=?us-ascii?Q?=3Cmail-{number}=40x.example=3E?=" for number in range(400)]
    text = "\r\n ".join(chain)
    assert len(text) > LONGEST
    found = parse_ids(text)
    assert found[-MAX_REFERENCES:] == tuple(f"mail-{number}@x.example" for number in range(380, 400))
    assert "mail-0@x.example" not in found


def test_one_endless_word_names_nobody() -> None:
    assert parse_ids("=?utf-8?Q?" + "a" * LONGEST + "?=") == ()
