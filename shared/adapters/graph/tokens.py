"""Access tokens for Graph in each customer's tenant, by client credentials (application permission).

The application proves itself with one of three credentials; Entra's AADSTS codes become errors of this service.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from shared.domain.errors import (
    AccessDenied,
    NotFound,
    PostledgerError,
    Rejected,
    Throttled,
    Unavailable,
)
from shared.telemetry.user_agent import user_agent

# What an identity's token is issued for when it proves an application, by the last part of the authority's host:
# https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
PUBLIC_AUDIENCE: Final = "api://AzureADTokenExchange"
AUDIENCES: Final = {"us": "api://AzureADTokenExchangeUSGov", "cn": "api://AzureADTokenExchangeChina"}


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """A password of the application: for development; secrets expire and leak."""

    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Private key and certificate in one PEM."""

    pem: str = field(repr=False)

    @classmethod
    def of(cls, setting: str) -> "Certificate":
        """From a PEM itself, as a vault hands it over, or from the path of one."""
        return cls(setting if setting.startswith("-----BEGIN") else Path(setting).read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class ManagedIdentity:
    """A user-assigned identity that the application trusts (federated credential): no secret anywhere."""

    client_id: str
    audience: str = PUBLIC_AUDIENCE

    @classmethod
    def of(cls, client_id: str, authority_url: str) -> "ManagedIdentity":
        """With the audience of the cloud that the authority stands in; infra/scripts/lib.sh names the same ones."""
        host = urlsplit(authority_url).hostname or ""
        return cls(client_id, AUDIENCES.get(host.rpartition(".")[2], PUBLIC_AUDIENCE))


Credential = ClientSecret | Certificate | ManagedIdentity

TIME_LIMIT: Final = 15
# Elsewhere (another cloud's private host, a simulator) msal would ask Microsoft whether the host is known.
MICROSOFT_HOSTS: Final = frozenset(
    (
        "login.microsoftonline.com",
        "login.microsoftonline.us",
        "login.partner.microsoftonline.cn",
        "login.chinacloudapi.cn",
        "login.microsoft.com",
        "login.windows.net",
    )
)
_PEM: Final = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.+?-----END \1-----", re.S)
_AADSTS: Final = re.compile(r"AADSTS(\d+)")
_STATUS: Final = re.compile(r"HTTP status: (\d+)")

_NO_CONSENT: Final = (
    "The organisation has not consented to this application, or has blocked it. "
    "An administrator of that tenant must grant consent."
)
_NO_TENANT: Final = "Entra ID knows no tenant of this id."
_BAD_CREDENTIAL: Final = (
    "Entra ID refuses this application's credential: it is wrong, expired, or not registered. "
    "The operator of this deployment must renew it."
)
_DENIED: Final = ("700016", "65001", "65004", "650052", "7000112", "7000229", "53003", "5000225")
_OTHER_CLOUD: Final = (
    "The organisation's Entra ID knows no API at the address of Graph that this deployment uses. "
    "Its operator must set POSTLEDGER_GRAPH_URL and POSTLEDGER_AUTHORITY_URL to addresses of the same cloud."
)
_WRONG_RETURN: Final = (
    "The sign-in began under another address of this deployment, or under one that is not registered. The operator "
    "must register POSTLEDGER_PUBLIC_URL with /api/v1/connect/callback as a redirect address; then ask for a new link."
)
_UNKNOWN_RESOURCE: Final = ("500011",)
_RETURN: Final = ("50011", "500112")
_UNKNOWN_TENANT: Final = ("90002", "900021", "900023")
_CREDENTIAL: Final = ("7000215", "7000222", "7000216", "700027", "70021", "700211", "700212", "700213")
# A person's sign-in: withdrawn, run out, changed password, consent taken back, sign-in to be repeated.
_SIGNED_OUT: Final = (
    "50173",
    "700082",
    "70008",
    "70000",
    "50076",
    "50079",
    "50158",
    "70043",
    "700084",
    "50057",
)
_NO_SIGN_IN: Final = (
    "The sign-in was withdrawn or has run out. The account's owner must sign in again with a new link."
)
_PASSING: Final = ("90033", "90055", "90006", "50196")


@dataclass
class _Client:
    """msal's application for one tenant; the lock keeps threads from all renewing at once."""

    application: Any = None
    lock: Lock = field(default_factory=Lock)


class GraphTokens:
    """Tokens by tenant, cached in process until shortly before they run out."""

    def __init__(self, authority_url: str, client_id: str, credential: Credential, scope: str) -> None:
        self._authority_url = authority_url.rstrip("/")
        self._client_id = client_id
        self._credential = credential
        self._scope = scope
        self._clients: dict[str, _Client] = {}
        self._lock = Lock()

    def token(self, tenant_id: str) -> str:
        """An access token of the application in that tenant."""
        client = self._client(tenant_id)
        with client.lock, translated():
            if client.application is None:
                client.application = application(
                    self._authority_url, self._client_id, self._credential, tenant_id
                )
            result = client.application.acquire_token_for_client(scopes=[self._scope])
        return str(tokens_of(result)["access_token"])

    def forget(self, tenant_id: str) -> None:
        """Drop the tenant's cached token."""
        client = self._client(tenant_id)
        with client.lock:
            if client.application is not None:
                client.application.remove_tokens_for_client()

    def renew(self, tenant_id: str) -> None:
        """Drop the tenant's token, and what msal remembers of refusals: it would repeat those for a minute."""
        client = self._client(tenant_id)
        with client.lock:
            client.application = None

    def _client(self, tenant_id: str) -> _Client:
        with self._lock:
            return self._clients.setdefault(tenant_id, _Client())


def application(authority_url: str, client_id: str, credential: Credential, tenant_id: str) -> Any:
    """msal's application for one tenant. Asks the tenant for its endpoints: one GET."""
    import msal

    host = urlsplit(authority_url).hostname or ""
    return msal.ConfidentialClientApplication(
        client_id,
        client_credential=client_credential(credential),
        authority=f"{authority_url}/{tenant_id}",
        instance_discovery=None if host in MICROSOFT_HOSTS else False,
        http_client=_http(),
    )


def _http() -> requests.Session:
    """What msal would make for itself, time limit and one retry included, under our name."""
    session = requests.Session()
    session.headers["User-Agent"] = user_agent()
    session.request = partial(session.request, timeout=TIME_LIMIT)  # type: ignore[method-assign]
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=1))
    return session


