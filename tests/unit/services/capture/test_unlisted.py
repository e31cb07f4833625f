"""Mail that is notified from folders which no walk has listed."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.capture.folders import Folder, FolderState
from shared.domain.commands.commands import SyncMailbox
from shared.domain.errors import Conflict
from tests.builders import AGENT, a_folder_state, a_record
from tests.unit.services.world import World

CHATS = "chats-folder"


@pytest.fixture
def world() -> World:
    made = World()
    made.records(a_record())
    made.walk()
    made.storage.queue.sent.clear()
    return made


def hide(world: World, name: str = "chats") -> None:
    """A folder that holds mail and stands in no list."""
    world.mail.add_folder(AGENT, f"{name}-folder", listed=False)


def walks(world: World) -> int:
    return sum(isinstance(command, SyncMailbox) for command, _ in world.storage.queue.sent)


def chat(world: World, folder: str = "chats") -> str:
    """A message is notified; what the ledger says of it."""
    item = world.deliver(folder=folder)
    world.notify(item)
    row = world.storage.sightings.all(world.mailbox)[item]
    assert not row.final
    return f"{row.outcome} {row.reason}"


def test_twenty_mails_in_a_folder_that_is_never_listed_ask_for_one_walk(world: World) -> None:
    hide(world)
    assert {chat(world) for _ in range(20)} == {"skipped folder_unlisted"}
    assert walks(world) == 1
    assert world.timeline() == []


def test_a_second_such_folder_asks_for_no_walk_within_the_hour(world: World) -> None:
    hide(world)
    hide(world, "copies")
    chat(world)
    world.now += timedelta(minutes=59)
    chat(world, "copies")
    assert walks(world) == 1


def test_after_a_day_the_folder_is_asked_for_again(world: World) -> None:
    hide(world)
    chat(world)
    world.now += timedelta(hours=23, minutes=59)
    chat(world)
    assert walks(world) == 1
    world.now += timedelta(minutes=1)
    chat(world)
    assert walks(world) == 2


def test_mail_in_a_folder_that_a_person_has_just_made_comes_with_the_walk_that_it_asks_for(
    world: World,
) -> None:
    world.mail.add_folder(AGENT, "deals-folder")
    item = world.deliver(folder="deals")
    world.notify(item)
    world.work()
    assert len(world.timeline()) == 1
    assert world.outcome(item)[0] == "filed"
    second = world.deliver(folder="deals", subject="Second")
    world.notify(second)
    assert world.outcome(second)[0] == "filed"


def test_before_the_first_walk_no_folder_passes_for_unlisted(world: World) -> None:
    fresh = World()
    fresh.records(a_record())
    fresh.storage.folder_states.forget(fresh.mailbox)
    item = fresh.deliver()
    fresh.notify(item)
    assert fresh.storage.folder_states.all(fresh.mailbox) == []
    assert fresh.storage.sightings.all(fresh.mailbox) == {}
    assert walks(fresh) == 1


def test_a_walk_that_lists_the_folder_at_the_same_time_is_right(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has written its row when the folder is noted as unlisted."""
    world.mail.add_folder(AGENT, "deals-folder")
    listed = a_folder_state(folder_id="deals-folder", kind="folder", captured=True)
    store, put = world.storage.folder_states, world.storage.folder_states.put

    def raced(mailbox: object, state: FolderState) -> FolderState:
        monkeypatch.setattr(store, "put", put)
        put(mailbox, replace(listed, etag=""))
        raise Conflict("the walk was first")

    monkeypatch.setattr(store, "put", raced)
    item = world.deliver(folder="deals")
    world.notify(item)
    assert world.outcome(item)[0] == "filed"


def test_what_is_known_of_a_folder_names_it(world: World) -> None:
    hide(world)
    chat(world)
    (state,) = [one for one in world.storage.folder_states.all(world.mailbox) if one.kind == "unlisted"]
    assert (state.folder_id, state.captured, state.unlisted_at) == (CHATS, False, world.now)
    assert Folder(CHATS) not in world.mail.open(world.mailbox).folders({})
