"""Who may call what: application roles, RBAC for Applications in Exchange, delegated scopes and mailbox rights."""

from collections.abc import Mapping

from dev.simulator.directory import Organisation, User
from dev.simulator.errors import GraphError, access_denied
from dev.simulator.people import SignIn
from dev.simulator.routing import Route

_READING = frozenset(("Mail.Read", "Mail.ReadWrite", "Mail.Read.All", "Mail.ReadWrite.All"))
# Headers of mail and nothing else: no body, preview, attachments or extended properties.
_BASIC = frozenset(("Mail.ReadBasic", "Mail.ReadBasic.All"))
_BASIC_SHARED = frozenset(("Mail.ReadBasic.Shared",))
_SHARED = frozenset(("Mail.Read.Shared", "Mail.ReadWrite.Shared"))
_USERS = frozenset(("User.Read.All", "User.ReadBasic.All", "Directory.Read.All"))
_GROUPS = frozenset(("GroupMember.Read.All", "Group.Read.All", "Directory.Read.All"))
_SETTINGS = frozenset(("MailboxSettings.Read", "MailboxSettings.ReadWrite"))


def check_application(
    organisation: Organisation, claims: Mapping[str, object], route: Route, user: User | None
) -> bool:
    """Whether mail is shown without its content.

    Raises GraphError 403 for what the application may not do by its token's roles or by Exchange's scope. The two
    add up. Exchange may not have noticed a grant yet.
    """
    roles = _texts(claims.get("roles"))
    in_scope = user is not None and user.address.lower() in organisation.rbac_scope
    if route.template.startswith("GET /groups"):
        _need(roles & _GROUPS)
    elif route.template in ("GET /users", "GET /users/{id}"):
        _need(roles & _USERS)
    elif route.is_settings:
        if not (roles & _SETTINGS or in_scope):
            raise access_denied()
    elif "{user}" in route.pattern:
        if organisation.unnoticed:
            raise access_denied()
        return _is_basic(route, whole=bool(roles & _READING) or in_scope, basic=bool(roles & _BASIC))
    return False


def check_delegated(
    claims: Mapping[str, object], sign_in: SignIn | None, route: Route, user: User | None
) -> bool:
    """Whether mail is shown without its content.

    Raises GraphError 401 or 403 for what a signed-in person may not do through the application.
    """
    if sign_in is None or sign_in.is_revoked:
        raise GraphError(401, "InvalidAuthenticationToken", "The session has been revoked.")
    scopes = _texts(str(claims.get("scp")).split())
    is_own = user is not None and user.id == claims.get("oid")
    if route.template.startswith(("GET /groups", "POST /subscriptions")) or route.template == "GET /users":
        _need(scopes & (_USERS | _GROUPS))
    elif route.template == "GET /users/{id}":
        _need(is_own or scopes & _USERS)
    elif route.is_settings:
        _need(is_own and scopes & _SETTINGS)
    elif "{user}" in route.pattern:
        if not (is_own or _is_given(user, str(claims.get("preferred_username")))):
            raise access_denied()
        whole = scopes & (_READING | _SHARED if is_own else _SHARED)
        basic = scopes & (_BASIC | _BASIC_SHARED if is_own else _BASIC_SHARED)
        return _is_basic(route, whole=bool(whole), basic=bool(basic))
    return False


def _is_given(user: User | None, account: str) -> bool:
    """Whether Exchange gives the account full access to the mailbox. A user who is not there is 404 later on."""
    return user is None or "full_access" in user.delegates.get(account.lower(), set())


def _is_basic(route: Route, *, whole: bool, basic: bool) -> bool:
    """Whether only headers are shown. Raises GraphError 403 where not even they are, as for any content."""
    if not whole and (not basic or route.is_content):
        raise access_denied()
    return not whole


def _need(granted: object) -> None:
    if not granted:
        raise GraphError(
            403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."
        )


def _texts(values: object) -> frozenset[str]:
    return frozenset(str(one) for one in values) if isinstance(values, list | tuple) else frozenset()
