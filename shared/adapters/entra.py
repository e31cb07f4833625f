"""Access tokens of Entra ID, verified with the keys that the token's own tenant publishes.

It fetches nothing for an unknown tenant, so that an invented tenant id costs no request.
"""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import jwt
import requests

from shared.domain.connections.tenant_ids import is_tenant_id
from shared.domain.errors import Forbidden, Unavailable
from shared.domain.privacy.callers import NOT_ENABLED, Claims, InvalidToken
from shared.telemetry.user_agent import user_agent

# A token may not choose its algorithm (RFC 8725, 3.1); Entra ID signs with this one.
ALGORITHMS: Final = ("RS256",)
# The scope that the app registration exposes: an app calls the API for a person with it.
SCOPE: Final = "access_as_user"
LEEWAY_SECONDS: Final = 60
LONGEST_TOKEN: Final = 16_384
KEYS_LIVE_SECONDS: Final = 24 * 3600
REFETCH_AFTER_SECONDS: Final = 60
RETRY_AFTER_SECONDS: Final = 5
FETCH_TIMEOUT: Final = (3.05, 5.0)

FetchKeys = Callable[[str], Mapping[str, Any]]


def fetch_keys(url: str) -> Mapping[str, Any]:
    """The JSON Web Key Set (RFC 7517) at `url`. Raises Unavailable."""
    try:
        response = requests.get(
            url, headers={"User-Agent": user_agent()}, timeout=FETCH_TIMEOUT, allow_redirects=False
        )
        response.raise_for_status()
        found = response.json()
    except (requests.RequestException, ValueError) as error:
        raise Unavailable("The signing keys of Entra ID cannot be fetched.", 5.0) from error
    if response.status_code != 200 or not isinstance(found, dict):
        raise Unavailable("Entra ID answered without signing keys.", 5.0)
    return found


@dataclass(slots=True)
class _Keys:
    """One tenant's keys by `kid`; times are the clock's seconds, `asked_at` is also set by failed attempts."""

    by_id: dict[str, jwt.PyJWK] = field(default_factory=dict)
    fetched_at: float | None = None
    asked_at: float | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(slots=True)
class SigningKeys:
    """Published keys per tenant, kept for 24 h; an unknown `kid` refetches at most once a minute per tenant."""

    authority: str
    fetch: FetchKeys = fetch_keys
    clock: Callable[[], float] = time.monotonic
    _tenants: dict[str, _Keys] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, tenant_id: str, kid: str) -> jwt.PyJWK:
        """The key with this id. Raises InvalidToken if the tenant publishes no such key, and Unavailable."""
        with self._lock:
            keys = self._tenants.setdefault(tenant_id, _Keys())
        if self._is_fresh(keys) and (known := keys.by_id.get(kid)) is not None:
            return known
        # One thread fetches, the others wait for its result.
        with keys.lock:
            if self._should_fetch(keys, kid):
                self._refresh(keys, tenant_id)
            key = keys.by_id.get(kid)
        if key is None:
            raise InvalidToken("The token is signed with a key that its tenant does not publish.")
        return key

    def _should_fetch(self, keys: _Keys, kid: str) -> bool:
        now = self.clock()
        if not self._is_fresh(keys):
            if keys.asked_at is not None and now - keys.asked_at < RETRY_AFTER_SECONDS:
                raise Unavailable("The signing keys of Entra ID cannot be fetched.", RETRY_AFTER_SECONDS)
            return True
        asked_lately = keys.asked_at is not None and now - keys.asked_at < REFETCH_AFTER_SECONDS
        return kid not in keys.by_id and not asked_lately

    def _is_fresh(self, keys: _Keys) -> bool:
        return keys.fetched_at is not None and self.clock() - keys.fetched_at < KEYS_LIVE_SECONDS

    def _refresh(self, keys: _Keys, tenant_id: str) -> None:
        keys.asked_at = self.clock()
        published = self.fetch(f"{self.authority}/{tenant_id}/discovery/v2.0/keys")
        issuer = f"{self.authority}/{tenant_id}/v2.0"
        keys.by_id = _readable(published, tenant_id, issuer)
        keys.fetched_at = self.clock()


def _readable(published: Mapping[str, Any], tenant_id: str, issuer: str) -> dict[str, jwt.PyJWK]:
    """The tenant's RSA signing keys by id."""
    found: dict[str, jwt.PyJWK] = {}
    for key in published.get("keys") or ():
        if not _is_signing_key(key) or _issuer_of(key, tenant_id, issuer) != issuer:
            continue
        # An unreadable key must not take the readable keys beside it away.
        with suppress(jwt.PyJWTError, KeyError, ValueError):
            found[str(key["kid"])] = jwt.PyJWK(key, algorithm=ALGORITHMS[0])
    return found


def _is_signing_key(key: object) -> bool:
    return isinstance(key, dict) and key.get("kty") == "RSA" and key.get("use", "sig") == "sig"


