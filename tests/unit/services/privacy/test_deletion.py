"""Taking an organisation away: nothing of it is left, whatever crashes, and what names it later does nothing."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.commands.commands import (
    ApplyRetention,
    BackfillMailbox,
    DeleteOrganisation,
    ErasePerson,
    FileMessage,
    IngestMessages,
    JoinLateContacts,
    ReconcileMailbox,
    RematchMessages,
    SyncMailbox,
)
from shared.domain.commands.envelope import Command
from shared.domain.errors import AccessDenied, Forbidden, InvalidInput, Unknown, WrongState
from shared.domain.privacy.callers import ADMIN, AGENT, OPERATOR, Caller
from shared.domain.privacy.erasure import deleted_organisation
from tests.builders import (
    CONTACT,
    HASH_KEY,
    KEY,
    NOW,
    TENANT,
    a_failure,
    a_record,
    a_subscription,
    an_attachment,
    an_item,
    an_organisation,
)
from tests.fakes import Killed
from tests.unit.services.world import World

OTHER = "0f0e0d0c-0b0a-4908-8706-050403020100"
OPERATOR_APP = Caller(TENANT, frozenset({OPERATOR}), client_id="operator", app_only=True)
HASHED = deleted_organisation(HASH_KEY, TENANT)


def a_world() -> World:
    """An organisation with all sorts of rows, a subscription at Graph, and another organisation beside it."""
    world = World()
    world.records(a_record(client="F"), a_record("client/F", domains=(), name="Fabrikam"))
    world.storage.organisations.put(an_organisation(tenant_id=OTHER))
    world.storage.records.put_many(OTHER, [a_record()])
    attachments = (an_attachment(source_id="A"),)
    world.notify(
        world.deliver(subject="One", message_id="1@x", attachments=attachments, contents={"A": b"x"}),
        world.deliver(subject="Two", message_id="2@x", sender="sam@adatum.example"),
    )
    world.work()
    made = world.subscription_source.add(TENANT, "agent", "state", NOW)
    world.subscription_source.add(OTHER, "agent", "state", NOW)
    world.storage.subscriptions.put(TENANT, a_subscription(subscription_id=made.subscription_id))
    world.storage.exceptions.record(a_failure())
    world.ask_erasure(TENANT, "li@fabrikam.example", "admin")
    world.storage.index.put_staff(TENANT, world.mailbox.mailbox_id, [CONTACT])
    world.storage.faults.clear()
    return world


def left(world: World) -> str:
    """All rows that stand under the tenant, in whatever table."""
    storage = world.storage
    keyed = (
        storage.organisations.rows,
        storage.mailboxes.rows,
        storage.folder_states.rows,
        storage.backfills.rows,
        storage.subscriptions.rows,
        storage.records.rows,
        storage.messages.rows,
        storage.messages.conversations,
        storage.codes.rows,
        storage.codes.forged,
        storage.sightings.rows,
        storage.timeline.rows,
        storage.inbox.rows,
        storage.inbox.pending,
        storage.audit.rows,
        storage.attachments.rows,
        storage.exceptions.rows,
        storage.late_contacts.rows,
        storage.late_contacts.asked,
        storage.erasures.rows,
    )
    found = [key for rows in keyed for key in rows if TENANT in repr(key)]
    found += [one for one in (*storage.index.taught, *storage.index.staff) if TENANT in repr(one)]
    return repr(found)


def delete(world: World, caller: Caller = OPERATOR_APP) -> None:
    world.ask_deletion(caller, TENANT)
    world.work()


def test_nothing_is_left_but_a_keyed_hash_and_when() -> None:
    world = a_world()
    assert left(world).count(TENANT) > 12
    delete(world)
    assert left(world) == "[]"
    assert TENANT not in repr(world.storage.erasures.deletions)
    [row] = world.storage.erasures.deletions.values()
    assert (row.organisation, row.at, row.done_at) == (HASHED, NOW, NOW)


def test_another_organisation_is_not_touched() -> None:
    world = a_world()
    delete(world)
    assert [tenant for tenant, _ in world.storage.records.rows] == [OTHER]
    assert list(world.storage.organisations.rows) == [OTHER]
    assert [tenant for tenant, _ in world.subscription_source.rows.values()] == [OTHER]


def test_its_subscriptions_are_ended_and_a_refusal_does_not_stop_the_rest() -> None:
    world = a_world()
    world.subscription_source.errors.update(end=AccessDenied("no"), living=AccessDenied("no"))
    delete(world)
    assert "end" in world.subscription_source.calls
    assert left(world) == "[]"


def test_nobody_is_served_from_the_moment_it_is_asked_for() -> None:
    world = a_world()
    world.ask_deletion(OPERATOR_APP, TENANT)
    row = world.storage.organisations.rows[TENANT]
    assert (row.enabled, row.state) == (False, "deleting")
    with pytest.raises(WrongState, match="is being deleted"):
        world.put_organisation(OPERATOR_APP, {"enabled": True})


@pytest.mark.parametrize("roles", [{ADMIN}, {OPERATOR}])
def test_an_admin_of_the_tenant_or_the_operator_may(roles: set[str]) -> None:
    world = a_world()
    delete(world, replace(OPERATOR_APP, roles=frozenset(roles)))
    assert left(world) == "[]"


def test_others_may_not_and_it_must_be_named() -> None:
    world = a_world()
    with pytest.raises(Forbidden):
        world.ask_deletion(replace(OPERATOR_APP, roles=frozenset({AGENT})), TENANT)
    for wrong in ("", OTHER, "yes"):
        with pytest.raises(InvalidInput, match="must be its tenant id"):
            world.ask_deletion(OPERATOR_APP, wrong)
    assert world.storage.faults.writes == []


def test_asked_again_it_tells_from_when_it_is_gone() -> None:
    world = a_world()
    delete(world)
    world.now += timedelta(days=1)
    again = world.ask_deletion(OPERATOR_APP, TENANT).deletion
    assert (again.at, again.done_at) == (NOW, NOW)
    assert world.storage.queue.sent == []


def test_what_was_never_there_cannot_be_deleted() -> None:
    stranger = replace(OPERATOR_APP, tenant_id="99999999-2222-4333-8444-555555555555")
    with pytest.raises(Unknown):
        a_world().ask_deletion(stranger, stranger.tenant_id)


def commands(mailbox_id: str) -> list[Command]:
    named = {"tenant_id": TENANT, "mailbox_id": mailbox_id, "first_at": NOW}
    return [
        SyncMailbox(**named),
        IngestMessages(**named, items=(an_item("AAk-1"),)),
        ReconcileMailbox(**named),
        BackfillMailbox(**named),
        JoinLateContacts(tenant_id=TENANT, first_at=NOW),
        RematchMessages(tenant_id=TENANT, first_at=NOW, run="r"),
        FileMessage(tenant_id=TENANT, first_at=NOW, key=KEY),
        ErasePerson(tenant_id=TENANT, first_at=NOW, run="r"),
        ApplyRetention(tenant_id=TENANT, first_at=NOW, before=NOW),
        DeleteOrganisation(tenant_id=TENANT, first_at=NOW),
    ]


@pytest.mark.parametrize("number", range(10))
def test_a_command_that_names_the_tenant_later_leaves_nothing(number: int) -> None:
    world = a_world()
    delete(world)
    world.run(commands(world.mailbox.mailbox_id)[number])
    world.work()
    assert left(world) == "[]"


def test_a_late_page_does_not_touch_a_tenant_that_was_let_in_anew() -> None:
    world = a_world()
    delete(world)
    world.storage.organisations.put(an_organisation())
    world.records(a_record())
    world.run(DeleteOrganisation(tenant_id=TENANT, first_at=NOW, step="Records", turn=1))
    assert (TENANT, a_record().ref) in world.storage.records.rows
    assert world.storage.queue.sent == []


def test_what_a_worker_wrote_meanwhile_is_caught_by_the_second_turn() -> None:
    world = a_world()
    world.ask_deletion(OPERATOR_APP, TENANT)
    while world.storage.queue.sent:
        command, delay = world.storage.queue.sent.pop(0)
        if delay:
            world.storage.records.put_many(TENANT, [a_record("contact/late")])
        world.run(command)
    assert left(world) == "[]"


def test_a_deletion_whose_command_was_lost_is_taken_up_by_night() -> None:
    world = a_world()
    world.ask_deletion(OPERATOR_APP, TENANT)
    world.storage.queue.sent.clear()
    world.queue_retention()
    assert world.storage.queue.sent == []
    world.now += timedelta(hours=7)
    world.queue_retention()
    world.work()
    assert left(world) == "[]"


def work_through(world: World) -> int:
    killed = 0
    while world.storage.queue.sent:
        command, delay = world.storage.queue.sent.pop(0)
        try:
            world.run(command)
        except Killed:
            killed += 1
            world.storage.queue.sent.insert(0, (command, delay))
    return killed


def writes_of_a_whole_run() -> int:
    world = a_world()
    delete(world)
    return len(world.storage.faults.writes)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", range(1, writes_of_a_whole_run() + 1))
def test_a_worker_killed_at_any_write_leaves_what_running_again_finishes(number: int, after: bool) -> None:
    world = a_world()
    faults = world.storage.faults
    (faults.kill_after if after else faults.kill_before)(number)
    killed = 0
    try:
        world.ask_deletion(OPERATOR_APP, TENANT)
    except Killed:
        killed = 1
        world.ask_deletion(OPERATOR_APP, TENANT)
    assert killed + work_through(world) == 1
    assert left(world) == "[]"
    [row] = world.storage.erasures.deletions.values()
    assert row.done_at == NOW
