"""Who sits in front of Entra's pages and what they do there, and the sign-ins that came of it."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, get_args

Act = Literal["grant", "decline", "not_admin", "wrong_account", "other_tenant"]
ACTS: tuple[str, ...] = get_args(Act)


@dataclass(frozen=True, slots=True)
class Person:
    """Who opens a link of a tenant, and how they act.

    `account` signs in where a sign-in is asked for. With `other_tenant` it is somebody of the tenant `tenant_id`.
    Access tokens that come of it live for `lifetime` seconds.
    """

    act: Act = "grant"
    account: str = ""
    tenant_id: str = ""
    lifetime: int = 3599


@dataclass(slots=True)
class SignIn:
    """What one person has granted to the application for good: tokens are made from it until it is revoked.

    `refresh_token` is the newest one; older ones are not taken any more, which is stricter than Entra. `asked` are
    the scopes as the application wrote them, `scopes` their names alone.
    """

    user_id: str
    tenant_id: str
    scopes: tuple[str, ...]
    lifetime: int
    asked: tuple[str, ...] = ()
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    refresh_token: str = ""
    refreshed: int = 0
    is_revoked: bool = False
    is_expired: bool = False

    def rotate(self) -> str:
        """The next refresh token."""
        self.refresh_token = f"0.{uuid.uuid4().hex}{uuid.uuid4().hex}"
        return self.refresh_token


@dataclass(frozen=True, slots=True)
class Code:
    """An authorisation code, as it was given out. It is redeemed at the `authority` that gave it: a tenant."""

    sign_in: SignIn
    authority: str
    redirect_uri: str
    challenge: str
    nonce: str


@dataclass(slots=True)
class People:
    """All persons by tenant, all sign-ins, and codes that have not been spent."""

    persons: dict[str, Person] = field(default_factory=dict)
    sign_ins: list[SignIn] = field(default_factory=list)
    codes: dict[str, Code] = field(default_factory=dict)

    def of(self, tenant_id: str) -> Person:
        return self.persons.get(tenant_id, Person())

    def by_refresh_token(self, token: str) -> SignIn | None:
        return next((one for one in self.sign_ins if token and one.refresh_token == token), None)

    def by_id(self, sign_in_id: str) -> SignIn | None:
        return next((one for one in self.sign_ins if one.id == sign_in_id), None)

    def of_user(self, user_id: str) -> Iterator[SignIn]:
        return (one for one in self.sign_ins if one.user_id == user_id)
