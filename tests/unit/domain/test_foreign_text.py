"""Readers of foreign text are guarded: what breaks a parser is Unreadable, or nothing at all."""

import pytest

from shared.domain.errors import NotFound, Unreadable
from shared.domain.foreign_text import guarded, json_value, or_else, taken


def raising(error: BaseException) -> object:
    @guarded
    def read(text: str) -> str:
        raise error

    return read("text of a stranger")


@pytest.mark.parametrize(
    "error",
    [
        RecursionError(),
        ValueError(),
        UnicodeDecodeError("utf-8", b"", 0, 1, ""),
        LookupError(),
        OverflowError(),
        TypeError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_a_parser_raises_is_unreadable_and_says_where(error: Exception) -> None:
    with pytest.raises(Unreadable, match=f"{type(error).__name__} in read") as caught:
        raising(error)
    assert caught.value.code == "unreadable"


def test_the_text_of_a_parsers_error_is_not_told_since_it_may_quote_the_mail() -> None:
    with pytest.raises(Unreadable) as caught:
        raising(ValueError("Dear Bo"))
    assert "Bo" not in str(caught.value)


def test_a_deep_trace_does_not_reach_the_log() -> None:
    with pytest.raises(Unreadable) as caught:
        raising(RecursionError())
    assert caught.value.__suppress_context__
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("error", [NotFound("gone"), MemoryError(), KeyboardInterrupt()])
def test_what_says_nothing_of_the_text_passes(error: BaseException) -> None:
    with pytest.raises(type(error)):
        raising(error)


def test_a_reader_of_what_may_be_missing_finds_nothing() -> None:
    @or_else(())
    def read(text: str) -> tuple[str, ...]:
        return (text[99],)

    assert read("short") == ()
    assert read("x" * 100) == ("x",)


def test_half_a_character_is_replaced_and_the_rest_is_cut() -> None:
    assert taken("Hi \ud83d there", 5) == "Hi \ufffd "
    assert taken("Hi \U0001f600") == "Hi \U0001f600"


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, b"\xff"])
def test_what_is_no_json_is_a_value_error_however_deep(text: str | bytes) -> None:
    with pytest.raises(ValueError):
        json_value(text)