@contextmanager
def translated() -> Iterator[None]:
    """What msal and its HTTP raise, as errors of this service."""
    from msal.exceptions import MsalError

    try:
        yield
    except requests.RequestException as error:
        raise Unavailable(f"Entra ID could not be reached ({type(error).__name__}).") from error
    except (MsalError, ValueError, RuntimeError) as error:
        raise _from_exception(error) from error


def tokens_of(result: object) -> dict[str, Any]:
    """msal's answer where it holds an access token. Raises what Entra's refusal stands for."""
    if not isinstance(result, dict) or "access_token" not in result:
        raise _from_result(result if isinstance(result, dict) else {})
    return result


def client_credential(credential: Credential) -> str | dict[str, Any]:
    """The credential as msal takes it. Raises Rejected for a PEM that cannot serve as one."""
    match credential:
        case ClientSecret(secret):
            return secret
        case ManagedIdentity() as identity:
            return {"client_assertion": _assertion(identity)}
        case Certificate(pem):
            return _key_and_certificate(pem)


def _key_and_certificate(pem: str) -> dict[str, Any]:
    """Without a thumbprint msal takes the certificate's SHA-256 one."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    # A chain may follow the certificate: of each sort the first counts.
    parts = {block[1].rpartition(" ")[2]: block[0] for block in reversed(list(_PEM.finditer(pem)))}
    if not {"KEY", "CERTIFICATE"} <= parts.keys():
        raise Rejected("The certificate's PEM must hold a private key and a certificate.")
    try:
        key = load_pem_private_key(parts["KEY"].encode(), password=None)
    except (ValueError, TypeError) as error:
        raise Rejected(
            "The certificate's private key cannot be read: it must be PEM, unencrypted."
        ) from error
    if not isinstance(key, RSAPrivateKey):
        raise Rejected("The certificate's private key must be an RSA key: Entra ID accepts no other.")
    return {"private_key": parts["KEY"], "public_certificate": parts["CERTIFICATE"]}


def _assertion(identity: ManagedIdentity) -> Callable[[], str]:
    from azure.core.exceptions import AzureError
    from azure.identity import ManagedIdentityCredential

    credential = ManagedIdentityCredential(client_id=identity.client_id, user_agent=user_agent())

    def assertion() -> str:
        try:
            return str(credential.get_token(f"{identity.audience}/.default").token)
        except AzureError as error:
            raise Unavailable(f"The managed identity gave no token ({type(error).__name__}).") from error

    return assertion


def _from_exception(error: Exception) -> PostledgerError:
    """msal raises for 5xx, and for a tenant without endpoints, where the reason is the exception before."""
    text = f"{error} {error.__context__ or ''}"
    code, status = _AADSTS.search(text), _STATUS.search(text)
    if status and status[1] == "429":
        return Throttled("Entra ID asks to slow down.")
    if code:
        return _translate(code[1], "")
    if status and status[1] in ("400", "404"):
        return NotFound(_NO_TENANT)
    return Unavailable(f"Entra ID gave no usable answer ({type(error).__name__}).")


def _from_result(result: dict[str, Any]) -> PostledgerError:
    code = _AADSTS.search(str(result.get("error_description") or ""))
    listed = result.get("error_codes") or [""]
    return _translate(code[1] if code else str(listed[0]), str(result.get("error") or ""))


def _translate(code: str, error: str) -> PostledgerError:
    name = f"AADSTS{code}" if code else error
    if code in _PASSING or error in ("temporarily_unavailable", "server_error", "too_many_requests"):
        return Throttled(f"Entra ID asks to come back later ({name}).")
    if code in _DENIED:
        return AccessDenied(_NO_CONSENT, name)
    if code in _UNKNOWN_RESOURCE or error == "invalid_resource":
        return Rejected(_OTHER_CLOUD, name)
    if code in _RETURN:
        return Rejected(_WRONG_RETURN, name)
    if code in _SIGNED_OUT or error in ("invalid_grant", "interaction_required"):
        return AccessDenied(_NO_SIGN_IN, name)
    if code in _UNKNOWN_TENANT:
        return NotFound(_NO_TENANT, name)
    if code in _CREDENTIAL or error == "invalid_client":
        return Rejected(_BAD_CREDENTIAL, name)
    return Rejected(f"Entra ID refuses a token ({name}).", name)
