"""Graph's subscriptions in memory, as a SubscriptionSource."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import NotFound
from shared.ports.notifications import LiveSubscription
from tests.fakes.faults import Errors

CALLS: Final = ("create", "renew", "end", "living")


@dataclass
class FakeSubscriptionSource:
    """`states` are the living ones' clientStates by id; `on_create` runs while a request is open, `after_create`
    when Graph has made one and its answer is on the way.

    Like Graph at times, it takes a second one for the same mailbox.
    """

    states: dict[str, str] = field(default_factory=dict)
    rows: dict[str, tuple[str, LiveSubscription]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    errors: Errors[str] = field(default_factory=lambda: Errors(CALLS.__contains__))
    on_create: Callable[[], None] = lambda: None
    after_create: Callable[[], None] = lambda: None
    _number: int = 0

    def create(self, mailbox: Mailbox, client_state: str, expires_at: datetime) -> LiveSubscription:
        self._call("create")
        self.on_create()
        made = self.add(mailbox.tenant_id, (mailbox.user_id or mailbox.address), client_state, expires_at)
        self.after_create()
        return made

    def add(self, tenant_id: str, user: str, client_state: str, expires_at: datetime) -> LiveSubscription:
        """One that exists at Graph."""
        self._number += 1
        made = LiveSubscription(f"subscription-{self._number}", expires_at, user.casefold())
        self.rows[made.subscription_id] = tenant_id, made
        self.states[made.subscription_id] = client_state
        return made

    def renew(self, mailbox: Mailbox, subscription_id: str, expires_at: datetime) -> LiveSubscription:
        self._call("renew")
        if subscription_id not in self.rows:
            raise NotFound("gone", "ResourceNotFound")
        made = LiveSubscription(subscription_id, expires_at, (mailbox.user_id or mailbox.address).casefold())
        self.rows[subscription_id] = mailbox.tenant_id, made
        return made

    def end(self, tenant_id: str, subscription_id: str) -> None:
        self._call("end")
        self.forget(subscription_id)

    def forget(self, subscription_id: str) -> None:
        """Without a word, as Graph does."""
        self.rows.pop(subscription_id, None)
        self.states.pop(subscription_id, None)

    def living(self, tenant_id: str) -> list[LiveSubscription]:
        self._call("living")
        return [one for tenant, one in self.rows.values() if tenant == tenant_id]

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if name in self.errors:
            raise self.errors[name]
