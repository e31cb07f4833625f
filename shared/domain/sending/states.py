"""The states of a mail on its way out, and the one table of what leads from one to the next.

```
              +-> held -+        where no draft is permitted: straight to sending
              |         |
 asked for -> queued ---+-> drafted ---> sending ---> sent ---> confirmed ---> bounced
              ^                |          |   ^         |
              +- proved not ---+----------+   +- still a draft: again
                 sent                     |
                                          +-> outcome_unknown: a person decides

 failed     from every state before `sent`, for a reason that is said
 cancelled  from every state before `sending`; from `sending` where the agent deleted the draft
 confirmed  from every state: the copy in the mailbox is the proof, whoever sees it first
 queued     from failed, cancelled and outcome_unknown by a retry, which only a person asks for
```

Rows end in confirmed, bounced, failed, cancelled or outcome_unknown: no step of the sender leads out of these.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from shared.domain.errors import WrongState


class State(StrEnum):
    """Where a mail stands on its way out."""

    QUEUED = "queued"
    HELD = "held"
    DRAFTED = "drafted"
    SENDING = "sending"
    SENT = "sent"
    CONFIRMED = "confirmed"
    BOUNCED = "bounced"
    OUTCOME_UNKNOWN = "outcome_unknown"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED: Final = frozenset(
    (State.CONFIRMED, State.BOUNCED, State.FAILED, State.CANCELLED, State.OUTCOME_UNKNOWN)
)
# Ends that a person is told of, who may have the mail sent once more.
ASKS_A_PERSON: Final = frozenset((State.FAILED, State.OUTCOME_UNKNOWN))
# What readers of the feed are told of. A mail that simply leaves is told once, as confirmed.
_TOLD: Final = ENDED | {State.HELD}
# Where a request to cancel comes in time.
CANCELLABLE: Final = frozenset((State.QUEUED, State.HELD, State.DRAFTED))

SENTENCES: Final[Mapping[State, str]] = {
    State.QUEUED: "The mail waits for its turn, or for the time at which it is to be sent.",
    State.HELD: "The mail waits until the mailbox may send again.",
    State.DRAFTED: "The mail lies among the drafts of the mailbox and is about to be sent.",
    State.SENDING: "The mail is being handed to the server.",
    State.SENT: "The server took the mail. Its copy in the mailbox has not been seen yet.",
    State.CONFIRMED: "The mail has left: its copy lies in the mailbox.",
    State.BOUNCED: "The mail has left, and a server reported that it did not arrive everywhere.",
    State.OUTCOME_UNKNOWN: (
        "Whether the mail has left could not be found out. Look into the sent items of the mailbox or ask the "
        "recipient, then retry it or leave it."
    ),
    State.FAILED: "The mail has not left. Put right what the error says, then retry it.",
    State.CANCELLED: "The mail was cancelled before it left.",
}


class Event(StrEnum):
    """What happens to a mail. The verb completes "it cannot be ..."."""

    DRAFT = "drafted"
    START = "sent"
    AGAIN = "sent again"
    TAKE = "taken"
    HOLD = "held"
    RELEASE = "released"
    PUT_BACK = "put back"
    FAIL = "given up"
    DOUBT = "left open"
    CANCEL = "cancelled"
    DELETED = "deleted"
    COPY = "confirmed"
    BOUNCE = "reported as undelivered"
    RETRY = "retried"


# For each event the state that it leads to, then those in which it may happen.
_ARROWS: Final[Mapping[Event, tuple[State, ...]]] = {
    Event.DRAFT: (State.DRAFTED, State.QUEUED),
    Event.START: (State.SENDING, State.QUEUED, State.DRAFTED),
    Event.AGAIN: (State.SENDING, State.SENDING, State.SENT),
    Event.TAKE: (State.SENT, State.SENDING),
    Event.HOLD: (State.HELD, State.QUEUED, State.DRAFTED),
    Event.RELEASE: (State.QUEUED, State.HELD),
    Event.PUT_BACK: (State.QUEUED, State.QUEUED, State.DRAFTED, State.SENDING),
    Event.FAIL: (State.FAILED, State.QUEUED, State.HELD, State.DRAFTED, State.SENDING),
    Event.DOUBT: (State.OUTCOME_UNKNOWN, State.SENDING, State.SENT),
    Event.CANCEL: (State.CANCELLED, *CANCELLABLE),
    Event.DELETED: (State.CANCELLED, *CANCELLABLE, State.SENDING),
    # The agent may send our draft in Outlook, whatever became of the row.
    Event.COPY: (State.CONFIRMED, *(state for state in State if state is not State.BOUNCED)),
    # Of a mail that never reached the server a report proves nothing.
    Event.BOUNCE: (
        State.BOUNCED,
        *(State.SENDING, State.SENT, State.CONFIRMED, State.OUTCOME_UNKNOWN, State.BOUNCED),
    ),
    Event.RETRY: (State.QUEUED, State.FAILED, State.CANCELLED, State.OUTCOME_UNKNOWN),
}


def _rows() -> dict[tuple[State, Event], State]:
    rows: dict[tuple[State, Event], State] = {}
    for event, (target, *sources) in _ARROWS.items():
        rows |= {(source, event): target for source in sources}
    return rows


TABLE: Final[Mapping[tuple[State, Event], State]] = _rows()


def is_told(before: State, after: State) -> bool:
    """Whether a change of states is worth an event: an end, a wait, or that a mail which had ended goes on."""
    return after is not before and (after in _TOLD or before in ENDED)


def may(state: State, event: Event) -> bool:
    """Whether the table has this event in this state."""
    return (state, event) in TABLE


def follow(state: State, event: Event) -> State:
    """The state after an event. Raises WrongState with a sentence where the table has none."""
    if not may(state, event):
        raise WrongState(f"{SENTENCES[state]} In the state '{state}' it cannot be {event}.")
    return TABLE[state, event]
