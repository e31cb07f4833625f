"""The caller of the client API and its organisation, decided from a verified token and the organisation's row."""

from dataclasses import dataclass
from typing import Final

from shared.domain.connections.mailboxes import PERSONAL, Mailbox
from shared.domain.connections.organisations import Organisation
from shared.domain.connections.tenant_ids import is_tenant_id
from shared.domain.errors import Forbidden, InvalidInput, PostledgerError

AGENT: Final = "Agent"
ADMIN: Final = "Admin"
SERVICE: Final = "Service"
OPERATOR: Final = "Operator"
ROLES: Final = frozenset({AGENT, ADMIN, SERVICE, OPERATOR})

NOT_ENABLED: Final = (
    "This organisation is not enabled in Postledger. Ask the operator of this deployment to enable it."
)
NO_ROLE: Final = (
    "The token carries no role of Postledger. Ask an administrator of your organisation to assign a role."
)

# The sentence covers both cases, so that it does not reveal which organisations exist.
NOT_LISTED: Final = (
    "This application may not act for that organisation, which is not enabled or does not list the client id."
)


class InvalidToken(PostledgerError):
    """The bearer token is missing or invalid; the message is a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of a verified token. `address` is the sign-in name in lower case, `oid` the user's object id."""

    tenant_id: str
    oid: str = ""
    name: str = ""
    address: str = ""
    roles: frozenset[str] = frozenset()
    client_id: str = ""
    app_only: bool = False


@dataclass(frozen=True, slots=True)
class Caller:
    """A person or application that acts for the organisation `tenant_id`, with one role at least."""

    tenant_id: str
    roles: frozenset[str]
    oid: str = ""
    address: str = ""
    client_id: str = ""
    app_only: bool = False

    @property
    def audit_name(self) -> str:
        """The name under which the audit keeps what the caller does: an object id, or `app:` and a client id."""
        # An application's token has an object id too: a row that named it could not be told from a person's.
        return f"app:{self.client_id}" if self.app_only else self.oid

    @property
    def shown_name(self) -> str:
        """The name under which readers see what the caller did: an address says more to them than an object id."""
        return self.address or self.audit_name

    def owns(self, mailbox: Mailbox) -> bool:
        """Whether the caller is the agent of this mailbox: by object id, or by address until that id is known.

        A personal mailbox with a new address still belongs to its agent.
        """
        return self.is_person and is_agent_of(mailbox, self.tenant_id, self.oid, self.address)

    @property
    def is_person(self) -> bool:
        """Whether it is somebody who has mail of the own, and no application."""
        return not self.app_only and not self.roles.isdisjoint((AGENT, ADMIN))

    def needs(self, *roles: str) -> None:
        """Raises Forbidden, which names the roles, unless the caller has one of them."""
        if self.roles.isdisjoint(roles):
            raise Forbidden(
                f"This needs the role {' or '.join(roles)}; the token has {', '.join(sorted(self.roles))}."
            )


def is_agent_of(mailbox: Mailbox, tenant_id: str, oid: str, address: str) -> bool:
    """Whether this person is an agent of the mailbox: by object id, or by address until that id is known."""
    if mailbox.tenant_id != tenant_id:
        return False
    if _is_colleague(mailbox, oid, address):
        return True
    if mailbox.agent_id:
        return mailbox.agent_id == oid
    return bool(address) and address in agent_addresses(mailbox)


def _is_colleague(mailbox: Mailbox, oid: str, address: str) -> bool:
    """Whether this person is one of an intake mailbox's further agents."""
    known = dict(pair.split(" ", 1) for pair in mailbox.agent_ids)
    if any(known.get(agent) == oid for agent in mailbox.colleagues if oid):
        return True
    return bool(address) and address in mailbox.colleagues and address not in known


def agent_addresses(mailbox: Mailbox) -> tuple[str, ...]:
    """The addresses by which the agent of a mailbox is known."""
    is_readdressed = (
        mailbox.kind == PERSONAL
        and mailbox.agent in mailbox.aliases
        # An address of a former agent proves nothing about the present agent.
        and mailbox.address not in mailbox.former_agents
    )
    return (mailbox.agent, mailbox.address) if is_readdressed else (mailbox.agent,)


def target_of(claims: Claims, named: str, home_tenant_id: str) -> str:
    """The tenant for which the caller acts: the token's own, or the tenant that the header names.

    Raises Forbidden if the caller may not name a tenant, InvalidInput if the header is not a tenant id.
    """
    wanted = named.strip().lower()
    if not wanted or wanted == claims.tenant_id:
        return claims.tenant_id
    if not is_tenant_id(wanted):
        raise InvalidInput("The header Postledger-Organisation must be a tenant id (a GUID).")
    if not _is_home_app(claims, home_tenant_id):
        raise Forbidden("Only an application of the deployment's own tenant may name another organisation.")
    return wanted


def caller_of(
    claims: Claims, organisation: Organisation | None, *, tenant_id: str, home_tenant_id: str
) -> Caller:
    """The caller with the roles that count for this organisation. Raises Forbidden with a sentence.

    For another organisation Operator counts, and Service if that organisation lists the client. Only the operator
    reaches an organisation that is not enabled.
    """
    is_own = tenant_id == claims.tenant_id
    is_enabled = organisation is not None and organisation.enabled
    roles = claims.roles & (ROLES if is_own else _roles_elsewhere(claims, organisation))
    if not is_enabled:
        roles &= {OPERATOR}
    # An organisation's own admin may assign any role there, also Operator.
    if not _is_home_app(claims, home_tenant_id):
        roles -= {OPERATOR}
    if not roles:
        raise Forbidden(_refusal(is_own=is_own, is_enabled=is_enabled))
    return Caller(tenant_id, roles, claims.oid, claims.address, claims.client_id, app_only=claims.app_only)


def _is_home_app(claims: Claims, home_tenant_id: str) -> bool:
    return claims.app_only and claims.tenant_id == home_tenant_id


def _roles_elsewhere(claims: Claims, organisation: Organisation | None) -> frozenset[str]:
    """The roles that count for another organisation than the token's own."""
    services = organisation.services if organisation else ()
    is_listed = bool(claims.client_id) and claims.client_id in services
    return frozenset({OPERATOR, SERVICE}) if is_listed else frozenset({OPERATOR})


def _refusal(*, is_own: bool, is_enabled: bool) -> str:
    if not is_own:
        return NOT_LISTED
    return NO_ROLE if is_enabled else NOT_ENABLED
