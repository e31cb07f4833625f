"""Whatever was decided on a mail, and wherever its workers were killed: run again, the same rows stand."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.errors import InvalidInput, TransientError
from shared.domain.filing.person_decisions import DELETE, LINK, NOTE, OPEN
from shared.domain.mail.items import ItemRef
from shared.domain.privacy.callers import ADMIN, Caller
from shared.domain.privacy.callers import AGENT as AGENT_ROLE
from shared.services.capture.scopes import hasher_of
from shared.services.filing.inbox import Wanted
from tests.builders import AGENT, HASH_KEY, TENANT, a_record, a_ref
from tests.fakes import Killed
from tests.unit.services.world import World

SECOND: Final = "second@contoso.example"
STRANGER: Final = "stranger@adatum.example"
MAIL: Final = "first@adatum.example"
ANN: Final = Caller(TENANT, frozenset({AGENT_ROLE}), oid="ann", address=AGENT)
BEN: Final = Caller(TENANT, frozenset({AGENT_ROLE, ADMIN}), oid="ben", address=SECOND)
C1, C2, P1 = a_ref("contact/C-1"), a_ref("contact/C-2"), a_ref("project/P-1")
KEY: Final = hasher_of(HASH_KEY, TENANT).message_id(MAIL)


class Stage(World):
    """A stranger's mail that lies in two mailboxes, an answer to it, and records that it may come to."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.rewrite(capture="everything")
        self.second = self.connect(SECOND, capture="everything")
        self.records(
            a_record("contact/C-1"),
            a_record("contact/C-2", addresses=()),
            a_record("project/P-1"),
            a_record("client/K-1"),
        )
        people = {"sender": STRANGER, "message_id": MAIL, "to": (AGENT, SECOND)}
        self.copies = {
            AGENT: self.deliver(AGENT, **people),
            SECOND: self.deliver(SECOND, **people),
        }
        answer = {"sender": STRANGER, "message_id": "answer@adatum.example", "in_reply_to": (MAIL,)}
        self.answer = self.deliver(AGENT, **answer)
        self.storage.faults.clear()

    def come(self, item: ItemRef, address: str) -> None:
        self.notify(item, mailbox=self.second if address == SECOND else self.mailbox)

    def becomes_known(self) -> None:
        self.storage.records.put_many(TENANT, [a_record("contact/C-2", addresses=(STRANGER,))])


def attempt(step: Callable[[], Any]) -> None:
    """A worker that is killed does it again; a person who is told why not leaves it."""
    while True:
        try:
            step()
        except Killed:
            continue
        except InvalidInput:
            return
        return


def drain(stage: Stage) -> None:
    """Work the queue off; a killed worker's command comes back."""
    queue = stage.storage.queue
    for _ in range(500):
        if not queue.sent:
            return
        command, _ = queue.sent[0]
        try:
            stage.run(command)
        except TransientError:
            queue.sent.append((command.again(), 0.0))
        queue.sent.remove(next(sent for sent in queue.sent if sent[0] is command))
    raise AssertionError(f"the queue does not empty: {queue.commands}")


ACTIONS: Final[dict[str, Callable[[Stage], Any]]] = {
    "ann's copy": lambda stage: stage.come(stage.copies[AGENT], AGENT),
    "ben's copy": lambda stage: stage.come(stage.copies[SECOND], SECOND),
    "the answer": lambda stage: stage.come(stage.answer, AGENT),
    "ann links": lambda stage: stage.decide(ANN, KEY, Wanted(LINK, (C1,), follow_address=True)),
    "ben notes": lambda stage: stage.decide(BEN, KEY, Wanted(NOTE, client="K-1")),
    "ann opens": lambda stage: stage.decide(ANN, KEY, Wanted(OPEN, kind="project", file_thread=True)),
    "ann undoes": lambda stage: stage.undo_decision(ANN, KEY),
    "ben deletes": lambda stage: stage.decide(BEN, KEY, Wanted(DELETE)),
    "by hand": lambda stage: stage.link_message(ANN, KEY, P1),
    "taken away": lambda stage: stage.unlink_message(ANN, KEY, C1),
    "known": Stage.becomes_known,
    "rematch": lambda stage: stage.rematch.start(TENANT, None),
    "merge": lambda stage: stage.merge_contacts(TENANT, C1, C2),
    "workers": drain,
}


def played(actions: list[str], kills: list[tuple[int, bool]]) -> Stage:
    """All actions, with workers killed before or after their n-th writes, until nothing is left to do."""
    stage = Stage()
    faults = stage.storage.faults
    for number, after in kills:
        (faults.kill_after if after else faults.kill_before)(number)
    for action in actions:
        attempt(lambda action=action: ACTIONS[action](stage))  # type: ignore[misc]
    attempt(lambda: drain(stage))
    stage.now += timedelta(minutes=11)
    attempt(stage.sweep_decisions)
    attempt(lambda: drain(stage))
    return stage


def rows(stage: Stage) -> dict[str, Any]:
    """All that stands in the end. Ids of runs and of requests differ from play to play."""
    standing = stage.rows()
    standing["messages"] = {
        key: (replace(message, change_ids=()) if message else None, *others)
        for key, (message, *others) in standing["messages"].items()
    }
    records = stage.storage.records.rows
    standing["records"] = {key: replace(record, etag="") for key, record in records.items()}
    standing["taught"] = set(stage.storage.index.taught)
    standing["noted"] = dict(stage.storage.inbox.pending)
    return standing


def out_of_line(stage: Stage) -> set[tuple[str, str]]:
    """Entries that stand where their mail does not lead, mails without one where they lead, unfinished mails."""
    standing = {
        (key, str(ref))
        for (_, ref), entries in stage.storage.timeline.rows.items()
        for key in map(message_of, entries)
    }
    messages = [row.message for row in stage.storage.messages.rows.values() if row.message is not None]
    wanted = {(message.key, str(ref)) for message in messages for ref in message.refs}
    unfinished = {(message.key, message.state) for message in messages if message.state == "pending"}
    return (standing ^ wanted) | unfinished


def message_of(entry_id: str) -> str:
    return entry_id.partition("-")[2]


names = st.lists(st.sampled_from(sorted(ACTIONS)), min_size=1, max_size=7)
kills = st.lists(st.tuples(st.integers(1, 60), st.booleans()), min_size=1, max_size=3)


@settings(max_examples=150, deadline=None)
@given(names, kills)
def test_a_kill_between_any_two_effects_of_any_decisions_changes_nothing_in_the_end(
    actions: list[str], kills: list[tuple[int, bool]]
) -> None:
    actions = ["ann's copy", *actions]
    stage = played(actions, kills)
    assert out_of_line(stage) == set()
    assert rows(stage) == rows(played(actions, []))


STORIES: Final = (
    ["ann's copy", "ann links", "ann undoes"],
    ["ann's copy", "ann links", "workers", "taken away", "by hand", "merge"],
    ["ann's copy", "known", "ben's copy", "the answer", "rematch", "workers", "taken away"],
    ["ann's copy", "the answer", "ann opens", "workers", "ann undoes"],
    ["ben's copy", "ann's copy", "ben deletes", "ann's copy"],
)


@pytest.mark.parametrize("story", STORIES, ids=" ".join)
@pytest.mark.parametrize("after", [False, True])
def test_a_kill_at_each_write_of_a_story_changes_nothing_in_the_end(story: list[str], after: bool) -> None:
    whole = played(story, [])
    expected = rows(whole)
    assert out_of_line(whole) == set()
    for number in range(1, len(whole.storage.faults.writes) + 1):
        assert rows(played(story, [(number, after)])) == expected, f"write {number}"
