"""Timeline rows: their order is the order of time, their kinds and filters are what readers expect."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors import InvalidInput
from shared.domain.filing.entries import at_of, decode_cursor, encode_cursor, entry_id, kind_of, kinds_of
from shared.domain.mail.messages import Direction
from tests.builders import KEY, NOW

WHEN = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(WHEN, WHEN)
def test_newer_rows_sort_first(one: datetime, other: datetime) -> None:
    apart = abs(one - other) >= timedelta(milliseconds=1)
    first, second = sorted([one, other], reverse=True)
    assert not apart or entry_id(first, KEY) < entry_id(second, KEY)


@given(WHEN)
def test_the_time_can_be_read_back(at: datetime) -> None:
    assert timedelta(0) <= at - at_of(entry_id(at, KEY)) < timedelta(milliseconds=1)


@pytest.mark.parametrize("key", ["", "soon", "١" * 15, "1" * 14, "9" * 15])
def test_the_time_of_what_is_no_key_is_refused(key: str) -> None:
    """A cursor of the timeline's other order is read by its time."""
    with pytest.raises(InvalidInput, match="start again"):
        at_of(key)


@given(st.text(st.characters(exclude_categories=("Cc", "Cs"))))
def test_cursors_survive_the_way_through_a_url(key: str) -> None:
    assert decode_cursor(encode_cursor(key)) == key


@pytest.mark.parametrize("cursor", ["%%%", "ä", "_w", encode_cursor("a\nb"), encode_cursor("\x9f")])
def test_a_foreign_cursor_is_refused_with_advice(cursor: str) -> None:
    with pytest.raises(InvalidInput, match="start again"):
        decode_cursor(cursor)


@pytest.mark.parametrize(
    ("direction", "parent", "kind"),
    [
        (Direction.IN, Direction.OUT, "reply"),
        (Direction.IN, Direction.IN, "synced"),
        (Direction.IN, None, "synced"),
        (Direction.OUT, Direction.OUT, "synced"),
        (Direction.OUT, Direction.IN, "synced"),
    ],
)
def test_a_reply_is_an_incoming_answer_to_an_agents_mail(
    direction: Direction, parent: Direction | None, kind: str
) -> None:
    assert kind_of(direction, parent) == kind


@pytest.mark.parametrize(
    ("filters", "kinds"),
    [
        (["synced"], {"reply", "synced"}),
        (["reply"], {"reply"}),
        (["all"], {"sent", "reply", "synced", "note", "acknowledgement"}),
        (["sent", "note"], {"sent", "note"}),
    ],
)
def test_filters_name_kinds(filters: list[str], kinds: set[str]) -> None:
    assert kinds_of(filters) == kinds


def test_equal_times_are_told_apart_by_message() -> None:
    assert entry_id(NOW, "a") != entry_id(NOW, "b")
