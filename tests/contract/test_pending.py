"""What every `ports.Pending` must do."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.capture.pending import BOTH, EARLIEST, Flags, Lane, PendingRow, Reach, command_in
from shared.domain.capture.worklist import call_row, rows_of, wake_up
from shared.domain.commands.commands import IngestMessages, ReconcileMailbox, SyncMailbox
from shared.domain.mail.items import ItemRef
from tests.builders import MAILBOX_ID, NOW, a_pending_mail, an_item

LATER = NOW + timedelta(minutes=5)
FUTURE = '{"version":9,"command":"FromTheFuture","first_at":"2026-03-02T09:00:00+00:00"}'


class Worklist:
    """One mailbox's."""

    def __init__(self, pending, tenant, mailbox_id=MAILBOX_ID):
        self.pending = pending
        self.place = (tenant, mailbox_id)

    def put(self, *rows):
        self.pending.put(*self.place, rows)

    def due(self, *lanes, now=NOW, limit=50, **kinds):
        return self.pending.due(*self.place, Reach(lanes or BOTH, **kinds), now, limit=limit)

    def begin(self, *rows):
        return self.pending.begin(*self.place, rows)

    def end(self, done=(), kept=()):
        self.pending.end(*self.place, done, kept)


@pytest.fixture
def worklist(storage, tenant):
    return Worklist(storage.pending, tenant)


def bare(rows):
    return [replace(row, etag="") for row in rows]


def names(rows):
    return [row.item.item_id for row in rows]


def test_a_row_comes_back_as_it_was_put(worklist):
    row = a_pending_mail(
        item=ItemRef("INBOX/ä", "AAk/+=="),
        lane=Lane.HISTORY,
        flags=Flags(silent=True, unbounded=True),
        replays=1,
        attempt=2,
        not_before=NOW,
    )
    worklist.put(row)
    assert bare(worklist.due()) == [row]


def test_a_command_comes_back_as_it_was_put(worklist, tenant):
    command = ReconcileMailbox(
        tenant_id=tenant, mailbox_id=MAILBOX_ID, first_at=NOW, since=NOW - timedelta(days=3), attempt=2
    )
    worklist.put(PendingRow.of_command(command))
    [row] = worklist.due()
    assert command_in(row) == command


def test_live_rows_come_first_and_each_lane_is_oldest_first(worklist):
    ages = {"c": 1, "a": 3, "b": 2}
    for lane in (Lane.HISTORY, Lane.LIVE):
        worklist.put(
            *(
                a_pending_mail(f"{lane}-{name}", lane=lane, at=NOW - timedelta(milliseconds=age))
                for name, age in ages.items()
            )
        )
    worklist.put(a_pending_mail("live-first", at=EARLIEST))
    live = ["live-first", "live-a", "live-b", "live-c"]
    history = ["history-a", "history-b", "history-c"]
    assert names(worklist.due()) == live + history
    assert names(worklist.due(Lane.LIVE)) == live
    assert names(worklist.due(Lane.HISTORY)) == history
    assert names(worklist.due(limit=5)) == (live + history)[:5]


def test_a_command_stands_behind_the_mails_of_its_lane(worklist, tenant):
    walk = SyncMailbox(tenant_id=tenant, mailbox_id=MAILBOX_ID, first_at=NOW)
    worklist.put(*rows_of(walk), a_pending_mail("a"), a_pending_mail("b", lane=Lane.HISTORY))
    assert [row.kind for row in worklist.due()] == ["mail", "SyncMailbox", "mail"]
    assert worklist.due()[-1].lane is Lane.HISTORY


def test_mails_and_commands_are_shown_apart_where_one_of_them_is_asked_for(worklist, tenant):
    walk = SyncMailbox(tenant_id=tenant, mailbox_id=MAILBOX_ID, first_at=NOW)
    mails = [a_pending_mail(f"{number:02}") for number in range(40)]
    worklist.put(*mails, *rows_of(walk), a_pending_mail("old", lane=Lane.HISTORY))
    assert [row.kind for row in worklist.due(mails=False, limit=30)] == ["SyncMailbox"]
    assert len(worklist.due(Lane.LIVE, commands=False)) == 40
    assert len(worklist.due(commands=False)) == 41


def test_what_is_not_due_yet_is_not_given_out(worklist):
    worklist.put(a_pending_mail("now"), a_pending_mail("later", not_before=LATER))
    assert names(worklist.due()) == ["now"]
    assert sorted(names(worklist.due(now=LATER))) == ["later", "now"]


