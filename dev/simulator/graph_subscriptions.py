"""Graph's subscription routes. The handshake comes in while the request that asks for it is still open."""

from datetime import UTC, datetime

from dev.simulator import shapes
from dev.simulator.call import Answer
from dev.simulator.directory import User
from dev.simulator.errors import GraphError
from dev.simulator.rights import Right
from dev.simulator.routing import Context, routes
from dev.simulator.subscriptions import (
    Subscription,
    check_url,
    draft_subscription,
    expiration,
    resource_parts,
)


def _wanted(context: Context) -> Subscription:
    body, world = context.call.json(), context.world
    shapes.check(body, shapes.SUBSCRIPTION, "subscription")
    name, folder_name, conditions = resource_parts(str(body.get("resource") or ""))
    user = world.directory.by_name(context.tenant_id, name)
    _check_access(context, user, "Create")
    if user is None:
        raise _refused(404, "Create", "NotFound", "Resource not found")
    if user.mailbox is None:
        raise _refused(404, "Create", "NotFound", _NO_MAILBOX)
    if world.faults.is_stale(user.address):
        raise _refused(404, "Create", "NotFound", "Mailbox info is stale.")
    return draft_subscription(
        body,
        tenant_id=context.tenant_id,
        application_id=world.app.client_id,
        user=user,
        folder_id=user.mailbox.folder(folder_name).id if folder_name else None,
        conditions=conditions,
        immutable_ids=context.call.preferences.immutable_ids,
        now=datetime.now(UTC),
    )


_NO_MAILBOX = (
    "REST API is not yet supported for this mailbox. This error can occur for sandbox (test) accounts or for "
    "accounts that are on a dedicated (on-premise) mail server."
)


def _refused(status: int, operation: str, name: str, reason: str) -> GraphError:
    """What the mailbox's own server says comes wrapped."""
    message = f"Operation: {operation}; Exception: [Status Code: {name}; Reason: {reason}]"
    return GraphError(status, "ExtensionError", message)


def _check_access(context: Context, user: User | None, operation: str = "Update") -> None:
    """Raises GraphError 403: also a renewal needs the right to the mailbox."""
    names = {user.address.lower(), user.id} if user else set()
    if not context.bearer.may(Right.SUBSCRIBE, user) or context.world.faults.denies(names):
        said = "Access is denied. Check credentials and try again."
        raise _refused(403, operation, "Forbidden", said)


@routes.on("POST", "/subscriptions", in_mailbox=False)
async def create_subscription(context: Context) -> Answer:
    """201 once both URLs have answered the handshake."""
    subscription, store = _wanted(context), context.notifier.subscriptions
    store.check_duplicate(subscription, datetime.now(UTC))
    for url in filter(None, (subscription.notification_url, subscription.lifecycle_url)):
        await context.notifier.validate(url)
    store.check_duplicate(subscription, datetime.now(UTC))
    store.add(subscription)
    payload = {
        "@odata.context": context.context_url("subscriptions/$entity"),
        **subscription.as_json(with_state=True),
    }
    return Answer(201, payload)


@routes.on("GET", "/subscriptions", in_mailbox=False)
async def list_subscriptions(context: Context) -> Answer:
    """Those of this application in this tenant."""
    found = context.notifier.subscriptions.of(context.tenant_id, datetime.now(UTC))
    return Answer(
        payload={
            "@odata.context": context.context_url("subscriptions"),
            "value": [one.as_json() for one in found],
        }
    )


def _named(context: Context) -> Subscription:
    return context.notifier.subscriptions.get(
        context.tenant_id, context.parameters["subscription"], datetime.now(UTC)
    )


@routes.on("GET", "/subscriptions/{subscription}", in_mailbox=False)
async def get_subscription(context: Context) -> Answer:
    """One subscription."""
    return Answer(
        payload={"@odata.context": context.context_url("subscriptions/$entity"), **_named(context).as_json()}
    )


@routes.on("PATCH", "/subscriptions/{subscription}", in_mailbox=False)
async def update_subscription(context: Context) -> Answer:
    """Expiry and notification URL; the lifecycle URL cannot be added later."""
    subscription, body = _named(context), context.call.json()
    shapes.check(body, shapes.SUBSCRIPTION, "subscription")
    _check_access(context, subscription.user)
    expires = (
        expiration(body["expirationDateTime"], datetime.now(UTC))
        if "expirationDateTime" in body
        else subscription.expires
    )
    if "notificationUrl" in body:
        url = check_url(body["notificationUrl"], "notificationUrl")
        await context.notifier.validate(url)
        subscription.notification_url = url
    subscription.expires = expires
    return Answer(
        payload={"@odata.context": context.context_url("subscriptions/$entity"), **subscription.as_json()}
    )


@routes.on("DELETE", "/subscriptions/{subscription}", in_mailbox=False)
async def delete_subscription(context: Context) -> Answer:
    """Gone at once."""
    context.notifier.subscriptions.remove(_named(context))
    return Answer(204)


@routes.on("POST", "/subscriptions/{subscription}/reauthorize", in_mailbox=False)
async def reauthorize(context: Context) -> Answer:
    """Answers a reauthorizationRequired event."""
    _check_access(context, _named(context).user)
    return Answer(204)
