"""From which address a mail leaves: a row for each sentence of the rules, and who may send from which mailbox."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from shared.domain.connections.from_rules import SALES_MAILBOXES, addresses_in, rule_for
from shared.domain.connections.mailboxes import INTAKE, Mailbox
from shared.domain.errors import Forbidden, InvalidInput
from shared.domain.privacy.callers import ADMIN, AGENT, SERVICE, Caller
from shared.domain.records.records import Overrides, Record
from shared.domain.sending.actors import Actor, actor_of
from shared.domain.sending.from_addresses import (
    Chosen,
    Refusal,
    Refused,
    Sender,
    Why,
    check_named,
    from_address,
    own_mailbox,
    senders,
)
from tests.builders import TENANT, a_mailbox, a_record, mailbox_with

ANN, BEA, CLEO = (f"{name}@contoso.example" for name in ("ann", "bea", "cleo"))
SALES, DESK = "sales@contoso.example", "desk@contoso.example"
ANNS = a_mailbox(address=ANN, agent=ANN, agent_id="oid-ann", mailbox_id="1" * 32)
BEAS = a_mailbox(address=BEA, agent=BEA, agent_id="oid-bea", mailbox_id="2" * 32)
# Shared mailboxes: the agent has another address.
SALES_BOX = a_mailbox(address=SALES, agent=BEA, agent_id="oid-bea", mailbox_id="3" * 32)
DESK_BOX = a_mailbox(address=DESK, agent=BEA, agent_id="oid-bea", mailbox_id="4" * 32, kind=INTAKE)
LOST = mailbox_with(ANNS, state="no_access", last_error="Access is denied.")
MAILBOXES = (ANNS, BEAS, SALES_BOX, DESK_BOX)
TO_SALES_MAILBOXES = {"quotation": {"from": SALES_MAILBOXES}}
WITH_FALLBACK = {"quotation": {"from": SALES_MAILBOXES, "fallback": SALES}}


def actor(address: str) -> Actor:
    return Actor(TENANT, f"oid-{address.partition('@')[0]}", address, "by")


def a_client(name: str, **overrides: Any) -> Record:
    return a_record(f"client/{name}", name=f"Client {name}", overrides=Overrides(**overrides))


def but(changed: Mailbox) -> tuple[Mailbox, ...]:
    """The mailboxes, one of them changed."""
    return tuple(changed if mailbox.mailbox_id == changed.mailbox_id else mailbox for mailbox in MAILBOXES)


@dataclass(frozen=True)
class Row:
    """A mail and what comes of it: an address with its rule, or a kind of refusal with words of its sentence."""

    name: str
    expected: tuple[str, Why] | tuple[Refusal, str]
    asked: str = ""
    agent: str = ANN
    purpose: str = "quotation"
    clients: tuple[Record, ...] = ()
    rules: dict[str, Any] = field(default_factory=dict)
    mailboxes: tuple[Mailbox, ...] = MAILBOXES


ROWS = (
    Row("a: the action says sales mailboxes", (ANN, Why.ACTION), asked=SALES_MAILBOXES),
    Row(
        "a: it is the acting agent, whoever owns the record",
        (BEA, Why.ACTION),
        asked=SALES_MAILBOXES,
        agent=BEA,
    ),
    Row("b: the action names a shared mailbox", (SALES, Why.ACTION), asked=SALES, agent=BEA),
    Row(
        "b: that lists the agent",
        (SALES, Why.ACTION),
        asked=SALES,
        mailboxes=but(replace(SALES_BOX, senders=(ANN,))),
    ),
    Row("b: in any spelling", (ANN, Why.ACTION), asked="Ann@Contoso.example"),
    Row("c: the rule says sales mailboxes", (ANN, Why.RULE), rules=TO_SALES_MAILBOXES),
    Row("c: the rule names a shared mailbox", (SALES, Why.RULE), rules={"quotation": {"from": SALES}}),
    Row("c: the rule names an intake mailbox", (DESK, Why.RULE), rules={"quotation": {"from": DESK}}),
    Row("d: no mailbox, a fallback", (SALES, Why.FALLBACK), agent=CLEO, rules=WITH_FALLBACK),
    Row("d: the same for an action", (SALES, Why.FALLBACK), SALES_MAILBOXES, agent=CLEO, rules=WITH_FALLBACK),
    Row(
        "d: the fallback of another purpose is none",
        (Refusal.CHOOSE, "has no mailbox of the own"),
        agent=CLEO,
        purpose="lease",
        rules=WITH_FALLBACK,
    ),
    Row("e: no mailbox, no fallback", (Refusal.CHOOSE, "cleo@"), agent=CLEO, rules=TO_SALES_MAILBOXES),
    Row(
        "e: it lists the choices",
        (Refusal.CHOOSE, f"Choose with 'from': {DESK}, {SALES}."),
        agent=CLEO,
        rules=TO_SALES_MAILBOXES,
        mailboxes=(
            ANNS,
            replace(SALES_BOX, senders=(CLEO,)),
            replace(DESK_BOX, senders=(CLEO,)),
        ),
    ),
    Row(
        "f: chosen among them",
        (SALES, Why.ACTION),
        asked=SALES,
        agent=CLEO,
        rules=TO_SALES_MAILBOXES,
        mailboxes=but(replace(SALES_BOX, senders=(CLEO,))),
    ),
    Row(
        "f: chosen outside",
        (Refusal.FORBIDDEN, f"may not send from {BEA}"),
        asked=BEA,
        rules=TO_SALES_MAILBOXES,
    ),
    Row("f: that does not exist", (Refusal.FORBIDDEN, "may not send from x@y.example"), asked="x@y.example"),
    Row(
        "g: the action overrides the rule",
        (SALES, Why.ACTION),
        asked=SALES,
        agent=BEA,
        rules=TO_SALES_MAILBOXES,
    ),
    Row(
        "g: also back to the own",
        (ANN, Why.ACTION),
        asked=SALES_MAILBOXES,
        rules={"quotation": {"from": SALES}},
        clients=(a_client("A", from_address=DESK),),
    ),
    Row(
        "h: the client overrides the rule",
        (SALES, Why.CLIENT),
        rules=TO_SALES_MAILBOXES,
        clients=(a_client("A", from_address=SALES),),
    ),
    Row(
        "h: for this purpose",
        (SALES, Why.CLIENT),
        rules=TO_SALES_MAILBOXES,
        clients=(a_client("A", from_address=DESK, from_addresses=(("quotation", SALES),)),),
    ),
    Row(
        "h: for another purpose it says nothing",
        (ANN, Why.RULE),
        rules=TO_SALES_MAILBOXES,
        clients=(a_client("A", from_addresses=(("lease", SALES),)),),
    ),
    Row(
        "i: the client says sales mailboxes, no rule",
        (ANN, Why.CLIENT),
        clients=(a_client("A", from_address=SALES_MAILBOXES),),
    ),
    Row(
        "i: against a rule",
        (ANN, Why.CLIENT),
        rules={"quotation": {"from": SALES}},
        clients=(a_client("A", from_address=SALES_MAILBOXES),),
    ),
    Row(
        "j: two clients differ",
        (Refusal.CONFLICT, f"Client A ({SALES}) and Client B ({DESK})"),
        clients=(a_client("A", from_address=SALES), a_client("B", from_address=DESK)),
    ),
    Row(
        "j: unless the action decides",
        (ANN, Why.ACTION),
        asked=ANN,
        clients=(a_client("A", from_address=SALES), a_client("B", from_address=DESK)),
    ),
    Row(
        "j: two clients agree, and a third says nothing",
        (SALES, Why.CLIENT),
        clients=(a_client("A", from_address=SALES), a_client("B", from_address=SALES), a_client("C")),
    ),
    Row(
        "j: one client twice is one",
        (SALES, Why.CLIENT),
        clients=(a_client("A", from_address=SALES), a_client("A", from_address=SALES)),
    ),
    Row(
        "k: the own mailbox is paused",
        (Refusal.UNUSABLE, f"{ANN} is paused"),
        rules=WITH_FALLBACK,
        mailboxes=but(replace(ANNS, enabled=False)),
    ),
    Row(
        "k: it is lost",
        (Refusal.UNUSABLE, "Access is denied."),
        rules=WITH_FALLBACK,
        mailboxes=but(LOST),
    ),
    Row(
        "k: the rule's is removed",
        (Refusal.UNUSABLE, f"{SALES} is not a captured mailbox"),
        rules={"quotation": {"from": SALES, "fallback": DESK}},
        mailboxes=(ANNS, BEAS, DESK_BOX),
    ),
    Row(
        "k: the client's is being removed",
        (Refusal.UNUSABLE, f"{SALES} is not a captured mailbox"),
        clients=(a_client("A", from_address=SALES),),
        mailboxes=(ANNS, a_mailbox(address=SALES, agent=BEA, state="removing")),
    ),
    Row(
        "k: the fallback is paused",
        (Refusal.UNUSABLE, "is paused"),
        agent=CLEO,
        rules=WITH_FALLBACK,
        mailboxes=but(replace(SALES_BOX, enabled=False)),
    ),
    Row("l: nothing is said", (ANN, Why.OWN), purpose=""),
    Row("l: nothing is said of this purpose", (ANN, Why.OWN), purpose="lease", rules=TO_SALES_MAILBOXES),
    Row(
        "a rule is no grant for a colleague's own mailbox",
        (Refusal.FORBIDDEN, "not among those who may send"),
        rules={"quotation": {"from": BEA}},
    ),
    Row(
        "nor past a list of senders",
        (Refusal.FORBIDDEN, "not among those who may send"),
        rules={"quotation": {"from": SALES}},
        mailboxes=but(replace(SALES_BOX, senders=(CLEO,))),
    ),
    Row(
        "what the rule gives may be named",
        (SALES, Why.RULE),
        asked=SALES,
        rules={"quotation": {"from": SALES}},
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row.name))
def test_a_mail_leaves_from(row: Row) -> None:
    found = from_address(
        row.asked,
        actor=actor(row.agent),
        purpose=row.purpose,
        clients=row.clients,
        rules=row.rules,
        mailboxes=row.mailboxes,
    )
    if isinstance(found, Refused):
        kind, words = row.expected
        assert found.kind is kind
        assert str(words) in found.sentence
    else:
        assert (found.address, found.rule) == row.expected
        assert found.why.endswith(f"{found.address}.")


@pytest.mark.parametrize("order", [1, -1])
def test_what_is_found_does_not_depend_on_the_order_of_clients_and_mailboxes(order: int) -> None:
    for row in ROWS:
        given = {"actor": actor(row.agent), "purpose": row.purpose, "rules": row.rules}
        found = from_address(
            row.asked, clients=row.clients[::order], mailboxes=row.mailboxes[::order], **given
        )
        expected = from_address(row.asked, clients=row.clients, mailboxes=row.mailboxes, **given)
        if isinstance(expected, Chosen):
            assert isinstance(found, Chosen)
            assert (found.address, found.rule) == (expected.address, expected.rule)
        else:
            assert isinstance(found, Refused)
            assert (found.kind, found.choices) == (expected.kind, expected.choices)


def test_a_refusal_lists_the_choices() -> None:
    refused = from_address(
        DESK,
        actor=actor(ANN),
        purpose="",
        clients=(),
        rules={},
        mailboxes=but(replace(SALES_BOX, senders=(ANN,))),
    )
    assert isinstance(refused, Refused)
    assert refused.choices == (ANN, SALES)
    assert refused.sentence == f"{ANN} may not send from {DESK}. Choose with 'from': {ANN}, {SALES}."


MAY = {
    # Who may send from which mailbox; whoever stands nowhere may not.
    ANN: {ANN},
    BEA: {BEA, SALES, DESK},
    CLEO: set(),
}


@pytest.mark.parametrize("address", MAY)
@pytest.mark.parametrize("named", [ANN, BEA, SALES, DESK])
def test_only_its_own_agent_sends_from_a_mailbox(address: str, named: str) -> None:
    found = from_address(named, actor=actor(address), purpose="", clients=(), rules={}, mailboxes=MAILBOXES)
    assert isinstance(found, Chosen) is (named in MAY[address])
    assert {sender.address for sender in senders(actor(address), MAILBOXES)} == MAY[address]


def test_the_senders_of_an_agent_begin_with_the_default() -> None:
    assert senders(actor(BEA), MAILBOXES) == (
        Sender(BEA, default=True, why="It is the agent's own mailbox."),
        Sender(DESK, default=False, why="The agent is the mailbox's agent."),
        Sender(SALES, default=False, why="The agent is the mailbox's agent."),
    )
    listed = but(replace(SALES_BOX, senders=("ann.alias@contoso.example",)))
    known = tuple(
        replace(mailbox, aliases=("ann.alias@contoso.example",)) if mailbox == ANNS else mailbox
        for mailbox in listed
    )
    assert senders(actor(ANN), known)[1:] == (
        Sender(SALES, default=False, why="The mailbox lists the agent among its senders."),
    )


def test_what_cannot_send_is_no_choice() -> None:
    assert senders(actor(ANN), but(LOST)) == ()
    assert senders(actor(ANN), but(replace(ANNS, enabled=False))) == ()


def test_a_mailbox_of_another_organisation_is_nobody_s() -> None:
    elsewhere = replace(ANNS, tenant_id="99999999-2222-4333-8444-555555555555", senders=(ANN,))
    assert senders(actor(ANN), (elsewhere,)) == ()
    assert own_mailbox(actor(ANN), (elsewhere,)) is None


def test_the_own_mailbox_bears_the_agent_s_address_or_is_the_only_one() -> None:
    assert own_mailbox(actor(BEA), MAILBOXES) == BEAS
    assert own_mailbox(actor(BEA), (SALES_BOX, DESK_BOX)) == SALES_BOX
    other = replace(SALES_BOX, address="lettings@contoso.example", mailbox_id="5" * 32)
    assert own_mailbox(actor(BEA), (SALES_BOX, other)) is None


def test_who_was_the_agent_before_may_no_longer_send() -> None:
    handed_over = replace(ANNS, agent=BEA, agent_id="", former_agents=(ANN,))
    assert senders(actor(ANN), (handed_over,)) == ()
    assert [sender.address for sender in senders(actor(BEA), (handed_over,))] == [ANN]


def person(address: str, *roles: str) -> Caller:
    return Caller(TENANT, frozenset(roles), f"oid-{address.partition('@')[0]}", address)


SERVICE_APP = Caller(TENANT, frozenset((SERVICE,)), oid="app", client_id="crm", app_only=True)


def test_a_person_sends_in_the_own_name_only() -> None:
    assert actor_of(person(ANN, AGENT), None, MAILBOXES) == Actor(TENANT, "oid-ann", ANN, "oid-ann")
    assert actor_of(person(ANN, AGENT), "Ann@contoso.example", MAILBOXES).oid == "oid-ann"
    for role in (AGENT, ADMIN):
        with pytest.raises(Forbidden, match="Only a service"):
            actor_of(person(ANN, role), BEA, MAILBOXES)


def test_a_service_sends_for_an_agent_whom_it_names() -> None:
    assert actor_of(SERVICE_APP, BEA, MAILBOXES) == Actor(TENANT, "oid-bea", BEA, "app:crm")
    assert actor_of(SERVICE_APP, CLEO, MAILBOXES) == Actor(TENANT, "", CLEO, "app:crm")
    for agent, sentence in ((None, "name the agent"), ("nobody", "no e-mail address")):
        with pytest.raises(InvalidInput, match=sentence):
            actor_of(SERVICE_APP, agent, MAILBOXES)
    with pytest.raises(Forbidden):
        actor_of(replace(SERVICE_APP, roles=frozenset((AGENT,))), BEA, MAILBOXES)


def test_every_address_that_rules_name_is_a_captured_mailbox() -> None:
    check_named((SALES, SALES_MAILBOXES, ""), MAILBOXES)
    with pytest.raises(InvalidInput, match=r"not so for: x@contoso.example, y@contoso.example\."):
        check_named(("y@contoso.example", SALES, "x@contoso.example"), MAILBOXES)
    with pytest.raises(InvalidInput):
        check_named((SALES,), (mailbox_with(SALES_BOX, state="removing"),))


def test_a_rule_is_read_from_the_settings() -> None:
    assert rule_for({"quotation": 5}, "quotation") is None
    rule = rule_for(WITH_FALLBACK, "quotation")
    assert rule is not None
    assert (rule.sender, rule.fallback) == (SALES_MAILBOXES, SALES)
    assert addresses_in({**WITH_FALLBACK, "lease": {"from": DESK}}) == (SALES, DESK)
