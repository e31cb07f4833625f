"""Subscriptions: made before the first walk, kept under one clientState, ended with the mailbox."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.domain.commands.commands import MaintainSubscription, ReconcileMailbox, SyncMailbox
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.connections.subscriptions import (
    LIFETIME,
    MAX_CLIENT_STATE,
    Action,
    mailbox_of,
    next_action,
)
from shared.domain.errors import AccessDenied, Conflict, Rejected, Unavailable
from shared.ports.directory import DirectoryUser
from tests.builders import (
    AGENT,
    MAILBOX_ID,
    NOW,
    TENANT,
    a_mailbox,
    a_subscription,
    an_organisation,
    mailbox_with,
    rewrite,
)
from tests.composed import use_cases_over
from tests.fakes import FakePorts, Killed
from tests.fakes.mail import FakeMail


@dataclass
class Setting:
    """A mailbox, its directory entry and Graph."""

    storage: FakePorts = field(default_factory=FakePorts)

    def __post_init__(self) -> None:
        self.mail, self.source = self.storage.mail, self.storage.subscription_source
        self.storage.organisations.put(an_organisation())
        self.storage.mailboxes.save(a_mailbox())
        self.mail.add_mailbox(AGENT, user_id="oid-1", aliases=("sales@contoso.example",))

    def maintain(self, event: str = "", now: datetime = NOW) -> None:
        maintain = use_cases_over(self.storage, lambda: now).take_turn
        maintain(MaintainSubscription(tenant_id=TENANT, mailbox_id=MAILBOX_ID, first_at=now, event=event))

    def subscribed(self, **changes: Any) -> None:
        """One that is stored and lives."""
        state = f"{MAILBOX_ID}.secret"
        made = self.source.add(TENANT, AGENT, state, changes.pop("expires_at", NOW + timedelta(days=6)))
        row = a_subscription(
            client_state=state, subscription_id=made.subscription_id, expires_at=made.expires_at, **changes
        )
        self.storage.subscriptions.put(TENANT, row)

    def rewrite(self, **changes: Any) -> None:
        rewrite(self.storage.mailboxes, self.mailbox, **changes)

    @property
    def row(self) -> Any:
        return self.storage.subscriptions.get(TENANT, MAILBOX_ID)

    @property
    def mailbox(self) -> Any:
        return self.storage.mailboxes.by_id(TENANT, MAILBOX_ID)


@pytest.fixture
def setting() -> Setting:
    return Setting()


def test_a_new_mailbox_is_subscribed_and_then_walked(setting: Setting) -> None:
    setting.maintain()
    assert setting.source.states == {setting.row.subscription_id: setting.row.client_state}
    assert setting.row.expires_at == NOW + LIFETIME
    assert [type(one) for one in setting.storage.queue.commands] == [SyncMailbox]


def test_the_client_state_is_stored_before_graph_is_asked(setting: Setting) -> None:
    seen: list[Any] = []
    setting.source.on_create = lambda: seen.append(setting.row)
    setting.maintain()
    [row] = seen
    assert (row.client_state, row.subscription_id) == (setting.row.client_state, "")


def test_the_client_state_names_its_mailbox_and_cannot_be_guessed(setting: Setting) -> None:
    setting.maintain()
    first = setting.row.client_state
    assert mailbox_of(first) == MAILBOX_ID
    assert len(MAILBOX_ID) + 40 < len(first) <= MAX_CLIENT_STATE
    setting.maintain("subscriptionRemoved")
    assert setting.row.client_state != first


def test_asking_again_changes_nothing(setting: Setting) -> None:
    setting.maintain()
    setting.storage.queue.sent.clear()
    setting.maintain()
    assert setting.source.calls == ["create"]
    assert setting.storage.queue.sent == []


def test_object_ids_and_aliases_are_learnt_and_become_staff(setting: Setting) -> None:
    setting.maintain()
    assert (setting.mailbox.user_id, setting.mailbox.agent_id) == ("oid-1", "oid-1")
    assert setting.mailbox.aliases == ("sales@contoso.example",)
    known = setting.storage.index.addresses(TENANT, [AGENT, "sales@contoso.example", "x@contoso.example"])
    assert [one.is_staff for one in known.values()] == [True, True, False]


def test_the_id_of_a_former_agent_is_not_written_back(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up = setting.mail.user

    def handed_over_meanwhile(mailbox: Mailbox) -> DirectoryUser:
        found = look_up(mailbox)
        setting.storage.mailboxes.save(setting.mailbox.handed_over("next@contoso.example"))
        return found

    monkeypatch.setattr(FakeMail, "user", lambda _, mailbox: handed_over_meanwhile(mailbox))
    with pytest.raises(Conflict):
        setting.maintain()
    assert (setting.mailbox.agent, setting.mailbox.agent_id) == ("next@contoso.example", "")


def test_a_closed_directory_does_not_stop_capture(setting: Setting) -> None:
    setting.mail.fail("user", AccessDenied("no directory permission"))
    setting.maintain()
    assert setting.mailbox.user_id == ""
    assert setting.source.calls == ["create"]


def test_a_refused_subscription_leaves_the_mailbox_to_polling_and_says_why(setting: Setting) -> None:
    setting.source.errors["create"] = Rejected("the notification URL is not reachable", "ValidationError")
    setting.maintain()
    assert (setting.mailbox.state.name, setting.mailbox.state.last_error) == (
        "polling",
        "the notification URL is not reachable",
    )
    assert [type(one) for one in setting.storage.queue.commands] == [SyncMailbox]


def test_a_graph_that_is_down_is_tried_again(setting: Setting) -> None:
    setting.source.errors["create"] = Unavailable("down")
    with pytest.raises(Unavailable):
        setting.maintain()
    setting.source.errors.clear()
    setting.maintain()
    assert setting.source.states == {setting.row.subscription_id: setting.row.client_state}


def test_a_reauthorization_is_one_renewal(setting: Setting) -> None:
    setting.subscribed()
    setting.maintain("reauthorizationRequired")
    assert setting.source.calls == ["renew"]
    assert setting.row.expires_at == NOW + LIFETIME


def test_a_subscription_that_is_gone_is_made_anew(setting: Setting) -> None:
    setting.subscribed()
    setting.source.forget(setting.row.subscription_id)
    setting.maintain("reauthorizationRequired")
    assert setting.source.calls == ["renew", "create"]
    assert setting.row.subscription_id in setting.source.states


def test_missed_notifications_lead_to_a_walk(setting: Setting) -> None:
    setting.subscribed()
    setting.maintain("missed")
    assert setting.source.calls == []
    assert [type(one) for one in setting.storage.queue.commands] == [SyncMailbox]


@pytest.mark.parametrize("pause", ["mailbox", "organisation"])
def test_a_pause_ends_the_subscription(setting: Setting, pause: str) -> None:
    setting.subscribed()
    if pause == "mailbox":
        setting.rewrite(enabled=False)
    else:
        setting.storage.organisations.change(an_organisation(enabled=False))
    setting.maintain()
    assert (setting.source.states, setting.row) == ({}, None)
    assert setting.storage.queue.sent == []


def test_a_removed_mailbox_is_forgotten_but_for_its_timelines(setting: Setting) -> None:
    setting.maintain()
    setting.rewrite(enabled=False, state="removing")
    setting.maintain()
    assert (setting.source.states, setting.row, setting.mailbox) == ({}, None, None)
    assert not setting.storage.index.addresses(TENANT, [AGENT])[AGENT].is_staff


def test_a_mailbox_that_is_connected_again_meanwhile_stays(setting: Setting) -> None:
    setting.rewrite(enabled=False, state="removing")
    setting.storage.faults.named.clear()
    held = setting.storage.mailboxes.by_id
    reads: list[int] = []

    def revived(tenant_id: str, mailbox_id: str) -> Mailbox | None:
        reads.append(1)
        found = held(tenant_id, mailbox_id)
        return mailbox_with(found, state="new", enabled=True) if found and len(reads) > 1 else found

    setting.storage.mailboxes.by_id = revived  # type: ignore[method-assign]
    setting.maintain()
    assert (TENANT, MAILBOX_ID) in setting.storage.mailboxes.rows


def test_a_renewal_that_graph_refuses_is_told_once_and_leaves_the_mailbox_to_polling(
    setting: Setting, caplog: pytest.LogCaptureFixture
) -> None:
    setting.subscribed(expires_at=NOW + timedelta(hours=1))
    setting.source.errors["renew"] = AccessDenied("refused", "ExtensionError")
    for _ in range(3):
        setting.maintain()
    assert (setting.mailbox.state.name, setting.mailbox.state.last_error) == ("polling", "refused")
    assert caplog.text.count("subscription_refused") == 1
    setting.source.errors.clear()
    setting.maintain()
    assert (setting.mailbox.state.name, setting.row.expires_at) == ("ok", NOW + LIFETIME)


def test_a_kill_before_graphs_answer_leaves_a_stray_that_is_removed(setting: Setting) -> None:
    def die() -> None:
        raise Killed("while the answer is on the way")

    setting.source.after_create = die
    with pytest.raises(Killed):
        setting.maintain()
    assert setting.row.subscription_id == ""
    stray = set(setting.source.states)
    setting.source.after_create = lambda: None
    setting.maintain("stray")
    assert setting.source.states == {setting.row.subscription_id: setting.row.client_state}
    assert not stray & set(setting.source.states)


def test_care_for_strays_leaves_the_stored_one_and_other_mailboxes_alone(setting: Setting) -> None:
    setting.subscribed()
    for user in ("other@contoso.example", "OID-1", AGENT):
        setting.source.add(TENANT, user, "unknown", NOW + timedelta(days=1))
    setting.maintain("stray")
    users = sorted(one.user for _, one in setting.source.rows.values())
    assert users == [AGENT, "other@contoso.example"]
    assert setting.row.subscription_id in setting.source.states
    assert "create" not in setting.source.calls


def test_a_stored_one_that_is_lost_is_made_anew_when_strays_are_cared_for(setting: Setting) -> None:
    setting.subscribed()
    setting.source.forget(setting.row.subscription_id)
    setting.maintain("stray")
    assert setting.source.states == {setting.row.subscription_id: setting.row.client_state}


def test_a_pause_is_dated_and_resuming_asks_for_what_was_missed(setting: Setting) -> None:
    setting.maintain()
    setting.rewrite(enabled=False)
    paused = NOW + timedelta(days=2)
    setting.maintain(now=paused)
    setting.maintain(now=paused + timedelta(days=2))
    assert setting.mailbox.state.paused_at == paused
    setting.rewrite(enabled=True)
    setting.storage.queue.sent.clear()
    for _ in range(2):
        setting.maintain(now=paused + timedelta(days=4))
    walk, reconciliation = setting.storage.queue.commands
    assert isinstance(walk, SyncMailbox)
    assert isinstance(reconciliation, ReconcileMailbox)
    assert reconciliation.since == paused - timedelta(days=1)
    assert setting.mailbox.state.paused_at is None
    assert setting.source.states == {setting.row.subscription_id: setting.row.client_state}


def test_a_resumed_mailbox_that_is_killed_before_it_has_asked_asks_again(setting: Setting) -> None:
    setting.subscribed()
    setting.rewrite(paused_at=NOW - timedelta(days=3))
    setting.storage.faults.named["CommandQueue.send"] = Killed()
    with pytest.raises(Killed):
        setting.maintain()
    setting.storage.faults.named.clear()
    setting.maintain()
    assert [type(one) for one in setting.storage.queue.commands] == [SyncMailbox, ReconcileMailbox]


def test_a_mailbox_without_access_ends_its_subscription_as_far_as_it_can(setting: Setting) -> None:
    setting.subscribed()
    setting.rewrite(state="no_access")
    setting.source.errors["end"] = AccessDenied("no consent")
    setting.mail.calls.clear()
    setting.maintain()
    assert setting.row is None
    setting.maintain("reauthorizationRequired")
    assert setting.source.calls == ["end"]
    assert setting.storage.queue.sent == []
    assert setting.mail.calls == {}


@pytest.mark.parametrize(
    ("row", "wanted", "event", "action"),
    [
        (None, True, "", Action.CREATE),
        (None, False, "", Action.NOTHING),
        (a_subscription(subscription_id=""), True, "", Action.CREATE),
        (a_subscription(), True, "", Action.NOTHING),
        (a_subscription(expires_at=NOW), True, "", Action.CREATE),
        (a_subscription(expires_at=NOW + timedelta(hours=47)), True, "", Action.RENEW),
        (a_subscription(), True, "subscriptionRemoved", Action.CREATE),
        (a_subscription(), True, "reauthorizationRequired", Action.RENEW),
        (a_subscription(), True, "missed", Action.NOTHING),
        (a_subscription(), False, "missed", Action.END),
        (a_subscription(subscription_id=""), False, "", Action.END),
        (a_subscription(), True, "lost", Action.RENEW),
    ],
)
def test_what_is_to_be_done_follows_from_what_stands(
    row: Any, wanted: bool, event: str, action: Action
) -> None:
    assert next_action(row, wanted=wanted, event=event, now=NOW) is action


def test_a_mailbox_over_somebodys_sign_in_is_walked_and_never_subscribed_to() -> None:
    setting = Setting()
    setting.storage.mailboxes.save(replace(setting.mailbox, connection="graph-delegated"))
    setting.maintain()
    assert "create" not in setting.source.calls
    assert (setting.mailbox.state.name, setting.mailbox.state.last_error) == ("polling", "")
    assert [type(one) for one in setting.storage.queue.commands] == [SyncMailbox]
    setting.maintain()
    assert len(setting.storage.queue.commands) == 1


def test_a_mailbox_that_moves_to_a_sign_in_loses_its_subscription() -> None:
    setting = Setting()
    setting.subscribed()
    setting.storage.mailboxes.save(replace(setting.mailbox, connection="graph-delegated"))
    setting.maintain()
    assert setting.source.rows == {}
    assert setting.row is None


def test_a_disconnected_organisation_has_no_subscription_and_dates_the_pause() -> None:
    setting = Setting()
    setting.subscribed()
    setting.storage.organisations.change(an_organisation(connection="disconnected"))
    setting.maintain()
    assert setting.source.rows == {}
    assert setting.mailbox.state.paused_at == NOW
