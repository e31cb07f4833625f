"""An answer to a mail that was sent from the CRM is a reply on all records of that mail, whatever its way did to it."""

from typing import Any

import pytest

from tests.builders import AGENT, a_record, a_ref
from tests.unit.services.sending.sent_world import (
    ALL,
    CODE,
    COLLEAGUE,
    SUBJECT,
    SentWorld,
    a_copy,
    an_answer,
)

AT_DOMAIN = "other@fabrikam.example"
STRANGER = "stranger@adatum.example"
BARE: dict[str, Any] = {"in_reply_to": ()}
SMALL = CODE.text.lower()


@pytest.fixture
def world() -> SentWorld:
    made = SentWorld()
    made.ask()
    made.notify(made.deliver(**a_copy()))
    return made


@pytest.mark.parametrize(
    ("changes", "in_mailbox"),
    [
        ({}, AGENT),
        ({**BARE, "subject": f"AW: Viewing on Thursday [{SMALL}]"}, AGENT),
        ({**BARE, "subject": f"AW: [{SMALL.replace('-', chr(0x2013))}]\r\n Viewing"}, AGENT),
        ({**BARE, "subject": f"AW: Viewing [{CODE.text[:6]} {CODE.text[6:]}]"}, AGENT),
        ({**BARE, "sender": AT_DOMAIN, "subject": f"Re: {SUBJECT}"}, AGENT),
        ({"sender": AT_DOMAIN, "subject": "Viewing"}, AGENT),
        ({"to": (COLLEAGUE,)}, COLLEAGUE),
        ({**BARE, "sender": AT_DOMAIN, "to": (COLLEAGUE,), "subject": f"AW: {SMALL}"}, COLLEAGUE),
        ({**BARE, "subject": "Quite another subject", "text": f"> Viewing [{SMALL}]\nYes."}, AGENT),
    ],
)
def test_it_is_a_reply_on_every_record_of_the_sent_mail(
    world: SentWorld, changes: dict[str, Any], in_mailbox: str
) -> None:
    mailbox = world.mailbox if in_mailbox == AGENT else world.connect(in_mailbox)
    world.notify(world.deliver(in_mailbox, **an_answer(**changes)), mailbox=mailbox)
    world.work()
    kinds = {ref: [entry.kind for entry in world.timeline(ref)] for ref in ALL}
    assert kinds == {ref: ["reply", "sent"] for ref in ALL}


def test_before_the_sent_copy_was_seen_it_is_a_reply_where_the_mail_was_sent_for() -> None:
    world = SentWorld()
    world.ask()
    world.notify(world.deliver(**an_answer(**BARE)))
    kinds = {ref: [entry.kind for entry in world.timeline(ref)] for ref in ALL}
    assert kinds == {key: ["reply"] for key in ALL}
    world.notify(world.deliver(**a_copy()))
    assert [entry.kind for entry in world.timeline("property/P-1")] == ["reply", "sent"]


def test_a_stranger_who_quotes_the_code_claims_it_and_no_more(world: SentWorld) -> None:
    world.rewrite(capture="everything")
    item = world.deliver(**an_answer(**BARE, sender=STRANGER))
    world.storage.faults.clear()
    world.notify(item)
    assert world.outcome(item) == ("triage", "claims_code")
    # Whether the stranger was written to under this code is all that is asked.
    assert [name for name in world.storage.faults.reads if name.startswith("Outbox")] == ["Outbox.of_code"]


def test_an_answer_with_headers_asks_the_outbox_nothing(world: SentWorld) -> None:
    item = world.deliver(**an_answer())
    world.storage.faults.clear()
    world.notify(item)
    assert [name for name in world.storage.faults.reads if name.startswith("Outbox")] == []


def test_an_automatic_answer_by_code_asks_the_outbox_nothing(world: SentWorld) -> None:
    item = world.deliver(**an_answer(**BARE, headers=(("auto-submitted", "auto-replied"),)))
    world.storage.faults.clear()
    world.notify(item)
    assert [entry.kind for entry in world.timeline("property/P-1")] == ["reply", "sent"]
    assert [name for name in world.storage.faults.reads if name.startswith("Outbox")] == []


def test_of_several_mails_with_one_code_the_last_that_left_counts(world: SentWorld) -> None:
    world.records(a_record("property/P-2"))
    first = world.row().id
    newer = f"{int(first[:15]) - 1000:015d}-{'0c' * 16}"
    world.ask(id=newer, message_id=f"{newer}@contoso.example", key_hash="2", records=(a_ref("property/P-2"),))
    world.notify(world.deliver(**an_answer(**BARE)))
    assert [entry.kind for entry in world.timeline("property/P-2")] == ["reply"]
    assert [entry.kind for entry in world.timeline("property/P-1")] == ["reply", "sent"]
