"""Message-ID headers as they occur in real mail."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.mail.message_ids import MAX_REFERENCES, answered, message_id, parse_ids


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
    assert all("@" in one and not set("<>\r\n\t ") & set(one) for one in parse_ids(text))
