"""What a mail comes to does not depend on which mailbox saw it first, nor on the order of what is known."""

from base64 import b64encode
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared.domain.filing.filing import StoredMessage
from shared.domain.mail import codes
from shared.domain.mail.identity import variant_key
from shared.domain.matching.rematching import Difference
from tests.builders import AGENT, CODE_KEYS, NOW, TENANT, a_fetched_message, a_record
from tests.unit.services.world import World

OTHERS = ("second@contoso.example", "third@contoso.example")
INDEX = b64encode(b"\x01" + bytes(5) + bytes(range(16)) + bytes(5)).decode()
OFFER = codes.issue(1_000, CODE_KEYS, TENANT).text
RECORDS = (
    a_record("contact/bo", addresses=("bo@fabrikam.example",), client="fabrikam"),
    a_record("contact/kai", addresses=("kai@adatum.example",)),
    a_record("client/fabrikam", domains=("fabrikam.example",)),
    a_record("client/adatum", domains=("adatum.example",), status="closed"),
    a_record("opportunity/loft", summary="Loft", client="fabrikam", contacts=("bo",)),
    a_record("opportunity/barn", summary="Barn", contacts=("kai",), contact_domains=("adatum.example",)),
    a_record("opportunity/shed", summary="Shed", contacts=("kai",), contact_domains=("adatum.example",)),
    a_record("project/wall", summary="Loft", client="fabrikam", contacts=("bo",)),
)
MAILBOX = st.fixed_dictionaries(
    {
        "capture": st.just("everything"),
        "matching": st.sampled_from([True, True, False]),
        "matched_to": st.sampled_from([None, "opportunity", "project"]),
        "matching_type": st.sampled_from(["address_and_subject", "domain"]),
        "unmatched": st.sampled_from(["inbox", "new"]),
    }
)
PEOPLE = st.sampled_from(
    [
        "bo@fabrikam.example",
        "new@fabrikam.example",
        "kai@adatum.example",
        "new@adatum.example",
        "x@tail.example",
    ]
)
MAIL = st.fixed_dictionaries(
    {
        "sender": PEOPLE,
        "cc": st.lists(PEOPLE, max_size=2).map(tuple),
        "subject": st.sampled_from(["Loft", "Re: Barn", f"Hello [{OFFER}]", "Fwd: Loft"]),
        "headers": st.sampled_from(
            [
                (),
                (("authentication-results", "dmarc=fail"),),
                (("auto-submitted", "auto-replied"),),
                (("thread-index", INDEX),),
            ]
        ),
        "in_reply_to": st.sampled_from([(), ("parent@fabrikam.example",)]),
        "conversation_index": st.sampled_from(["", INDEX]),
    }
)
# The record that one mailbox opens for the mail has a contact at the domain that another one matches by.
OPENED_FOR = {"sender": "bo@fabrikam.example", "subject": "Re: Barn"}
OPENING = [
    {"capture": "everything", "matched_to": "opportunity", "unmatched": "new"},
    {"capture": "everything"},
    {"capture": "everything", "matched_to": "opportunity", "matching_type": "domain"},
]
# An answer in a conversation of which nothing else is known would find itself there.
ITSELF = {
    "sender": "kai@adatum.example",
    "subject": "Re: Barn",
    "headers": (("thread-index", INDEX),),
    "conversation_index": INDEX,
}
ALONE = [{"capture": "everything", "matched_to": kind} for kind in ("opportunity", None, "project")]


# Of two mailboxes that open a record, the first finds records to suggest, and the second none.
SUGGESTED = {"sender": "x@tail.example", "subject": "Re: Barn"}
BOTH = [
    {"capture": "everything", "matched_to": "opportunity", "unmatched": "new", "matching_type": how}
    for how in ("address_and_subject", "domain")
]
# Another mail that came before it with the same Message-ID, from elsewhere and about something else.
TAKEN = {
    "sender": "bo@fabrikam.example",
    "subject": "Re: Attic",
    "sent_at": NOW - timedelta(days=1),
    "received_at": NOW - timedelta(days=1),
    "headers": (("thread-index", INDEX),),
    "conversation_index": INDEX,
}


