"""What may stand of a message beside its own row, whatever was cut short since it was last done."""

from dataclasses import dataclass
from typing import Final

from shared.domain.records.records import RecordRef


@dataclass(frozen=True, slots=True)
class Shown:
    """Over all states of a message since it was last done, that one included.

    `refs`: records on which an entry may stand. `told`: those of which dependents may have been told; not of one to
    which nothing but a Bcc leads. `certain`: those of which they have been told, and that none of these states has
    taken back. `thread` is the thread of which they have been told, '' where that is not certain.
    """

    # Too many is safe: taking away what does not stand is no error.
    refs: frozenset[RecordRef] = frozenset()
    # Too few is safe: a dependent that hears twice changes nothing.
    certain: frozenset[RecordRef] = frozenset()
    # Too many is safe: what a dependent has from elsewhere stays.
    told: frozenset[RecordRef] = frozenset()
    # Empty is safe, as too few are of `certain`.
    thread: str = ""

    @classmethod
    def of(cls, refs: frozenset[RecordRef], lent: frozenset[RecordRef], thread: str) -> "Shown":
        """All of these, for sure; `lent` are those that dependents may be filed on."""
        return cls(refs, lent, lent, thread)

    def and_maybe(self, refs: frozenset[RecordRef], lent: frozenset[RecordRef], thread: str) -> "Shown":
        """The same after a further state that may have been carried out, in part or not at all."""
        same_thread = thread if thread == self.thread else ""
        return Shown(self.refs | refs, self.certain & lent, self.told | lent, same_thread)


NOTHING: Final = Shown()
