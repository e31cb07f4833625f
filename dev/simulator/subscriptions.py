"""Graph subscriptions: the rules of making, renewing and losing them, and which of them a change concerns.

Rules: resource type subscription; webhooks. Knows nothing of how notifications travel.
"""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

from dev.simulator.call import split_path
from dev.simulator.directory import User
from dev.simulator.errors import GraphError, bad_request
from dev.simulator.filters import Filter, parse_filter
from dev.simulator.mailbox import Change

LONGEST = timedelta(minutes=10_080)
SHORTEST = timedelta(minutes=45)
_CHANGES = frozenset({"created", "updated", "deleted"})
_FOREIGN = ("vapidPublicKey", "webPushEncryptionP256dhPublicKey", "webPushEncryptionSecret")


@dataclass(slots=True)
class Subscription:
    """One webhook subscription to the messages of a mailbox, or of one of its folders."""

    id: str
    tenant_id: str
    application_id: str
    resource: str
    change_type: str
    client_state: str | None
    notification_url: str
    lifecycle_url: str | None
    expires: datetime
    user: User
    folder_id: str | None
    conditions: Filter
    immutable_ids: bool

    def as_json(self, *, with_state: bool = False) -> dict[str, object]:
        """The resource; the client state is shown only to whom just gave it."""
        return {
            "id": self.id,
            "resource": self.resource,
            "applicationId": self.application_id,
            "changeType": self.change_type,
            "clientState": self.client_state if with_state else None,
            "notificationUrl": self.notification_url,
            "notificationQueryOptions": None,
            "lifecycleNotificationUrl": self.lifecycle_url,
            "expirationDateTime": written(self.expires),
            "creatorId": self.application_id,
            "includeResourceData": None,
            "latestSupportedTlsVersion": "v1_2",
            "encryptionCertificate": None,
            "encryptionCertificateId": None,
            "notificationUrlAppId": None,
        }

    def concerns(self, change: Change) -> bool:
        """Whether its subscriber is told of this change."""
        return (
            change.kind in self.change_type.split(",")
            and self.user.mailbox is change.mailbox
            and self.folder_id in (None, change.folder.id)
            and (change.kind == "deleted" or self.conditions.rule(change.message))
        )


def written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _moment(text: object) -> datetime:
    try:
        moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", str(text)))
    except ValueError as error:
        raise bad_request("expirationDateTime is not a valid date.", "ValidationError") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def expiration(text: object, now: datetime) -> datetime:
    """The granted expiry: below 45 minutes is raised, above 10,080 minutes refused. Raises GraphError 400."""
    asked = _moment(text)
    if asked > now + LONGEST + timedelta(seconds=30):
        raise bad_request(
            "Subscription expiration can only be 10080 minutes in the future.", "ExtensionError"
        )
    return max(asked, now + SHORTEST)


def check_url(value: object, name: str) -> str:
    """HTTPS anywhere; plain HTTP on loopback alone. Raises GraphError 400."""
    parts = urlsplit(str(value or ""))
    if parts.scheme == "https" and parts.hostname:
        return str(value)
    if parts.scheme == "http" and _is_loopback(parts.hostname or ""):
        return str(value)
    raise bad_request(f"The {name} must be an absolute HTTPS URL.", "InvalidRequest")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


class Subscriptions:
    """All subscriptions of all tenants. Those past their time vanish without a word."""

    def __init__(self) -> None:
        self._by_id: dict[str, Subscription] = {}

    def living(self, now: datetime) -> Iterator[Subscription]:
        self._by_id = {key: one for key, one in self._by_id.items() if one.expires > now}
        yield from list(self._by_id.values())

    def of(self, tenant_id: str, now: datetime) -> list[Subscription]:
        return [one for one in self.living(now) if one.tenant_id == tenant_id]

    def get(self, tenant_id: str, subscription_id: str, now: datetime) -> Subscription:
        """Raises GraphError 404."""
        found = next((one for one in self.of(tenant_id, now) if one.id == subscription_id.lower()), None)
        if found is None:
            raise GraphError(404, "ResourceNotFound", "The object was not found.")
        return found

    def find(self, subscription_id: str) -> Subscription | None:
        return self._by_id.get(subscription_id)

    def add(self, subscription: Subscription) -> None:
        self._by_id[subscription.id] = subscription

    def remove(self, subscription: Subscription) -> None:
        self._by_id.pop(subscription.id, None)

    def check_duplicate(self, wanted: Subscription, now: datetime) -> None:
        """One per application, resource and change type. Raises GraphError 409."""
        for one in self.of(wanted.tenant_id, now):
            if (one.change_type, one.resource.lower()) == (wanted.change_type, wanted.resource.lower()):
                message = f"Subscription Id {one.id} already exists for the requested combination"
                raise GraphError(409, "ObjectIdentifierInUse", message)


def resource_parts(resource: str) -> tuple[str, str | None, Filter]:
    """(user, folder or None, filter) of a subscription's resource. Raises GraphError 400."""
    path, _, query = resource.partition("?")
    segments = split_path(path)
    lower = [segment.lower() for segment in segments]
    conditions = parse_filter(
        re.sub(r"(?i)^\$filter=", "", query) if query.lower().startswith("$filter=") else ""
    )
    if len(segments) == 3 and lower[0] == "users" and lower[2] == "messages":
        return segments[1], None, conditions
    if len(segments) == 5 and (lower[0], lower[2], lower[4]) == ("users", "mailfolders", "messages"):
        return segments[1], segments[3], conditions
    raise bad_request(f"Resource '{resource}' is not supported.", "ExtensionError")


def draft_subscription(
    body: dict[str, object],
    *,
    tenant_id: str,
    application_id: str,
    user: User,
    folder_id: str | None,
    conditions: Filter,
    immutable_ids: bool,
    now: datetime,
) -> Subscription:
    """A subscription as asked for, checked but not yet validated by handshake. Raises GraphError 400."""
    client_state = body.get("clientState")
    if client_state is not None and len(str(client_state)) > 128:
        raise bad_request("The clientState must not exceed 128 characters.", "InvalidRequest")
    if any(body.get(name) is not None for name in _FOREIGN):
        raise bad_request("Web push properties are not valid for this subscription.", "InvalidRequest")
    if body.get("includeResourceData"):
        raise bad_request("Resource data is not offered by this simulator.", "InvalidRequest")
    changes = sorted({part.strip().lower() for part in str(body.get("changeType") or "").split(",")})
    if not changes or not set(changes) <= _CHANGES:
        raise bad_request("The changeType is missing or not supported.", "InvalidRequest")
    lifecycle = body.get("lifecycleNotificationUrl")
    return Subscription(
        str(uuid.uuid4()),
        tenant_id,
        application_id,
        str(body.get("resource")),
        ",".join(changes),
        None if client_state is None else str(client_state),
        check_url(body.get("notificationUrl"), "notificationUrl"),
        check_url(lifecycle, "lifecycleNotificationUrl") if lifecycle else None,
        expiration(body.get("expirationDateTime"), now),
        user,
        folder_id,
        conditions,
        immutable_ids,
    )
