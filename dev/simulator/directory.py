"""The simulated directory: who exists, under which addresses, with which mailbox."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from dev.simulator.mailbox import Change, Mailbox

_NAMESPACE = uuid.UUID("6f0c1a52-2f0e-4d0b-9f6e-6a4c7f3f5a10")
MAIL_ROLES = ("Mail.Read", "Mail.ReadWrite", "Mail.Send", "MailboxSettings.Read", "User.Read.All")
RBAC_ROLES = frozenset(("Mail.Read", "Mail.ReadWrite", "Mail.Send", "MailboxSettings.Read"))


@dataclass(frozen=True, slots=True)
class Group:
    """A distribution group. As Exchange makes it, it takes mail of outside senders only if somebody says so."""

    name: str
    members: tuple[str, ...] = ()
    outside_senders: bool = False

    @classmethod
    def of(cls, given: object) -> "Group":
        """From its name, or from an object with all of it."""
        if not isinstance(given, dict):
            return cls(str(given))
        members = tuple(str(member).lower() for member in given.get("members") or ())
        return cls(str(given.get("name") or ""), members, bool(given.get("outside_senders")))


@dataclass(slots=True)
class Organisation:
    """A tenant. `graph_roles` go into its Graph tokens: empty where an organisation relies on RBAC for Applications.

    `rbac_scope` are the mailboxes that RBAC lets the application into, with `rbac_roles`. `unnoticed`: Exchange does
    not know of a grant yet. `groups` are by address.
    """

    tenant_id: str
    domains: set[str]
    consented: bool
    graph_roles: tuple[str, ...] = MAIL_ROLES
    rbac_scope: frozenset[str] = frozenset()
    rbac_roles: frozenset[str] = RBAC_ROLES
    unnoticed: bool = False
    groups: dict[str, Group] = field(default_factory=dict)


@dataclass(slots=True)
class User:
    """A directory user. Ids derive from tenant and first address, so they survive a restart of the simulator.

    `delegates` are the rights of others to this mailbox, by their address: full_access, send_as, send_on_behalf.
    """

    id: str
    tenant_id: str
    address: str
    name: str
    aliases: list[str] = field(default_factory=list)
    purpose: str = "user"
    enabled: bool = True
    roles: list[str] = field(default_factory=list)
    mailbox: Mailbox | None = None
    delegates: dict[str, set[str]] = field(default_factory=dict)

    @property
    def proxies(self) -> list[str]:
        """The addresses as Exchange lists them: the primary one in capitals."""
        return [f"SMTP:{self.address}", *(f"smtp:{alias}" for alias in self.aliases)]

    def as_json(self) -> dict[str, object]:
        return {
            "id": self.id,
            "displayName": self.name,
            "mail": self.address,
            "userPrincipalName": self.address,
            "proxyAddresses": self.proxies,
            # A shared mailbox has a user that may not sign in.
            "accountEnabled": self.enabled and self.purpose == "user",
        }


class Directory:
    """All tenants. Look-ups by Graph never leave the tenant of the token."""

    def __init__(self) -> None:
        self.organisations: dict[str, Organisation] = {}
        self.users: dict[str, User] = {}
        self._by_address: dict[str, User] = {}

    def add_organisation(self, organisation: Organisation) -> None:
        self.organisations[organisation.tenant_id] = organisation

    def put_user(
        self,
        tenant_id: str,
        address: str,
        *,
        user_id: str | None,
        mailbox: bool,
        language: str,
        listener: Callable[[Change], None],
    ) -> User:
        """Makes or finds the user; with `user_id`, changes the address of an existing one."""
        user = self.users.get(user_id or "") or self.by_address(address)
        if user is None or user.tenant_id != tenant_id:
            new_id = user_id or str(uuid.uuid5(_NAMESPACE, f"{tenant_id}|{address.lower()}"))
            user = User(new_id, tenant_id, address, address)
            self.users[new_id] = user
        user.address = address
        if mailbox and user.mailbox is None:
            user.mailbox = Mailbox(str(uuid.uuid5(_NAMESPACE, user.id)), address, listener, language)
        elif not mailbox:
            user.mailbox = None
        if user.mailbox:
            user.mailbox.address = address
        return user

    def index(self) -> None:
        """Call after users or their addresses changed."""
        self._by_address = {alias.lower(): user for user in self.users.values() for alias in user.aliases}
        self._by_address |= {user.address.lower(): user for user in self.users.values()}

    def by_address(self, address: str) -> User | None:
        """By address or alias, in any tenant."""
        return self._by_address.get(address.lower())

    def group(self, address: str) -> Group | None:
        """By address, in any tenant."""
        found = (organisation.groups.get(address.lower()) for organisation in self.organisations.values())
        return next((group for group in found if group is not None), None)

    def serves(self, address: str) -> bool:
        """Whether the address is at a domain of a tenant."""
        domain = address.lower().rpartition("@")[2]
        return any(domain in organisation.domains for organisation in self.organisations.values())

    def by_name(self, tenant_id: str, name: str) -> User | None:
        """As Graph resolves `/users/{name}`: id or principal name, never an alias."""
        user = self.users.get(name.lower()) or self._by_address.get(name.lower())
        if user is None or user.tenant_id != tenant_id or name.lower() not in (user.id, user.address.lower()):
            return None
        return user

    def is_internal(self, tenant_id: str, address: str) -> bool:
        """Whether a sender belongs to the tenant: one of its users, or one of its domains."""
        user = self.by_address(address)
        organisation = self.organisations.get(tenant_id)
        domain = address.rpartition("@")[2].lower()
        return bool(user and user.tenant_id == tenant_id) or bool(
            organisation and domain in organisation.domains
        )

    def mailboxes(self, tenant_id: str) -> list[Mailbox]:
        return [user.mailbox for user in self.users.values() if user.tenant_id == tenant_id and user.mailbox]
