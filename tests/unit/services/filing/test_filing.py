"""Filing: each mailbox's agent sees in My Inbox what waits there, whichever mailbox saw the mail first."""

from dataclasses import replace
from typing import Any

import pytest

from shared.domain.commands.commands import IngestMessages
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.filing import consequences
from shared.domain.filing.copies import copy_of
from shared.domain.filing.filing import DELETED, StoredMessage
from shared.domain.filing.person_decisions import LINK, PersonDecision
from shared.domain.filing.shown import NOTHING, Shown
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import Direction
from shared.services.capture.scopes import Scope, hasher_of
from shared.services.filing.filing import Filing
from tests.builders import (
    AGENT,
    HASH_KEY,
    KEY,
    NOW,
    TENANT,
    a_decision,
    a_document,
    a_fetched_message,
    a_link,
    a_ref,
    a_stored_message,
    a_triaged_message,
    an_item,
    an_organisation,
)
from tests.unit.services.world import World

SECOND = "second@contoso.example"
NO_RECORD_OF_KIND = "no_record_of_kind"


@pytest.fixture
def world() -> World:
    return World()


def file(world: World, message: StoredMessage, mailbox: Mailbox | None = None) -> StoredMessage:
    """One look at the mail through a mailbox, brought to its end."""
    box = mailbox or world.mailbox
    scope = Scope(an_organisation(), box, hasher_of(HASH_KEY, TENANT))
    filing = world.use_cases.part(Filing)
    copy = copy_of(a_fetched_message(item=an_item(f"id-in-{box.mailbox_id}")), box)
    stored = filing(scope, message, a_document(), copy).message
    world.ingest.bring_in_line.finish(TENANT, stored)
    return stored


def waiting(world: World, agent: str = AGENT) -> list[str]:
    return [one.reason for one in world.storage.inbox.of(TENANT, agent)]


def listed(reason: str = NO_RECORD_OF_KIND, **changes: Any) -> StoredMessage:
    return a_stored_message(decision=a_decision(listed=reason), **changes)


def change(world: World, **changes: Any) -> None:
    stored = world.storage.messages.get(TENANT, KEY)
    assert stored is not None
    world.storage.messages.save(TENANT, replace(stored, **changes))


def test_a_second_mailbox_has_its_agent_see_what_the_first_one_triaged(world: World) -> None:
    second = world.connect(SECOND)
    file(world, a_triaged_message())
    file(world, a_triaged_message(), second)
    assert (waiting(world), waiting(world, SECOND)) == (["no_match"], ["no_match"])


def test_a_mail_that_is_listed_waits_for_the_agent_of_that_mailbox_alone(world: World) -> None:
    second = world.connect(SECOND, matched_to="opportunity")
    file(world, a_stored_message())
    file(world, listed(), second)
    assert (waiting(world), waiting(world, SECOND)) == ([], [NO_RECORD_OF_KIND])


def test_it_does_not_matter_which_mailbox_listed_it_first(world: World) -> None:
    second = world.connect(SECOND, matching=False)
    file(world, listed("matching_off"), second)
    file(world, a_stored_message())
    assert (waiting(world), waiting(world, SECOND)) == ([], ["matching_off"])


@pytest.mark.parametrize("first", [True, False])
def test_reaching_a_record_of_the_kind_through_another_mailbox_ends_the_wait(
    world: World, first: bool
) -> None:
    second = world.connect(SECOND, matched_to="opportunity")
    reached = a_stored_message(decision=a_decision("contact/C-1", "opportunity/O-1"))
    looks = [(listed(), second), (reached, world.mailbox)]
    for message, mailbox in looks if first else reversed(looks):
        file(world, message, mailbox)
    assert waiting(world, SECOND) == []


def test_a_closed_record_of_the_kind_does_not_end_the_wait(world: World) -> None:
    second = world.connect(SECOND, matched_to="opportunity")
    closed = a_stored_message(decision=a_decision(links=(a_link("opportunity/O-1", closed=True),)))
    file(world, closed)
    file(world, listed(), second)
    assert waiting(world, SECOND) == [NO_RECORD_OF_KIND]


def test_triage_gives_way_everywhere_when_the_mail_is_filed(world: World) -> None:
    second, third = world.connect(SECOND), world.connect("third@contoso.example")
    file(world, a_triaged_message())
    file(world, a_triaged_message(), second)
    file(world, a_stored_message(), third)
    assert (waiting(world), waiting(world, SECOND)) == ([], [])


