"""Wherever a writer is held up or killed: who reads the feed, and what it names, ends with what stands."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from unittest.mock import patch

import pytest

from shared.domain.errors import Unknown
from shared.domain.events.events import Event, What
from shared.domain.events.feed import LAG
from shared.domain.filing.entries import KINDS, Entry
from shared.domain.records.records import RecordRef
from shared.ports.stores.filing import EntryFilter
from tests.builders import TENANT
from tests.fakes import Killed
from tests.unit.services.filing.test_effects import ACTIONS, ANN, SECOND, STRANGER, Stage, attempt, drain
from tests.unit.services.filing.test_file_group import Stage as Group

EVERY: Final = EntryFilter(frozenset(KINDS))
# Longer than any lag; what is late by now is late for good.
PAUSE: Final = 5 * LAG


@dataclass
class Mirror:
    """A client of the agent: reads what the feed names, and nothing else."""

    world: Any
    cursor: str = ""
    entries: dict[tuple[RecordRef, str], Entry] = field(default_factory=dict)
    inbox: set[str] = field(default_factory=set)
    opened: dict[RecordRef, str] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    def poll(self) -> None:
        has_more = True
        while has_more:
            page = self.world.read_events(ANN, limit=3, after=self.cursor)
            for event in page.events:
                self._follow(event)
            self.cursor, has_more = page.cursor, page.has_more

    def _follow(self, event: Event) -> None:
        self.seen.add(event.name)
        change = event.change
        if change.what in (What.RECORD_ADDED, What.RECORD_CHANGED):
            self._follow_record(change.ref)
            return
        if change.ref is None:
            self._follow_inbox(change.message_key)
            return
        place = (change.ref, change.entry_id)
        standing = {entry.id: entry for entry in timeline(self.world, change.ref)}
        self.entries.pop(place, None)
        if change.entry_id in standing:
            self.entries[place] = standing[change.entry_id]

    def _follow_record(self, ref: RecordRef | None) -> None:
        assert ref is not None
        self.opened.pop(ref, None)
        if ref in opened(self.world):
            self.opened[ref] = opened(self.world)[ref]

    def _follow_inbox(self, key: str) -> None:
        self.inbox.discard(key)
        self.inbox |= {key} & waiting(self.world)


def opened(world: Any) -> dict[RecordRef, str]:
    """The records that Postledger has opened, with their state."""
    found = [record for record in world.storage.records.rows.values() if record.origin == "postledger"]
    return {record.ref: record.status for record in found}


def timeline(world: Any, ref: RecordRef) -> tuple[Entry, ...]:
    try:
        return tuple(world.read_timeline(ANN, ref, EVERY, limit=200, cursor="").entries)
    except Unknown:
        return ()


def waiting(world: Any) -> set[str]:
    return {mail.item.message_key for mail in world.read_inbox(ANN, limit=200, cursor="").mails}


def standing(world: Any) -> dict[tuple[RecordRef, str], Entry]:
    refs = {ref for _, ref in world.storage.timeline.rows}
    return {(ref, entry.id): entry for ref in refs for entry in timeline(world, ref)}


@contextmanager
def held_up(world: Any, number: int, mirror: Mirror) -> Iterator[None]:
    """The writer stops right before its n-th write; meanwhile the reader reads to the end, time passes, and again."""
    faults = world.storage.faults
    own, count = faults.write, [0]

    @contextmanager
    def write(name: str) -> Iterator[None]:
        count[0] += 1
        if count[0] == number:
            mirror.poll()
            world.now += PAUSE
            mirror.poll()
        with own(name):
            yield
        if count[0] == number:
            mirror.poll()

    with patch.object(faults, "write", write):
        yield


def settle(world: Any, mirror: Mirror) -> None:
    attempt(lambda: drain(world))
    world.now += timedelta(minutes=11)
    attempt(world.sweep_decisions)
    attempt(lambda: drain(world))
    mirror.poll()
    assert mirror.entries == standing(world)
    assert mirror.inbox == waiting(world)
    assert mirror.opened == opened(world)


STORIES: Final = (
    ["ann's copy", "ann links", "workers", "ann undoes"],
    ["ann's copy", "ben's copy", "known", "the answer", "rematch", "workers", "taken away"],
    ["ann's copy", "the answer", "ann opens", "workers", "ann undoes"],
    ["ann's copy", "ann links", "workers", "by hand", "merge"],
    ["ben's copy", "ann's copy", "ann links", "workers", "ben deletes"],
)
KILLS: Final[dict[str, Callable[[Any, int], None]]] = {
    "goes on": lambda faults, number: None,
    "is killed before it": lambda faults, number: faults.kill_before(number),
    "is killed after it": lambda faults, number: faults.kill_after(number),
}


def told(story: list[str], number: int, then: str) -> Stage:
    stage = Stage()
    mirror = Mirror(stage)
    mirror.poll()
    KILLS[then](stage.storage.faults, number)
    with held_up(stage, number, mirror):
        for action in story:
            attempt(lambda action=action: ACTIONS[action](stage))  # type: ignore[misc]
        settle(stage, mirror)
    return stage


@pytest.mark.parametrize("then", KILLS)
@pytest.mark.parametrize("story", STORIES, ids=" ".join)
def test_a_writer_held_up_at_any_write_of_a_story_is_missed_by_no_reader(story: list[str], then: str) -> None:
    writes = len(told(story, 0, "goes on").storage.faults.writes)
    for number in range(1, writes + 1):
        told(story, number, then)


@pytest.mark.parametrize("then", KILLS)
def test_a_group_held_up_at_any_write_is_missed_by_no_reader(then: str) -> None:
    def filed(number: int) -> int:
        group = Group()
        # Of the mail that stood before, its reader has heard.
        mirror = Mirror(group, entries=standing(group))
        mirror.poll()
        KILLS[then](group.storage.faults, number)
        with held_up(group, number, mirror):
            try:
                group.take_in()
            except Killed:
                group.take_in()
            group.work()
        mirror.poll()
        assert mirror.entries == standing(group)
        assert mirror.inbox == waiting(group)
        return len(group.storage.faults.writes)

    for number in range(1, filed(0) + 1):
        filed(number)


@pytest.mark.parametrize("then", KILLS)
def test_an_erasure_held_up_at_any_write_is_missed_by_no_reader(then: str) -> None:
    def erased(number: int) -> int:
        stage = Stage()
        attempt(lambda: ACTIONS["ann's copy"](stage))
        attempt(lambda: ACTIONS["known"](stage))
        text = f"Please ask {STRANGER} about it."
        stage.notify(stage.deliver(message_id="quotes@fabrikam.example", text=text))
        mirror = Mirror(stage)
        mirror.poll()
        mirror.entries, mirror.inbox = standing(stage), waiting(stage)
        assert any(STRANGER in entry.preview for entry in mirror.entries.values())
        stage.storage.faults.clear()
        KILLS[then](stage.storage.faults, number)
        with held_up(stage, number, mirror):
            attempt(lambda: stage.ask_erasure(TENANT, STRANGER, "admin"))
            settle(stage, mirror)
        assert STRANGER not in repr(mirror.entries)
        return len(stage.storage.faults.writes)

    for number in range(1, erased(0) + 1):
        erased(number)


def test_what_is_read_again_has_the_same_ids_and_then_comes_no_more() -> None:
    stage = Stage()
    cursor = stage.read_events(ANN, limit=50, after="").cursor
    stage.come(stage.copies["agent@contoso.example"], "agent@contoso.example")
    first = stage.read_events(ANN, limit=50, after=cursor)
    assert [event.name for event in first.events] != []
    stage.now += LAG / 2
    assert stage.read_events(ANN, limit=50, after=first.cursor).events == first.events
    stage.now += timedelta(minutes=10)
    again = stage.read_events(ANN, limit=50, after=first.cursor)
    assert again.events == first.events
    assert stage.read_events(ANN, limit=50, after=again.cursor).events == ()


def test_a_write_that_took_too_long_is_made_again_under_the_same_ids() -> None:
    stage = Stage()
    events = stage.storage.events
    append = events.append

    def slow(tenant_id: str, given: Any) -> None:
        append(tenant_id, given)
        if len(events.rows) < 2:
            stage.now += PAUSE

    with patch.object(events, "append", slow):
        stage.come(stage.copies[SECOND], SECOND)
    names = [event.name for event in events.of(TENANT)]
    assert len(names) == 2
    assert len(set(names)) == 1
