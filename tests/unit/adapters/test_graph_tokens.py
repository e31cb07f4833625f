"""Tokens for Graph: what Entra says, and what comes of it. msal runs; its HTTP is a function."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme

from shared.adapters.graph import tokens
from shared.adapters.graph.tokens import Certificate, ClientSecret, GraphTokens, client_credential
from shared.domain.errors import (
    AccessDenied,
    NotFound,
    PostledgerError,
    Rejected,
    Throttled,
    Unavailable,
)
from tests.builders import TENANT

AUTHORITY = "https://login.contoso.example"
DISCOVERY = {
    "issuer": f"{AUTHORITY}/{TENANT}/v2.0",
    "authorization_endpoint": f"{AUTHORITY}/{TENANT}/oauth2/v2.0/authorize",
    "token_endpoint": f"{AUTHORITY}/{TENANT}/oauth2/v2.0/token",
}
Answer = tuple[int, object] | Exception


@pytest.fixture
def entra(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[tuple[str, Any]]]:
    """Makes every HTTP request of the process answer from a table; returns what was asked."""

    def install(token: Answer, discovery: Answer = (200, DISCOVERY)) -> list[tuple[str, Any]]:
        asked: list[tuple[str, Any]] = []

        def send(_: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
            asked.append((request.url or "", request.body))
            answer = token if request.method == "POST" else discovery
            if isinstance(answer, Exception):
                raise answer
            response = requests.Response()
            response.status_code, body = answer
            response._content = json.dumps(body).encode()
            return response

        monkeypatch.setattr(requests.Session, "send", send)
        return asked

    return install


def graph_tokens() -> GraphTokens:
    scope = "https://graph.contoso.example/.default"
    return GraphTokens(AUTHORITY, "7c1f3d52-1f0b-4a9e-8f39-2a6b0c7de002", ClientSecret("not-a-secret"), scope)


def a_token(number: int = 1) -> Answer:
    return 200, {"access_token": f"token-{number}", "expires_in": 3600, "token_type": "Bearer"}


def refusal(code: int, error: str = "invalid_request") -> Answer:
    return 400, {"error": error, "error_description": f"AADSTS{code}: no.", "error_codes": [code]}


def test_a_token_is_asked_for_once_and_then_remembered(entra: Any) -> None:
    asked = entra(a_token())
    source = graph_tokens()
    assert [source.token(TENANT) for _ in range(3)] == ["token-1"] * 3
    assert [url for url, _ in asked] == [
        f"{AUTHORITY}/{TENANT}/v2.0/.well-known/openid-configuration",
        f"{AUTHORITY}/{TENANT}/oauth2/v2.0/token",
    ]
    assert "scope=https%3A%2F%2Fgraph.contoso.example%2F.default" in asked[1][1]


def test_nothing_is_asked_before_the_first_token(entra: Any) -> None:
    asked = entra(a_token())
    graph_tokens().forget(TENANT)
    assert asked == []


def test_a_forgotten_token_is_asked_for_again_without_a_new_discovery(entra: Any) -> None:
    asked = entra(a_token())
    source = graph_tokens()
    source.token(TENANT)
    source.forget(TENANT)
    source.token(TENANT)
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (700016, AccessDenied),
        (65001, AccessDenied),
        (90002, NotFound),
        (7000215, Rejected),
        (7000222, Rejected),
        (90033, Throttled),
        (500011, Rejected),
        (500112, Rejected),
        (1234567, Rejected),
    ],
)
def test_entras_codes_have_their_errors(entra: Any, code: int, expected: type[PostledgerError]) -> None:
    entra(refusal(code))
    with pytest.raises(expected) as raised:
        graph_tokens().token(TENANT)
    assert type(raised.value) is expected
    if expected is not Throttled:
        assert raised.value.code == f"AADSTS{code}"  # type: ignore[attr-defined]


def test_a_missing_consent_is_told_in_a_sentence(entra: Any) -> None:
    entra(refusal(700016, "unauthorized_client"))
    with pytest.raises(AccessDenied, match="must grant consent"):
        graph_tokens().token(TENANT)


@pytest.mark.parametrize(
    ("code", "error", "setting"),
    [
        (500011, "invalid_resource", "POSTLEDGER_GRAPH_URL"),
        (500112, "invalid_grant", "POSTLEDGER_PUBLIC_URL"),
        (50011, "invalid_client", "POSTLEDGER_PUBLIC_URL"),
    ],
)
def test_what_the_operator_has_set_wrongly_is_named(entra: Any, code: int, error: str, setting: str) -> None:
    entra(refusal(code, error))
    with pytest.raises(Rejected, match=setting):
        graph_tokens().token(TENANT)


def test_a_tenant_that_entra_does_not_know_is_not_found(entra: Any) -> None:
    entra(a_token(), discovery=refusal(90002))
    with pytest.raises(NotFound):
        graph_tokens().token(TENANT)


@pytest.mark.parametrize("token", [(500, {}), (503, {}), requests.ConnectionError(), requests.ReadTimeout()])
def test_an_entra_that_is_down_is_unavailable(entra: Any, token: Answer) -> None:
    entra(token)
    with pytest.raises(Unavailable):
        graph_tokens().token(TENANT)


@pytest.mark.parametrize("discovery", [(503, {}), requests.ConnectionError(), requests.ReadTimeout()])
def test_a_discovery_that_fails_is_unavailable(entra: Any, discovery: Answer) -> None:
    entra(a_token(), discovery=discovery)
    with pytest.raises(Unavailable):
        graph_tokens().token(TENANT)


def test_a_discovery_that_failed_is_tried_again_next_time(entra: Any) -> None:
    source = graph_tokens()
    entra(a_token(), discovery=requests.ConnectionError())
    with pytest.raises(Unavailable):
        source.token(TENANT)
    entra(a_token())
    assert source.token(TENANT) == "token-1"


def test_a_throttled_discovery_is_throttled(entra: Any) -> None:
    entra(a_token(), discovery=(429, {}))
    with pytest.raises(Throttled):
        graph_tokens().token(TENANT)


def block(kind: str, text: str) -> str:
    return f"-----BEGIN {kind}-----\n{text}\n-----END {kind}-----\n"


def issued(kind: trustme.KeyType) -> tuple[str, str]:
    """A private key and its certificate."""
    made = trustme.CA(key_type=kind).issue_cert("app.contoso.example", key_type=kind)
    return made.private_key_pem.bytes().decode(), made.cert_chain_pems[0].bytes().decode()


def test_a_certificate_is_taken_apart_and_the_first_of_a_chain_counts() -> None:
    key, leaf = issued(trustme.KeyType.RSA)
    found = client_credential(Certificate(leaf + key + block("CERTIFICATE", "cm9vdA==")))
    assert found == {"private_key": key.strip(), "public_certificate": leaf.strip()}


def test_a_token_is_asked_for_with_a_signed_assertion_instead_of_a_secret(entra: Any) -> None:
    asked = entra(a_token())
    certificate = Certificate("".join(issued(trustme.KeyType.RSA)))
    assert GraphTokens(AUTHORITY, "client", certificate, "scope/.default").token(TENANT) == "token-1"
    assert "client_assertion=ey" in asked[1][1]


def test_a_key_that_entra_does_not_accept_is_refused_in_a_sentence() -> None:
    with pytest.raises(Rejected, match="RSA"):
        client_credential(Certificate("".join(issued(trustme.KeyType.ECDSA))))


def test_a_key_that_cannot_be_read_is_refused_in_a_sentence() -> None:
    with pytest.raises(Rejected, match="cannot be read"):
        client_credential(Certificate(block("PRIVATE KEY", "YQ==") + block("CERTIFICATE", "YQ==")))


@pytest.mark.parametrize("pem", ["", block("CERTIFICATE", "YQ=="), block("RSA PRIVATE KEY", "YQ==")])
def test_half_a_certificate_is_refused_in_a_sentence(pem: str) -> None:
    with pytest.raises(Rejected, match="private key and a certificate"):
        client_credential(Certificate(pem))


@pytest.mark.parametrize(
    ("authority", "audience"),
    [
        ("https://login.microsoftonline.com", "api://AzureADTokenExchange"),
        ("https://login.microsoftonline.us/", "api://AzureADTokenExchangeUSGov"),
        ("https://login.partner.microsoftonline.cn", "api://AzureADTokenExchangeChina"),
        ("https://localhost:4433", "api://AzureADTokenExchange"),
    ],
)
def test_a_managed_identity_vouches_with_a_fresh_token_for_its_cloud(
    monkeypatch: pytest.MonkeyPatch, authority: str, audience: str
) -> None:
    asked = []

    class Identity:
        def __init__(self, *, client_id: str, user_agent: str) -> None:
            assert user_agent.startswith("Postledger")
            self.client_id = client_id

        def get_token(self, scope: str) -> Any:
            asked.append((self.client_id, scope))
            return type("Token", (), {"token": "assertion"})

    monkeypatch.setattr("azure.identity.ManagedIdentityCredential", Identity)
    credential = client_credential(tokens.ManagedIdentity.of("identity-1", authority))
    assert isinstance(credential, dict)
    assert credential["client_assertion"]() == "assertion"
    assert asked == [("identity-1", f"{audience}/.default")]


def test_secrets_do_not_show_when_a_credential_is_printed() -> None:
    assert "hidden" not in repr((ClientSecret("hidden"), Certificate("hidden")))


def test_a_certificate_is_given_as_a_pem_or_as_the_path_of_one(tmp_path: Path) -> None:
    pem = "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n"
    file = tmp_path / "app.pem"
    file.write_text(pem)
    assert Certificate.of(pem).pem == Certificate.of(str(file)).pem == pem
