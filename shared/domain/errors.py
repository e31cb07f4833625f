"""The errors as one tree; its branches decide whether a command is repeated, recorded or answered.

PostledgerError
├── TransientError        the command is sent again with a growing delay; never poison
│   ├── Throttled         429, 503 with Retry-After
│   ├── Unavailable       5xx, resets, time-outs, storage busy
│   │   └── PageBroken    even a page of a single item is answered 500 or 504
│   ├── NewerForm         a newer version of this service wrote it, and runs elsewhere or did
│   ├── OnPause           the operator has paused the deployment
│   ├── NotThereYet       a mail that was announced cannot be read so soon
│   └── Conflict          a row changed between read and write
├── PermanentError        recorded; this message or command is finished
│   ├── NotFound          moved, deleted, or never there
│   ├── AccessDenied      no consent, or the mailbox is out of scope
│   ├── MailboxUnavailable    unlicensed, on-premises or soft-deleted
│   ├── CursorExpired     the position in a folder is unknown; read a window again
│   ├── Rejected          the other side calls the request wrong
│   ├── Unreadable        foreign text breaks a parser; it is one mail's failure
│   ├── Noted             the mailbox's state shows it already; not recorded
│   └── MalformedCommand  a queue message that is no command
│       └── NewerCommand  a newer version wrote it; it waits, as it is, for a day
└── InvalidInput          a person's mistake; the message says what is wrong and what to do
    ├── Forbidden         the token may not do this
    ├── Unknown           it does not exist, or this token may not see it
    ├── WrongState        the current state does not allow it
    ├── NotKept           it is asked for from a time of which nothing is kept any more
    └── Outdated          the item has changed since the caller read it
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, TypeAlias, TypeVar

UNREADABLE_MAIL: Final = "unreadable"
NEWER: Final = "newer_version"

T = TypeVar("T")
K = TypeVar("K")


class PostledgerError(Exception):
    """Everything this service raises on purpose.

    `operation` is the one that failed of several that were to be done together, counted from 0; None: not known.
    """

    operation: int | None = None


class TransientError(PostledgerError):
    """It may work later. `retry_after` is in seconds if the other side named a time."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Throttled(TransientError):
    """Too many requests: wait for `retry_after`."""


class Unavailable(TransientError):
    """The other side is down, slow or busy."""


class PageBroken(Unavailable):
    """Even the smallest page could not be read: an outage, or an item that breaks every page with it."""


class NewerForm(TransientError):
    """What a newer version of this service has written, in a form that this one cannot read: it waits for that one."""


class OnPause(TransientError):
    """Nothing is carried out until the operator ends the pause: the command waits as it is."""


class NotThereYet(TransientError):
    """A mail that was announced is not found: it is looked for again some times."""


class Conflict(TransientError):
    """The row changed since it was read."""


class PermanentError(PostledgerError):
    """Trying again will not help. `code` is the other side's own error code."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class NotFound(PermanentError):
    """The item was moved, was deleted or never existed: an adapter says so of mail, users or storage."""


class AccessDenied(PermanentError):
    """No consent, or the mailbox is outside the scope granted."""


class MailboxUnavailable(PermanentError):
    """No licensed, active cloud mailbox behind this address."""


class CursorExpired(PermanentError):
    """The provider no longer knows the cursor of a folder's changes."""


class Rejected(PermanentError):
    """The request itself was refused as wrong."""


class Unreadable(PermanentError):
    """A mail whose text breaks a parser: it fails alone. `received_at` is when it came, where that is known."""

    def __init__(self, message: str, received_at: datetime | None = None) -> None:
        super().__init__(message, UNREADABLE_MAIL)
        self.received_at = received_at


class Noted(PermanentError):
    """The mailbox's state shows the reason and the admin knows it: nothing to record."""


class MalformedCommand(PermanentError):
    """A queue message that cannot be read as a command."""


class NewerCommand(MalformedCommand):
    """A command or an envelope that only a newer version of this service knows, asked for at `first_at`."""

    def __init__(self, message: str, first_at: datetime) -> None:
        super().__init__(message, NEWER)
        self.first_at = first_at


class InvalidInput(PostledgerError):
    """A request that a person can correct; the message says how."""


class Forbidden(InvalidInput):
    """The token is valid but may not do this."""


class Unknown(InvalidInput):
    """The name does not exist, or this token may not see it: a use case says so to its caller."""


class WrongState(InvalidInput):
    """The current state does not allow the request; the message names the state.

    `retry_after` is in seconds where the state ends by itself.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotKept(InvalidInput):
    """What is asked for goes back to a time of which nothing is kept: the message says what to do instead."""


class Outdated(InvalidInput):
    """What the caller read is no longer current, or another person or a rule was faster: read again and decide."""


# The result for one of several items; a transient error means that the item was not read this time.
Outcome: TypeAlias = T | PermanentError | TransientError


def none_passing(outcomes: Mapping[K, Outcome[T]]) -> dict[K, T | PermanentError]:
    """The outcomes for a caller that needs all of them. Raises the TransientError with the longest wait."""
    passing = [outcome for outcome in outcomes.values() if isinstance(outcome, TransientError)]
    if passing:
        raise longest(passing)
    return {key: outcome for key, outcome in outcomes.items() if not isinstance(outcome, TransientError)}


def longest(errors: Iterable[TransientError]) -> TransientError:
    """The error with the longest wait; the first error if none names a wait. There is one at least."""
    return max(errors, key=lambda error: error.retry_after or 0.0)
