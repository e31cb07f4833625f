"""Access lost and regained: parked within one poll, told once, resumed without a gap."""

from datetime import timedelta
from typing import Any

import pytest

from shared.domain.commands.commands import MaintainSubscription, ReconcileMailbox, WakeMailbox
from shared.domain.commands.envelope import Command
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import (
    AccessDenied,
    MailboxUnavailable,
    Noted,
    NotFound,
    PermanentError,
    Rejected,
    Throttled,
    Unavailable,
)
from tests.builders import AGENT, NOW, TENANT, a_record
from tests.fakes import Killed
from tests.unit.services.world import World

LOSSES = [
    AccessDenied("Grant access.", "ErrorAccessDenied"),
    MailboxUnavailable("Check the licence.", "MailboxNotEnabledForRESTAPI"),
    NotFound("There is no such user.", "Request_ResourceNotFound"),
    AccessDenied("Consent is missing.", "AADSTS7000229"),
]


@pytest.fixture
def world() -> World:
    made = World()
    made.records(a_record())
    return made


def row(world: World) -> Mailbox:
    found = world.storage.mailboxes.by_id(TENANT, world.mailbox.mailbox_id)
    assert found is not None
    return found


def poll(world: World, *errors: PermanentError) -> None:
    """A walk that Graph refuses with these, if any."""
    world.mail.fail("folders", *errors)
    if not errors:
        world.walk()
        return
    with pytest.raises(PermanentError):
        world.walk()


def lose(world: World, error: PermanentError = LOSSES[0]) -> None:
    poll(world, error, error)
    world.mail.calls.clear()


def queued(world: World) -> list[type[Command]]:
    return [type(one) for one in world.storage.queue.commands]


def said(caplog: pytest.LogCaptureFixture, name: str) -> int:
    return caplog.text.count(f'"{name}"')


@pytest.mark.parametrize("error", LOSSES, ids=lambda one: str(one.code))
def test_a_loss_parks_the_mailbox_at_the_first_poll_and_says_what_to_do(
    world: World, error: PermanentError
) -> None:
    world.mail.fail("folders", error, error)
    with pytest.raises(Noted):
        world.walk()
    found = row(world)
    assert (found.state.name, found.state.last_error, found.state.lost_at) == ("no_access", str(error), NOW)
    assert queued(world) == [MaintainSubscription]


def test_the_admin_is_told_once_however_long_it_lasts(world: World, caplog: pytest.LogCaptureFixture) -> None:
    lose(world)
    for minutes in (10, 20, 30):
        world.now = NOW + timedelta(minutes=minutes)
        with pytest.raises(Noted):
            poll_refused(world)
    assert said(caplog, "access_lost") == 1
    assert row(world).state.lost_at == NOW
    assert queued(world) == [MaintainSubscription]


def poll_refused(world: World) -> None:
    world.mail.fail("folders", LOSSES[0])
    world.walk()


def test_a_parked_mailbox_costs_one_request_a_poll(world: World) -> None:
    lose(world)
    with pytest.raises(Noted):
        poll_refused(world)
    assert world.mail.calls == {"folders": 1}


@pytest.mark.parametrize("first", [[], [LOSSES[0]]], ids=["at once", "while making sure"])
def test_an_outage_never_parks(world: World, first: list[Any]) -> None:
    world.mail.fail("folders", *first, Unavailable("down"))
    with pytest.raises(Unavailable):
        world.walk()
    assert row(world).state.name == "new"
    assert queued(world) == []


@pytest.mark.parametrize("first", [[], [LOSSES[0]]], ids=["at once", "while making sure"])
def test_a_wait_that_graph_asks_for_never_parks(world: World, first: list[Any]) -> None:
    world.mail.fail("folders", *first, Throttled("slow down", 5))
    world.walk()
    assert row(world).state.name == "new"
    assert [waiting.kind for waiting in world.worklist()] == ["SyncMailbox"]
    assert [type(command) for command in world.storage.queue.commands] == [WakeMailbox]


def test_one_refusal_that_does_not_repeat_is_no_loss(world: World) -> None:
    world.mail.fail("folders", LOSSES[0])
    with pytest.raises(AccessDenied):
        world.walk()
    assert row(world).state.name == "failing"
    world.walk()
    assert row(world).state.name == "ok"


def test_ingest_notices_a_loss_too(world: World) -> None:
    item = world.deliver()
    world.mail.failing[item] = LOSSES[0]
    world.mail.fail("folders", LOSSES[0])
    with pytest.raises(Noted):
        world.notify(item)
    assert row(world).state.name == "no_access"
    assert world.storage.exceptions.rows == {}


