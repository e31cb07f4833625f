"""An agent signs in, and the own mailbox is captured without an admin, where the organisation lets agents do so."""

from dataclasses import replace

import pytest

from shared.domain.commands.commands import MaintainSubscription, SyncMailbox
from shared.domain.connections.mailboxes import GRAPH_DELEGATED, Mailbox
from shared.domain.errors import AccessDenied, Unavailable
from shared.domain.privacy.callers import Caller
from shared.ports.credentials import SignedIn
from tests.builders import AGENT, TENANT, a_mailbox, an_organisation
from tests.composed import Composed
from tests.unit.services.connections.test_connecting import ANN, granted, row

BEN = Caller(TENANT, frozenset(("Agent",)), "oid-ben", "ben@contoso.example")


@pytest.fixture
def world() -> Composed:
    made = Composed()
    made.storage.organisations.put(an_organisation(self_service=True))
    made.sign_ins.signed_in = SignedIn(TENANT, ANN.oid, AGENT, "sealed", (AGENT,))
    made.storage.faults.clear()
    return made


def forbid(world: Composed) -> None:
    organisation = world.storage.organisations.get(TENANT)
    assert organisation is not None
    world.storage.organisations.put(replace(organisation, self_service=False))


def saved(world: Composed) -> Mailbox | None:
    return world.storage.mailboxes.get(TENANT, AGENT)


def test_an_agents_sign_in_has_the_own_mailbox_captured(world: Composed) -> None:
    notice = world.take_answer(granted(world, "agent"))
    assert (notice.outcome, notice.done) == ("mailbox_added", True)
    mailbox = saved(world)
    assert mailbox is not None
    assert (mailbox.kind, mailbox.agent, mailbox.connection) == ("personal", AGENT, GRAPH_DELEGATED)
    assert any(isinstance(command, MaintainSubscription) for command, _ in world.storage.queue.sent)
    [told] = [one for one in world.storage.audit.rows.values() if one.what == "self_service_mailbox"]
    assert told.by == ANN.oid


def test_without_that_setting_the_page_and_the_answers_say_who_must_add_it(world: Composed) -> None:
    forbid(world)
    notice = world.take_answer(granted(world, "agent"))
    assert notice.outcome == "admin_adds_mailbox"
    assert "an admin of your organisation has to add it" in notice.text
    assert saved(world) is None
    assert "an admin of your organisation adds it" in world.show_own.missing(ANN)


def test_nothing_is_missing_where_the_sign_in_adds_it_or_it_stands(world: Composed) -> None:
    assert world.show_own.missing(ANN) == ""
    forbid(world)
    world.storage.mailboxes.save(a_mailbox(address=AGENT, agent=AGENT))
    assert world.show_own.missing(ANN) == ""


def test_a_mailbox_that_stands_is_left_as_it_is(world: Composed) -> None:
    standing = world.storage.mailboxes.save(a_mailbox(address=AGENT, agent=AGENT, poll_minutes=7))
    assert world.take_answer(granted(world, "agent")).outcome == "verified"
    assert saved(world) == standing


def test_a_service_accounts_sign_in_adds_no_mailbox(world: Composed) -> None:
    assert world.take_answer(granted(world, "service_account")).outcome == "verified"
    assert saved(world) is None


def test_another_persons_sign_in_adds_nothing(world: Composed) -> None:
    world.sign_ins.signed_in = SignedIn(TENANT, BEN.oid, BEN.address, "sealed", (BEN.address,))
    assert world.take_answer(granted(world, "agent")).outcome == "wrong_account"
    assert saved(world) is None
    assert world.storage.mailboxes.get(TENANT, BEN.address) is None


def test_a_mailbox_that_cannot_be_read_is_not_added(world: Composed) -> None:
    world.probe.errors["read"] = AccessDenied("no", "ErrorAccessDenied")
    assert world.take_answer(granted(world, "agent")).outcome in ("no_access", "consent_pending")
    assert saved(world) is None


def test_where_microsoft_365_does_not_answer_it_is_added_and_tested_later(world: Composed) -> None:
    world.probe.errors["read"] = Unavailable("down")
    assert world.take_answer(granted(world, "agent")).outcome == "mailbox_added"
    mailbox = saved(world)
    assert mailbox is not None
    assert mailbox.state.untested


def test_an_agent_sees_the_own_connection_and_no_other(world: Composed) -> None:
    world.take_answer(granted(world, "agent"))
    world.take_answer(granted(world))
    assert [found.mailbox for found in world.show_own(ANN)] == [AGENT]
    assert world.show_own(BEN) == ()
    assert world.show_own(replace(ANN, app_only=True)) == ()


def test_a_sign_in_of_who_had_the_address_before_is_not_the_agents(world: Composed) -> None:
    world.take_answer(granted(world, "agent"))
    assert world.show_own(replace(ANN, oid="oid-of-a-namesake")) == ()


def test_an_agent_ends_the_own_connection_and_no_other(world: Composed) -> None:
    world.take_answer(granted(world, "agent"))
    world.take_answer(granted(world))
    world.end_own(BEN)
    assert row(world, f"agent:{AGENT}").token == "sealed"
    world.end_own(ANN)
    world.end_own(ANN)
    ended = row(world, f"agent:{AGENT}")
    assert (ended.state, ended.token, ended.user_id) == ("disconnected", "", "")
    assert row(world).state == "verified"
    organisation = world.storage.organisations.get(TENANT)
    assert organisation is not None
    assert organisation.is_served
    assert saved(world) is not None, "what was captured stays"
    assert any(isinstance(command, SyncMailbox) for command, _ in world.storage.queue.sent)


def test_an_agent_who_signs_in_again_goes_on_where_the_connection_ended(world: Composed) -> None:
    world.take_answer(granted(world, "agent"))
    before = saved(world)
    world.end_own(ANN)
    assert world.take_answer(granted(world, "agent")).outcome == "verified"
    after = saved(world)
    assert before is not None
    assert after is not None
    assert after.mailbox_id == before.mailbox_id
