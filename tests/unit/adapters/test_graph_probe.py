"""The probe: what it asks of Graph, and what it makes of a token."""

import json
from base64 import urlsafe_b64encode
from typing import Any
from urllib.parse import unquote

import pytest

from shared.adapters.graph.probe import GraphProbe
from shared.adapters.graph.session import GraphSession
from shared.domain.connections.mailbox_tests import Read
from tests.builders import AGENT, TENANT, a_mailbox
from tests.graph_transport import GRAPH, FakeGraph, Reply, session_with


def jwt_of(claims: dict[str, Any]) -> str:
    return f"e30.{urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.signature"


class Sessions:
    """One session for all."""

    def __init__(self, session: GraphSession) -> None:
        self.application = session

    def of(self, _mailbox: object) -> GraphSession:
        return self.application


class Token:
    def __init__(self, token: str) -> None:
        self._token = token

    def token(self, tenant_id: str) -> str:
        return self._token

    def forget(self, tenant_id: str) -> None:
        """Never refused here."""


def probe_over(graph: FakeGraph) -> GraphProbe:
    return GraphProbe(Sessions(session_with(graph)), None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("token", "granted"),
    [
        (jwt_of({"roles": ["Mail.Read", "Mail.Send"]}), {"Mail.Read", "Mail.Send"}),
        (jwt_of({"scp": "User.Read Mail.Read"}), {"User.Read", "Mail.Read"}),
        (jwt_of({"scp": f"{GRAPH}/Mail.Read"}), {"Mail.Read"}),
        (jwt_of({}), set()),
        ("opaque", set()),
        ("a.b.c", set()),
        (jwt_of([]), set()),  # type: ignore[arg-type]
    ],
)
def test_the_permissions_stand_in_the_token(token: str, granted: set[str]) -> None:
    sessions = Sessions(GraphSession(GRAPH, Token(token)))
    assert GraphProbe(sessions, None).granted(a_mailbox()) == granted  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("mails", "read"),
    [
        ([{"id": "x", "bodyPreview": "Hello"}], Read.DONE),
        ([{"id": "x", "bodyPreview": ""}], Read.DONE),
        ([{"id": "x"}], Read.HEADERS_ONLY),
        ([{"id": "x", "bodyPreview": None}], Read.HEADERS_ONLY),
        ([], Read.EMPTY),
    ],
)
def test_reading_asks_for_one_preview_and_no_more(mails: list[dict[str, object]], read: Read) -> None:
    graph = FakeGraph(Reply({"value": mails}))
    assert probe_over(graph).read(a_mailbox()) is read
    assert [(asked.method, unquote(asked.target)) for asked in graph.asked] == [
        ("GET", f"/v1.0/users/{AGENT}/mailFolders/inbox/messages?$select=id,bodyPreview&$top=1")
    ]


def test_a_group_is_found_by_any_of_its_addresses() -> None:
    graph = FakeGraph(Reply({"value": [{"displayName": "Sales"}]}), Reply({"value": []}))
    probe = probe_over(graph)
    assert [probe.group(a_mailbox()) for _ in range(2)] == ["Sales", ""]
    assert f"smtp:{AGENT}" in unquote(graph.asked[0].target)


def test_users_are_asked_for_by_their_ids_in_one_request() -> None:
    user = {"id": "oid-1", "mail": "Ann.Berg@Contoso.example", "proxyAddresses": ["smtp:ann@contoso.example"]}
    graph = FakeGraph(Reply({"value": [user]}))
    found = probe_over(graph).users(TENANT, ["oid-1", "oid-2"])
    assert list(found) == ["oid-1"]
    assert (found["oid-1"].address, found["oid-1"].aliases) == (
        "ann.berg@contoso.example",
        ("ann@contoso.example",),
    )
    assert len(graph.asked) == 1
    assert "id%20in%20('oid-1','oid-2')" in graph.asked[0].target


def test_a_purpose_is_exchanges_word() -> None:
    graph = FakeGraph(Reply({"value": "shared"}))
    assert probe_over(graph).purpose(a_mailbox()) == "shared"
