"""Links in the cases that no browser shows: two at once, a Graph that is down, a kill, and who is watched."""

from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.domain.commands.commands import MaintainSubscription, SyncMailbox
from shared.domain.connections.connections import MailConnection
from shared.domain.connections.mailbox_tests import Read
from shared.domain.errors import AccessDenied, Forbidden, InvalidInput, Unavailable, WrongState
from shared.domain.privacy.callers import Caller
from shared.ports.credentials import SignedIn
from tests.builders import AGENT, NOW, TENANT, a_mailbox, an_organisation
from tests.composed import Composed
from tests.fakes import Killed
from tests.unit.api.tokens import OTHER

ADMIN = Caller(TENANT, frozenset(("Admin",)), "oid-admin", "admin@contoso.example")
ANN = Caller(TENANT, frozenset(("Agent",)), "oid-ann", AGENT)
DENIED = AccessDenied("no", "ErrorAccessDenied")


@pytest.fixture
def world() -> Composed:
    made = Composed()
    made.storage.organisations.put(an_organisation())
    made.storage.faults.clear()
    return made


def secret_of(link: str) -> str:
    return parse_qs(urlsplit(link).query)["state"][0]


def granted(world: Composed, mode: str = "admin_consent", mailbox: str = AGENT) -> dict[str, str]:
    """What comes back when a new link is agreed to."""
    state = secret_of(world.ask_to_connect(ADMIN, mode, mailbox).link)
    if mode in ("service_account", "agent"):
        return {"state": state, "code": "1.x"}
    return {"state": state, "admin_consent": "True", "tenant": TENANT}


def row(world: Composed, connection_id: str = "graph-app") -> MailConnection:
    found = world.storage.connections.get(TENANT, connection_id)
    assert found is not None
    return found


def test_of_two_answers_at_once_one_counts(world: Composed) -> None:
    answer = granted(world)
    spend = world.storage.connections.put
    outcomes = []

    def put(connection: MailConnection) -> MailConnection:
        world.storage.connections.put = spend  # type: ignore[method-assign]
        outcomes.append(world.take_answer(answer).outcome)
        return spend(connection)

    world.storage.connections.put = put  # type: ignore[method-assign]
    assert world.take_answer(answer).outcome == "unknown_link"
    assert outcomes == ["verified"]


def test_a_link_is_good_for_seven_days(world: Composed) -> None:
    answer = granted(world)
    world.now = NOW + timedelta(days=7)
    assert world.take_answer(answer).outcome == "unknown_link"
    assert row(world).shown_state(world.now) == "link_expired"


def test_where_graph_is_down_the_proof_is_made_up_for_by_the_timer(world: Composed) -> None:
    world.probe.errors["read"] = Unavailable("down")
    assert world.take_answer(granted(world)).outcome == "consent_pending"
    assert row(world).state == "consent_pending"
    world.watch_connections()
    assert row(world).state == "consent_pending"
    world.probe.errors.clear()
    world.watch_connections()
    assert row(world).state == "verified"
    assert world.storage.organisations.rows[TENANT].state == "verified"


def test_whoever_is_killed_after_the_link_is_spent_is_made_up_for_by_asking_again(
    world: Composed,
) -> None:
    answer = granted(world)
    world.storage.faults.clear()
    world.storage.faults.kill_after(1)
    with pytest.raises(Killed):
        world.take_answer(answer)
    world.storage.faults.clear()
    assert world.take_answer(answer).outcome == "unknown_link"
    assert world.take_answer(granted(world)).outcome == "verified"


def test_a_storage_that_is_busy_leaves_the_link_good(world: Composed) -> None:
    answer = granted(world)
    world.storage.faults.named["Connections.of"] = Unavailable("busy")
    with pytest.raises(Unavailable):
        world.take_answer(answer)
    world.storage.faults.clear()
    assert world.take_answer(answer).outcome == "verified"