def test_a_single_mail_that_is_refused_is_no_loss(world: World) -> None:
    ids = [world.deliver(message_id=f"{number}@fabrikam.example") for number in range(2)]
    world.mail.failing[ids[0]] = LOSSES[0]
    world.notify(*ids)
    assert row(world).state.name == "new"
    assert len(world.timeline()) == 1
    with pytest.raises(AccessDenied):
        world.notify(ids[0])
    assert row(world).state.name == "new"


def test_several_who_notice_at_once_tell_once(world: World, caplog: pytest.LogCaptureFixture) -> None:
    item = world.deliver()
    world.mail.failing[item] = LOSSES[0]
    by_id = world.storage.mailboxes.by_id
    stale = row(world)
    lose(world)
    answers = iter([stale, stale])
    world.storage.mailboxes.by_id = lambda *place: next(answers, None) or by_id(*place)  # type: ignore[method-assign]
    world.mail.fail("folders", LOSSES[0])
    with pytest.raises(Noted):
        world.notify(item)
    world.notify(item)
    assert said(caplog, "access_lost") == 1


def test_notifications_for_a_parked_mailbox_are_dropped_without_a_request(world: World) -> None:
    lose(world)
    world.notify(world.deliver())
    assert world.mail.calls == {}
    assert world.storage.exceptions.rows == {}


def test_when_access_returns_capture_resumes_from_a_day_before_the_loss(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.walk()
    world.now = NOW + timedelta(days=3)
    lose(world)
    world.storage.queue.sent.clear()
    item = world.deliver()
    world.now = NOW + timedelta(days=5)
    for _ in range(2):
        world.walk()
    found = row(world)
    assert (found.state.name, found.state.last_error, found.state.lost_at) == ("ok", "", None)
    assert said(caplog, "access_returned") == 1
    maintained = [one for one in world.storage.queue.commands if isinstance(one, MaintainSubscription)]
    reconciled = [one for one in world.storage.queue.commands if isinstance(one, ReconcileMailbox)]
    assert [one.mailbox_id for one in maintained] == [found.mailbox_id]
    assert [one.since for one in reconciled] == [NOW + timedelta(days=2)]
    assert world.outcome(item) == ("filed", "contact_address"), "the walk itself goes on from its cursor"


def test_what_the_walk_finds_that_proves_access_is_not_dropped(world: World) -> None:
    """Access is noted before the mails that the walk has found are taken up."""
    world.walk()
    lose(world)
    item = world.deliver()
    world.walk()
    assert world.outcome(item)[0] == "filed"


def test_a_mailbox_that_loses_access_in_its_first_day_is_looked_through_from_its_window_on(
    world: World,
) -> None:
    lose(world)
    world.storage.queue.sent.clear()
    world.walk()
    [reconciled] = [one for one in world.storage.queue.commands if isinstance(one, ReconcileMailbox)]
    assert reconciled.since == world.mailbox.captures_from(24)


def test_a_worker_killed_while_resuming_leaves_it_to_the_next(world: World) -> None:
    lose(world)
    world.storage.faults.named["Mailboxes.change"] = Killed()
    with pytest.raises(Killed):
        world.walk()
    assert row(world).state.name == "no_access"
    world.storage.faults.named.clear()
    world.walk()
    assert row(world).state.name == "ok"


def test_a_paused_mailbox_does_not_resume_by_a_walk_that_did_nothing(world: World) -> None:
    lose(world)
    world.rewrite(enabled=False)
    world.walk()
    assert row(world).state.name == "no_access"
    assert row(world).shown_state == "paused"


def test_a_walk_that_fails_otherwise_shows_and_is_recorded_once(world: World) -> None:
    error = Rejected("Entra ID refuses this application's credential.", "AADSTS7000215")
    world.mail.fail("folders", error, error)
    with pytest.raises(Rejected):
        world.walk()
    with pytest.raises(Noted):
        world.walk()
    state = row(world).state
    assert (state.name, state.last_error, state.lost_at) == ("failing", str(error), None)
    world.mail.fail("folders", Rejected("Something else."))
    with pytest.raises(Rejected):
        world.walk()
    world.walk()
    assert (row(world).state.name, row(world).state.last_error) == ("ok", "")


def test_a_folder_that_may_not_be_read_is_a_failure_and_no_loss(world: World) -> None:
    world.mail.fail("changes", LOSSES[0])
    with pytest.raises(AccessDenied):
        world.walk()
    assert row(world).state.name == "failing"


def test_a_folder_deleted_during_the_walk_is_passed_over(world: World) -> None:
    item = world.deliver(AGENT, "archive")
    world.mail.fail("changes", NotFound("gone", "ErrorItemNotFound"))
    world.walk()
    assert row(world).state.name == "ok"
    assert item in world.storage.sightings.all(world.mailbox)
