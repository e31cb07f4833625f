"""Entra's pages as a person meets them: admin consent, and signing in with a code and PKCE.

How the person acts is said beforehand over the control API; then a plain GET is all it takes.
"""

import hashlib
import html
import json
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from dev.simulator.directory import MAIL_ROLES, User
from dev.simulator.people import Code, Person, SignIn
from dev.simulator.tokens import Claims, TokenMint
from dev.simulator.world import World

GRAPH_AUDIENCE = "https://graph.microsoft.com"
_DECLINED = ("consent_required", "AADSTS65004: User declined to consent to access the app.")
_NOT_ADMIN = (
    "access_denied",
    "AADSTS90094: The grant requires administrator permission. An administrator of the tenant must consent.",
)
_UNKNOWN_APP = "AADSTS700016: Application was not found in the directory."
_OIDC = ("openid", "profile", "email", "offline_access")


class SignInRefused(Exception):
    """A refusal of a code or a refresh token: Entra's error, code and text."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


class SignInPages:
    """Answers what a browser asks of login.microsoftonline.com, and redeems what came of it."""

    def __init__(self, world: World, mint: TokenMint) -> None:
        self.world, self.mint = world, mint

    async def admin_consent(self, request: Request) -> Response:
        """The page on which an administrator lets the application into the tenant."""
        query, tenant = request.query_params, str(request.path_params["tenant"]).lower()
        organisation = self.world.directory.organisations.get(tenant)
        if organisation is None:
            return _page(_UNKNOWN_APP, 400)
        if refusal := self._refusal(query):
            return _page(refusal, 400)
        person = self.world.people.of(tenant)
        given = {"admin_consent": "True", "state": query.get("state", "")}
        match person.act:
            case "wrong_account":
                return _wrong_account()
            case "decline" | "not_admin":
                error, text = _DECLINED if person.act == "decline" else _NOT_ADMIN
                given |= {"error": error, "error_description": text}
            case "other_tenant":
                given |= {"tenant": person.tenant_id, "scope": query.get("scope", "")}
            case "grant":
                organisation.consented = True
                if query.get("scope", "").endswith("/.default"):
                    organisation.graph_roles = organisation.graph_roles or MAIL_ROLES
                given |= {"tenant": tenant, "scope": query.get("scope", "")}
        return _back(query.get("redirect_uri", ""), given)

    async def authorize(self, request: Request) -> Response:
        """The page on which somebody signs in and agrees to what the application asks for."""
        query, tenant = request.query_params, str(request.path_params["tenant"]).lower()
        person = self.world.people.of(tenant)
        target, state = query.get("redirect_uri", ""), {"state": query.get("state", "")}
        if refusal := self._refusal(query):
            return _page(refusal, 400)
        if unknown := self.unknown_resource(query.get("scope", "")):
            return _back(target, {**state, "error": "invalid_resource", "error_description": unknown})
        if query.get("code_challenge_method") != "S256" or not query.get("code_challenge"):
            return _page("AADSTS9002325: Proof Key for Code Exchange is required.", 400)
        if person.act == "wrong_account":
            return _wrong_account()
        if person.act in ("decline", "not_admin"):
            error, text = _DECLINED if person.act == "decline" else _NOT_ADMIN
            return _back(target, {**state, "error": error, "error_description": text})
        user = self._account(person, tenant, query.get("login_hint", ""))
        if user is None:
            return _page("AADSTS50034: The user account does not exist in the directory.", 400)
        return _back(target, {**state, "code": self._code(user, person, request)})

    def _refusal(self, query: Mapping[str, str]) -> str:
        """Why Entra stays on its page: nobody is sent back to an address that is not known."""
        target = query.get("redirect_uri", "")
        if query.get("client_id") != self.world.app.client_id:
            return _UNKNOWN_APP
        if self.world.app.may_return_to(target):
            return ""
        return (
            f"AADSTS50011: The redirect URI '{target}' specified in the request does not match the redirect URIs "
            f"configured for the application '{self.world.app.client_id}'."
        )

    def unknown_resource(self, scope: str) -> str:
        """What Entra says where a scope is one of an API that the tenant does not have; '' where it has it."""
        known = ("", GRAPH_AUDIENCE, self.world.url, f"api://{self.world.app.client_id}")
        resources = (name.rpartition("/")[0].rstrip("/") for name in scope.split())
        unknown = next((resource for resource in resources if resource not in known), None)
        if unknown is None:
            return ""
        return (
            f"AADSTS500011: The resource principal named {unknown} was not found in the tenant. This can happen if "
            "the application has not been installed by the administrator of the tenant or consented to by any user."
        )

    def _account(self, person: Person, tenant: str, hint: str) -> User | None:
        user = self.world.directory.by_address(person.account or hint)
        wanted = person.tenant_id if person.act == "other_tenant" else tenant
        return user if user is not None and user.tenant_id == wanted else None

    def _code(self, user: User, person: Person, request: Request) -> str:
        query = request.query_params
        asked = tuple(query.get("scope", "").split())
        scopes = tuple(name.rpartition("/")[2] for name in asked)
        sign_in = SignIn(user.id, user.tenant_id, scopes, person.lifetime, asked)
        code = f"1.{uuid.uuid4().hex}"
        self.world.people.codes[code] = Code(
            sign_in,
            str(request.path_params["tenant"]).lower(),
            query.get("redirect_uri", ""),
            query.get("code_challenge", ""),
            query.get("nonce", ""),
        )
        return code

    def redeem(self, form: dict[str, str], authority: str) -> dict[str, object]:
        """The tokens for a code. Raises SignInRefused."""
        code = self.world.people.codes.pop(form.get("code", ""), None)
        if code is None:
            raise SignInRefused(54005, "OAuth2 Authorization code was already redeemed, or never given.")
        if code.authority != authority:
            raise SignInRefused(
                700005, "Provided Authorization Code is intended to use against other tenant."
            )
        if code.redirect_uri != form.get("redirect_uri"):
            raise SignInRefused(
                500112, "The reply address does not match the one of the request for the code."
            )
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if _encoded(digest) != code.challenge:
            raise SignInRefused(501481, "The Code_Verifier does not match the code_challenge.")
        self.world.people.sign_ins.append(code.sign_in)
        return self._tokens(code.sign_in, nonce=code.nonce)

    def refresh(self, form: dict[str, str], _: str) -> dict[str, object]:
        """New tokens for a refresh token. Raises SignInRefused."""
        sign_in = self.world.people.by_refresh_token(form.get("refresh_token", ""))
        if sign_in is None:
            raise SignInRefused(70000, "The provided value for the 'refresh_token' is not valid.")
        if sign_in.is_revoked:
            raise SignInRefused(50173, "The provided grant has expired due to it being revoked.")
        if sign_in.is_expired:
            raise SignInRefused(700082, "The refresh token has expired due to inactivity.")
        sign_in.refreshed += 1
        return self._tokens(sign_in)

    def _tokens(self, sign_in: SignIn, *, nonce: str = "") -> dict[str, object]:
        user, now = self.world.directory.users[sign_in.user_id], int(time.time())
        granted = [name for name in sign_in.scopes if name not in _OIDC]
        # As the application wrote them; of OpenID's own all but the one that the refresh token stands for.
        told = [name for name in sign_in.asked if name != "offline_access"]
        who = {"oid": user.id, "tid": user.tenant_id, "preferred_username": user.address, "name": user.name}
        access: Claims = {
            **who,
            "aud": GRAPH_AUDIENCE,
            "iss": f"https://sts.windows.net/{user.tenant_id}/",
            "iat": now,
            "nbf": now - 300,
            "exp": now + sign_in.lifetime,
            "appid": self.world.app.client_id,
            "scp": " ".join(granted),
            "sid": sign_in.id,
            "ver": "1.0",
        }
        identity: Claims = {
            **who,
            "aud": self.world.app.client_id,
            "iss": f"{self.world.url}/{user.tenant_id}/v2.0",
            "sub": user.id,
            "iat": now,
            "nbf": now - 300,
            "exp": now + 3600,
            "ver": "2.0",
            **({"nonce": nonce} if nonce else {}),
            **({"email": user.address} if "email" in sign_in.scopes else {}),
        }
        info = json.dumps({"uid": user.id, "utid": user.tenant_id}).encode()
        self.world.stats.tokens_issued += 1
        return {
            "token_type": "Bearer",
            "scope": " ".join(told),
            "expires_in": sign_in.lifetime,
            "ext_expires_in": sign_in.lifetime,
            "access_token": self.mint.sign(access),
            **({"refresh_token": sign_in.rotate()} if "offline_access" in sign_in.scopes else {}),
            "id_token": self.mint.sign(identity),
            "client_info": _encoded(info),
        }


def _wrong_account() -> Response:
    """Entra shows this and goes nowhere."""
    return _page("AADSTS50020: The user account does not exist in this tenant and cannot access it.", 400)


def _page(text: str, status: int = 200) -> Response:
    return HTMLResponse(f"<!doctype html><title>Sign in</title><p>{html.escape(text)}</p>", status)


def _back(target: str, given: dict[str, str]) -> Response:
    return RedirectResponse(f"{target}{'&' if '?' in target else '?'}{urlencode(given)}", 302)


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).decode("ascii").rstrip("=")
