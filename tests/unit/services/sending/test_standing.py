"""A mail that has waited leaves only if it could be asked for now: its agent has the mailbox, nobody was barred."""

from typing import Any

import pytest

from shared.domain.errors import Forbidden
from shared.domain.filing.filing import ACKNOWLEDGED
from shared.domain.privacy.callers import AGENT, Caller
from shared.domain.privacy.erasure import PLACEHOLDER, suppression
from shared.domain.sending import transitions
from shared.domain.sending.outbox import Problem
from shared.domain.sending.states import State
from shared.services.capture.scopes import hasher_of
from tests.builders import AGENT as ANN
from tests.builders import CONTACT, HASH_KEY, TENANT, an_organisation, people, rewrite
from tests.unit.services.sending.outbox_world import OutboxWorld

OID = "aaaaaaaa-1111-4111-8111-111111111111"
BEN = "ben@contoso.example"
HANDED_OVER = {"agent": BEN, "agent_id": "ben", "former_agents": (ANN,)}
SHARED = {"address": "sales@contoso.example", "agent": BEN, "agent_id": "ben"}
OF_ANN = Caller(TENANT, frozenset({AGENT}), oid=OID, address=ANN)


@pytest.fixture
def world() -> OutboxWorld:
    made = OutboxWorld()
    made.mailbox = rewrite(made.storage.mailboxes, made.mailbox, agent_id=OID)
    return made


@pytest.mark.parametrize(
    ("mailbox", "mail", "leaves"),
    [
        ({}, {}, True),
        (HANDED_OVER, {}, False),
        (HANDED_OVER, {"from_rule": "rule"}, False),
        # What a machine answers is nobody's.
        (HANDED_OVER, {"purpose": ACKNOWLEDGED}, True),
        # A service named the agent before anybody knew the object id.
        ({}, {"agent_id": ""}, True),
        (HANDED_OVER, {"agent_id": ""}, False),
        ({**SHARED, "senders": (ANN,)}, {"from_rule": "action"}, True),
        ({**SHARED, "senders": (BEN,)}, {"from_rule": "action"}, False),
        ({**SHARED, "senders": (BEN,)}, {"from_rule": "rule"}, False),
        # A rule is a grant where nobody lists senders.
        (SHARED, {"from_rule": "rule"}, True),
        (SHARED, {"from_rule": "action"}, False),
    ],
)
def test_who_lost_the_mailbox_meanwhile_sends_nothing_from_it(
    world: OutboxWorld, mailbox: dict[str, Any], mail: dict[str, Any], leaves: bool
) -> None:
    world.ask(**mail)
    rewrite(world.storage.mailboxes, world.mailbox, **mailbox)
    world.work()
    found = world.mail()
    assert (found.state, len(world.left)) == ((State.CONFIRMED, 1) if leaves else (State.FAILED, 0))
    assert leaves or (found.error and found.error.code) == "sender_not_allowed"


def test_nor_does_a_retry(world: OutboxWorld) -> None:
    mail = world.ask()
    world.storage.outbox.save(transitions.failed(world.now, Problem("quota", "Full."))(mail))
    rewrite(world.storage.mailboxes, world.mailbox, **HANDED_OVER)
    with pytest.raises(Forbidden, match="may not send from"):
        world.use_cases.retry_mail(OF_ANN, mail.id)
    assert world.mail().state is State.FAILED


ERASED = suppression(hasher_of(HASH_KEY, TENANT), CONTACT)


@pytest.mark.parametrize(
    ("organisation", "to"),
    [
        ({"never_log": (CONTACT,)}, CONTACT),
        ({"erased": frozenset({ERASED})}, CONTACT),
        # The row says it by itself once the erasure has come by.
        ({}, PLACEHOLDER),
    ],
)
def test_who_was_barred_meanwhile_gets_nothing(
    world: OutboxWorld, organisation: dict[str, Any], to: str
) -> None:
    world.ask(to=people(to, "li@adatum.example"))
    world.storage.organisations.change(an_organisation(**organisation))
    world.work()
    found = world.mail()
    assert (found.state, world.left) == (State.FAILED, [])
    assert found.error is not None
    assert found.error.code == "recipient_barred"
    assert to not in found.error.detail
