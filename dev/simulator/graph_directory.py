"""Graph's directory routes: users by id or principal name, groups, and what a mailbox is for.

An alias is found by filter only.
"""

import re
import uuid
from urllib.parse import quote

from dev.simulator.call import Answer
from dev.simulator.directory import User
from dev.simulator.errors import GraphError, bad_request
from dev.simulator.habits import Habits
from dev.simulator.routing import Context, routes

_DEFAULTS = ("displayName", "mail", "userPrincipalName", "id")
_CLAUSE = re.compile(
    r"\s*(?:(mail|userPrincipalName|id)\s+eq\s+'([^']*)'|proxyAddresses/any\(\s*(\w+)\s*:\s*\3\s+eq\s+'([^']*)'\s*\))\s*",
    re.I,
)

_IN = re.compile(r"\s*id\s+in\s*\((.*)\)\s*", re.I)


def _shown(user: User, select: str | None) -> dict[str, object]:
    values = user.as_json()
    names = (
        {name.strip().lower() for name in select.split(",")}
        if select
        else {name.lower() for name in _DEFAULTS}
    )
    return {name: value for name, value in values.items() if name.lower() in names}


def _unsupported() -> GraphError:
    return bad_request("Unsupported or invalid query filter clause specified.", "Request_UnsupportedQuery")


def _matches(user: User, text: str, habits: Habits) -> bool:
    """Whether a filter finds a user. Raises GraphError 400 for one that is not understood."""
    if listed := _IN.fullmatch(text):
        ids = re.findall(r"'([^']*)'", listed[1].lower())
        if 0 < habits.most_ids < len(ids):
            raise _unsupported()
        return user.id in ids
    for clause in re.split(r"\s+or\s+", text, flags=re.I):
        found = _CLAUSE.fullmatch(clause)
        if not found:
            raise _unsupported()
        if found[4]:
            if _is_proxy(found[4], user.proxies, habits):
                return True
        elif found[2].lower() == (user.id if found[1].lower() == "id" else user.address.lower()):
            return True
    return False


def _is_proxy(text: str, proxies: list[str], habits: Habits) -> bool:
    if habits.proxies_by_case:
        return text in proxies
    return text.lower() in [proxy.lower() for proxy in proxies]


@routes.on("GET", "/users", in_mailbox=False, options="select filter top skiptoken")
async def list_users(context: Context) -> Answer:
    """The users of the tenant, filtered by mail, principal name or proxy address."""
    query = context.call.query
    users = [user for user in context.world.directory.users.values() if user.tenant_id == context.tenant_id]
    if text := query.get("$filter"):
        users = [user for user in users if _matches(user, text, context.habits)]
    top = context.call.integer("$top") or 100
    start = context.call.integer("$skiptoken") or 0
    select = query.get("$select")
    page: dict[str, object] = {"@odata.context": context.context_url("users")}
    if len(users) > start + top:
        kept = {name: value for name, value in query.items() if name not in ("$top", "$skiptoken")}
        rest = "".join(f"&{name}={quote(value, safe='')}" for name, value in kept.items())
        page["@odata.nextLink"] = f"{context.base}/users?$top={top}&$skiptoken={start + top}{rest}"
    page["value"] = [_shown(user, select) for user in users[start : start + top]]
    return Answer(payload=page)


@routes.on("GET", "/groups", in_mailbox=False, options="select filter")
async def list_groups(context: Context) -> Answer:
    """The groups whose address a filter names."""
    groups = context.world.directory.organisations[context.tenant_id].groups
    asked = {one.lower() for one in re.findall(r"'(?:smtp:)?([^']+)'", context.call.query.get("$filter", ""))}
    found = [
        {"id": str(uuid.uuid5(uuid.NAMESPACE_URL, address)), "displayName": group.name, "mail": address}
        for address, group in groups.items()
        if address in asked
    ]
    return Answer(payload={"@odata.context": context.context_url("groups"), "value": found})


@routes.on("GET", "/users/{user}", in_mailbox=False, options="select")
async def get_user(context: Context) -> Answer:
    """One user, by id or principal name."""
    if context.named_user is None:
        name = context.parameters["user"]
        message = f"Resource '{name}' does not exist or one of its queried reference-property objects are not present."
        raise GraphError(404, "Request_ResourceNotFound", message)
    shown = _shown(context.user, context.call.query.get("$select"))
    return Answer(payload={"@odata.context": context.context_url("users/$entity"), **shown})


@routes.on("GET", "/users/{user}/mailboxSettings")
async def mailbox_settings(context: Context) -> Answer:
    """Purpose, time zone and language of a mailbox."""
    _ = context.mailbox.id
    settings = {
        "userPurpose": context.user.purpose,
        "timeZone": "UTC",
        "language": {"locale": "en-US", "displayName": "English"},
    }
    return Answer(payload={"@odata.context": context.context_url("users/mailboxSettings"), **settings})


@routes.on("GET", "/users/{user}/mailboxSettings/userPurpose")
async def user_purpose(context: Context) -> Answer:
    """user, shared, room ..."""
    _ = context.mailbox.id
    return Answer(
        payload={"@odata.context": context.context_url("users/userPurpose"), "value": context.user.purpose}
    )
