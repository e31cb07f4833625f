"""Connections and mailbox tests as JSON."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from shared.api.models.connections import (
    ConnectionModel,
    ConnectionsModel,
    ConnectLinkModel,
    TestModel,
    VerifiedModel,
)
from shared.domain.connections.connections import MEANINGS, SCOPES, MailConnection, overall
from shared.services.connections.connecting import Asked
from shared.services.connections.connection_care import Verified
from shared.services.connections.mailbox_tests import Tested


def connection(found: MailConnection, now: datetime) -> ConnectionModel:
    return ConnectionModel.model_validate(_connection(found, now))


def link(asked: Asked, now: datetime) -> ConnectLinkModel:
    return ConnectLinkModel.model_validate(
        {**_connection(asked.connection, now), "link": asked.link, "redirect_uri": asked.redirect_uri}
    )


def connections(found: Sequence[MailConnection], redirect_uri: str, now: datetime) -> ConnectionsModel:
    return ConnectionsModel.model_validate(_connections(found, redirect_uri, now))


def verified(found: Verified, redirect_uri: str, now: datetime) -> VerifiedModel:
    fields = _connections(found.connections, redirect_uri, now)
    return VerifiedModel.model_validate(
        {**fields, "not_opened": [test(tested) for tested in found.not_opened]}
    )


def test(found: Tested) -> TestModel:
    verdict = found.verdict
    return TestModel(
        address=found.address,
        # Texts in the domain; pydantic refuses a word that the model does not name.
        outcome=cast("Any", verdict.outcome),
        detail=verdict.sentence,
        primary_address=verdict.primary or None,
        purpose=verdict.purpose or None,
        send=cast("Any", verdict.send),
        send_detail=verdict.send_sentence,
        records=list(verdict.cards),
        at=found.at,
    )


def _connections(found: Sequence[MailConnection], redirect_uri: str, now: datetime) -> dict[str, Any]:
    state = overall(found, now)
    return {
        "state": state,
        "meaning": MEANINGS[state],
        "redirect_uri": redirect_uri,
        "connections": [connection(mail_connection, now) for mail_connection in found],
    }


def _connection(found: MailConnection, now: datetime) -> dict[str, Any]:
    state = found.shown_state(now)
    return {
        "connection": found.connection,
        "mode": found.mode,
        "state": state,
        "meaning": MEANINGS[state],
        "detail": found.detail,
        "mailbox": found.mailbox,
        "account": found.account,
        "permissions": list(SCOPES.get(found.mode, ())),
        "link_expires_at": found.link_expires_at,
        "consented_at": found.consented_at,
        "verified_at": found.verified_at,
        "checked_at": found.checked_at,
    }
