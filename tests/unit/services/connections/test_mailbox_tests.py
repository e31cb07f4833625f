"""The mailbox test over fakes: what is asked in which order, and what adding a mailbox makes of the answer."""

from datetime import timedelta

import pytest

from shared.domain.connections.fields import Fields
from shared.domain.connections.habits import Habit, Learnt
from shared.domain.connections.mailbox_tests import Read
from shared.domain.errors import (
    AccessDenied,
    InvalidInput,
    MailboxUnavailable,
    NotFound,
    Rejected,
    Unavailable,
    Unknown,
)
from shared.domain.intake.settings import Intake
from shared.domain.privacy.callers import Caller
from shared.ports.directory import DirectoryUser
from tests.builders import AGENT, CONTACT, NOW, TENANT, a_mailbox, a_record, an_organisation
from tests.composed import Composed

ADMIN = Caller(TENANT, frozenset(("Admin",)), "oid-admin", "admin@contoso.example")
ANN = Caller(TENANT, frozenset(("Agent",)), "oid-ann", AGENT)
DENIED = AccessDenied("no", "ErrorAccessDenied")
BODY = {"kind": "personal", "agent": AGENT}


@pytest.fixture
def world() -> Composed:
    made = Composed()
    made.storage.organisations.put(an_organisation())
    return made


def outcome(world: Composed, address: str = AGENT) -> str:
    return world.test_mailbox(ADMIN, address, {}).verdict.outcome


def test_a_test_asks_with_a_fresh_token(world: Composed) -> None:
    assert outcome(world) == "ok"
    assert world.probe.calls == ["renew", "granted", "user", "read", "purpose", "habits"]


def test_adding_asks_with_the_token_at_hand_and_with_a_fresh_one_before_it_refuses(
    world: Composed,
) -> None:
    world.put_mailbox(ADMIN, AGENT, BODY)
    assert "renew" not in world.probe.calls
    world.probe.errors["read"] = DENIED
    with pytest.raises(InvalidInput, match="management scope"):
        world.put_mailbox(ADMIN, "ben@contoso.example", BODY)
    assert world.probe.calls.count("renew") == 1


def test_what_is_wrong_with_the_deployment_is_not_told_as_a_missing_consent(world: Composed) -> None:
    world.probe.errors["granted"] = Rejected("The operator must renew the secret.", "AADSTS7000222")
    verdict = world.test_mailbox(ADMIN, AGENT, {}).verdict
    sentence = (
        "The operator must renew the secret. Nothing has to be done in your tenant; test again when the operator "
        "has mended it."
    )
    assert (verdict.outcome, verdict.sentence) == ("deployment", sentence)
    with pytest.raises(InvalidInput, match="must renew the secret"):
        world.put_mailbox(ADMIN, AGENT, BODY)


def test_a_right_to_headers_alone_is_no_right_to_read(world: Composed) -> None:
    world.probe.roles = frozenset(("Mail.ReadBasic.All", "User.Read.All"))
    world.probe.inbox = Read.HEADERS_ONLY
    assert outcome(world) == "no_bodies"
    with pytest.raises(InvalidInput, match=r"the right Mail\.Read is missing"):
        world.put_mailbox(ADMIN, "ben@contoso.example", BODY)
    assert world.probe.calls.count("renew") == 2


def test_a_change_that_the_test_is_not_about_asks_nothing(world: Composed) -> None:
    world.storage.mailboxes.save(a_mailbox())
    world.probe.errors["granted"] = DENIED
    mailbox, *_ = world.put_mailbox(ADMIN, AGENT, {"enabled": False})
    assert not mailbox.enabled
    assert world.probe.calls == []
    with pytest.raises(InvalidInput, match="Nobody is signed in"):
        world.put_mailbox(ADMIN, AGENT, {"connection": "graph-delegated"})


def test_a_mailbox_that_could_not_be_tested_is_saved_and_tested_later(world: Composed) -> None:
    world.probe.errors["user"] = Unavailable("down")
    mailbox, created, _ = world.put_mailbox(ADMIN, AGENT, BODY)
    assert (created, mailbox.state.untested) == (True, True)
    world.watch_connections()
    assert world.storage.mailboxes.get(TENANT, AGENT).state.untested  # type: ignore[union-attr]
    world.probe.errors.clear()
    world.watch_connections()
    assert not world.storage.mailboxes.get(TENANT, AGENT).state.untested  # type: ignore[union-attr]


