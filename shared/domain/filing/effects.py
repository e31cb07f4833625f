"""The kinds of effects of a decision: what is to be written beside the mail's own row, as data.

`consequences` decides them, and `Apply` writes them, in the order in which they stand in `Effect`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Final, get_args

from shared.domain.events.events import Announce
from shared.domain.filing.entries import Entry
from shared.domain.filing.filing import Bounced, StoredMessage
from shared.domain.filing.inbox import InboxItem
from shared.domain.filing.person_decisions import PendingChange, PersonDecision
from shared.domain.mail.bounces import Bounce
from shared.domain.mail.messages import Document
from shared.domain.notices.notices import Notify, TakeNotice
from shared.domain.records.records import Record, RecordRef


@dataclass(frozen=True, slots=True)
class OpenRecord:
    """The record that a mailbox wants for a mail: written unless it is there."""

    ref: RecordRef
    message: StoredMessage
    document: Document


@dataclass(frozen=True, slots=True)
class ReopenRecord:
    """A closed record is open again, since a person has answered; once for each mail."""

    ref: RecordRef
    message_key: str


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """The writer of a mail to an intake mailbox is told that its case stands: once for each case."""

    ref: RecordRef
    message: StoredMessage
    document: Document


@dataclass(frozen=True, slots=True)
class OpenWanted:
    """The record as a person has described it: written unless it is there and open."""

    record: Record


@dataclass(frozen=True, slots=True)
class CloseRecord:
    """A record that was opened for mails which leave it: deleted, or closed where other mail is on it by now."""

    ref: RecordRef
    leaving: frozenset[str]


@dataclass(frozen=True, slots=True)
class PutBackThread:
    """What went along with a decision leaves again with its undo; each mail in a command of its own."""

    lead_key: str
    undone: PersonDecision


@dataclass(frozen=True, slots=True)
class PutEntry:
    entry: Entry


@dataclass(frozen=True, slots=True)
class RemoveEntry:
    """`answered` is the entry id of the mail that this one answers."""

    ref: RecordRef
    entry_id: str
    answered: str = ""


@dataclass(frozen=True, slots=True)
class PutInboxRow:
    item: InboxItem


@dataclass(frozen=True, slots=True)
class RemoveInboxRow:
    agent: str
    item_id: str


@dataclass(frozen=True, slots=True)
class NoteBounce:
    """Another mail, which the organisation has sent, did not reach these addresses; `reported` is all that was said."""

    message_key: str
    bounces: tuple[Bounced, ...]
    reported: tuple[Bounce, ...] = ()


@dataclass(frozen=True, slots=True)
class Learn:
    """Mail of this address belongs on these records from now on."""

    address: str
    refs: tuple[RecordRef, ...]


@dataclass(frozen=True, slots=True)
class Unlearn:
    address: str
    refs: tuple[RecordRef, ...]


@dataclass(frozen=True, slots=True)
class PutConversation:
    """The mail is found by its conversation from now on."""

    message: StoredMessage


@dataclass(frozen=True, slots=True)
class PutThread:
    """The mail is found by its thread from now on."""

    message: StoredMessage


@dataclass(frozen=True, slots=True)
class TellDependents:
    """Mails that were decided by this one's links look at it again: it has `gained` or `lost` records.

    `with_kept`: those that are stored too, and not only those that were skipped. `is_moved`: its thread has another
    id than they were told. `hides`: it stands on kinds of records on which it did not, so that they may have such
    records of mails behind it, which those lend no more.
    """

    message: StoredMessage
    gained: frozenset[RecordRef]
    lost: frozenset[RecordRef]
    with_kept: bool
    is_moved: bool = False
    hides: bool = False

    @property
    def asks_to_look(self) -> bool:
        """Whether dependents look at the mail again; where only its thread has another id, the kept ones alone."""
        return bool(self.gained) or self.is_moved

    @property
    def asks_to_decide(self) -> bool:
        """Whether stored dependents are decided anew: a look only adds."""
        return bool(self.lost) or (self.hides and self.with_kept)

    @property
    def is_passed_over(self) -> bool:
        """Whether a person wants the stored dependents left alone."""
        return bool(self.gained) and not self.with_kept


@dataclass(frozen=True, slots=True)
class Audit:
    """A person's change has been carried out."""

    change: PendingChange


# In commit order. A record is there before an entry leads to it; what is told or audited has been done.
Effect = (
    OpenRecord
    | ReopenRecord
    | OpenWanted
    | PutEntry
    | RemoveEntry
    | PutInboxRow
    | RemoveInboxRow
    | NoteBounce
    | Unlearn
    | CloseRecord
    | PutBackThread
    | Learn
    | Notify
    | TakeNotice
    | Acknowledge
    | Announce
    | PutConversation
    | PutThread
    | TellDependents
    | Audit
)

_PLACES: Final = {kind: place for place, kind in enumerate(get_args(Effect))}


def together(mails: Iterable[Iterable[Effect]]) -> tuple[Effect, ...]:
    """The effects of several mails as one: all of a kind are neighbours, and those of each mail keep their order."""
    return tuple(sorted(chain.from_iterable(mails), key=lambda effect: _PLACES[type(effect)]))
