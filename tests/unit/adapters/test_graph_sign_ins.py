"""Links and sign-ins: what they ask for, and what is kept sealed under which key. msal's HTTP is a function."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from shared.adapters.graph.sign_ins import EntraSignIns, Registration
from shared.adapters.graph.tokens import ClientSecret
from shared.adapters.secrets.sealing import Sealer
from shared.domain.connections.connections import MailConnection, connection_id
from shared.domain.errors import AccessDenied, Unavailable
from tests.builders import TENANT

AUTHORITY, GRAPH = "https://login.contoso.example", "https://graph.contoso.example"
OLD, NEW = b"o" * 32, b"n" * 32
DISCOVERY = {
    "issuer": f"{AUTHORITY}/{TENANT}/v2.0",
    "authorization_endpoint": f"{AUTHORITY}/{TENANT}/oauth2/v2.0/authorize",
    "token_endpoint": f"{AUTHORITY}/{TENANT}/oauth2/v2.0/token",
}


@pytest.fixture
def entra(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, object], list[str]]:
    """Makes Entra answer every token request like this; returns the forms that were sent."""

    def install(status: int, body: object) -> list[str]:
        sent: list[str] = []

        def send(_: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
            response = requests.Response()
            is_token = request.method == "POST"
            if is_token:
                sent.append(str(request.body))
            response.status_code = status if is_token else 200
            response._content = json.dumps(body if is_token else DISCOVERY).encode()
            return response

        monkeypatch.setattr(requests.Session, "send", send)
        return sent

    return install


def sign_ins(*keys: bytes) -> EntraSignIns:
    registration = Registration(
        AUTHORITY, GRAPH, "client-1", ClientSecret("not-a-secret"), "https://app.contoso.example"
    )
    return EntraSignIns(registration, Sealer(keys or (NEW,)))


def a_connection(mode: str, **changes: Any) -> MailConnection:
    return MailConnection(TENANT, connection_id(mode), mode, **changes)


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


@pytest.mark.parametrize(
    ("mode", "scope"), [("admin_consent", f"{GRAPH}/.default"), ("rbac", "openid profile")]
)
def test_a_consent_link_asks_the_tenant_itself_and_rbac_grants_nothing(mode: str, scope: str) -> None:
    link = sign_ins().link(a_connection(mode), "state-1")
    assert link.url.startswith(f"{AUTHORITY}/{TENANT}/v2.0/adminconsent?")
    assert query_of(link.url) == {
        "client_id": "client-1",
        "scope": scope,
        "redirect_uri": "https://app.contoso.example/api/v1/connect/callback",
        "state": "state-1",
    }
    assert link.flow == ""


def test_a_sign_in_link_carries_a_challenge_and_its_verifier_is_kept_sealed(entra: Any) -> None:
    entra(200, {})
    connection = a_connection("service_account")
    link = sign_ins().link(connection, "state-1")
    asked = query_of(link.url)
    assert (asked["state"], asked["code_challenge_method"]) == ("state-1", "S256")
    assert f"{GRAPH}/Mail.ReadWrite.Shared" in asked["scope"].split()
    assert "offline_access" in asked["scope"].split()
    flow = json.loads(Sealer([NEW]).open(link.flow, f"{TENANT}|graph-delegated"))
    assert flow["code_verifier"]
    assert flow["code_verifier"] not in link.flow


def test_a_refreshed_token_is_sealed_anew_under_the_newest_key(entra: Any) -> None:
    tokens = {"access_token": "a", "refresh_token": "r2", "expires_in": 3600, "token_type": "Bearer"}
    sent = entra(200, tokens)
    about = f"{TENANT}|graph-delegated"
    connection = a_connection("service_account", token=Sealer([OLD]).seal("r1", about))
    refreshed = sign_ins(NEW, OLD).refresh(connection)
    assert "refresh_token=r1" in sent[0]
    assert (refreshed.access_token, refreshed.lifetime) == ("a", 3600.0)
    assert Sealer([NEW]).open(refreshed.token, about) == "r2"


@pytest.mark.parametrize("code", [50173, 700082, 70000, 50076])
def test_a_sign_in_that_has_ended_is_denied_in_a_sentence(entra: Any, code: int) -> None:
    entra(400, {"error": "invalid_grant", "error_description": f"AADSTS{code}: no.", "error_codes": [code]})
    connection = a_connection("service_account", token=Sealer([NEW]).seal("r1", f"{TENANT}|graph-delegated"))
    with pytest.raises(AccessDenied, match="sign in again") as raised:
        sign_ins().refresh(connection)
    assert raised.value.code == f"AADSTS{code}"


def test_an_entra_that_is_down_may_be_asked_again(entra: Any) -> None:
    entra(503, {})
    connection = a_connection("service_account", token=Sealer([NEW]).seal("r1", f"{TENANT}|graph-delegated"))
    with pytest.raises(Unavailable):
        sign_ins().refresh(connection)


def test_another_rows_flow_redeems_nothing(entra: Any) -> None:
    entra(200, {})
    link = sign_ins().link(a_connection("service_account"), "state-1")
    stolen = replace(a_connection("agent"), flow=link.flow)
    with pytest.raises(Exception, match="another row"):
        sign_ins().redeem(stolen, {"state": "state-1", "code": "1.x"})


def test_a_state_that_is_not_the_flows_redeems_nothing(entra: Any) -> None:
    sent = entra(200, {})
    connection = a_connection("service_account")
    with_flow = replace(connection, flow=sign_ins().link(connection, "state-1").flow)
    with pytest.raises(Unavailable):
        sign_ins().redeem(with_flow, {"state": "state-2", "code": "1.x"})
    assert sent == []


def test_without_a_key_no_sign_in_can_be_kept() -> None:
    registration = Registration(
        AUTHORITY, GRAPH, "client-1", ClientSecret("x"), "https://app.contoso.example"
    )
    assert not EntraSignIns(registration, Sealer([])).can_keep_tokens
    assert sign_ins().can_keep_tokens
