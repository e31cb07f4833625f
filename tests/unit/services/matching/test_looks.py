"""My Inbox follows from what all looks at a mail have come to; forged codes are counted; conversations are noted."""

from base64 import b64encode
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.filing.person_decisions import LINK, PersonDecision
from shared.domain.mail import codes
from tests.builders import AGENT, CODE_KEYS, NOW, TENANT, a_decision, a_record
from tests.unit.services.world import World

SECOND = "second@contoso.example"
STRANGER = "stranger@tailspin.example"
START = b64encode(b"\x01" + bytes(21)).decode()
INDEXED: dict[str, Any] = {"conversation_index": START, "headers": (("thread-index", START),)}
ANSWER = b64encode(b"\x01" + bytes(26)).decode()


@pytest.fixture
def world() -> World:
    made = World()
    made.records(a_record())
    return made


def inbox(world: World, agent: str) -> list[str]:
    return [one.reason for one in world.storage.inbox.of(TENANT, agent)]


def test_a_mail_that_nobody_can_place_waits_for_each_agent_who_has_it(world: World) -> None:
    world.rewrite(capture="everything")
    second = world.connect(SECOND, capture="everything")
    mail: dict[str, Any] = {"sender": STRANGER, "to": (AGENT, SECOND)}
    world.notify(world.deliver(**mail))
    world.notify(world.deliver(SECOND, **mail), mailbox=second)
    assert (inbox(world, AGENT), inbox(world, SECOND)) == (["no_match"], ["no_match"])


def test_a_mail_that_was_filed_and_done_is_listed_for_the_next_agent(world: World) -> None:
    second = world.connect(SECOND, matched_to="opportunity")
    mail: dict[str, Any] = {"to": (AGENT, SECOND)}
    world.notify(world.deliver(**mail))
    world.notify(world.deliver(SECOND, **mail), mailbox=second)
    assert (inbox(world, AGENT), inbox(world, SECOND)) == ([], ["no_record_of_kind"])


def test_what_a_person_has_decided_is_never_listed_again(world: World) -> None:
    world.rewrite(capture="everything")
    second = world.connect(SECOND, capture="everything")
    mail: dict[str, Any] = {"sender": STRANGER, "to": (AGENT, SECOND)}
    world.notify(world.deliver(**mail))
    [row] = world.storage.messages.rows.values()
    assert row.message is not None
    decision = PersonDecision(LINK, "agent-id", NOW, before=a_decision())
    world.storage.messages.save(TENANT, replace(row.message, decided=decision))
    world.notify(world.deliver(SECOND, **mail), mailbox=second)
    assert inbox(world, SECOND) == []


def test_forged_codes_are_counted_by_sender_once_for_each_mail(world: World) -> None:
    genuine = codes.issue(5, CODE_KEYS, TENANT).text
    forged = genuine[:-1] + ("0" if genuine[-1] != "0" else "1")
    skipped = world.deliver(sender=STRANGER, subject=f"[{forged}]", message_id="a@tailspin.example")
    kept = world.deliver(text=f"[{forged}]", html="", message_id="b@fabrikam.example")
    for _ in range(2):
        world.notify(skipped)
        world.notify(kept)
    hasher = world.scope(world.mailbox).hasher
    counted = {sender: sum(rows.values()) for (_, sender), rows in world.storage.codes.forged.items()}
    assert counted == {
        hasher("address", STRANGER): 1,
        hasher("address", "buyer@fabrikam.example"): 1,
    }


def test_a_conversation_is_noted_where_a_filed_mail_starts_it_and_not_where_it_goes_on(world: World) -> None:
    world.notify(world.deliver(message_id="a@fabrikam.example", **INDEXED))
    world.notify(
        world.deliver(
            message_id="b@fabrikam.example",
            in_reply_to=("a@fabrikam.example",),
            **{**INDEXED, "conversation_index": ANSWER},
            received_at=NOW + timedelta(minutes=1),
        )
    )
    [noted] = world.storage.messages.conversations.values()
    assert len(noted) == 1


def test_a_conversation_of_mail_that_is_filed_nowhere_is_not_noted(world: World) -> None:
    world.rewrite(capture="everything")
    world.notify(world.deliver(sender=STRANGER, **INDEXED))
    assert world.storage.messages.conversations == {}


def test_a_conversation_is_asked_for_only_where_a_thread_leads_nowhere(world: World) -> None:
    world.notify(world.deliver(message_id="a@fabrikam.example", **INDEXED))
    answer: dict[str, Any] = {"in_reply_to": ("a@fabrikam.example",), "conversation_index": ANSWER}
    world.notify(world.deliver(message_id="b@fabrikam.example", **answer))
    assert "MessageStore.of_conversation" not in world.storage.faults.reads
    world.notify(world.deliver(message_id="c@fabrikam.example", subject="Re: x", conversation_index=ANSWER))
    assert world.storage.faults.reads.count("MessageStore.of_conversation") == 1


@pytest.mark.parametrize(
    ("seconds", "automatic", "found"), [(30, True, True), (90, True, False), (30, False, False)]
)
def test_only_an_automatic_reply_may_be_there_before_the_mail_that_it_answers(
    world: World, seconds: int, automatic: bool, found: bool
) -> None:
    world.rewrite(capture="everything")
    ours: dict[str, Any] = {
        "folder": "sentitems",
        "sender": AGENT,
        "to": ("buyer@fabrikam.example", STRANGER),
    }
    sent_at = NOW + timedelta(seconds=seconds)
    world.notify(world.deliver(**ours, message_id="a@contoso.example", received_at=sent_at, **INDEXED))
    away = (("auto-submitted", "auto-replied"),) if automatic else ()
    answer: dict[str, Any] = {"sender": STRANGER, "subject": "Re: x", "headers": away}
    answer["conversation_index"] = ANSWER
    item = world.deliver(message_id="b@tailspin.example", received_at=NOW, **answer)
    world.notify(item)
    assert (world.outcome(item) == ("filed", "conversation")) is found


def test_every_mail_of_ours_notes_its_conversation_since_its_index_travels(world: World) -> None:
    world.notify(world.deliver(message_id="a@fabrikam.example"))
    world.notify(
        world.deliver(
            folder="sentitems",
            sender=AGENT,
            to=("buyer@fabrikam.example",),
            message_id="b@contoso.example",
            in_reply_to=("a@fabrikam.example",),
            conversation_index=ANSWER,
        )
    )
    assert len(world.storage.messages.conversations) == 1


def test_an_index_that_exchange_made_up_for_mail_from_elsewhere_is_not_noted(world: World) -> None:
    world.notify(world.deliver(conversation_index=START))
    assert world.storage.messages.conversations == {}
