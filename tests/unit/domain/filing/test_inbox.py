"""My Inbox: what belongs to a thread, and what counts as another version of a mail."""

from dataclasses import replace
from typing import Any

import pytest

from shared.domain.filing import inbox
from shared.domain.filing.inbox import is_of_thread, thread_of, version_of
from shared.domain.filing.person_decisions import LINK, PersonDecision, opened_id
from shared.domain.matching.decisions import Disposition
from tests.builders import (
    KEY,
    NOW,
    a_decision,
    a_document,
    a_link,
    a_mailbox,
    a_stored_message,
    a_triaged_message,
    an_inbox_item,
)

THREAD = ("own@x.example", "parent@x.example")


@pytest.mark.parametrize(
    ("item", "belongs"),
    [
        ({"thread": ("answer@x.example", "own@x.example")}, True),
        ({"thread": ("parent@x.example",)}, True),
        ({"thread": ("sibling@x.example", "parent@x.example")}, True),
        ({"thread": ("apart@x.example",)}, False),
        ({"thread": ()}, False),
        ({"thread": ("own@x.example",), "message_key": KEY}, False),
        ({"conversation": "c", "sender": "buyer@fabrikam.example"}, True),
        ({"conversation": "c", "sender": "stranger@adatum.example"}, False),
        ({"conversation": "d", "sender": "buyer@fabrikam.example"}, False),
        ({"conversation": ""}, False),
    ],
)
def test_a_waiting_mail_belongs_to_a_thread_by_ids_or_by_a_conversation_with_it(
    item: dict[str, Any], belongs: bool
) -> None:
    stored = a_stored_message(conversation="c" if item.get("conversation") else "")
    waiting = an_inbox_item(**{"message_key": "a" * 32, **item})
    assert is_of_thread(waiting, stored, THREAD) is belongs


def test_a_forward_stands_for_itself_alone() -> None:
    mail = {"message_id": "own@x.example", "references": ("a@x.example", "b@x.example")}
    assert thread_of(a_document(**mail)) == ("own@x.example", "b@x.example", "a@x.example")
    assert thread_of(a_document(**mail, subject="WG: Viewing")) == ("own@x.example",)


def test_a_message_id_that_strangers_may_use_too_leads_to_no_thread() -> None:
    assert thread_of(a_document(message_id="1001", in_reply_to=("b@x.example",))) == ("b@x.example",)


def test_only_its_place_and_the_decision_on_it_make_another_version_of_a_mail() -> None:
    stored = a_triaged_message()
    same = replace(stored, has_dependents=True, variants=1, state="done", etag="other")
    decision = PersonDecision(LINK, "ann", NOW, stored.decision, (a_link(),))
    others = [
        a_stored_message(),
        replace(stored, decision=a_decision(disposition=Disposition.TRIAGE, reason="ambiguous")),
        replace(stored, decided=decision),
        replace(stored, decided=replace(decision, by="ben")),
    ]
    assert version_of(same) == version_of(stored)
    assert len({version_of(one) for one in (stored, *others)}) == len(others) + 1


def test_the_same_agents_two_mailboxes_make_one_row() -> None:
    first, second = a_mailbox(), a_mailbox(mailbox_id="ab" * 16, agent=a_mailbox().agent, matching=False)
    stored = a_stored_message()
    items, gone = inbox.arranged(stored, a_document(), [first, second])
    assert ([(one.mailbox_id, one.reason) for one in items], gone) == ([("ab" * 16, "matching_off")], [])


def test_the_record_that_is_opened_for_a_variant_is_another_one() -> None:
    assert opened_id(KEY) == f"pl-{KEY[:20]}"
    assert opened_id(f"{KEY}v1") == f"pl-{KEY[:20]}v1"