def _issuer_of(key: Mapping[str, Any], tenant_id: str, default: str) -> str:
    """The issuer whose tokens the key may sign; Entra ID names its tenants by a placeholder."""
    return str(key.get("issuer", default)).replace("{tenantid}", tenant_id)


def _parsed(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Header and content of a token, both unproven. Raises InvalidToken."""
    if len(token) > LONGEST_TOKEN:
        raise InvalidToken("The token is too long for an access token of Entra ID.")
    try:
        content = jwt.decode(token, options={"verify_signature": False})
        return jwt.get_unverified_header(token), content
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise InvalidToken("The token is not a JSON Web Token.") from error


class EntraTokens:
    """Verifies access tokens (v2.0) for this API: signature, issuer, audience, times, tenant, and what they are for.

    `audiences` are the accepted values of `aud`: the client id, its `api://` name and the configured audience.
    """

    def __init__(
        self,
        *,
        authority: str,
        audiences: frozenset[str],
        is_known_tenant: Callable[[str], bool],
        keys: SigningKeys | None = None,
    ) -> None:
        self._authority = authority.rstrip("/")
        self._audiences = sorted(audiences)
        self._is_known_tenant = is_known_tenant
        self._keys = keys or SigningKeys(self._authority)

    def verify(self, token: str) -> Claims:
        """The claims of a genuine token. Raises InvalidToken, Forbidden, Unavailable.

        Tenant and issuer are read from the unproven token only to find the keys that prove them.
        """
        kid, tenant_id = self._signer(token)
        if not self._is_known_tenant(tenant_id):
            raise Forbidden(NOT_ENABLED)
        return _claims(self._proven(token, self._keys.get(tenant_id, kid), tenant_id))

    def _signer(self, token: str) -> tuple[str, str]:
        """The key's id and the tenant, both unproven. Raises InvalidToken."""
        header, content = _parsed(token)
        if header.get("alg") not in ALGORITHMS:
            raise InvalidToken(f"The token must be signed with {ALGORITHMS[0]}.")
        tenant_id, kid = content.get("tid"), header.get("kid")
        if not isinstance(tenant_id, str) or not is_tenant_id(tenant_id) or not isinstance(kid, str):
            raise InvalidToken("The token names no tenant or no signing key.")
        if content.get("iss") != self._issuer(tenant_id):
            raise InvalidToken("The token was not issued by its own tenant in version 2.0.")
        return kid, tenant_id

    def _issuer(self, tenant_id: str) -> str:
        return f"{self._authority}/{tenant_id}/v2.0"

    def _proven(self, token: str, key: jwt.PyJWK, tenant_id: str) -> Mapping[str, Any]:
        try:
            return jwt.decode(
                token,
                key,
                algorithms=list(ALGORITHMS),
                audience=self._audiences,
                issuer=self._issuer(tenant_id),
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud", "tid"]},
            )
        except jwt.ExpiredSignatureError as error:
            raise InvalidToken("The token has expired. Get a new one.") from error
        except jwt.InvalidAudienceError as error:
            raise InvalidToken("The token was issued for another API (audience).") from error
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
            raise InvalidToken("The token is not valid: its signature, times or claims are wrong.") from error


def _claims(content: Mapping[str, Any]) -> Claims:
    client_id = _text(content, "azp") or _text(content, "appid")
    oid = _text(content, "oid")
    if not client_id and not oid:
        raise InvalidToken("The token names neither a user nor an application.")
    return Claims(
        tenant_id=_text(content, "tid"),
        oid=oid,
        name=_text(content, "name"),
        address=_text(content, "preferred_username").lower(),
        roles=_roles(content.get("roles")),
        client_id=client_id,
        app_only=_is_app_only(content),
    )


def _roles(claim: object) -> frozenset[str]:
    if not isinstance(claim, list):
        return frozenset()
    return frozenset(role for role in claim if isinstance(role, str))


def _is_app_only(content: Mapping[str, Any]) -> bool:
    """Whether the token is an application's; if not, it is a person's. Raises InvalidToken for any other token.

    An ID token has the same signature, issuer and audience as an access token of this API, and neither of these
    claims (Microsoft, "Access token claims reference"); the app registration asks for the optional claim `idtyp`.
    """
    if content.get("ver") != "2.0":
        raise InvalidToken(
            "The token is not of version 2.0: set requestedAccessTokenVersion of the app to 2."
        )
    kind = content.get("idtyp")
    if kind == "app":
        return True
    if kind not in (None, "user") or SCOPE not in _text(content, "scp").split():
        raise InvalidToken(
            f"The token is no access token for this API: a person's has the scope {SCOPE}, an application's the "
            "claim idtyp."
        )
    return False


def _text(content: Mapping[str, Any], name: str) -> str:
    value = content.get(name)
    return value if isinstance(value, str) else ""