def test_without_a_mailbox_the_tokens_permissions_have_to_do(world: Composed) -> None:
    assert world.take_answer(granted(world, mailbox="")).outcome == "verified"
    world.probe.roles = frozenset(("User.Read.All",))
    answer = granted(world, mailbox="")
    world.take_answer(answer)
    assert "no permission to read mail" in row(world).detail


@pytest.mark.parametrize("mailbox", ["", AGENT])
def test_a_right_to_headers_alone_verifies_nothing(world: Composed, mailbox: str) -> None:
    world.probe.roles = frozenset(("Mail.ReadBasic.All", "User.Read.All"))
    world.probe.inbox = Read.HEADERS_ONLY
    assert world.take_answer(granted(world, mailbox=mailbox)).outcome == "no_access"
    assert "the right Mail.Read is missing" in row(world).detail


def test_without_a_mailbox_named_a_connected_one_is_opened(world: Composed) -> None:
    world.storage.mailboxes.save(a_mailbox())
    world.probe.errors["read", AGENT] = DENIED
    assert world.take_answer(granted(world, mailbox="")).outcome == "consent_pending"


def test_an_agents_sign_in_counts_for_the_own_mailbox_only(world: Composed) -> None:
    def signs_in(**changes: object) -> str:
        who = SignedIn(TENANT, "oid-x", "x@contoso.example", "sealed", ("x@contoso.example",))
        world.sign_ins.signed_in = replace(who, **changes)  # type: ignore[arg-type]
        return world.take_answer(granted(world, "agent")).outcome

    assert signs_in() == "wrong_account"
    assert signs_in(tenant_id=OTHER, addresses=(AGENT,)) == "wrong_account"
    assert signs_in(addresses=("ann@contoso.onmicrosoft.example", AGENT)) == "admin_adds_mailbox"
    world.storage.mailboxes.save(a_mailbox(user_id="oid-x"))
    assert signs_in() == "verified"
    assert row(world, f"agent:{AGENT}").token == "sealed"


def test_a_sign_in_is_redeemed_with_its_own_links_flow(world: Composed) -> None:
    answer = granted(world, "service_account")
    world.take_answer(answer)
    assert [flow for flow, _ in world.sign_ins.redeemed] == [f"flow of {answer['state']}"]
    assert row(world, "graph-delegated").flow == ""


def test_only_sign_ins_need_a_key(world: Composed) -> None:
    world.sign_ins.can_keep_tokens = False
    for mode in ("service_account", "agent"):
        with pytest.raises(WrongState, match="POSTLEDGER_TOKEN_KEYS"):
            world.ask_to_connect(ADMIN, mode, AGENT)
    assert world.ask_to_connect(ADMIN, "admin_consent", "").link


@pytest.mark.parametrize(
    ("mode", "mailbox", "word"),
    [("magic", "", "'mode'"), ("rbac", "", "Name a 'mailbox'"), ("rbac", "nobody", "no e-mail address")],
)
def test_a_mistake_is_named(world: Composed, mode: str, mailbox: str, word: str) -> None:
    with pytest.raises(InvalidInput, match=word):
        world.ask_to_connect(ADMIN, mode, mailbox)


def test_an_agent_asks_for_the_own_sign_in_only(world: Composed) -> None:
    assert world.ask_to_connect(ANN, "agent", "").connection.mailbox == AGENT
    for mode, mailbox in (("agent", "ben@contoso.example"), ("service_account", ""), ("admin_consent", "")):
        with pytest.raises(Forbidden, match="own mailbox"):
            world.ask_to_connect(ANN, mode, mailbox)


def test_mailboxes_that_had_lost_access_are_walked_at_once_when_it_is_back(world: Composed) -> None:
    world.storage.mailboxes.save(a_mailbox(state="no_access"))
    world.take_answer(granted(world))
    assert [type(one) for one in world.storage.queue.commands] == [SyncMailbox]


def test_access_that_is_lost_is_told_and_unverifies_the_organisation(world: Composed) -> None:
    world.take_answer(granted(world))
    world.now = NOW + timedelta(hours=3)
    world.probe.errors["read"] = DENIED
    world.watch_connections()
    assert row(world).state == "lost"
    assert world.storage.organisations.rows[TENANT].state == "enabled"
    world.probe.errors.clear()
    world.watch_connections()
    assert world.storage.organisations.rows[TENANT].state == "verified"


