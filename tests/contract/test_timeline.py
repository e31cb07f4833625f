"""What every `ports.Timeline`, `ports.Exceptions` and `ports.Attachments` must do."""

from datetime import timedelta

import pytest

from shared.domain.errors import NotFound
from shared.domain.filing.entries import KINDS
from shared.domain.matching.evidence import BCC, Evidence
from shared.ports.stores.filing import EntryFilter
from tests.builders import NOW, a_failure, a_link, a_ref, an_entry

ALL = EntryFilter(frozenset(KINDS))


def put(storage, tenant, **rows):
    """Entries named by their message key, the first one newest."""
    storage.timeline.put(
        tenant,
        [
            an_entry(message_key=key, **{"at": NOW - timedelta(seconds=number), **changes})
            for number, (key, changes) in enumerate(rows.items())
        ],
    )


def keys(storage, tenant, wanted=ALL, limit=50, after=""):
    page, following = storage.timeline.page(tenant, a_ref(), wanted, limit=limit, after=after)
    return [one.message_key for one in page], following


class TestTimeline:
    def test_an_entry_comes_back_as_it_was_put(self, storage, tenant):
        entry = an_entry(cc=("c@x.example",), subject="Ümläut 😀", has_attachments=True)
        storage.timeline.put(tenant, [entry, entry])
        assert storage.timeline.page(tenant, a_ref(), ALL, limit=5, after="") == ([entry], "")

    def test_newest_come_first(self, storage, tenant):
        put(
            storage,
            tenant,
            c={"at": NOW - timedelta(days=9_000)},
            a={"at": NOW},
            b={"at": NOW - timedelta(1)},
        )
        assert keys(storage, tenant) == (["a", "b", "c"], "")

    def test_pages_follow_each_other_without_gap_or_overlap(self, storage, tenant):
        put(storage, tenant, **{name: {} for name in "abcdefg"})
        seen, after = [], ""
        while True:
            page, after = keys(storage, tenant, limit=3, after=after)
            seen.append("".join(page))
            if not after:
                break
        assert seen == ["abc", "def", "g"]

    def test_arrivals_between_pages_neither_repeat_nor_hide_an_older_row(self, storage, tenant):
        put(storage, tenant, **{name: {} for name in "abcdefg"})
        seen, after = [], ""
        for number in range(9):
            page, after = keys(storage, tenant, limit=2, after=after)
            seen += page
            if not after:
                break
            newer = NOW + timedelta(minutes=number + 1)
            put(storage, tenant, **{f"new{number}": {"at": newer}, f"{seen[-1]}0": {"at": newer}})
        assert seen == list("abcdefg")

    def test_answers_are_counted_by_the_mail_that_they_answer(self, storage, tenant):
        first, second = (an_entry(message_key=key) for key in ("a" * 32, "b" * 32))
        later = {"at": NOW + timedelta(days=1)}
        blind = Evidence(BCC, "c@x.example")
        storage.timeline.put(
            tenant,
            [
                first,
                second,
                an_entry(message_key="1", answered=first.id, **later),
                an_entry(message_key="2", answered=first.id, **later),
                an_entry(message_key="3", answered="", **later),
                an_entry(message_key="4", answered=first.id, link=a_link(evidence=blind), **later),
                an_entry("contact/C-2", message_key="5", answered=first.id, **later),
            ],
        )
        ids = [first.id, second.id]
        assert storage.timeline.answers(tenant, a_ref(), ids) == {first.id: frozenset({"1", "2"})}
        assert storage.timeline.answers(tenant, a_ref(), []) == {}
        assert len(keys(storage, tenant)[0]) == 6
        gone = an_entry(message_key="1", **later)
        storage.timeline.remove(tenant, [a_ref()], gone.id, first.id)
        assert storage.timeline.answers(tenant, a_ref(), ids) == {first.id: frozenset({"2"})}

    def test_a_page_that_is_just_full_is_the_last(self, storage, tenant):
        put(storage, tenant, a={}, b={}, c={})
        assert keys(storage, tenant, limit=3) == (["a", "b", "c"], "")

    def test_filters(self, storage, tenant):
        put(
            storage,
            tenant,
            sent={"kind": "sent"},
            reply={"kind": "reply", "has_attachments": True},
            synced={"agent": "o'brien@contoso.example"},
            note={"kind": "note"},
        )
        assert keys(storage, tenant, EntryFilter(frozenset({"reply", "synced"})))[0] == ["reply", "synced"]
        assert keys(storage, tenant, EntryFilter(frozenset(KINDS), with_attachments=True))[0] == ["reply"]
        assert keys(storage, tenant, EntryFilter(frozenset(KINDS), agent="o'brien@contoso.example"))[0] == [
            "synced"
        ]
        assert keys(storage, tenant, EntryFilter(frozenset()))[0] == []

    @pytest.mark.parametrize("text", ["KITCHEN", "boiler", "jane", "q@fabrikam", "z@fabrikam"])
    def test_text_is_looked_for_in_subject_people_and_preview(self, storage, tenant, text):
        people = {"sender": "q@fabrikam.example", "cc": ("jane@x.example",), "to": ("z@fabrikam.example",)}
        put(storage, tenant, a={}, b={"subject": "The kitchen", "preview": "A Boiler", **people}, c={})
        assert keys(storage, tenant, EntryFilter(frozenset(KINDS), text=text)) == (["b"], "")

    def test_a_time_has_a_first_moment_and_ends_before_its_last(self, storage, tenant):
        put(storage, tenant, **{name: {} for name in "abcdef"})
        since, until = NOW - timedelta(seconds=4), NOW - timedelta(seconds=1)
        for oldest_first in (False, True):
            named = {"oldest_first": oldest_first}

            def found(named=named, **times):
                wanted = EntryFilter(frozenset(KINDS), **times, **named)
                return "".join(sorted(keys(storage, tenant, wanted)[0]))

            assert found(since=since) == "abcde"
            assert found(until=until) == "cdef"
            assert found(since=since, until=until) == "cde"
            assert found(since=until, until=since) == ""
            assert found() == "abcdef"

    @pytest.mark.parametrize("limit", [1, 2, 3, 50])
    def test_oldest_come_first_where_that_is_wanted(self, storage, tenant, limit):
        rows = {name: {"kind": "note" if name in "bd" else "synced"} for name in "abcdefg"}
        put(storage, tenant, **rows)
        at = NOW - timedelta(seconds=3)
        storage.timeline.put(tenant, [an_entry(message_key="z", at=at, answered=an_entry().id)])
        storage.timeline.remove(
            tenant, [a_ref()], an_entry(message_key="f", at=NOW - timedelta(seconds=5)).id
        )
        wanted = EntryFilter(frozenset({"synced"}), text="viewing", oldest_first=True)
        seen, after = [], ""
        while True:
            page, after = keys(storage, tenant, wanted, limit=limit, after=after)
            seen += page
            if not after:
                break
        assert "".join(seen) == "gezca"
        assert keys(storage, tenant)[0] == list("abcdzeg")

    def test_a_filtered_page_says_where_to_go_on(self, storage, tenant):
        put(
            storage,
            tenant,
            a={},
            b={"subject": "x"},
            c={},
            d={"subject": "x"},
            e={},
            f={"subject": "x"},
            g={},
        )
        wanted = EntryFilter(frozenset(KINDS), text="Viewing")
        seen, after = [], ""
        while True:
            page, after = keys(storage, tenant, wanted, limit=2, after=after)
            seen += page
            if not after:
                break
        assert seen == ["a", "c", "e", "g"]

    def test_one_mail_on_many_records(self, storage, tenant):
        refs = [f"contact/C-{number}" for number in range(12)]
        storage.timeline.put(tenant, [an_entry(ref) for ref in refs])
        for ref in refs:
            assert len(storage.timeline.page(tenant, a_ref(ref), ALL, limit=9, after="")[0]) == 1
        assert keys(storage, tenant[:-1] + "x") == ([], "")

    def test_one_mails_entry_is_taken_from_several_records_any_number_of_times(self, storage, tenant):
        refs = [a_ref(f"contact/C-{number}") for number in range(3)]
        other = an_entry("contact/C-0", message_key="b")
        gone = [an_entry(str(ref), message_key="a") for ref in refs]
        storage.timeline.put(tenant, [*gone, other])
        for _ in range(2):
            storage.timeline.remove(tenant, refs, gone[0].id)
        found = [storage.timeline.page(tenant, ref, ALL, limit=9, after="")[0] for ref in refs]
        assert found == [[other], [], []]


