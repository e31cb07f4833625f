"""What the timers find: subscriptions to renew, lost ones, strays; and that their care is only ever queued."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from shared.domain.commands.commands import CompareSubscriptions, MaintainSubscription
from shared.domain.connections.subscriptions import LIFETIME, RENEW_BEFORE, SPREAD, compare
from shared.domain.errors import AccessDenied, Unavailable
from tests.builders import AGENT, MAILBOX_ID, NOW, TENANT, a_mailbox, a_subscription, an_organisation
from tests.composed import use_cases_over
from tests.fakes import FakePorts

ENDS = NOW + timedelta(days=6)


@dataclass
class Setting:
    """An organisation, its mailboxes, and Graph's list."""

    storage: FakePorts = field(default_factory=FakePorts)

    def __post_init__(self) -> None:
        self.source = self.storage.subscription_source
        self.storage.organisations.put(an_organisation())

    def mailbox(self, number: int = 1, *, stored: str | None = None, **changes: Any) -> str:
        """A mailbox; with `stored`, a row that names this subscription. Returns its id."""
        mailbox_id = f"{number:032x}"
        address = f"{number}@contoso.example"
        self.storage.mailboxes.save(a_mailbox(mailbox_id=mailbox_id, address=address, **changes))
        if stored is not None:
            row = a_subscription(mailbox_id=mailbox_id, subscription_id=stored, expires_at=ENDS)
            self.storage.subscriptions.put(TENANT, row)
        return mailbox_id

    def living(self, user: str) -> str:
        return self.source.add(TENANT, user, "state", ENDS).subscription_id

    def due(self, now: datetime = NOW) -> list[str]:
        use_cases_over(self.storage, lambda: now).queue_due_subscriptions()
        return [one.mailbox_id for one in self.storage.queue.take(MaintainSubscription)]

    def compare(self) -> dict[str, str]:
        """Events by mailbox id, as queued."""
        use_cases_over(self.storage).run_comparison(CompareSubscriptions(tenant_id=TENANT, first_at=NOW))
        return {one.mailbox_id: one.event for one in self.storage.queue.take(MaintainSubscription)}


@pytest.fixture
def setting() -> Setting:
    return Setting()


def test_renewal_is_due_well_before_the_end_and_not_earlier(setting: Setting) -> None:
    mailbox_id = setting.mailbox(stored="s-1")
    assert setting.due(ENDS - RENEW_BEFORE - SPREAD - timedelta(hours=1)) == []
    assert setting.due(ENDS - RENEW_BEFORE) == [mailbox_id]


def test_thousands_made_together_are_not_renewed_together() -> None:
    rows = [
        a_subscription(mailbox_id=f"{0:08x}{number * 2_654_435_761 % 2**32:08x}{0:016x}", expires_at=ENDS)
        for number in range(4_800)
    ]
    begin = ENDS - RENEW_BEFORE - SPREAD
    passes = [begin + timedelta(minutes=30 * number) for number in range(49)]
    due = [sum(one.is_due(moment) for one in rows) for moment in passes]
    most = max(after - before for before, after in pairwise(due))
    assert due[-1] == len(rows)
    assert most < 2 * len(rows) / 48


def test_a_fresh_subscription_lives_for_days_before_it_is_due() -> None:
    row = a_subscription(expires_at=NOW + LIFETIME)
    assert not row.is_due(NOW + timedelta(days=3))


@pytest.mark.parametrize(
    ("asked_at", "due"),
    [(None, True), (NOW - timedelta(minutes=11), True), (NOW - timedelta(minutes=9), False)],
)
def test_one_that_graph_never_answered_for_is_due_after_some_minutes(
    setting: Setting, asked_at: datetime | None, due: bool
) -> None:
    mailbox_id = setting.mailbox()
    row = a_subscription(mailbox_id=mailbox_id, subscription_id="", expires_at=None, asked_at=asked_at)
    setting.storage.subscriptions.put(TENANT, row)
    assert setting.due() == [mailbox_id] * due


def test_mailboxes_without_a_row_are_due_where_one_is_wanted(setting: Setting) -> None:
    wanted = [setting.mailbox(1), setting.mailbox(2, state="removing", enabled=False)]
    setting.mailbox(3, enabled=False)
    setting.mailbox(4, state="no_access")
    assert setting.due() == wanted
    setting.storage.organisations.change(an_organisation(enabled=False))
    assert setting.due() == []


def test_what_agrees_is_left_alone(setting: Setting) -> None:
    setting.mailbox(1, stored=setting.living("1@contoso.example"))
    setting.mailbox(2, user_id="oid-2", stored=setting.living("OID-2"))
    assert setting.compare() == {}
    assert setting.source.calls == ["living"]


def test_one_that_is_stored_and_does_not_live_is_lost(setting: Setting) -> None:
    mailbox_id = setting.mailbox(stored="vanished")
    assert setting.compare() == {mailbox_id: "lost"}


def test_one_that_lives_and_is_not_stored_is_a_stray_of_its_mailbox(setting: Setting) -> None:
    setting.living("1@contoso.example")
    mailbox_id = setting.mailbox(1, stored="")
    assert setting.compare() == {mailbox_id: "stray"}
    assert setting.source.calls == ["living"], "removed under the mailbox's lease, not here"


@pytest.mark.parametrize("changes", [{"enabled": False}, {"state": "no_access"}, {"state": "removing"}])
def test_a_mailbox_that_is_not_captured_has_none(setting: Setting, changes: dict[str, Any]) -> None:
    mailbox_id = setting.mailbox(1, stored=setting.living("1@contoso.example"), **changes)
    assert setting.compare() == {mailbox_id: "stray"}


def test_a_disabled_organisation_has_none(setting: Setting) -> None:
    mailbox_id = setting.mailbox(1, stored=setting.living("1@contoso.example"))
    setting.storage.organisations.change(an_organisation(enabled=False))
    assert setting.compare() == {mailbox_id: "stray"}


def test_one_that_is_nobodys_is_ended(setting: Setting) -> None:
    setting.living("removed@contoso.example")
    kept = setting.living("1@contoso.example")
    setting.mailbox(1, stored=kept)
    assert setting.compare() == {}
    assert set(setting.source.states) == {kept}


def test_without_consent_there_is_no_list_and_nothing_is_done(setting: Setting) -> None:
    setting.mailbox(stored="vanished")
    setting.source.errors["living"] = AccessDenied("no consent")
    assert setting.compare() == {}


def test_a_graph_that_is_down_is_asked_again(setting: Setting) -> None:
    setting.source.errors["living"] = Unavailable("down")
    with pytest.raises(Unavailable):
        setting.compare()


def test_every_organisation_is_compared(setting: Setting) -> None:
    other = "99999999-2222-4333-8444-555555555555"
    setting.storage.organisations.put(an_organisation(tenant_id=other, enabled=False))
    use_cases_over(setting.storage).queue_comparisons()
    assert {(one.tenant_id, one.mailbox_id) for one in setting.storage.queue.commands} == {
        (TENANT, ""),
        (other, ""),
    }


def test_a_mailbox_with_a_lost_one_and_a_stray_is_cared_for_once() -> None:
    mailbox = a_mailbox()
    stored = {MAILBOX_ID: a_subscription(subscription_id="lost")}
    found = compare({"stray": AGENT}, [mailbox], stored, enabled=True)
    assert (found.nobodys, found.events) == ((), {MAILBOX_ID: "stray"})
