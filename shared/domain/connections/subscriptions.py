"""Graph subscriptions of mailboxes: what is kept of one, what to do about it now, and what is out of order."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from shared.domain.connections.mailboxes import Mailbox

# Outlook message subscriptions live at most 10,080 minutes ("under seven days").
LIFETIME: Final = timedelta(minutes=10_080 - 60)
RENEW_BEFORE: Final = timedelta(hours=48)
# Mailboxes that were connected together are renewed on their own second of this time before that.
SPREAD: Final = timedelta(hours=24)
# A command that was to subscribe and did not come to its end is made up for.
ANSWERED_WITHIN: Final = timedelta(minutes=10)
MAX_CLIENT_STATE: Final = 128

# Events of ours beside Graph's: one lives that is not stored; one is stored that does not live.
STRAY: Final = "stray"
LOST: Final = "lost"
_RENEWING: Final = ("reauthorizationRequired", LOST)


@dataclass(frozen=True, slots=True)
class Subscription:
    """What is stored of a mailbox's subscription. It exists at Graph once `subscription_id` is known.

    `asked_at` is when Graph was last asked for one.
    """

    mailbox_id: str
    client_state: str
    subscription_id: str = ""
    expires_at: datetime | None = None
    asked_at: datetime | None = None
    etag: str = ""

    @property
    def renew_at(self) -> datetime | None:
        """From when on it is renewed; None while it has no end."""
        share = int(self.mailbox_id[8:16] or "0", 16) % int(SPREAD.total_seconds())
        return self.expires_at and self.expires_at - RENEW_BEFORE - timedelta(seconds=share)

    def lives_at(self, now: datetime) -> bool:
        """Whether Graph should still have it."""
        return bool(self.subscription_id) and self.expires_at is not None and self.expires_at > now

    def is_due(self, now: datetime) -> bool:
        """Whether the timer should have it seen to."""
        if not self.subscription_id:
            return self.asked_at is None or self.asked_at <= now - ANSWERED_WITHIN
        return self.renew_at is None or self.renew_at <= now


class Action(StrEnum):
    """What a MaintainSubscription command comes to."""

    CREATE = "create"
    RENEW = "renew"
    END = "end"
    NOTHING = "nothing"


def next_action(subscription: Subscription | None, *, wanted: bool, event: str, now: datetime) -> Action:
    """Create where none stands, renew (one PATCH also reauthorizes) in time, end where none is wanted."""
    if subscription is None:
        return Action.CREATE if wanted else Action.NOTHING
    if not wanted:
        return Action.END
    # Graph keeps nothing of a subscription that it removed: a PATCH of it would be 404.
    if event == "subscriptionRemoved" or not subscription.lives_at(now):
        return Action.CREATE
    if event in _RENEWING or subscription.is_due(now):
        return Action.RENEW
    return Action.NOTHING


@dataclass(frozen=True, slots=True)
class Disorder:
    """What Graph has and what is stored do not agree on: ids of nobody's, and events for mailboxes by id."""

    nobodys: tuple[str, ...]
    events: Mapping[str, str]


def compare(
    living: Mapping[str, str],
    mailboxes: Iterable[Mailbox],
    stored: Mapping[str, Subscription],
    *,
    enabled: bool,
) -> Disorder:
    """Compare Graph's list (users by subscription id) with an organisation's mailboxes and what is stored.

    `mailboxes` are all there are, `stored` rows by mailbox id, `enabled` whether the organisation is.
    """
    owners = _by_name(mailboxes)
    own = {mailbox_id: row.subscription_id for mailbox_id, row in stored.items()}
    events = {mailbox_id: LOST for mailbox_id, ident in own.items() if ident and ident not in living}
    for subscription_id, user in living.items():
        owner = owners.get(user)
        if owner is None:
            continue
        is_wanted = enabled and owner.is_readable
        # After LOST, so that it counts for more: the strays are ended before a new one is made.
        if not is_wanted or own.get(owner.mailbox_id) != subscription_id:
            events[owner.mailbox_id] = STRAY
    nobodys = tuple(subscription_id for subscription_id, user in living.items() if user not in owners)
    return Disorder(nobodys, events)


def _by_name(mailboxes: Iterable[Mailbox]) -> Mapping[str, Mailbox]:
    """Mailboxes by object id and by address: Graph's list names users as they were named at the subscribing."""
    named: dict[str, Mailbox] = {}
    for mailbox in mailboxes:
        named[mailbox.address] = mailbox
        if mailbox.user_id:
            named[mailbox.user_id] = mailbox
    return named


def client_state(mailbox_id: str, secret: str) -> str:
    """The clientState of a subscription: names the mailbox, so that a notification finds its row."""
    return f"{mailbox_id}.{secret}"[:MAX_CLIENT_STATE]


def mailbox_of(state: str) -> str:
    """The mailbox that a clientState names; proves nothing until the whole is compared."""
    return state.partition(".")[0]