def played(
    mail: dict[str, Any], boxes: list[dict[str, Any]], order: tuple[int, ...], *, taken: bool = False
) -> dict[str, Any]:
    """The rows after every mailbox has seen the mail in this order; numbers of Graph ids aside.

    `taken`: the mail is not the first one with its Message-ID.
    """
    world = World()
    world.records(*RECORDS)
    world.storage.codes.claim(TENANT, 1_000, [RECORDS[4].ref], "offer")
    world.mailbox = world.storage.mailboxes.save(replace(world.mailbox, **boxes[0]))
    mailboxes = [world.mailbox, *(world.connect(a, **b) for a, b in zip(OTHERS, boxes[1:], strict=False))]
    world.notify(world.deliver(message_id="parent@fabrikam.example", sender="bo@fabrikam.example"))
    same = {"message_id": "same@example.org", "to": (AGENT, *OTHERS)}
    if taken:
        world.notify(world.deliver(**{**TAKEN, **same}))
    message = a_fetched_message(**{**mail, **same})
    ids = [world.mail.deliver(one.address, message) for one in mailboxes]
    for place in order:
        world.notify(ids[place], mailbox=mailboxes[place])
    world.work()
    key = variant_key(world.scope(world.mailbox).hasher.message_id("same@example.org"), int(taken))
    stored = world.storage.messages.get(TENANT, key)
    assert isinstance(stored, StoredMessage)
    return {
        "links": [(str(one.ref), one.rule, one.evidence.text, one.closed) for one in stored.decision.links],
        "outcome": (stored.decision.disposition, stored.kind, stored.automatic),
        "suggestions": sorted(str(one.ref) for one in stored.decision.suggestions),
        "timeline": {
            str(ref): {one.link.rule for one in rows.values() if one.message_key == key}
            for (_, ref), rows in world.storage.timeline.rows.items()
        },
        "inbox": {
            agent: {one.reason for one in rows.values() if one.message_key == key}
            for (_, agent), rows in world.storage.inbox.rows.items()
        },
        "records": sorted(str(ref) for _, ref in world.storage.records.rows),
        "anew": [one for one in _decided_anew(world) if one.message_key == key],
    }


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(mail=OPENED_FOR, boxes=OPENING, taken=False)
@example(mail=OPENED_FOR, boxes=OPENING, taken=True)
@example(mail=SUGGESTED, boxes=[*BOTH, BOTH[1]], taken=False)
@example(mail=ITSELF, boxes=ALONE, taken=False)
@example(mail=ITSELF, boxes=ALONE, taken=True)
@given(mail=MAIL, boxes=st.lists(MAILBOX, min_size=3, max_size=3), taken=st.booleans())
def test_it_does_not_matter_which_mailbox_saw_a_mail_first(
    mail: dict[str, Any], boxes: list[dict[str, Any]], taken: bool
) -> None:
    first, *others = (played(mail, boxes, order, taken=taken) for order in permutations(range(3)))
    assert first["anew"] == []
    for other in others:
        assert _without_empty(other) == _without_empty(first)


@pytest.mark.parametrize("taken", [False, True])
def test_a_copy_that_is_looked_at_again_is_as_if_it_were_the_first(taken: bool) -> None:
    once, again = (played(ITSELF, OPENING[2:], order, taken=taken) for order in ((0,), (0, 0)))
    assert once == again


@pytest.mark.parametrize("again", [(0, 0), (0, 1, 0), (1, 0, 1, 0)])
def test_looking_at_a_copy_again_changes_nothing(again: tuple[int, ...]) -> None:
    mail = {"sender": "kai@adatum.example", "subject": "Barn", "received_at": NOW}
    boxes: list[dict[str, Any]] = [{"matched_to": "opportunity", "unmatched": "new"}, {"matching": False}]
    once = played(mail, boxes, tuple(dict.fromkeys(again)))
    assert _without_empty(played(mail, boxes, again)) == _without_empty(once)


def _decided_anew(world: World) -> tuple[Difference, ...]:
    """What the rules would make otherwise of the mail now that it is stored."""
    return world.rematch.differences(TENANT, None, limit=100, cursor="").differences


def _without_empty(seen: dict[str, Any]) -> dict[str, Any]:
    """Rows that were removed leave an empty place in the fake."""
    return {**seen, "inbox": {agent: reasons for agent, reasons in seen["inbox"].items() if reasons}}
