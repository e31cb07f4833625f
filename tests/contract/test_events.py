"""What every `ports.Events` must do."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.errors import InvalidInput
from shared.domain.events.events import Change, Event, What, place_of
from tests.builders import KEY, NOW, a_ref

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


def an_event(name="a", at=MIDNIGHT, **changes):
    change = {
        "what": What.ENTRY_ADDED,
        "message_key": KEY,
        "entry_id": f"1-{KEY}",
        "ref": a_ref("contact/C-1"),
    }
    return Event(name, at, Change(**{**change, **changes}))


def read(storage, tenant, after, until=MIDNIGHT + 60 * DAY, limit=50):
    return storage.events.page(tenant, after=after, until=until, limit=limit)


def names(storage, tenant, after, **options):
    return [event.name for event in read(storage, tenant, after, **options)[0]]


class TestFeed:
    def test_events_come_back_as_they_were_appended(self, storage, tenant):
        events = [
            an_event("a", MIDNIGHT + timedelta(microseconds=123_456), ref=a_ref("project/a.b:c~d-_e")),
            an_event("b", MIDNIGHT + SECOND, what=What.ENTRY_REMOVED, only_for=frozenset({"m1", "m2"})),
            an_event("c", MIDNIGHT + SECOND, what=What.INBOX_ADDED, ref=None, only_for=frozenset({"m1"})),
            an_event("d", MIDNIGHT + SECOND, what=What.ENTRY_CHANGED, only_for=frozenset()),
            an_event(
                "e",
                MIDNIGHT + SECOND,
                what=What.OUTBOX_CHANGED,
                ref=None,
                only_for=frozenset({"m1"}),
                agent="ann",
                outbox_id="1-2",
                by="app:crm",
            ),
        ]
        for _ in range(2):
            storage.events.append(tenant, events)
        assert read(storage, tenant, place_of(MIDNIGHT)) == (events, "")

    def test_another_organisation_s_are_not_among_them(self, storage, tenant):
        storage.events.append(f"{tenant}0", [an_event()])
        assert read(storage, tenant, place_of(MIDNIGHT)) == ([], "")

    def test_pages_come_oldest_first_over_midnights_without_gap_or_overlap(self, storage, tenant):
        at = [MIDNIGHT - SECOND, MIDNIGHT, MIDNIGHT + SECOND, MIDNIGHT + 2 * DAY, MIDNIGHT + 2 * DAY + SECOND]
        for name, moment in reversed(list(zip("abcde", at, strict=True))):
            storage.events.append(tenant, [an_event(name, moment)])
        seen, after = [], place_of(MIDNIGHT - DAY)
        while after:
            page, after = read(storage, tenant, after, limit=2)
            seen.append("".join(event.name for event in page))
        assert seen == ["ab", "cd", "e"]

    def test_a_page_begins_behind_its_place(self, storage, tenant):
        storage.events.append(tenant, [an_event("a"), an_event("b"), an_event("c", MIDNIGHT + SECOND)])
        assert names(storage, tenant, an_event("a").id) == ["b", "c"]
        assert names(storage, tenant, place_of(MIDNIGHT + SECOND)) == ["c"]
        assert names(storage, tenant, an_event("c", MIDNIGHT + SECOND).id) == []

    def test_days_behind_the_end_are_not_looked_at(self, storage, tenant):
        storage.events.append(tenant, [an_event("a"), an_event("b", MIDNIGHT + DAY)])
        assert names(storage, tenant, place_of(MIDNIGHT), until=MIDNIGHT + 5 * SECOND) == ["a"]

    @pytest.mark.parametrize("foreign", ["", "x", "1-a", "' or 1 eq 1", f"{'1' * 16}-a|b"])
    def test_what_is_no_place_is_refused(self, storage, tenant, foreign):
        with pytest.raises(InvalidInput):
            read(storage, tenant, foreign)

    def test_more_than_a_transaction_takes_are_all_told(self, storage, tenant):
        events = [an_event(f"{number:03}") for number in range(230)]
        storage.events.append(tenant, events)
        assert read(storage, tenant, place_of(MIDNIGHT), limit=300) == (events, "")


class TestForgetting:
    def test_days_that_were_over_go_a_page_at_a_time(self, storage, tenant):
        old = [an_event(f"{number:03}", MIDNIGHT - DAY + number * SECOND) for number in range(130)]
        last = an_event("last", MIDNIGHT - timedelta(microseconds=1))
        kept = [an_event("kept"), an_event("later", MIDNIGHT + DAY)]
        other = [an_event("other", MIDNIGHT - DAY)]
        storage.events.append(tenant, [*old, last, *kept])
        storage.events.append(f"{tenant}0", other)
        before = MIDNIGHT + timedelta(hours=9)
        assert storage.events.forget(tenant, before, limit=100)
        assert len(read(storage, tenant, place_of(MIDNIGHT - DAY))[0]) == 33
        assert not storage.events.forget(tenant, before, limit=100)
        assert not storage.events.forget(tenant, before, limit=100)
        assert names(storage, tenant, place_of(MIDNIGHT - 2 * DAY)) == ["kept", "later"]
        assert read(storage, f"{tenant}0", place_of(MIDNIGHT - DAY - SECOND)) == (other, "")


def test_a_mail_s_events_are_one_request_however_many(azure, tenant):
    azure.requests.clear()
    azure.events.append(tenant, [an_event(f"{number:02}", NOW) for number in range(100)])
    assert len(azure.requests) == 1
    azure.events.append(tenant, [an_event("x", NOW)])
    assert len(azure.requests) == 2


def test_a_quiet_feed_is_one_request(azure, tenant):
    azure.requests.clear()
    assert read(azure, tenant, place_of(NOW), until=NOW + SECOND) == ([], "")
    assert len(azure.requests) == 1


def test_two_who_forget_the_same_do_not_fail(azure, tenant):
    events = [an_event(f"{number:02}", MIDNIGHT - DAY) for number in range(20)]
    azure.events.append(tenant, events)
    rows = azure.events._table.rows

    def overtaken(*given, **options):
        found = list(rows(*given, **options))
        azure.events._table.delete(str(found[3]["PartitionKey"]), str(found[3]["RowKey"]))
        return iter(found)

    azure.events._table.rows = overtaken
    azure.events.forget(tenant, MIDNIGHT, limit=100)
    azure.events._table.rows = rows
    assert names(azure, tenant, place_of(MIDNIGHT - 2 * DAY)) == []
