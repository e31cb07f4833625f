"""The users of Entra ID behind mailboxes, as Graph shows them."""

from typing import Final

from shared.adapters.graph.delegated import Sessions
from shared.adapters.graph.session import GraphSession, Json, path, query
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import AccessDenied, NotFound, Rejected
from shared.domain.mail.addresses import normalise
from shared.ports.directory import DirectoryUser

USER_FIELDS: Final = "id,mail,userPrincipalName,proxyAddresses,displayName"


class GraphDirectory:
    """Implements `ports.Directory`."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def user(self, mailbox: Mailbox) -> DirectoryUser:
        return find_user(self._sessions.of(mailbox), mailbox)

    def is_disabled(self, mailbox: Mailbox) -> bool:
        """Asked for by itself: User.ReadBasic.All does not show it, and a select that names it may be refused."""
        session = self._sessions.of(mailbox)
        user = find_user(session, mailbox)
        try:
            found = session.get(
                mailbox.tenant_id, path("users", user.user_id) + query(select="accountEnabled")
            )
        except (AccessDenied, Rejected):
            return False
        return found.get("accountEnabled") is False


def user_of(mailbox: Mailbox) -> str:
    """How Graph is asked for a mailbox: by object id once it is known, by address until then."""
    return mailbox.user_id or mailbox.address


def find_user(session: GraphSession, mailbox: Mailbox) -> DirectoryUser:
    """By object id or principal name, else by any address: `/users/{name}` knows no aliases."""
    where = path("users", user_of(mailbox)) + query(select=USER_FIELDS)
    try:
        found = session.get(mailbox.tenant_id, where)
    except NotFound:
        if mailbox.user_id:
            raise
        found = _by_address(session, mailbox)
    return directory_user(found, mailbox.address)


def directory_user(found: Json, address: str = "") -> DirectoryUser:
    """A user as Graph shows it; `address` is taken where it shows none."""
    main = normalise(found.get("mail") or found.get("userPrincipalName") or "") or address
    return DirectoryUser(str(found["id"]), main, _aliases(found, main), str(found.get("displayName") or ""))


def has_address(address: str) -> str:
    """A filter for whoever has this address. Graph may tell `SMTP:`, the primary one, from `smtp:`."""
    quoted = address.replace("'", "''")
    proxies = [f"proxyAddresses/any(p:p eq '{kind}:{quoted}')" for kind in ("smtp", "SMTP")]
    return " or ".join([f"mail eq '{quoted}'", *proxies])


def _by_address(session: GraphSession, mailbox: Mailbox) -> Json:
    where = path("users") + query(filter=has_address(mailbox.address), select=USER_FIELDS)
    found = list(session.pages(mailbox.tenant_id, where))
    if len(found) != 1:
        raise NotFound("The directory has no user with this address.", "Request_ResourceNotFound")
    return found[0]


def _aliases(user: Json, address: str) -> tuple[str, ...]:
    """The other SMTP addresses of a user; `SMTP:` marks the primary one, other kinds are not mail."""
    proxies = [str(proxy).partition(":") for proxy in user.get("proxyAddresses") or ()]
    found = (normalise(value) for kind, _, value in proxies if kind.casefold() == "smtp")
    return tuple(dict.fromkeys(alias for alias in found if alias and alias != address))
