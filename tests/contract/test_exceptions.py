"""What every `ports.Exceptions` and `ports.LateContacts` must do, and what the ledger must find for them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.capture.late_contacts import Announcement
from shared.ports.stores.exceptions import FailureFilter
from tests.builders import KEY, NOW, a_failure, a_mailbox, a_sighting, an_item

ALL = FailureFilter()


def failure(tenant, number=1, **changes):
    fields = {"id": f"{number:032x}", "tenant_id": tenant, "at": NOW - timedelta(minutes=number), **changes}
    return a_failure(**fields)


def ids(storage, tenant, wanted=ALL, limit=50, after=""):
    page, following = storage.exceptions.page(tenant, wanted, limit=limit, after=after)
    return [int(one.id, 16) for one in page], following


class TestExceptions:
    def test_a_failure_comes_back_as_it_was_recorded(self, storage, tenant):
        full = failure(
            tenant,
            command="x" * 40_000,
            error="Ümläut",
            queue="mail",
            item=an_item("AAk"),
            rules_version=3,
        )
        storage.exceptions.record(full)
        assert storage.exceptions.get(tenant, full.id) == full
        assert storage.exceptions.page(tenant, ALL, limit=5, after="") == ([full], "")

    def test_one_that_is_not_there_is_none(self, storage, tenant):
        assert storage.exceptions.get(tenant, "0" * 32) is None
        assert storage.exceptions.get(tenant, "a/b#?") is None
        assert ids(storage, tenant) == ([], "")

    def test_recording_again_changes_nothing(self, storage, tenant):
        first = failure(tenant)
        storage.exceptions.record(first)
        storage.exceptions.record(replace(first, at=NOW + timedelta(hours=1), error="again"))
        assert storage.exceptions.page(tenant, ALL, limit=5, after="") == ([first], "")

    def test_pages_are_newest_first_without_gap_or_overlap(self, storage, tenant):
        for number in (3, 1, 5, 2, 4):
            storage.exceptions.record(failure(tenant, number))
        seen, after = [], ""
        while True:
            page, after = ids(storage, tenant, limit=2, after=after)
            seen += page
            if not after:
                break
        assert seen == [1, 2, 3, 4, 5]

    def test_what_is_wanted_is_found(self, storage, tenant):
        storage.exceptions.record(failure(tenant, 1, code="bug"))
        storage.exceptions.record(failure(tenant, 2, code="it's", queue="mail"))
        storage.exceptions.record(failure(tenant, 3, code="bug", queue="mail", item=an_item("AAk=")))
        assert ids(storage, tenant, FailureFilter(code="bug"))[0] == [1, 3]
        assert ids(storage, tenant, FailureFilter(code="it's"))[0] == [2]
        assert ids(storage, tenant, FailureFilter(queue="mail"))[0] == [2, 3]
        assert ids(storage, tenant, FailureFilter(code="bug", queue="mail"))[0] == [3]
        assert ids(storage, tenant, FailureFilter(item=an_item("AAk=")))[0] == [3]

    def test_a_mailbox_s_and_those_of_a_time_are_found(self, storage, tenant):
        for number in range(1, 6):
            storage.exceptions.record(failure(tenant, number, mailbox_id="ab" if number % 2 else "cd"))
        since, until = NOW - timedelta(minutes=4), NOW - timedelta(minutes=1)
        assert ids(storage, tenant, FailureFilter(mailbox_id="ab"))[0] == [1, 3, 5]
        assert ids(storage, tenant, FailureFilter(since=since))[0] == [1, 2, 3, 4]
        assert ids(storage, tenant, FailureFilter(until=until))[0] == [2, 3, 4, 5]
        between = FailureFilter(mailbox_id="cd", since=since, until=until)
        first, after = ids(storage, tenant, between, limit=1)
        assert (first, ids(storage, tenant, between, after=after)) == ([2], ([4], ""))

    def test_a_replayed_one_says_when_and_is_no_longer_waiting(self, storage, tenant):
        for number in (1, 2):
            storage.exceptions.record(failure(tenant, number))
        first = storage.exceptions.get(tenant, f"{1:032x}")
        storage.exceptions.note_replayed(first, NOW)
        assert storage.exceptions.get(tenant, first.id) == replace(first, replayed_at=NOW)
        assert ids(storage, tenant, FailureFilter(unreplayed=True))[0] == [2]
        assert ids(storage, tenant)[0] == [1, 2]
        storage.exceptions.record(failure(tenant, 1))
        assert storage.exceptions.get(tenant, first.id).replayed_at == NOW

    def test_organisations_do_not_see_each_other_s(self, storage, tenant):
        storage.exceptions.record(failure("unknown", 77))
        assert ids(storage, tenant)[0] == []
        assert storage.exceptions.get(tenant, f"{77:032x}") is None


class TestLateContacts:
    def test_announcements_come_in_order_until_they_are_forgotten(self, storage, tenant):
        hashes = tuple(f"{number:032x}" for number in range(20_000))
        later = Announcement("b", NOW + timedelta(seconds=1), ("ff" * 16,))
        first = Announcement("a/b", NOW, hashes)
        for one in (later, first, first):
            storage.late_contacts.announce(tenant, one)
        assert list(storage.late_contacts.announced(tenant)) == [first, later]
        for _ in range(2):
            storage.late_contacts.forget(tenant, [first.id])
        assert list(storage.late_contacts.announced(tenant)) == [later]

    def test_a_pass_is_asked_for_until_it_begins(self, storage, tenant):
        assert storage.late_contacts.asked_at(tenant) is None
        storage.late_contacts.note_asked(tenant, NOW)
        storage.late_contacts.note_asked(tenant, NOW + timedelta(minutes=1))
        assert storage.late_contacts.asked_at(tenant) == NOW + timedelta(minutes=1)
        assert list(storage.late_contacts.announced(tenant)) == []
        for _ in range(2):
            storage.late_contacts.note_asked(tenant, None)
        assert storage.late_contacts.asked_at(tenant) is None


class TestLedger:
    @pytest.fixture
    def mailboxes(self, tenant):
        return [a_mailbox(tenant_id=tenant, mailbox_id=str(n) * 32, address=f"{n}@x.example") for n in "123"]

    def test_what_was_not_decided_by_people_is_found_newest_first(self, storage, mailboxes):
        box = mailboxes[0]
        rows = [
            a_sighting(item=an_item(f"g{n}"), reason=reason, received_at=NOW - timedelta(hours=n))
            for n, reason in enumerate(("unknown_people", "never_log", "no_match", "unknown_people"))
        ]
        storage.sightings.put(box, rows)
        storage.sightings.put(mailboxes[1], rows[:1])

        def found(hours, *reasons):
            since = NOW - timedelta(hours=hours)
            return [one.item.item_id for one in storage.sightings.undecided_since(box, since, reasons)]

        assert found(9, "unknown_people", "no_match") == ["g0", "g2", "g3"]
        assert found(3, "unknown_people") == ["g0", "g3"]
        assert found(2.5, "unknown_people", "no_match") == ["g0", "g2"]
        assert found(9, "private") == []

    def test_the_copies_of_a_message_are_found_in_all_mailboxes(self, storage, mailboxes):
        mine, other = (
            a_sighting(message_id_hash="ab" * 16),
            a_sighting(item=an_item("g2"), message_id_hash="cd" * 16),
        )
        storage.sightings.put(mailboxes[0], [mine, other])
        storage.sightings.put(mailboxes[2], [mine])
        found = storage.sightings.of_message(mailboxes, "ab" * 16)
        assert found == [(mailboxes[0], mine), (mailboxes[2], mine)]
        assert storage.sightings.of_message([], "ab" * 16) == []
        assert storage.sightings.of_message(mailboxes, "ee" * 16) == []


class TestAwaited:
    def test_a_mail_that_others_answer_is_awaited_until_it_is_there(self, storage, tenant):
        from tests.builders import a_copy, a_dependent, a_document, a_stored_message

        assert storage.messages.is_awaited(tenant, "0f" * 16) is False
        storage.messages.wait_for(tenant, "0f" * 16, a_dependent())
        assert storage.messages.is_awaited(tenant, "0f" * 16) is True
        storage.messages.create(tenant, a_stored_message(key="0f" * 16), a_document(), a_copy())
        assert storage.messages.is_awaited(tenant, "0f" * 16) is False


@pytest.mark.stack
class TestRequests:
    """What the adapters cost."""

    def test_exceptions(self, azure, tenant):
        azure.exceptions.record(failure(tenant))
        azure.requests.clear()
        azure.exceptions.record(failure(tenant, 2))
        assert len(azure.requests) == 1
        azure.exceptions.get(tenant, f"{2:032x}")
        assert len(azure.requests) == 3
        azure.exceptions.page(tenant, ALL, limit=50, after="")
        assert len(azure.requests) == 4

    def test_the_ledger_answers_alike_however_many_rows_it_has(self, azure, tenant):
        box, key = a_mailbox(tenant_id=tenant), "ab" * 16

        def cost():
            azure.requests.clear()
            assert len(azure.sightings.of_message([box], key)) == 1
            return len(azure.requests)

        azure.sightings.put(box, [a_sighting(message_id_hash=key)])
        first = cost()
        # More rows than an answer holds, and than a scan would get with one request.
        others = range(600)
        azure.sightings.put(
            box, [a_sighting(item=an_item(f"g{row}"), message_id_hash=f"{row:032x}") for row in others]
        )
        assert cost() == first

    def test_the_ledger_is_asked_once_per_mailbox(self, azure, tenant):
        boxes = [a_mailbox(tenant_id=tenant, mailbox_id=f"{n:032x}") for n in range(5)]
        azure.sightings.put(boxes[0], [a_sighting()])
        azure.requests.clear()
        azure.sightings.of_message(boxes, KEY)
        # The row of the one copy that is there is read besides.
        assert len(azure.requests) == 5 + 1
        azure.requests.clear()
        list(azure.sightings.undecided_since(boxes[0], NOW, ["unknown_people"]))
        assert len(azure.requests) == 1
