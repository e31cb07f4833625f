"""Connections and mailbox tests as JSON."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from shared.api.models.connections import (
    ConnectionModel,
    ConnectionsModel,
    ConnectLinkModel,
    HabitModel,
    TestModel,
    VerifiedModel,
)
from shared.domain.connections.connections import MEANINGS, SCOPES, MailConnection, overall
from shared.domain.connections.habits import Habit, Learnt, Shown, shown
from shared.services.connections.connecting import Asked
from shared.services.connections.connection_care import Verified
from shared.services.connections.mailbox_tests import Tested


def connection(found: MailConnection, now: datetime) -> ConnectionModel:
    return ConnectionModel.model_validate(_connection(found, now))


def link(asked: Asked, missing: str, now: datetime) -> ConnectLinkModel:
    """`missing` says what has to be done besides."""
    fields = _connection(asked.connection, now)
    meaning = f"{fields['meaning']} {missing}".rstrip()
    return ConnectLinkModel.model_validate(
        {**fields, "meaning": meaning, "link": asked.link, "redirect_uri": asked.redirect_uri}
    )


def connections(
    found: Sequence[MailConnection], known: Mapping[Habit, Learnt], redirect_uri: str, now: datetime
) -> ConnectionsModel:
    fields = _connections(found, redirect_uri, now)
    return ConnectionsModel.model_validate({**fields, "habits": _habits(known)})


def own(found: Sequence[MailConnection], missing: str, redirect_uri: str, now: datetime) -> ConnectionsModel:
    """Of an agent; `missing` says what has to be done besides."""
    fields = _connections(found, redirect_uri, now)
    meaning = f"{fields['meaning']} {missing}".rstrip()
    return ConnectionsModel.model_validate({**fields, "meaning": meaning, "habits": []})


def verified(
    found: Verified, known: Mapping[Habit, Learnt], redirect_uri: str, now: datetime
) -> VerifiedModel:
    fields = _connections(found.connections, redirect_uri, now)
    not_opened = [test(tested) for tested in found.not_opened]
    return VerifiedModel.model_validate({**fields, "habits": _habits(known), "not_opened": not_opened})


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
        habits=[] if found.habits is None else _habits(found.habits),
        at=found.at,
    )


def _habits(known: Mapping[Habit, Learnt]) -> list[HabitModel]:
    return list(map(_habit, shown(known)))


def _habit(found: Shown) -> HabitModel:
    return HabitModel(
        name=cast("Any", found.habit.value), holds=found.holds, detail=found.sentence, at=found.at
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
