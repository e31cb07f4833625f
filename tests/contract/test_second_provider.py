"""The product's capture over mail whose ids hold within a folder only: nothing is lost, and nothing is filed twice."""

import random
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.domain.capture.folders import Role
from shared.domain.capture.windows import Window
from shared.domain.commands.commands import ReconcileMailbox
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import PageBroken, Unavailable
from shared.domain.mail.items import ItemRef
from tests.builders import AGENT, CONTACT, NOW, a_record
from tests.contract.eml_folders import EmlFolders, eml
from tests.fakes import FakePorts
from tests.unit.services.world import World

_ALWAYS = Window.of(NOW - timedelta(days=1), NOW + timedelta(days=1))


class EmlWorld(World):
    """The product over a tree of .eml files; its folders are known once they have been walked."""

    def connect(self, address: str, **settings: Any) -> Mailbox:
        mailbox = super().connect(address, **settings)
        self.storage.folder_states.forget(mailbox)
        return mailbox


@pytest.fixture
def world(tmp_path: Path) -> EmlWorld:
    mail = EmlFolders(tmp_path, page_size=3, list_size=7)
    made = EmlWorld(FakePorts(mail=mail))  # type: ignore[arg-type]
    made.records(a_record())
    return made


def arrive(
    world: EmlWorld, name: str, role: Role = Role.INBOX, *, sender: str = CONTACT, seconds: float = 0
) -> ItemRef:
    """A mail that comes just before now."""
    at = world.now - timedelta(minutes=1) + timedelta(seconds=seconds)
    people = {"sender": f"Agent <{AGENT}>", "to": f"Buyer <{sender}>"}
    if role is not Role.SENT:
        people = {"sender": f"Buyer <{sender}>", "to": f"Agent <{AGENT}>"}
    text = eml(f"{name}@fabrikam.example", subject=name, sent_at=at, html=f"<p>{name}</p>", **people)
    item: ItemRef = world.mail.deliver(AGENT, text, role, received=at)  # type: ignore[call-arg, arg-type]
    return item


def settle(world: EmlWorld) -> None:
    """Walk and work until nothing is left to do; a walk that gives way is put back by itself."""
    world.walk()
    world.work()


def filed(world: EmlWorld) -> list[str]:
    return sorted(entry.subject for entry in world.timeline())


def test_mail_that_lies_there_is_captured_once(world: EmlWorld) -> None:
    arrive(world, "inbox")
    arrive(world, "sent", Role.SENT)
    arrive(world, "draft", Role.DRAFTS)
    junk = arrive(world, "junk", Role.JUNK)
    for _ in range(2):
        settle(world)
    assert filed(world) == ["inbox", "sent"]
    assert junk not in world.storage.sightings.all(world.mailbox)


def test_the_same_id_in_two_folders_is_two_mails(world: EmlWorld) -> None:
    first, second = arrive(world, "one"), arrive(world, "other", Role.ARCHIVE)
    assert first.item_id == second.item_id
    settle(world)
    assert filed(world) == ["one", "other"]
    assert {first, second} <= world.storage.sightings.all(world.mailbox).keys()


def test_a_mail_that_is_moved_out_of_junk_is_captured_under_its_new_id(world: EmlWorld) -> None:
    junk = arrive(world, "rescued", Role.JUNK)
    settle(world)
    assert filed(world) == []
    world.mail.move(AGENT, junk, Role.INBOX)
    settle(world)
    assert filed(world) == ["rescued"]


def test_a_filed_mail_that_is_moved_is_filed_no_second_time(world: EmlWorld) -> None:
    item = arrive(world, "kept")
    settle(world)
    moved = world.mail.move(AGENT, item, Role.ARCHIVE)
    settle(world)
    assert filed(world) == ["kept"]
    assert world.storage.sightings.all(world.mailbox)[moved].outcome == "filed"


def test_a_mail_that_is_moved_between_walk_and_ingest_is_not_lost(world: EmlWorld) -> None:
    item = arrive(world, "moving")
    world.walk()
    world.mail.move(AGENT, item, Role.ARCHIVE)
    world.work()
    settle(world)
    assert filed(world) == ["moving"]


def test_a_lost_cursor_and_ids_given_anew_lose_nothing_and_file_nothing_twice(world: EmlWorld) -> None:
    """After that the number 1 means another mail than before, and the newest mail has come unseen."""
    names = [f"m{number:02}" for number in range(12)]
    for number, name in enumerate(names):
        arrive(world, name, seconds=number)
    settle(world)
    world.now += timedelta(minutes=5)
    arrive(world, "unseen")
    world.mail.expire(AGENT)
    world.now += timedelta(minutes=5)
    arrive(world, "later")
    settle(world)
    assert filed(world) == sorted([*names, "unseen", "later"])
    assert len(world.storage.messages.rows) == 14


def test_an_item_that_breaks_its_page_is_told_and_the_rest_flows(world: EmlWorld) -> None:
    items = [arrive(world, f"m{number}", seconds=number) for number in range(8)]
    world.mail.poison.add((AGENT, items[4]))  # type: ignore[arg-type]
    for _ in range(8):
        world.now += timedelta(seconds=16)
        with suppress(PageBroken):  # the queue tries again
            world.walk()
    settle(world)
    assert "m3" in filed(world)
    assert "m7" in filed(world)
    assert {failure.item for failure in world.storage.exceptions.all} == {items[4]}


def test_reconciliation_finds_what_no_walk_has_seen(world: EmlWorld) -> None:
    arrive(world, "walked")
    settle(world)
    arrive(world, "missed", Role.ARCHIVE)
    world.run(ReconcileMailbox.of(world.mailbox, world.now))
    world.work()
    assert filed(world) == ["missed", "walked"]


@pytest.mark.parametrize("seed", range(12))
def test_whatever_happens_to_the_mail_each_is_filed_once(world: EmlWorld, seed: int) -> None:
    """Arrivals, moves, small changes, lost cursors and walks, in any order."""
    chance = random.Random(seed)
    names: list[str] = []
    for step in range(40):
        world.now += timedelta(seconds=20)
        act = chance.choice(["arrive", "arrive", "arrive", "move", "touch", "expire", "walk", "work"])
        items = _items(world)
        if act == "arrive":
            names.append(f"m{step:02}")
            arrive(world, names[-1], chance.choice([Role.INBOX, Role.ARCHIVE, Role.JUNK]))
        elif act == "move" and items:
            world.mail.move(AGENT, chance.choice(items), chance.choice([Role.INBOX, Role.ARCHIVE]))
        elif act == "touch" and items:
            world.mail.touch(AGENT, chance.choice(items))
        elif act == "expire":
            world.mail.expire(AGENT)
        elif act == "walk":
            with suppress(Unavailable):  # a cursor that is lost while it is made: the queue tries again
                world.walk()
        elif act == "work":
            world.work()
    for item in _items(world, Role.JUNK):
        world.mail.move(AGENT, item, Role.INBOX)
    world.now += timedelta(seconds=20)
    world.work()
    settle(world)
    assert filed(world) == names


def _items(world: EmlWorld, *roles: Role) -> list[ItemRef]:
    box = world.mail.open(world.mailbox)
    wanted = roles or (Role.INBOX, Role.ARCHIVE, Role.JUNK)
    folders = [folder.folder_id for folder in box.folders({}) if folder.role in wanted]
    everything = [head for folder_id in folders for head in box._of(folder_id, _ALWAYS)]  # type: ignore[attr-defined]
    return [head.item for head in everything]
