"""What is known of a mailbox's capture, apart from what its admin wants; and how one state leads to the next.

Workers hand a transition to the store, which applies it to the row as it is now. Nothing here reads or writes.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeAlias

# What each means is on the page for those who operate this; a test compares the two.
NEW: Final = "new"
OK: Final = "ok"
POLLING: Final = "polling"
FAILING: Final = "failing"
NO_ACCESS: Final = "no_access"
REMOVING: Final = "removing"
STATES: Final = (NEW, OK, POLLING, FAILING, NO_ACCESS, REMOVING)
# Shown instead of the state while capture is switched off.
PAUSED: Final = "paused"


@dataclass(frozen=True, slots=True)
class MailboxState:
    """`name` is one of STATES. Times are UTC.

    `lost_at` is when access was lost, until it returns; `paused_at` when capture was paused, until it is resumed
    and a reconciliation of the gap is queued. `blocked_until` is when Graph may be asked again. `reconciled` holds
    the counts of the last reconciliation as JSON. `untested`: the mailbox was saved while Microsoft 365 did not
    answer. `address_offered` is the main address that the directory has for the mailbox now. `sending_refused` is what
    the server for outgoing mail said when it refused the sign-in, until mail leaves again or new credentials are saved.
    """

    name: str = NEW
    last_error: str = ""
    last_sync_at: datetime | None = None
    next_poll_at: datetime | None = None
    blocked_until: datetime | None = None
    lost_at: datetime | None = None
    paused_at: datetime | None = None
    reconciled: str = ""
    untested: bool = False
    address_offered: str = ""
    sending_refused: str = ""


Transition: TypeAlias = Callable[[MailboxState], MailboxState]


def follow(state: MailboxState, transition: Transition) -> MailboxState:
    """The state after a transition. `removing` absorbs: only the end of the row, or connecting anew, leads out."""
    return state if state.name == REMOVING else transition(state)


def walked(started: datetime) -> Transition:
    """A walk that began at `started` has read every folder to its end."""

    def transition(state: MailboxState) -> MailboxState:
        after = replace(state, last_sync_at=started)
        # Why a subscription was refused stays to be seen, and only a proof of access ends its loss.
        return after if state.name in (POLLING, NO_ACCESS) else replace(after, name=OK, last_error="")

    return transition


def failing(error: str) -> Transition:
    """A walk ended in a permanent error that says nothing of access."""

    def transition(state: MailboxState) -> MailboxState:
        # Only `access_returned` leads out of `no_access`: else the gap would never be reconciled.
        return state if state.name == NO_ACCESS else replace(state, name=FAILING, last_error=error)

    return transition


def access_lost(error: str, now: datetime) -> Transition:
    """The mailbox may no longer be read. The first to notice dates the loss."""

    def transition(state: MailboxState) -> MailboxState:
        if state.name == NO_ACCESS:
            return state
        return replace(state, name=NO_ACCESS, last_error=error, lost_at=now)

    return transition


def access_returned(state: MailboxState) -> MailboxState:
    """The mailbox may be read again, and a reconciliation of the gap is queued."""
    if state.name != NO_ACCESS:
        return state
    return replace(state, name=OK, last_error="", lost_at=None)


def subscribed(state: MailboxState) -> MailboxState:
    """Graph notifies: whatever refused the subscription before is over."""
    return replace(state, name=OK, last_error="") if state.name == POLLING else state


def polled(reason: str = "") -> Transition:
    """There is no subscription, so that mail comes late: `reason` says why, '' where none is possible."""

    def transition(state: MailboxState) -> MailboxState:
        return state if state.name == NO_ACCESS else replace(state, name=POLLING, last_error=reason)

    return transition


def blocked(until: datetime) -> Transition:
    """Graph has asked to wait."""
    return lambda state: replace(state, blocked_until=until)


def next_polled(at: datetime) -> Transition:
    """A walk is queued; the timer comes back at `at`."""
    return lambda state: replace(state, next_poll_at=at)


def paused(now: datetime) -> Transition:
    """Capture was switched off; the first to say so dates the gap."""
    return lambda state: replace(state, paused_at=state.paused_at or now)


def resumed(state: MailboxState) -> MailboxState:
    """Capture is on again, and a reconciliation of the gap is queued."""
    return replace(state, paused_at=None)


def reconciled(counts: str) -> Transition:
    """A reconciliation ended with these counts (JSON)."""
    return lambda state: replace(state, reconciled=counts)


def examined(*, is_answered: bool) -> Transition:
    """The mailbox test was tried; without an answer it is tried again later."""
    return lambda state: replace(state, untested=not is_answered)


def offered(address: str) -> Transition:
    """The directory has this main address for the mailbox; '' = none but the one it has."""
    return lambda state: replace(state, address_offered=address)


def sending_stopped(words: str) -> Transition:
    """No mail leaves: the sign-in for it was refused."""
    return lambda state: replace(state, sending_refused=words)


def sending_resumed(state: MailboxState) -> MailboxState:
    """The sign-in was taken, or is another one now."""
    return replace(state, sending_refused="")


def removing(state: MailboxState) -> MailboxState:
    """An admin has deleted the mailbox; a worker ends its subscription and deletes its rows."""
    return replace(state, name=REMOVING)