def test_one_lost_connection_of_two_leaves_the_organisation_verified(world: Composed) -> None:
    world.take_answer(granted(world))
    world.sign_ins.signed_in = SignedIn(TENANT, "oid-crm", "crm@contoso.example", "sealed")
    world.take_answer(granted(world, "service_account", "ben@contoso.example"))
    world.now = NOW + timedelta(hours=3)
    world.probe.errors["read", "ben@contoso.example"] = DENIED
    world.watch_connections()
    assert (row(world).state, row(world, "graph-delegated").state) == ("verified", "lost")
    assert world.storage.organisations.rows[TENANT].state == "verified"


def test_nothing_is_watched_where_nobody_agreed_or_the_organisation_is_off(world: Composed) -> None:
    world.ask_to_connect(ADMIN, "admin_consent", AGENT)
    world.probe.calls.clear()
    world.watch_connections()
    assert world.probe.calls == []
    world.take_answer(granted(world))
    world.storage.organisations.change(an_organisation(enabled=False))
    world.probe.calls.clear()
    world.watch_connections()
    assert world.probe.calls == []


def test_disconnecting_pauses_and_connecting_resumes_every_mailbox(world: Composed) -> None:
    world.storage.mailboxes.save(a_mailbox())
    world.take_answer(granted(world))
    world.storage.queue.sent.clear()
    world.disconnect(ADMIN)
    assert [type(one) for one in world.storage.queue.commands] == [MaintainSubscription]
    mailbox = world.storage.mailboxes.get(TENANT, AGENT)
    assert mailbox is not None
    assert mailbox.state.paused_at == NOW
    assert not world.storage.organisations.rows[TENANT].is_served
    world.storage.queue.sent.clear()
    world.verify_connections(TENANT)
    assert world.storage.organisations.rows[TENANT].state == "verified"
    assert [type(one) for one in world.storage.queue.commands] == [MaintainSubscription]


def test_verifying_takes_the_mailbox_that_is_named_from_then_on(world: Composed) -> None:
    with pytest.raises(WrongState, match="POST connect"):
        world.verify_connections(TENANT)
    world.ask_to_connect(ADMIN, "rbac", "room@contoso.example")
    world.probe.errors["read", "room@contoso.example"] = DENIED
    assert world.verify_connections(TENANT).connections[0].state == "scope_pending"
    assert world.verify_connections(TENANT, AGENT).connections[0].state == "verified"
    assert row(world).mailbox == AGENT


def test_a_probed_mailbox_that_does_not_exist_is_told_from_a_consent_that_is_slow(
    world: Composed,
) -> None:
    world.probe.named["nobody@contoso.example"] = None
    assert world.take_answer(granted(world, mailbox="nobody@contoso.example")).outcome == "no_access"
    assert "No user of this tenant" in row(world).detail
    assert world.verify_connections(TENANT, AGENT).connections[0].state == "verified"
    world.now = NOW + timedelta(hours=3)
    world.probe.named[AGENT] = None
    world.watch_connections()
    assert row(world).state == "verified"
    assert "No user of this tenant" in row(world).detail


def test_a_service_account_is_proved_with_a_mailbox_that_is_reached_over_it(world: Composed) -> None:
    ben = "ben@contoso.example"
    for number, address in enumerate((AGENT, ben)):
        ident = f"{number:032x}"
        world.storage.mailboxes.save(
            a_mailbox(mailbox_id=ident, address=address, connection="graph-delegated")
        )
    world.sign_ins.signed_in = SignedIn(TENANT, "oid-ann", AGENT, "sealed", (AGENT,))
    world.take_answer(granted(world, "agent"))
    world.sign_ins.signed_in = SignedIn(TENANT, "oid-crm", "crm@contoso.example", "sealed")
    world.probe.errors["read", ben] = DENIED
    assert world.take_answer(granted(world, "service_account", "")).outcome == "consent_pending"
