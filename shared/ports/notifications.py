"""Subscriptions at the mail's provider, which then tells this service that mail has arrived."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.domain.connections.mailboxes import Mailbox


@dataclass(frozen=True, slots=True)
class LiveSubscription:
    """A subscription as the provider knows it; `user` is how the mailbox was named when it was made, in lower case."""

    subscription_id: str
    expires_at: datetime
    user: str = ""


class SubscriptionSource(Protocol):
    """Subscriptions to what arrives in whole mailboxes; what they name are ids that hold in the whole mailbox."""

    def create(self, mailbox: Mailbox, client_state: str, expires_at: datetime) -> LiveSubscription: ...

    def renew(self, mailbox: Mailbox, subscription_id: str, expires_at: datetime) -> LiveSubscription:
        """Raises NotFound when the provider no longer has it."""

    def end(self, tenant_id: str, subscription_id: str) -> None:
        """Delete a subscription; a missing one is no error."""

    # A provider may accept a second subscription to a mailbox: its list is compared with what is stored.
    def living(self, tenant_id: str) -> list[LiveSubscription]:
        """All subscriptions of this deployment in a tenant, also those that are not stored here."""
