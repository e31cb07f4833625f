"""What can go wrong, as one tree; the two branches decide what becomes of a command.

PostledgerError
├── TransientError        put back with a growing delay; never poison
│   ├── Throttled         429, 503 with Retry-After
│   ├── Unavailable       5xx, resets, time-outs, storage busy
│   │   └── PageBroken    a page of a single item is answered 500 or 504 as well
│   ├── Busy              not its turn yet: it comes back as the same try
│   └── Conflict          a row changed between read and write
├── PermanentError        recorded; this message or command is finished
│   ├── NotFound          moved, deleted, or never there
│   ├── AccessDenied      no consent, or the mailbox is out of scope
│   ├── MailboxUnavailable    unlicensed, on-premises or soft-deleted
│   ├── CursorExpired     where a folder was read to is no longer known; read a window again
│   ├── Rejected          the other side calls the request wrong
│   ├── Unreadable        what a stranger wrote breaks a parser; one mail's failure
│   ├── Noted             the mailbox's state says so already; not recorded
│   └── MalformedCommand  a queue message that is no command
└── InvalidInput          a person's mistake: says what is wrong and what to do
    ├── Forbidden         the token may not do this
    ├── Unknown           no such thing (or none that this token may see)
    ├── WrongState        it does not go together with what is under way
    └── Outdated          the ETag sent is not the current one
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, TypeAlias, TypeVar

UNREADABLE: Final = "unreadable"

T = TypeVar("T")
K = TypeVar("K")


class PostledgerError(Exception):
    """Everything this service raises on purpose."""


class TransientError(PostledgerError):
    """It may work later. `retry_after` is in seconds, where the other side said so."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Throttled(TransientError):
    """Too many requests: wait for `retry_after`."""


class Unavailable(TransientError):
    """The other side is down, slow or busy."""


class PageBroken(Unavailable):
    """Even the smallest page could not be had: an outage, or an item that breaks every page it stands on."""


class Busy(TransientError):
    """It is not this worker's turn: another holds the lease, or Graph has asked for a wait. Costs no try."""


class Conflict(TransientError):
    """The row changed since it was read."""


class PermanentError(PostledgerError):
    """Trying again will not help. `code` is the other side's own error code."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class NotFound(PermanentError):
    """The thing was moved, deleted or never existed."""


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
        super().__init__(message, UNREADABLE)
        self.received_at = received_at


class Noted(PermanentError):
    """What ended the command stands in its mailbox's state, and the admin has been told: nothing to record."""


class MalformedCommand(PermanentError):
    """A queue message that cannot be read as a command."""


class InvalidInput(PostledgerError):
    """A request that a person can put right; the message says how."""


class Forbidden(InvalidInput):
    """The token is valid but may not do this."""


class Unknown(InvalidInput):
    """Nothing of that name that this token may see."""


class WrongState(InvalidInput):
    """What is asked for does not go together with what is under way; the message says what is."""


class Outdated(InvalidInput):
    """If-Match names a version that is no longer the current one."""


# What became of one of several things asked for; a passing error means that it was not had this time.
Outcome: TypeAlias = T | PermanentError | TransientError


def none_passing(outcomes: Mapping[K, Outcome[T]]) -> dict[K, T | PermanentError]:
    """The outcomes, for those who need all of them. Raises the TransientError that stands for some."""
    passing = [one for one in outcomes.values() if isinstance(one, TransientError)]
    if passing:
        raise longest(passing)
    return {key: one for key, one in outcomes.items() if not isinstance(one, TransientError)}


def longest(errors: Iterable[TransientError]) -> TransientError:
    """The one with the longest wait, of one or more; the first where there is none."""
    return max(errors, key=lambda one: one.retry_after or 0.0)