class TestAttachments:
    @pytest.mark.parametrize("sizes", [[], [0], [1, 2, 3], [3 << 20, 3 << 20, 3 << 20], [9 << 20]])
    def test_bytes_come_back_whole(self, storage, tenant, sizes):
        chunks = [bytes([number % 251]) * size for number, size in enumerate(sizes)]
        storage.attachments.put(tenant, "ab", "0", iter(chunks))
        assert b"".join(storage.attachments.get(tenant, "ab", "0")) == b"".join(chunks)

    def test_putting_again_replaces(self, storage, tenant):
        storage.attachments.put(tenant, "ab", "a/b", iter([b"first"]))
        storage.attachments.put(tenant, "ab", "a/b", iter([b"second"]))
        assert b"".join(storage.attachments.get(tenant, "ab", "a/b")) == b"second"

    def test_one_that_is_not_there_says_so_at_once(self, storage, tenant):
        with pytest.raises(NotFound):
            storage.attachments.get(tenant, "ab", "0")

    def test_those_without_bytes_are_told_apart(self, storage, tenant):
        for key, given in (("ab", "0"), ("ab", "a/b"), ("abc", "1")):
            storage.attachments.put(tenant, key, given, iter([]))
        assert storage.attachments.lacking(tenant, "ab", ["0", "1", "a/b"]) == {"1"}
        assert storage.attachments.lacking(tenant, "none", ["0"]) == {"0"}
        assert storage.attachments.lacking(tenant, "ab", []) == frozenset()

    def test_all_of_a_message_are_dropped_any_number_of_times(self, storage, tenant):
        for key, one in (("ab", "0"), ("ab", "1"), ("abc", "0")):
            storage.attachments.put(tenant, key, one, iter([b"x"]))
        for _ in range(2):
            storage.attachments.drop(tenant, "ab")
        assert b"".join(storage.attachments.get(tenant, "abc", "0")) == b"x"
        for one in ("0", "1"):
            with pytest.raises(NotFound):
                storage.attachments.get(tenant, "ab", one)

    def test_a_source_that_breaks_off_leaves_nothing(self, storage, tenant):
        def broken():
            yield b"x" * (5 << 20)
            raise ValueError("the source broke off")

        with pytest.raises(ValueError, match="broke off"):
            storage.attachments.put(tenant, "ab", "0", broken())
        with pytest.raises(NotFound):
            storage.attachments.get(tenant, "ab", "0")


class TestExceptions:
    def test_a_failure_is_recorded_any_number_of_times(self, storage, tenant):
        failure = a_failure(tenant_id=tenant, command="x" * 40_000)
        for _ in range(2):
            storage.exceptions.record(failure)
        assert storage.exceptions.get(tenant, failure.id) == failure
