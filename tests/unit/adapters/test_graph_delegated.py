"""People's tokens: cached, rotated under the row's ETag, and lost in a sentence; and whose session a mailbox gets."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from shared.adapters.graph.delegated import DelegatedTokens, Sessions
from shared.adapters.graph.sign_ins import Refreshed
from shared.domain.connections.connections import MailConnection
from shared.domain.errors import AccessDenied
from tests.builders import TENANT, a_mailbox
from tests.fakes import FakeConnections
from tests.graph_transport import FakeGraph, Reply, session_with

KEY = (TENANT, "graph-delegated")


@dataclass
class FakeEntra:
    """Takes the newest refresh token only; `meanwhile` runs while a request is open."""

    newest: str = "r0"
    number: int = 0
    lifetime: float = 3600.0
    meanwhile: Any = None
    refused: list[str] = field(default_factory=list)

    def refresh(self, connection: MailConnection) -> Refreshed:
        if self.meanwhile is not None:
            run, self.meanwhile = self.meanwhile, None
            run()
        if connection.token != self.newest:
            self.refused.append(connection.token)
            raise AccessDenied("The sign-in was withdrawn.", "AADSTS70000")
        self.number += 1
        self.newest = f"r{self.number}"
        return Refreshed(f"access-{self.number}", self.lifetime, self.newest)


@dataclass
class Setting:
    connections: FakeConnections = field(default_factory=FakeConnections)
    entra: FakeEntra = field(default_factory=FakeEntra)
    now: float = 0.0

    def __post_init__(self) -> None:
        row = MailConnection(TENANT, "graph-delegated", "service_account", token="r0", user_id="oid")
        self.connections.put(row)
        self.tokens = self.process()

    def process(self) -> DelegatedTokens:
        return DelegatedTokens(self.connections, self.entra, lambda: self.now)  # type: ignore[arg-type]

    @property
    def row(self) -> MailConnection:
        found = self.connections.get(*KEY)
        assert found is not None
        return found


def test_a_token_is_asked_for_once_and_again_before_it_runs_out() -> None:
    setting = Setting()
    assert [setting.tokens.token(KEY) for _ in range(3)] == ["access-1"] * 3
    setting.now = 3600 - 119
    assert setting.tokens.token(KEY) == "access-2"


def test_the_newest_refresh_token_is_kept() -> None:
    setting = Setting()
    setting.tokens.token(KEY)
    assert setting.row.token == "r1"
    setting.tokens.forget(KEY)
    assert setting.tokens.token(KEY) == "access-2"
    assert setting.entra.refused == []


def test_who_comes_second_goes_on_with_what_the_first_has_kept() -> None:
    setting = Setting()
    other = setting.process()
    setting.entra.meanwhile = lambda: other.token(KEY)
    assert setting.tokens.token(KEY) == "access-2"
    assert setting.entra.refused == ["r0"]
    assert setting.row.token == "r2"


def test_a_change_of_state_meanwhile_does_not_lose_the_token() -> None:
    setting = Setting()
    setting.entra.meanwhile = lambda: setting.connections.put(replace(setting.row, state="verified"))
    setting.tokens.token(KEY)
    assert (setting.row.token, setting.row.state) == ("r1", "verified")


def test_somebody_elses_sign_in_meanwhile_is_not_overwritten() -> None:
    setting = Setting()
    fresh = {"token": "theirs", "user_id": "oid-2"}
    setting.entra.meanwhile = lambda: setting.connections.put(replace(setting.row, **fresh))
    setting.tokens.token(KEY)
    assert (setting.row.token, setting.row.user_id) == ("theirs", "oid-2")


def test_a_sign_in_that_was_withdrawn_is_denied() -> None:
    setting = Setting()
    setting.entra.newest = "revoked"
    with pytest.raises(AccessDenied, match="withdrawn"):
        setting.tokens.token(KEY)


@pytest.mark.parametrize("token", ["", None])
def test_without_a_sign_in_access_is_denied_with_what_to_do(token: str | None) -> None:
    setting = Setting()
    if token is None:
        setting.connections.delete(*KEY)
    else:
        setting.connections.put(replace(setting.row, token=token))
    with pytest.raises(AccessDenied, match="POST connect"):
        setting.tokens.token(KEY)


def test_a_mailbox_is_asked_for_with_its_own_connections_token() -> None:
    setting = Setting()
    graph = FakeGraph(Reply({"value": []}))
    sessions = Sessions(session_with(graph), setting.tokens, setting.connections, lambda: setting.now)
    for mailbox in (a_mailbox(), a_mailbox(connection="graph-delegated")):
        sessions.of(mailbox).get(TENANT, "/users")
    assert [one.headers["Authorization"] for one in graph.asked] == [f"Bearer {TENANT}-1", "Bearer access-1"]


def test_a_refused_token_of_a_person_is_followed_by_a_new_one() -> None:
    setting = Setting()
    graph = FakeGraph(Reply(status=401), Reply({"value": []}))
    sessions = Sessions(session_with(graph), setting.tokens, setting.connections, lambda: setting.now)
    sessions.of(a_mailbox(connection="graph-delegated")).get(TENANT, "/users")
    assert [one.headers["Authorization"] for one in graph.asked] == ["Bearer access-1", "Bearer access-2"]


def test_who_signed_in_is_looked_up_again_when_asked_and_after_a_minute() -> None:
    setting = Setting()
    setting.connections.delete(*KEY)
    sessions = Sessions(
        session_with(FakeGraph(Reply({}))), setting.tokens, setting.connections, lambda: setting.now
    )
    mailbox = a_mailbox(connection="graph-delegated")
    with pytest.raises(AccessDenied, match="POST connect"):
        sessions.of(mailbox)
    row = MailConnection(TENANT, "graph-delegated", "service_account", token="r0")
    setting.connections.put(row)
    assert sessions.of(mailbox) is not sessions.application
    setting.connections.delete(*KEY)
    assert sessions.of(mailbox) is not None
    sessions.renew(mailbox)
    with pytest.raises(AccessDenied):
        sessions.of(mailbox)
