"""Message rows have one writer: changes of several workers at once all take place, and none of them twice."""

from dataclasses import replace
from pathlib import Path

import pytest

from shared.domain.errors import Conflict
from shared.domain.filing.filing import StoredMessage
from shared.services.filing.change_message import ATTEMPTS, ChangeMessage
from tests.builders import KEY, TENANT, a_copy, a_document, a_stored_message
from tests.composed import use_cases_over
from tests.fakes import FakePorts
from tests.fakes.stores.filing import FakeMessageStore

SERVICES = Path(__file__).parents[4] / "shared" / "services"


@pytest.fixture
def messages() -> FakeMessageStore:
    store = FakeMessageStore()
    store.create(TENANT, a_stored_message(), a_document(), a_copy())
    store.faults.clear()
    return store


@pytest.fixture
def change(messages: FakeMessageStore) -> ChangeMessage:
    ports = FakePorts()
    ports.messages = messages
    return use_cases_over(ports).part(ChangeMessage)


def counted(stored: StoredMessage) -> StoredMessage:
    return replace(stored, variants=stored.variants + 1)


def standing(messages: FakeMessageStore) -> StoredMessage:
    stored = messages.get(TENANT, KEY)
    assert stored is not None
    return stored


def test_a_change_is_made_to_what_another_worker_has_written_meanwhile(
    messages: FakeMessageStore, change: ChangeMessage
) -> None:
    known = standing(messages)
    messages.save(TENANT, replace(known, kind="reply"))
    changed = change(TENANT, KEY, counted, known=known)
    assert changed == standing(messages)
    assert (changed.kind, changed.variants) == ("reply", 1)


def test_what_was_read_before_is_not_read_again(messages: FakeMessageStore, change: ChangeMessage) -> None:
    known = standing(messages)
    messages.faults.clear()
    change(TENANT, KEY, counted, known=known)
    assert (messages.faults.reads, messages.faults.writes) == ([], ["MessageStore.save"])


@pytest.mark.parametrize("change_of", [lambda _: None, replace])
def test_what_changes_nothing_is_not_written(
    messages: FakeMessageStore, change: ChangeMessage, change_of: object
) -> None:
    assert change(TENANT, KEY, change_of) == standing(messages)  # type: ignore[arg-type]
    assert messages.faults.writes == []


def test_a_message_that_is_not_there_is_not_changed(change: ChangeMessage) -> None:
    assert change(TENANT, "f" * 32, counted) is None


@pytest.mark.parametrize(("change_id", "times"), [("a-change", 1), ("", 2)])
def test_the_own_write_is_known_by_its_id_where_the_answer_to_it_was_lost(
    messages: FakeMessageStore, change: ChangeMessage, change_id: str, times: int
) -> None:
    messages.faults.after[1] = Conflict("the answer was lost, and the retry met the own write")
    changed = change(TENANT, KEY, counted, change_id=change_id)
    assert changed is not None
    assert changed.variants == times


def test_a_change_whose_id_the_row_has_is_not_made_again(
    messages: FakeMessageStore, change: ChangeMessage
) -> None:
    for _ in range(3):
        change(TENANT, KEY, counted, change_id="a-change")
    assert standing(messages).variants == 1


def test_who_is_never_fast_enough_comes_back_later(messages: FakeMessageStore, change: ChangeMessage) -> None:
    messages.faults.named["MessageStore.save"] = Conflict("somebody else was faster")
    with pytest.raises(Conflict):
        change(TENANT, KEY, counted)
    assert len(messages.faults.writes) == ATTEMPTS


def test_message_and_document_are_changed_together(messages: FakeMessageStore, change: ChangeMessage) -> None:
    messages.faults.before[1] = Conflict("somebody else was faster")
    after = a_document(text="Gone.")
    assert change.with_document(TENANT, KEY, lambda stored, _: (counted(stored), after))
    assert (standing(messages).variants, messages.document(TENANT, KEY)) == (1, after)
    assert not change.with_document(TENANT, KEY, lambda *_: None)


def test_of_several_those_are_saved_that_nobody_has_changed(
    messages: FakeMessageStore, change: ChangeMessage
) -> None:
    known = standing(messages)
    other = a_stored_message(key="1" * 32)
    theirs = messages.create(TENANT, other, a_document(), a_copy()).message
    messages.save(TENANT, replace(theirs, kind="reply"))
    stand = change.together(TENANT, [known, theirs], counted)
    assert stand == {KEY: standing(messages)}
    assert stand[KEY].variants == 1


def test_what_changes_nothing_stands_without_a_write(
    messages: FakeMessageStore, change: ChangeMessage
) -> None:
    known = standing(messages)
    assert change.together(TENANT, [known], lambda _: None) == {KEY: known}
    assert messages.faults.writes == []


@pytest.mark.parametrize("method", ["save", "save_with_document", "save_together"])
def test_nobody_else_saves_messages(method: str) -> None:
    writers = [path.name for path in SERVICES.rglob("*.py") if f"messages.{method}(" in path.read_text()]
    assert writers == ["change_message.py"]
