"""Graph subscriptions of mailboxes: what is kept of one, and what to do about it now."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

# Outlook message subscriptions live at most 10,080 minutes ("under seven days").
LIFETIME: Final = timedelta(minutes=10_080 - 60)
RENEW_BEFORE: Final = timedelta(hours=48)
MAX_CLIENT_STATE: Final = 128


@dataclass(frozen=True, slots=True)
class Subscription:
    """What is stored of a mailbox's subscription. It exists at Graph once `subscription_id` is known."""

    mailbox_id: str
    client_state: str
    subscription_id: str = ""
    expires_at: datetime | None = None
    etag: str = ""


class Action(StrEnum):
    """What a MaintainSubscription command comes to."""

    CREATE = "create"
    RENEW = "renew"
    END = "end"
    NOTHING = "nothing"


def next_action(subscription: Subscription | None, *, wanted: bool, event: str, now: datetime) -> Action:
    """Create where none stands, renew (one PATCH also reauthorizes) in time, end where none is wanted."""
    exists = subscription is not None and bool(subscription.subscription_id)
    if not wanted:
        return Action.END if exists else Action.NOTHING
    if subscription is None or not exists or event == "subscriptionRemoved":
        return Action.CREATE
    if subscription.expires_at is None or subscription.expires_at <= now:
        return Action.CREATE
    if event == "reauthorizationRequired" or subscription.expires_at - now <= RENEW_BEFORE:
        return Action.RENEW
    return Action.NOTHING


def client_state(mailbox_id: str, secret: str) -> str:
    """The clientState of a subscription: names the mailbox, so that a notification finds its row."""
    return f"{mailbox_id}.{secret}"[:MAX_CLIENT_STATE]


def mailbox_of(state: str) -> str:
    """The mailbox that a clientState names; proves nothing until the whole is compared."""
    return state.partition(".")[0]