def test_a_later_look_that_no_longer_lists_it_ends_the_wait(world: World) -> None:
    mailbox = world.connect(SECOND, matched_to="project")
    file(world, listed(), mailbox)
    file(world, a_stored_message(decision=a_decision("contact/C-1", "project/P-1")), mailbox)
    assert waiting(world, SECOND) == []


def test_sent_mail_never_waits(world: World) -> None:
    second = world.connect(SECOND)
    sent = a_triaged_message(direction=Direction.OUT)
    file(world, sent)
    file(world, sent, second)
    assert (waiting(world), waiting(world, SECOND)) == ([], [])


def test_once_a_person_has_decided_nobody_sees_it_again(world: World) -> None:
    second = world.connect(SECOND, matched_to="opportunity")
    file(world, a_triaged_message())
    decision = PersonDecision(LINK, "a-person", NOW, a_decision(), links=(a_link(by="a-person"),))
    change(world, decided=decision, decision=a_decision(links=decision.links))
    file(world, listed(), second)
    assert waiting(world, SECOND) == []


def test_a_link_taken_away_by_hand_does_not_come_back_by_rule(world: World) -> None:
    file(world, a_stored_message())
    change(
        world,
        decision=a_decision("client/K-1"),
        unlinked=frozenset({a_ref()}),
        before=Shown(frozenset({a_ref()})),
        state="pending",
    )
    second = world.connect(SECOND)
    file(world, a_stored_message(), second)
    file(world, a_stored_message())
    stored = world.storage.messages.get(TENANT, KEY)
    assert stored is not None
    assert [str(one.ref) for one in stored.decision.links] == ["client/K-1"]
    assert (world.timeline("contact/C-1"), len(world.timeline("client/K-1"))) == ([], 1)


def test_a_deleted_mail_stays_deleted_and_leaves_nothing(world: World) -> None:
    file(world, a_triaged_message())
    stored = world.storage.messages.get(TENANT, KEY)
    assert stored is not None
    hasher = hasher_of(HASH_KEY, TENANT)
    change(world, state=DELETED, fingerprint=stored.fingerprint.hashed(hasher))
    again = file(world, a_stored_message(), world.connect(SECOND))
    assert again.is_deleted
    assert world.timeline() == []
    assert waiting(world, SECOND) == []
    assert len(world.storage.messages.copies(TENANT, KEY)) == 1


def test_another_mail_with_the_message_id_of_a_deleted_one_is_filed(world: World) -> None:
    file(world, a_triaged_message())
    stored = world.storage.messages.get(TENANT, KEY)
    assert stored is not None
    change(world, state=DELETED, fingerprint=stored.fingerprint.hashed(hasher_of(HASH_KEY, TENANT)))
    other = replace(stored.fingerprint, sender="other@adatum.example", subject="quite another")
    file(world, a_stored_message(fingerprint=other))
    assert [one.message_key for one in world.timeline()] == [f"{KEY}v1"]


def called_back(world: World, stored: StoredMessage) -> set[ItemRef]:
    """Who is looked at again when the mail comes to stand like this."""
    world.storage.queue.sent.clear()
    world.ingest.bring_in_line.apply(TENANT, consequences.told(NOTHING, stored))
    return {item for command in world.storage.queue.take(IngestMessages) for item in command.items}


def test_a_thread_that_is_to_be_left_alone_calls_back_only_mail_that_was_skipped(world: World) -> None:
    parent = "parent@adatum.example"
    everything = world.connect(SECOND, capture="everything")
    skipped = world.deliver(sender="a@adatum.example", message_id="a@adatum.example", in_reply_to=(parent,))
    kept = world.deliver(
        SECOND, sender="b@adatum.example", message_id="b@adatum.example", in_reply_to=(parent,)
    )
    first = world.deliver(SECOND, sender="c@adatum.example", message_id=parent)
    world.notify(skipped)
    world.notify(kept, first, mailbox=everything)
    key = hasher_of(HASH_KEY, TENANT).message_id(parent)
    stored = world.storage.messages.get(TENANT, key)
    assert stored is not None
    decision = PersonDecision(LINK, "a-person", NOW, stored.decision, file_thread=False)
    filed = replace(stored, decision=a_decision(), state="pending")
    assert called_back(world, replace(filed, decided=decision)) == {skipped}
    assert called_back(world, filed) == {skipped, kept}