def test_a_directory_that_may_not_be_read_is_no_obstacle(world: Composed) -> None:
    world.probe.errors["user"] = DENIED
    assert outcome(world) == "ok"
    world.probe.errors["read"] = NotFound("no", "ResourceNotFound")
    assert outcome(world) == "no_user"


def test_a_group_is_only_looked_for_where_there_is_no_user(world: Composed) -> None:
    world.probe.named["sales@contoso.example"] = None
    world.probe.groups["sales@contoso.example"] = "Sales"
    assert outcome(world, "sales@contoso.example") == "group"
    assert outcome(world) == "ok"
    assert world.probe.calls.count("group") == 1
    world.probe.errors["group"] = DENIED
    assert outcome(world, "sales@contoso.example") == "no_user"


@pytest.mark.parametrize("error", [MailboxUnavailable("none", "MailboxNotEnabledForRESTAPI"), NotFound("no")])
def test_a_user_whose_mailbox_cannot_be_had_has_none(world: Composed, error: Exception) -> None:
    world.probe.errors["read"] = error  # type: ignore[assignment]
    assert outcome(world) == "no_mailbox"


def test_a_purpose_that_may_not_be_asked_for_is_unknown(world: Composed) -> None:
    world.probe.errors["purpose"] = Rejected("no")
    tested = world.test_mailbox(ADMIN, AGENT, {})
    assert (tested.verdict.outcome, tested.verdict.purpose) == ("ok", "")


def test_cards_are_looked_for_under_every_address_of_the_user(world: Composed) -> None:
    world.probe.named[AGENT] = DirectoryUser("oid-1", AGENT, (CONTACT,))
    world.storage.records.put_many(TENANT, [a_record(), a_record("client/CL-1", addresses=(CONTACT,))])
    tested = world.test_mailbox(ADMIN, AGENT, {})
    assert (tested.verdict.outcome, tested.verdict.cards) == ("on_contact_card", ("contact/C-1",))


def test_an_agent_tests_the_own_address_saved_or_not(world: Composed) -> None:
    assert world.test_mailbox(ANN, AGENT, {}).verdict.outcome == "ok"
    with pytest.raises(Unknown):
        world.test_mailbox(ANN, "ben@contoso.example", {})
    world.storage.mailboxes.save(a_mailbox())
    world.storage.mailboxes.save(a_mailbox(mailbox_id="ab" * 16, address="ben@contoso.example"))
    assert [one.address for one in world.test_mailboxes(ANN, limit=9, after="")[0]] == [AGENT]


def test_one_mailbox_that_does_not_answer_leaves_the_page_whole(world: Composed) -> None:
    world.storage.mailboxes.save(a_mailbox())
    world.storage.mailboxes.save(a_mailbox(mailbox_id="ab" * 16, address="ben@contoso.example"))
    world.probe.errors["read", AGENT] = Unavailable("down")
    results, after = world.test_mailboxes(ADMIN, limit=9, after="")
    assert [one.verdict.outcome for one in results] == ["unreachable", "ok"]
    assert after == ""
    assert world.probe.calls.count("renew") == 1


def test_a_mailbox_is_left_alone_while_graph_has_asked_for_that(world: Composed) -> None:
    world.storage.mailboxes.save(a_mailbox(blocked_until=NOW + timedelta(seconds=1)))
    assert outcome(world) == "unreachable"
    assert world.probe.calls == []
    world.now = NOW + timedelta(seconds=1)
    assert outcome(world) == "ok"


def test_a_removed_mailbox_is_tested_as_a_new_one(world: Composed) -> None:
    world.storage.mailboxes.save(a_mailbox(state="removing", user_id="oid-gone"))
    world.probe.named["oid-gone"] = None
    assert outcome(world) == "ok"


def test_new_addresses_are_offered_and_withdrawn(world: Composed) -> None:
    world.storage.mailboxes.save(a_mailbox(user_id="oid-1"))
    world.storage.mailboxes.save(a_mailbox(mailbox_id="ab" * 16, address="ben@contoso.example"))

    def offered() -> str:
        world.notice_addresses()
        found = world.storage.mailboxes.get(TENANT, AGENT)
        assert found is not None
        return found.state.address_offered

    world.probe.named["oid-1"] = DirectoryUser("oid-1", "new@contoso.example")
    assert offered() == "new@contoso.example"
    world.probe.errors["users"] = DENIED
    assert offered() == "new@contoso.example"
    world.probe.errors.clear()
    world.probe.named["oid-1"] = DirectoryUser("oid-1", AGENT)
    assert offered() == ""