def test_the_same_thing_asked_for_ten_times_is_one_row(worklist, tenant):
    command = IngestMessages(
        tenant_id=tenant, mailbox_id=MAILBOX_ID, first_at=NOW, items=(an_item("a"), an_item("b"))
    )
    for _ in range(5):
        worklist.put(*rows_of(command))
        worklist.put(*rows_of(replace(command, items=(an_item("b"), an_item("c")))))
        worklist.put(*rows_of(SyncMailbox(tenant_id=tenant, mailbox_id=MAILBOX_ID, first_at=LATER)))
    rows = worklist.due()
    assert sorted(names(rows[:-1])) == ["a", "b", "c"]
    assert rows[-1].kind == "SyncMailbox"


def test_asking_again_lowers_no_tries_and_shortens_no_wait(worklist):
    worklist.put(a_pending_mail("a"), a_pending_mail("b"))
    begun = worklist.begin(*worklist.due())
    worklist.end((), [replace(row, not_before=LATER, attempt=3) for row in begun])
    worklist.put(a_pending_mail("b"), a_pending_mail("c"), a_pending_mail("a"))
    assert names(worklist.due()) == ["c"]
    waiting = [row for row in worklist.due(now=LATER) if row.item != an_item("c")]
    assert {(row.tries, row.attempt, row.not_before) for row in waiting} == {(1, 3, LATER)}


def test_who_asks_again_without_silence_ends_the_silence(worklist):
    worklist.put(a_pending_mail(silent=True, screened=True))
    worklist.put(a_pending_mail(unbounded=True, screened=False))
    [row] = worklist.due()
    assert row.flags == Flags(screened=False, silent=False, unbounded=True)


def test_tries_are_raised_before_a_run(worklist):
    worklist.put(a_pending_mail("a"), a_pending_mail("b"), a_pending_mail("c"))
    [a, b, _] = sorted(worklist.due(), key=lambda row: row.item)
    begun = worklist.begin(a, b)
    assert [row.tries for row in begun] == [1, 1]
    assert {row.item.item_id: row.tries for row in worklist.due()} == {"a": 1, "b": 1, "c": 0}
    assert [row.tries for row in worklist.begin(*begun)] == [2, 2]


def test_a_row_that_is_gone_is_not_begun(worklist):
    worklist.put(a_pending_mail("a"), a_pending_mail("b"))
    rows = sorted(worklist.due(), key=lambda row: row.item)
    worklist.end(worklist.begin(rows[0]))
    assert names(worklist.begin(*rows)) == ["b"]
    assert names(worklist.due()) == ["b"]


def test_a_row_that_another_has_begun_or_asked_for_since_the_look_is_left_to_the_next_one(worklist):
    worklist.put(*map(a_pending_mail, "abcd"))
    rows = sorted(worklist.due(), key=lambda row: row.item)
    worklist.begin(rows[0])
    worklist.put(a_pending_mail("b"))
    worklist.end(worklist.begin(rows[2]))
    assert names(worklist.begin(*rows)) == ["d"]
    left = {row.item.item_id: row.tries for row in worklist.due()}
    assert left == {"a": 1, "b": 0, "d": 1}


def test_what_is_done_is_deleted_and_what_is_kept_is_written(worklist):
    worklist.put(*(a_pending_mail(f"{number:03}") for number in range(60)))
    begun = worklist.begin(*worklist.due(limit=60))
    done, kept = begun[:40], [replace(row, tries=0, attempt=1, not_before=LATER) for row in begun[40:]]
    worklist.end(done, kept)
    assert worklist.due() == []
    assert bare(worklist.due(now=LATER)) == bare(kept)
    worklist.end(done)
    worklist.end()
    assert len(worklist.due(now=LATER)) == 20


def test_what_was_asked_for_again_during_its_run_stays_as_a_new_one(worklist):
    worklist.put(a_pending_mail("a"), a_pending_mail("b", attempt=2), a_pending_mail("c"))
    begun = worklist.begin(*worklist.due())
    worklist.put(a_pending_mail("b"), a_pending_mail("c"))
    [a, b, c] = sorted(begun, key=lambda row: row.item)
    worklist.end([a, b], [replace(c, not_before=LATER)])
    left = worklist.due()
    assert sorted(names(left)) == ["b", "c"]
    assert {(row.tries, row.attempt, row.not_before) for row in left} == {(0, 0, None)}


@pytest.mark.parametrize("waits", [False, True])
def test_a_row_that_another_holder_has_begun_is_left_to_that_one(worklist, waits):
    worklist.put(a_pending_mail("a"))
    first = worklist.begin(*worklist.due())
    second = worklist.begin(*worklist.due())
    if waits:
        worklist.end((), [row.waiting(LATER, 1) for row in first])
    else:
        worklist.end(first)
    assert [row.tries for row in worklist.due()] == [2]
    worklist.end(second)
    assert worklist.due(now=LATER) == []


