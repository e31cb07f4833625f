"""Walks and backfills on demand over HTTP, and what a mailbox says of its last reconciliation."""

from datetime import timedelta
from typing import Any

import pytest

from shared.domain.capture.reconciliation import Reconciliation
from shared.domain.commands.commands import BackfillMailbox, ReconcileMailbox, SyncMailbox
from tests.builders import AGENT, NOW, a_fetched_message, a_mailbox, a_sighting, rewrite
from tests.fakes import FakeStorage
from tests.unit.api.tokens import Issuer
from tests.unit.api.wiring import Api

SYNC = f"mailboxes/{AGENT}/sync"
BACKFILL = f"mailboxes/{AGENT}/backfill"
SINCE = {"since": "2025-09-01T00:00:00Z"}


def test_a_sync_walks_and_then_compares(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    assert api.post(SYNC, issuer.user("Admin")).status_code == 202
    assert [type(one) for one in storage.queue.commands] == [SyncMailbox, ReconcileMailbox]
    assert [delay for _, delay in storage.queue.sent] == [0.0, 5.0]


def test_an_agent_may_sync_the_own_mailbox_only(api: Api, issuer: Issuer) -> None:
    assert api.post(SYNC, issuer.user("Agent")).status_code == 202
    other = issuer.user("Agent", preferred_username="other@contoso.example")
    assert api.post(SYNC, other).status_code == 404


def test_a_paused_mailbox_is_not_synced(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    rewrite(storage.mailboxes, a_mailbox(), enabled=False)
    answer = api.post(SYNC, issuer.user("Admin"))
    assert (answer.status_code, "paused" in answer.json()["detail"]) == (409, True)
    assert storage.queue.commands == []


def test_a_mailbox_shows_its_last_reconciliation(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    path, token = f"mailboxes/{AGENT}", issuer.user("Admin")
    assert api.get(path, token).json()["reconciliation"] is None
    rows = [a_sighting(outcome="filed"), a_sighting(outcome="skipped", reason="staff_only")]
    counted = Reconciliation(NOW, NOW - timedelta(days=2)).counting(rows, repaired=1)
    rewrite(storage.mailboxes, a_mailbox(), reconciled=counted.to_json())
    assert api.get(path, token).json()["reconciliation"] == {
        "at": "2026-03-02T09:00:00Z",
        "from": "2026-02-28T09:00:00Z",
        "seen": 2,
        "filed": 1,
        "triaged": 0,
        "waiting": 0,
        "skipped": [{"reason": "staff_only", "count": 1}],
        "repaired": 1,
    }


def test_a_backfill_is_started_once_and_shown(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    token = issuer.user("Admin")
    answer = api.post(BACKFILL, token, json=SINCE)
    shown = {
        "since": "2025-09-01T00:00:00Z",
        "state": "running",
        "done": 0,
        "expected": 0,
        "rate_per_minute": 0.0,
        "started_at": "2026-03-02T09:00:00Z",
        "finished_at": None,
    }
    assert (answer.status_code, answer.json()) == (202, shown)
    assert [type(one) for one in storage.queue.commands] == [BackfillMailbox]
    again = api.post(BACKFILL, token, json=SINCE)
    assert (again.status_code, "is running" in again.json()["detail"]) == (409, True)
    assert api.get(f"mailboxes/{AGENT}", token).json()["backfill"] == shown
    assert api.get("mailboxes", token).json()["mailboxes"][0]["backfill"] is None


def test_a_cancelled_backfill_says_so(api: Api, issuer: Issuer) -> None:
    token = issuer.user("Admin")
    assert api.delete(BACKFILL, token).status_code == 204
    api.post(BACKFILL, token, json=SINCE)
    assert api.delete(BACKFILL, token).status_code == 204
    shown = api.get(f"mailboxes/{AGENT}", token).json()["backfill"]
    assert (shown["state"], shown["finished_at"]) == ("cancelled", "2026-03-02T09:00:00Z")
    assert api.post(BACKFILL, token, json=SINCE).status_code == 202


@pytest.mark.parametrize("since", ["2025-09-01T00:00:00", "2025-09-01", "2025-09-01T02:00:00+02:00"])
def test_a_time_without_a_zone_is_utc(api: Api, issuer: Issuer, since: str) -> None:
    answer = api.post(BACKFILL, issuer.user("Admin"), json={"since": since})
    assert (answer.status_code, answer.json()["since"]) == (202, "2025-09-01T00:00:00Z")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"since": "last year"},
        {"since": 0},
        {"since": "0"},
        {"since": "1969-12-31T23:00:00Z"},
        {"since": "9999-12-31T23:59:59-14:00"},
        {"since": None},
        {"since": "2999-01-01T00:00:00Z"},
        {**SINCE, "until": "2026-01-01T00:00:00Z"},
    ],
)
def test_a_backfill_wants_a_time_in_the_past(
    api: Api, issuer: Issuer, storage: FakeStorage, body: dict[str, Any]
) -> None:
    answer = api.post(BACKFILL, issuer.user("Admin"), json=body)
    assert answer.status_code == 422
    assert storage.queue.commands == []


def test_only_an_admin_backfills(api: Api, issuer: Issuer) -> None:
    assert api.post(BACKFILL, issuer.user("Agent"), json=SINCE).status_code == 403
    assert api.delete(BACKFILL, issuer.user("Agent")).status_code == 403
    unknown = "mailboxes/nobody@contoso.example/backfill"
    assert api.post(unknown, issuer.user("Admin"), json=SINCE).status_code == 404


def test_a_preview_says_what_would_be_kept_and_stores_nothing(api: Api, issuer: Issuer) -> None:
    api.mail.add_mailbox("new@contoso.example")
    api.mail.deliver("new@contoso.example", a_fetched_message(message_id="1@adatum.example"))
    answer = api.post(
        "mailboxes/new@contoso.example/preview?since=2026-01-01T00:00:00Z",
        issuer.user("Admin"),
        json={"capture": "everything"},
    )
    assert answer.status_code == 200
    [mail] = answer.json()["mails"]
    assert (mail["capture"], mail["outcome"], mail["subject"]) == ("everything", "triage", None)
    assert mail["sentence"] == (
        "Kept, because its mailbox captures everything. "
        "It would wait in My Inbox, because no open record goes with it."
    )
    assert api.get("mailboxes/new@contoso.example", issuer.user("Admin")).status_code == 404
