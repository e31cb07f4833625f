"""What storage knows about the people and mails that a message names: gathered once, for capture and matching."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from shared.domain.messages import Direction
from shared.domain.records import Card, RecordRef


@dataclass(frozen=True, slots=True)
class ThreadHit:
    """A stored mail of the same thread. `evidence` is how it was found (a Message-ID without brackets).

    `text` is its body's text, where that came along with the look-up.
    """

    key: str
    evidence: str
    direction: Direction
    links: tuple[RecordRef, ...]
    participants: frozenset[str] = frozenset()
    text: str | None = None

    @property
    def is_filed(self) -> bool:
        return bool(self.links)

    def moved(self, merged: Mapping[RecordRef, RecordRef]) -> "ThreadHit":
        """The same, its links leading to the records that others were merged into."""
        return replace(self, links=tuple(dict.fromkeys(merged.get(one, one) for one in self.links)))


@dataclass(frozen=True, slots=True)
class CodeHit:
    """A reference code whose signature is right, with the records it was issued for."""

    code: str
    links: tuple[RecordRef, ...]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Everything a decision may rest on. Orders do not matter, but for `thread`: nearest first.

    `addresses` and `domains` map to the records indexed under them; `cards` says what is known of those
    and of their clients; `staff` are the participants that belong to the organisation; `subjects` are open
    opportunities and projects by normalised subject; `conversation` are stored mails of the same
    conversation index or id.
    """

    addresses: Mapping[str, frozenset[RecordRef]] = field(default_factory=dict)
    domains: Mapping[str, frozenset[RecordRef]] = field(default_factory=dict)
    cards: Mapping[RecordRef, Card] = field(default_factory=dict)
    thread: tuple[ThreadHit, ...] = ()
    conversation: tuple[ThreadHit, ...] = ()
    codes: tuple[CodeHit, ...] = ()
    subjects: Mapping[str, frozenset[RecordRef]] = field(default_factory=dict)
    staff: frozenset[str] = frozenset()

    @property
    def parent(self) -> ThreadHit | None:
        """The nearest stored mail that is filed."""
        return next((one for one in self.thread if one.is_filed), None)
