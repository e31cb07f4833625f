"""What a person decided on a mail in My Inbox: stored on the mail's row, then carried out by a command."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared.domain.matching.decisions import Decision, Link
from shared.domain.records.records import Record, RecordRef

LINK: Final = "link"
OPEN: Final = "open"
NOTE: Final = "note"
DELETE: Final = "delete"
WHATS: Final = (LINK, OPEN, NOTE, DELETE)


# What an audit calls the other changes that persons make to a stored mail.
UNDO: Final = "undo"
UNLINK: Final = "unlink"
ERASE: Final = "erase"
EXPIRE: Final = "expire"

BY_HAND: Final = "by_hand"
OPENED: Final = "opened"
CERTAIN: Final = 100


@dataclass(frozen=True, slots=True)
class PersonDecision:
    """One decision. `by` is the object id of who made it; `before` is what stood there, to be put back by an undo.

    `opens` is the record that it opens. `file_thread`: the thread's other mails in My Inbox go along; `thread`
    are the keys of those that did, and `along` is on theirs: the key of the mail they went along with.
    `settled`: the thread has been seen to, once; of mail that went along: that decision stood behind it.
    `taught` is the address whose mail follows from now on, '' = none.
    """

    what: str
    by: str
    at: datetime
    before: Decision
    links: tuple[Link, ...] = ()
    file_thread: bool = False
    taught: str = ""
    opens: Record | None = None
    thread: tuple[str, ...] = ()
    along: str = ""
    settled: bool = False

    @property
    def refs(self) -> tuple[RecordRef, ...]:
        return tuple(link.ref for link in self.links)

    def is_same_as(self, other: "PersonDecision") -> bool:
        """Whether both are one decision, however far it has been carried out."""
        return (self.what, self.by, self.at) == (other.what, other.by, other.at)

    def says_the_same_as(self, other: "PersonDecision") -> bool:
        """Whether another decision of the same person comes to the same records in the same way."""
        return (self.what, self.by, self._places) == (other.what, other.by, other._places)

    @property
    def _places(self) -> frozenset[tuple[str, bool]]:
        return frozenset((str(link.ref), link.as_note) for link in self.links)


@dataclass(frozen=True, slots=True)
class PendingChange:
    """A person's change to a stored mail that may not have been carried out yet: written first, removed last.

    `id` is on the mail too once the change is; `refs` are the records it is about. Says no more than an audit may.
    """

    id: str
    message_key: str
    at: datetime
    by: str
    what: str
    refs: tuple[str, ...] = ()


def opened_id(message_key: str) -> str:
    """The id of the record that is opened for a mail: asked for twice, it is the same; variants have their own."""
    return f"pl-{message_key[:20]}{message_key[32:]}"
