"""A worklist's decisions: what a command leaves, in which order rows stand, which run together, and how they wait."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.capture.pending import (
    EARLIEST,
    LAST,
    MOST_TRIES,
    Flags,
    Lane,
    PendingRow,
    command_in,
)
from shared.domain.capture.worklist import ingest_of, next_group, rows_of, wait_after
from shared.domain.commands.commands import (
    MAX_IDS,
    SINGLY_AFTER,
    BackfillMailbox,
    FileHistory,
    IngestMessages,
    MaintainSubscription,
    ReconcileMailbox,
    SyncMailbox,
    WakeMailbox,
)
from shared.domain.errors import NotThereYet, Unavailable
from tests.builders import MAILBOX_ID, NOW, TENANT, a_pending_mail, an_item

AT: dict[str, Any] = {"tenant_id": TENANT, "mailbox_id": MAILBOX_ID, "first_at": NOW}
LATER = NOW + timedelta(hours=1)
times = st.datetimes(datetime(1980, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
flags = st.builds(Flags, screened=st.booleans(), silent=st.booleans(), unbounded=st.booleans())
mails = st.builds(
    a_pending_mail,
    st.sampled_from("abcdefgh"),
    lane=st.sampled_from(Lane),
    at=times,
    flags=flags,
    tries=st.integers(0, MOST_TRIES),
    attempt=st.integers(0, SINGLY_AFTER + 1),
    replays=st.integers(0, 1),
)


def keys_of(command: Any) -> list[str]:
    return [row.key for row in rows_of(command)]


@pytest.mark.parametrize(
    "command",
    [
        SyncMailbox(**AT),
        MaintainSubscription(**AT, event="missed"),
        ReconcileMailbox(**AT, since=NOW),
        BackfillMailbox(**AT, step=7),
        FileHistory(**AT),
        IngestMessages(**AT, items=(an_item("a"), an_item("b")), silent=True),
    ],
    ids=lambda command: type(command).__name__,
)
def test_what_is_asked_for_again_is_the_same_row(command: Any) -> None:
    again = replace(command, first_at=LATER, attempt=4, replays=1)
    assert keys_of(again) == keys_of(command)


def test_what_differs_in_what_is_to_be_done_is_another_row() -> None:
    commands = [
        ReconcileMailbox(**AT),
        ReconcileMailbox(**AT, since=NOW),
        BackfillMailbox(**AT, step=1),
        BackfillMailbox(**AT, step=2),
        MaintainSubscription(**AT),
        MaintainSubscription(**AT, event="missed"),
    ]
    assert len({rows_of(command)[0].key for command in commands}) == 6


def test_a_wake_up_leaves_nothing_and_history_calls_for_its_holder() -> None:
    assert rows_of(WakeMailbox(**AT)) == []
    assert [(row.kind, row.lane) for row in rows_of(BackfillMailbox(**AT))] == [
        ("BackfillMailbox", Lane.HISTORY),
        ("FileHistory", Lane.LIVE),
    ]


def test_a_command_comes_back_out_of_its_row_with_its_tries() -> None:
    command = ReconcileMailbox(**AT, since=NOW, after="folder", counted="{}", attempt=3)
    assert command_in(rows_of(command)[0]) == command


@given(st.lists(mails))
def test_keys_are_in_the_order_of_lane_and_time(rows: list[PendingRow]) -> None:
    in_order = sorted(rows, key=lambda row: row.key)
    places = [(row.lane is Lane.HISTORY, int(row.at.timestamp() * 1000)) for row in in_order]
    assert [place[0] for place in places] == sorted(place[0] for place in places)
    assert places == sorted(places)


@given(mails)
def test_all_mail_stands_between_what_is_first_and_what_is_last_of_its_lane(row: PendingRow) -> None:
    assert replace(row, at=EARLIEST).key < row.key < replace(row, at=LAST).key
    assert replace(row, lane=Lane.LIVE, at=LAST).key < replace(row, lane=Lane.HISTORY, at=EARLIEST).key


@given(st.lists(mails, min_size=1, unique_by=lambda row: row.key))
def test_a_group_begins_with_the_first_row_and_takes_along_only_its_likes(rows: list[PendingRow]) -> None:
    due = sorted(rows, key=lambda row: row.key)
    group = next_group(due)
    assert group.rows[0] == due[0]
    assert set(group.all) <= set(due)
    assert len(group.rows) <= MAX_IDS
    items = [row.item for row in group.rows]
    assert len(set(items)) == len(items)
    if len(group.rows) > 1:
        assert {(row.lane, row.flags, row.attempt, row.replays, row.tries) for row in group.rows} == {
            (due[0].lane, due[0].flags, due[0].attempt, due[0].replays, 0)
        }
    for row in group.beside:
        assert row.item in items


@given(mails, mails)
def test_merging_lowers_no_tries_and_silences_nobody(first: PendingRow, second: PendingRow) -> None:
    asked = replace(second, item=first.item)
    merged = first.merged(asked)
    assert (merged.tries, merged.attempt) == (
        max(first.tries, asked.tries),
        max(first.attempt, asked.attempt),
    )
    assert merged.flags.silent == (first.flags.silent and asked.flags.silent)
    assert merged.flags.unbounded == (first.flags.unbounded or asked.flags.unbounded)
    assert merged.merged(asked) == merged
    assert merged.key == first.key


def history(count: int) -> list[PendingRow]:
    return [a_pending_mail(f"{n:02}", lane=Lane.HISTORY, at=NOW + timedelta(seconds=n)) for n in range(count)]


def step_at(at: datetime) -> PendingRow:
    return PendingRow.of_command(BackfillMailbox(**AT), at=at)


def test_a_group_ends_before_a_step_that_reads_on_so_that_order_is_kept() -> None:
    step = step_at(NOW + timedelta(seconds=19, milliseconds=1))
    due = sorted([*history(30), step], key=lambda row: row.key)
    assert [row.item for row in next_group(due).rows] == [an_item(f"{n:02}") for n in range(20)]


def test_a_step_that_reads_on_comes_before_a_group_that_is_not_full() -> None:
    step = step_at(NOW + timedelta(seconds=18, milliseconds=1))
    due = sorted([*history(30), step], key=lambda row: row.key)
    assert next_group(due).rows == (step,)


def test_the_last_step_comes_behind_all_mails() -> None:
    due = sorted([*history(5), step_at(LAST)], key=lambda row: row.key)
    assert len(next_group(due).rows) == 5
    assert next_group(due[5:]).rows == (due[5],)


def test_a_group_holds_twenty_mails() -> None:
    due = [a_pending_mail(f"{number:02}") for number in range(30)]
    group = next_group(due)
    command = ingest_of(group.rows, TENANT, MAILBOX_ID)
    assert (len(command.items), command.screened, command.first_at) == (20, True, NOW)


def test_a_row_of_the_same_mail_goes_along_unless_it_asks_for_more() -> None:
    first = a_pending_mail("a", at=EARLIEST, flags=Flags())
    same = a_pending_mail("a")
    silent = a_pending_mail("a", at=LATER, flags=Flags(silent=True))
    unbounded = a_pending_mail("a", at=LAST, flags=Flags(unbounded=True))
    assert next_group([first, same, silent, unbounded]).beside == (same, silent)
    assert next_group([silent, same]).beside == ()


def test_what_is_not_there_yet_is_looked_for_after_a_quarter_of_a_minute_and_other_waits_grow() -> None:
    assert [wait_after(NotThereYet("gone"), attempt, 0.0) for attempt in range(3)] == [15, 15, 15]
    assert [wait_after(Unavailable("down"), attempt, 0.0) for attempt in range(4)] == [2, 4, 8, 15]
