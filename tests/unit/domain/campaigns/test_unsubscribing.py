"""The way out: an address that names nobody and has no end, and where a reader finds it."""

import re
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.campaigns.unsubscribing import (
    ONE_CLICK,
    SHOWN_BYTES,
    WayOut,
    headers_of,
    read,
    signed,
    with_way_out,
)
from shared.domain.sending.headers import LONGEST_WORD

SECRET = b"s" * 32
ANN = WayOut("11111111-2222-4333-8444-555555555555", "0a" * 16, "ab" * 16)
URL = f"https://app.example/api/v1/unsubscribe/{signed(ANN, SECRET)}"


@given(st.uuids(), st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_who_leaves_is_read_back(tenant: object, hashed: bytes, campaign: bytes) -> None:
    way_out = WayOut(str(tenant), hashed.hex(), campaign.hex())
    text = signed(way_out, SECRET)
    assert re.fullmatch(r"[A-Za-z0-9_-]{87}", text)
    assert read(text, SECRET) == way_out


@given(st.integers(0, 86), st.sampled_from("ABab09_-"))
def test_one_character_changed_is_no_address_of_ours(place: int, char: str) -> None:
    text = signed(ANN, SECRET)
    changed = text[:place] + char + text[place + 1 :]
    assert read(changed, SECRET) == (ANN if changed == text else None)


@pytest.mark.parametrize("text", ["", "x", "A" * 87, "A" * 88, "\u00e9" * 87, signed(ANN, SECRET) + "="])
def test_what_is_none_says_nothing(text: str) -> None:
    assert read(text, SECRET) is None


def test_another_secret_and_another_version_make_another_address() -> None:
    assert read(signed(ANN, b"t" * 32), SECRET) is None
    other = urlsafe_b64encode(b"\x02" + b"x" * 64).decode().rstrip("=")
    assert read(other, SECRET) is None


def test_the_headers_are_those_of_rfc_8058_and_the_address_is_one_word() -> None:
    assert headers_of(URL) == (("List-Unsubscribe", f"<{URL}>"), ("List-Unsubscribe-Post", ONE_CLICK))
    assert len(URL) < 200 < LONGEST_WORD


def test_the_address_stands_at_the_end_of_both_bodies() -> None:
    html, text = with_way_out("<html><body><p>Hi</p></body></html>", "Hi", URL)
    assert html.endswith("</p></body></html>")
    assert html.count(URL) == text.count(URL) == 1
    assert html.index("Hi") < html.index(URL)
    html, text = with_way_out("<p>Hi</p>", "", URL)
    assert (html.count(URL), text.count(URL)) == (1, 1)
    assert text.startswith("Hi")
    assert with_way_out("", "Hi", URL)[0] == ""


def test_an_address_that_the_template_placed_is_not_put_there_again() -> None:
    html, text = with_way_out(f'<a href="{URL}">out</a>', f"Out: {URL}", URL)
    assert (html, text) == (f'<a href="{URL}">out</a>', f"Out: {URL}")


@pytest.mark.parametrize("start", ["<html><body style='x'>", ""])
@pytest.mark.parametrize("filler", ["x", "\u00e9", "\U0001f600"])
def test_in_a_long_mail_it_stands_within_what_is_shown(start: str, filler: str) -> None:
    long = start + filler * SHOWN_BYTES
    for html in (long, f"{long}<a href='{URL}'>out</a>"):
        found = with_way_out(html, "", URL)[0]
        assert len(found[: found.index(URL)].encode()) < SHOWN_BYTES
        assert found.startswith(start)
