"""Graph's change notification subscriptions: one per mailbox, for new mail in all its folders."""

from datetime import datetime
from typing import Final
from urllib.parse import unquote

from shared.adapters.graph.dates import moment, stamp
from shared.adapters.graph.directory import user_of
from shared.adapters.graph.errors import AlreadyExists
from shared.adapters.graph.session import GraphSession, Json, path
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import NotFound, Unavailable
from shared.ports.notifications import LiveSubscription

NOTIFICATIONS: Final = "/api/graph/notifications"
LIFECYCLE: Final = "/api/graph/lifecycle"


class GraphSubscriptions:
    """SubscriptionSource over Microsoft Graph. `public_url` is where Graph reaches this deployment."""

    def __init__(self, session: GraphSession, public_url: str) -> None:
        self._session = session
        self._public_url = public_url.rstrip("/")

    def create(self, mailbox: Mailbox, client_state: str, expires_at: datetime) -> LiveSubscription:
        """Graph calls both URLs before it answers. One left by an earlier try is replaced.

        (That one's clientState is unknown, so its notifications could not be believed.)
        """
        wanted = self._wanted(mailbox, client_state, expires_at)
        try:
            made = self._session.post(mailbox.tenant_id, "/subscriptions", wanted)
        except AlreadyExists:
            self._end_older(mailbox, wanted)
            made = self._session.post(mailbox.tenant_id, "/subscriptions", wanted)
        return _subscription(made)

    def renew(self, mailbox: Mailbox, subscription_id: str, expires_at: datetime) -> LiveSubscription:
        """One PATCH, which reauthorizes too."""
        where = path("subscriptions", subscription_id)
        changes = {"expirationDateTime": stamp(expires_at)}
        return _subscription(self._session.patch(mailbox.tenant_id, where, changes))

    def end(self, tenant_id: str, subscription_id: str) -> None:
        """Delete; one that is gone already is no error."""
        try:
            self._session.delete(tenant_id, path("subscriptions", subscription_id))
        except NotFound:
            return

    def living(self, tenant_id: str) -> list[LiveSubscription]:
        """Those of this application that lead to this deployment: another one may share the application."""
        url = self._public_url + NOTIFICATIONS
        listed = self._session.pages(tenant_id, "/subscriptions")
        return [_subscription(made) for made in listed if made.get("notificationUrl") == url]

    def _wanted(self, mailbox: Mailbox, client_state: str, expires_at: datetime) -> Json:
        return {
            # Moves and deletions are seen by the walk: notified, each would cost a call and a command.
            "changeType": "created",
            "resource": path("users", user_of(mailbox), "messages"),
            "notificationUrl": self._public_url + NOTIFICATIONS,
            "lifecycleNotificationUrl": self._public_url + LIFECYCLE,
            "clientState": client_state,
            "expirationDateTime": stamp(expires_at),
            "latestSupportedTlsVersion": "v1_2",
        }

    def _end_older(self, mailbox: Mailbox, wanted: Json) -> None:
        for older in list(self._session.pages(mailbox.tenant_id, "/subscriptions")):
            if _means_the_same(older, wanted):
                self.end(mailbox.tenant_id, str(older["id"]))


def _means_the_same(one: Json, other: Json) -> bool:
    """Graph gives resources back with or without the leading slash, in any case."""
    return _resource(one) == _resource(other) and one.get("notificationUrl") == other["notificationUrl"]


def _resource(subscription: Json) -> str:
    return str(subscription.get("resource") or "").strip("/").casefold()


def _subscription(answer: Json) -> LiveSubscription:
    expires_at = moment(answer.get("expirationDateTime"))
    if expires_at is None or not answer.get("id"):
        raise Unavailable("Microsoft Graph described a subscription without id or end.")
    return LiveSubscription(str(answer["id"]), expires_at, _user(answer))


def _user(subscription: Json) -> str:
    """The user in `users/{user}/messages`; '' for a resource of another kind."""
    parts = _resource(subscription).split("/")
    return unquote(parts[1]) if len(parts) > 1 and parts[0] == "users" else ""
