"""Mailboxes as JSON: their settings, their ETag and their state."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from shared.api.etags import etag_of
from shared.api.models.capture import ReconciliationModel
from shared.api.models.mailboxes import HandoverModel, HandoversModel, MailboxModel
from shared.api.shapes import capture, intake
from shared.domain.capture.backfills import Backfill
from shared.domain.capture.reconciliation import Reconciliation
from shared.domain.connections.handovers import Handover
from shared.domain.connections.mailbox_state import MailboxState
from shared.domain.connections.mailboxes import NOTHING, SETTINGS, Mailbox
from shared.domain.connections.setting_warnings import warnings_of


def mailbox(
    found: Mailbox, now: datetime, *, unreadable: int, history: Backfill | None = None
) -> MailboxModel:
    state = found.state
    return MailboxModel.model_validate(
        {
            "address": found.address,
            **_settings(found),
            "state": found.shown_state,
            "unreadable": unreadable,
            "connected_at": found.connected_at,
            "address_offered": state.address_offered or None,
            "lost_at": state.lost_at,
            "last_sync": state.last_sync_at,
            "last_error": state.last_error,
            "lag_seconds": _lag_seconds(state, now),
            "reconciliation": _reconciliation(state),
            "backfill": capture.backfill(history, now) if history else None,
            "notices_without_reader": None,
            "warnings": list(warnings_of(found)),
        }
    )


def handovers(found: Iterable[Handover]) -> HandoversModel:
    return HandoversModel(handovers=[_handover(handover) for handover in found])


def _handover(found: Handover) -> HandoverModel:
    return HandoverModel(at=found.at, by=found.by, former_agent=found.former, agent=found.agent)


def etag(found: Mailbox) -> str:
    """The ETag of the settings alone: capture changes the state every few minutes, which is no conflict."""
    return etag_of(json.dumps(_settings(found), sort_keys=True).encode())


def _settings(found: Mailbox) -> dict[str, Any]:
    settings = {name: getattr(found, name) for name in SETTINGS}
    return {
        **settings,
        "agents": intake.agents(found),
        "matched_to": found.matched_to or NOTHING,
        "backlog": found.backlog or NOTHING,
        "intake": intake.intake(found),
    }


def _reconciliation(state: MailboxState) -> ReconciliationModel | None:
    return capture.reconciliation(Reconciliation.from_json(state.reconciled)) if state.reconciled else None


def _lag_seconds(state: MailboxState, now: datetime) -> int | None:
    if state.last_sync_at is None:
        return None
    # Another instance's clock may be a little ahead of this one.
    return max(0, int((now - state.last_sync_at).total_seconds()))