def test_addresses_are_asked_for_fifteen_at_a_time(world: Composed) -> None:
    for number in range(31):
        ident = f"{number:032x}"
        world.storage.mailboxes.save(
            a_mailbox(mailbox_id=ident, address=f"a{number}@contoso.example", user_id=f"oid-{number}")
        )
    world.notice_addresses()
    assert world.probe.calls == ["users"] * 3


def test_a_taken_over_address_keeps_the_mailbox_and_its_agent(world: Composed) -> None:
    before = world.storage.mailboxes.save(a_mailbox(user_id="oid-1", agent_id="oid-ann", state="ok"))
    new = "ann.berg@letting.example"
    world.probe.named[new] = DirectoryUser("oid-1", new, (AGENT, "old@contoso.example"))
    moved = world.take_over_address(ANN, AGENT, new)
    assert (moved.mailbox_id, moved.agent, moved.state.name) == (before.mailbox_id, AGENT, "ok")
    assert (moved.address, moved.aliases) == (new, (AGENT, "old@contoso.example"))
    known = world.storage.index.addresses(TENANT, [new, AGENT])
    assert all(one.is_staff for one in known.values())
    assert "letting.example" in world.storage.organisations.rows[TENANT].own_domains


def test_an_agent_without_an_object_id_keeps_the_mailbox_under_its_new_name() -> None:
    mailbox = a_mailbox(agent=AGENT).readdressed("ann.berg@contoso.example", ())
    renamed = Caller(TENANT, frozenset(("Agent",)), "oid-ann", "ann.berg@contoso.example")
    assert renamed.owns(mailbox)
    assert not renamed.owns(a_mailbox(address="ann.berg@contoso.example", agent=AGENT))


def test_the_verdict_carries_its_time(world: Composed) -> None:
    assert world.test_mailbox(ADMIN, AGENT, {}).at == NOW


def test_an_admin_s_test_keeps_what_it_learns_of_the_provider_for_the_tenant(world: Composed) -> None:
    world.probe.shows = {Habit.MAIL_WITH_ATTACHMENTS: True, Habit.CHANGES_WITH_PROPERTIES: False}
    learnt = {
        habit: Learnt(habit, holds, NOW) for habit, holds in world.probe.shows.items() if holds is not None
    }
    assert world.test_mailbox(ADMIN, AGENT, {}).habits == learnt
    assert world.storage.habits.of(TENANT) == learnt
    assert world.show_connections.habits(TENANT) == learnt


def test_what_a_mailbox_cannot_tell_stays_as_another_one_told_it(world: Composed) -> None:
    before = Learnt(Habit.LISTS_WITH_WHOLE_TEXTS, holds=True, at=NOW - timedelta(days=9))
    world.storage.habits.put(TENANT, [before])
    world.probe.shows = {Habit.LISTS_WITH_WHOLE_TEXTS: None}
    assert world.test_mailbox(ADMIN, AGENT, {}).habits == {before.habit: before}


def test_an_agent_s_test_and_a_page_of_tests_try_nothing_of_the_provider(world: Composed) -> None:
    world.storage.mailboxes.save(a_mailbox())
    assert world.test_mailbox(ANN, AGENT, {}).habits is None
    [tested] = world.test_mailboxes(ADMIN, limit=1, after="")[0]
    assert tested.habits is None
    assert "habits" not in world.probe.calls


def test_a_mailbox_that_cannot_be_read_is_not_tried_on(world: Composed) -> None:
    world.probe.errors["read"] = DENIED
    assert world.test_mailbox(ADMIN, AGENT, {}).habits is None
    assert "habits" not in world.probe.calls


def test_addresses_of_routes_that_nobody_has_are_told_where_the_directory_is_open(world: Composed) -> None:
    routes = [{"to": f"{name}@contoso.example"} for name in ("repairs", "team", "repiars")]
    intake = Intake().changed(Fields({"routes": routes}))
    mailbox = a_mailbox(address="desk@contoso.example", kind="intake", intake=intake)
    world.probe.named["desk@contoso.example"] = DirectoryUser(
        "desk", "desk@contoso.example", ("repairs@contoso.example",)
    )
    world.probe.groups["team@contoso.example"] = "Team"
    verdict = world.test_mailbox.of(mailbox).verdict
    assert (verdict.outcome, verdict.is_refused) == ("stray_routes", False)
    assert "repiars@contoso.example is no alias" in verdict.sentence
    world.probe.errors["group"] = DENIED
    assert world.test_mailbox.of(mailbox).verdict.outcome == "ok"
