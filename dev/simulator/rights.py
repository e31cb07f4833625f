"""Who may call what: application roles, RBAC for Applications in Exchange, delegated scopes and mailbox rights."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from dev.simulator.directory import Organisation, User
from dev.simulator.errors import GraphError, access_denied
from dev.simulator.people import SignIn


class Right(StrEnum):
    """What is done to a mailbox. None includes another."""

    HEADERS = "headers"
    READ = "read"
    WRITE = "write"
    SEND = "send"
    SUBSCRIBE = "subscribe"
    SETTINGS = "settings"


_ENOUGH: Mapping[Right, frozenset[str]] = {
    # No body, preview, attachments or extended properties.
    Right.HEADERS: frozenset(("Mail.ReadBasic", "Mail.ReadBasic.All")),
    Right.READ: frozenset(("Mail.Read", "Mail.ReadWrite")),
    Right.WRITE: frozenset(("Mail.ReadWrite",)),
    # Mail.ReadWrite is not listed among the permissions of "create subscription".
    Right.SUBSCRIBE: frozenset(("Mail.Read",)),
    Right.SEND: frozenset(("Mail.Send",)),
    Right.SETTINGS: frozenset(("MailboxSettings.Read", "MailboxSettings.ReadWrite")),
}
_USERS = frozenset(("User.Read.All", "User.ReadBasic.All", "Directory.Read.All"))
_GROUPS = frozenset(("GroupMember.Read.All", "Group.Read.All", "Directory.Read.All"))
_SENDING = frozenset(("send", "sendmail", "reply", "replyall", "forward"))


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whose token it is: the application's own, or that of a person (`account`) who uses the application.

    `granted` are the token's roles or scopes. `basic_subscribes`: Mail.ReadBasic is enough to subscribe.
    """

    organisation: Organisation
    granted: frozenset[str]
    account: str = ""
    person_id: str = ""
    basic_subscribes: bool = False

    def check_directory(self, template: str, user: User | None) -> None:
        """Raises GraphError 403 for a read of the directory that is not granted."""
        is_own = user is not None and user.id == self.person_id
        enough = _GROUPS if template.startswith("GET /groups") else _USERS
        if not (self.granted & enough or (is_own and template == "GET /users/{id}")):
            message = "Insufficient privileges to complete the operation."
            raise GraphError(403, "Authorization_RequestDenied", message)

    def check(self, right: Right, user: User | None) -> None:
        """Raises GraphError 403 where it is not granted. A user who is not there is 404 later on."""
        if not self.may(right, user):
            raise access_denied()

    def may(self, right: Right, user: User | None) -> bool:
        """By what Entra granted, and by what Exchange did; the two add up."""
        enough = _ENOUGH[right]
        if right is Right.SUBSCRIBE and self.basic_subscribes:
            enough |= _ENOUGH[Right.HEADERS]
        if self.account:
            return self._may_as_person(right, user, enough)
        if self.organisation.unnoticed and right is not Right.SETTINGS:
            return False
        in_scope = user is not None and user.address.lower() in self.organisation.rbac_scope
        by_exchange = self.organisation.rbac_roles if in_scope else frozenset()
        return bool((self.granted | by_exchange) & enough)

    def may_send_as(self, user: User, sender: User) -> bool:
        """Whether mail that is sent at `user` may come from `sender` alone."""
        return self._principal(user) == sender.address.lower() or self._has(user, sender, "send_as")

    def may_send_on_behalf(self, user: User, sender: User) -> bool:
        """Whether it may come from `sender`, and say who sent it."""
        return self._has(user, sender, "send_on_behalf")

    def _may_as_person(self, right: Right, user: User | None, enough: frozenset[str]) -> bool:
        shared = frozenset(f"{name}.Shared" for name in enough)
        if user is None or user.id == self.person_id:
            return bool(self.granted & (enough | shared))
        if right in (Right.SETTINGS, Right.SUBSCRIBE):
            return False
        rights = user.delegates.get(self.account.lower(), set())
        needed = {"send_as", "send_on_behalf"} if right is Right.SEND else {"full_access"}
        return bool(rights & needed) and bool(self.granted & shared)

    def _principal(self, user: User) -> str:
        """An application acts as the mailbox that it calls."""
        return (self.account or user.address).lower()

    def _has(self, user: User, sender: User, right: str) -> bool:
        return right in sender.delegates.get(self._principal(user), set())


def bearer_of(
    organisation: Organisation,
    claims: Mapping[str, object],
    sign_in: SignIn | None,
    *,
    basic_subscribes: bool,
) -> Bearer:
    """Raises GraphError 403 without consent, 401 for a person whose sign-in was revoked."""
    if "scp" not in claims:
        roles = claims.get("roles")
        granted = frozenset(map(str, roles)) if isinstance(roles, list | tuple) else frozenset()
        return Bearer(organisation, granted, basic_subscribes=basic_subscribes)
    if sign_in is None or sign_in.is_revoked:
        raise GraphError(401, "InvalidAuthenticationToken", "The session has been revoked.")
    return Bearer(
        organisation,
        frozenset(str(claims["scp"]).split()),
        str(claims.get("preferred_username")),
        str(claims.get("oid")),
        basic_subscribes,
    )


def right_for(method: str, pattern: tuple[str, ...]) -> Right:
    """What a route does to the mailbox that it names."""
    if "mailboxsettings" in pattern:
        return Right.SETTINGS
    if pattern[-1] in _SENDING:
        return Right.SEND
    return Right.READ if method == "GET" else Right.WRITE
