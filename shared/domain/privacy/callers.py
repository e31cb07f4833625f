"""Who calls the client API, and for which organisation: decided from a verified token and the organisation's row."""

from dataclasses import dataclass
from typing import Final

from shared.domain.connections.mailboxes import PERSONAL, Mailbox, is_tenant_id
from shared.domain.connections.organisations import Organisation
from shared.domain.errors import Forbidden, InvalidInput, PostledgerError

AGENT: Final = "Agent"
ADMIN: Final = "Admin"
SERVICE: Final = "Service"
OPERATOR: Final = "Operator"
ROLES: Final = frozenset({AGENT, ADMIN, SERVICE, OPERATOR})

NOT_ENABLED: Final = (
    "This organisation is not enabled in Postledger. Ask whoever runs this deployment to enable it."
)


class InvalidToken(PostledgerError):
    """The bearer token is missing or proves nothing; the message says why in a sentence."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says. `address` is the sign-in name in lower case; `oid` the user's object id."""

    tenant_id: str
    oid: str = ""
    name: str = ""
    address: str = ""
    roles: frozenset[str] = frozenset()
    client_id: str = ""
    app_only: bool = False


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who may act for the organisation `tenant_id` in `roles`; never without a role."""

    tenant_id: str
    roles: frozenset[str]
    oid: str = ""
    address: str = ""
    client_id: str = ""
    app_only: bool = False

    def owns(self, mailbox: Mailbox) -> bool:
        """Whether the caller is the agent of this mailbox: by object id, by address until that is known.

        A personal mailbox that was given a new address is still its agent's.
        """
        is_person = not self.app_only and not self.roles.isdisjoint((AGENT, ADMIN))
        if not is_person or mailbox.tenant_id != self.tenant_id:
            return False
        if mailbox.agent_id:
            return mailbox.agent_id == self.oid
        is_readdressed = (
            mailbox.kind == PERSONAL
            and mailbox.agent in mailbox.aliases
            and mailbox.address not in mailbox.former_agents
        )
        known = (mailbox.agent, mailbox.address) if is_readdressed else (mailbox.agent,)
        return bool(self.address) and self.address in known

    def needs(self, *roles: str) -> None:
        """Raises Forbidden, naming what is missing, unless the caller has one of these roles."""
        if self.roles.isdisjoint(roles):
            raise Forbidden(
                f"This needs the role {' or '.join(roles)}; the token has {', '.join(sorted(self.roles))}."
            )


def target_of(claims: Claims, named: str, home_tenant_id: str) -> str:
    """The tenant that is acted for: the token's own, or the one it names in its header, where it may name one.

    Raises Forbidden when it may not, InvalidInput when the name is no tenant id.
    """
    wanted = named.strip().lower()
    if not wanted or wanted == claims.tenant_id:
        return claims.tenant_id
    if not is_tenant_id(wanted):
        raise InvalidInput("The header Postledger-Organisation must hold a tenant id (a GUID).")
    if not claims.app_only or claims.tenant_id != home_tenant_id:
        raise Forbidden("Only an application of the deployment's own tenant may name another organisation.")
    return wanted


def caller_of(
    claims: Claims, organisation: Organisation | None, *, tenant_id: str, home_tenant_id: str
) -> Caller:
    """The caller under the roles that count here. Raises Forbidden with a sentence.

    For another organisation only Operator counts, and Service where that organisation lists the client.
    An organisation that is not enabled is open to the operator alone.
    """
    roles = set(claims.roles & ROLES)
    is_home_app = claims.app_only and claims.tenant_id == home_tenant_id
    if not is_home_app:
        roles.discard(OPERATOR)
    if tenant_id != claims.tenant_id:
        lists = (
            organisation is not None and bool(claims.client_id) and claims.client_id in organisation.services
        )
        roles &= {OPERATOR, SERVICE} if lists else {OPERATOR}
    if organisation is None or not organisation.enabled:
        roles &= {OPERATOR}
        if not roles:
            raise Forbidden(NOT_ENABLED if tenant_id == claims.tenant_id else _not_listed())
    if not roles:
        raise Forbidden(_no_role() if tenant_id == claims.tenant_id else _not_listed())
    return Caller(
        tenant_id, frozenset(roles), claims.oid, claims.address, claims.client_id, app_only=claims.app_only
    )


def _no_role() -> str:
    return "The token carries no role of Postledger. Ask an administrator of your organisation to assign you one."


def _not_listed() -> str:
    return (
        "This application may not act for that organisation: it is not enabled, or does not list the client."
    )