def test_more_rows_than_a_transaction_takes(worklist):
    rows = [a_pending_mail(f"{number:04}") for number in range(250)]
    worklist.put(*rows)
    worklist.put(*rows[100:], a_pending_mail("new"))
    assert len(worklist.due(limit=1000)) == 251


def test_a_row_of_unknown_kind_is_passed_over_and_left(worklist, storage, tenant):
    unknown = a_pending_mail(item=None, command=FUTURE, at=EARLIEST)
    worklist.put(unknown, a_pending_mail("a"))
    assert names(worklist.due(limit=1)) == ["a"]
    worklist.end(worklist.begin(*worklist.due()))
    assert worklist.due() == []
    assert tenant not in {place[0] for place in storage.pending.stale(LATER)}
    worklist.put(unknown)


@pytest.mark.stack
def test_a_row_that_this_version_cannot_even_read_is_passed_over_and_left(azure, tenant):
    worklist = Worklist(azure.pending, tenant)
    worklist.put(a_pending_mail("a"))
    table = azure.connection.table("Pending")
    unknown = {
        "PartitionKey": f"{tenant}|{MAILBOX_ID}",
        "RowKey": "0-000000000000000-00",
        "kind": "Summary",
        "tries": 3,
        "first_at": NOW - timedelta(days=1),
        "not_before": NOW - timedelta(days=1),
        "content": b"\xfein a form of its own",
    }
    table.create_entity(unknown)
    assert names(worklist.due(limit=1)) == ["a"]
    worklist.end(worklist.begin(*worklist.due()))
    assert worklist.due() == []
    assert [place for place in azure.pending.stale(LATER) if place[0] == tenant] == []
    assert table.get_entity(unknown["PartitionKey"], unknown["RowKey"]) == unknown


def test_a_command_in_a_newer_envelope_is_passed_over_and_left(worklist):
    walk = SyncMailbox(tenant_id="t", mailbox_id=MAILBOX_ID, first_at=NOW).to_json()
    worklist.put(a_pending_mail(item=None, command=walk.replace('"version":1', '"version":2')))
    worklist.put(a_pending_mail("a"))
    assert names(worklist.due()) == ["a"]


def test_history_that_waits_for_its_holder_is_called_for_in_one_row(worklist, tenant):
    worklist.put(*rows_of(wake_up(Lane.HISTORY, tenant, MAILBOX_ID, now=NOW)))
    assert [(row.lane, row.kind) for row in worklist.due()] == [(Lane.LIVE, "FileHistory")]


def test_each_mailbox_has_its_own(worklist, storage, tenant):
    other = Worklist(storage.pending, tenant, "other")
    other.put(a_pending_mail("b"))
    worklist.put(a_pending_mail("a"))
    assert (names(worklist.due()), names(other.due())) == (["a"], ["b"])


def test_stale_are_mailboxes_with_rows_that_nobody_has_taken_up(worklist, storage, tenant):
    def put(mailbox_id, *rows):
        Worklist(storage.pending, tenant, mailbox_id).put(*rows)

    put("a/live and history", *(a_pending_mail(f"{n}", lane=lane) for n, lane in enumerate(BOTH)))
    put("b-history", *(a_pending_mail(f"{number}", lane=Lane.HISTORY) for number in range(9)))
    put("c-fresh", a_pending_mail("1", first_at=LATER))
    put("d-waits", a_pending_mail("1", not_before=LATER))
    put("e-waited", a_pending_mail("0", first_at=LATER), a_pending_mail("1", not_before=NOW))
    stale = [place for place in storage.pending.stale(LATER) if place[0] == tenant]
    found = [(mailbox_id, row.lane) for _, mailbox_id, row in stale]
    assert found == [
        ("a/live and history", Lane.LIVE),
        ("b-history", Lane.HISTORY),
        ("e-waited", Lane.LIVE),
    ]
    assert {row.due_since for *_, row in stale} == {NOW}


def test_history_that_is_turned_away_calls_for_somebody_who_runs_it(worklist, tenant):
    command = ReconcileMailbox(tenant_id=tenant, mailbox_id=MAILBOX_ID, first_at=NOW)
    worklist.put(*rows_of(command))
    [call] = worklist.due(Lane.LIVE)
    assert bare([call]) == [call_row(command)]
    assert [row.kind for row in worklist.due(Lane.HISTORY)] == ["ReconcileMailbox"]
