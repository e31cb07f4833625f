"""What may stand of a message beside its own row, whatever was cut short since it was last done."""

from dataclasses import dataclass
from typing import Final

from shared.domain.records.records import RecordRef


@dataclass(frozen=True, slots=True)
class Shown:
    """Over all states of a message since it was last done, that one included.

    `refs`: records on which an entry may stand. `told`: those of which dependents may have been told; not of one to
    which nothing but a Bcc leads. `certain`: those of which they have been told, and that none of these states has
    taken back.
    """

    # Too many is safe: taking away what does not stand is no error.
    refs: frozenset[RecordRef] = frozenset()
    # Too few is safe: a dependent that hears twice changes nothing.
    certain: frozenset[RecordRef] = frozenset()
    # Too many is safe: what a dependent has from elsewhere stays.
    told: frozenset[RecordRef] = frozenset()

    @classmethod
    def of(cls, refs: frozenset[RecordRef], lent: frozenset[RecordRef]) -> "Shown":
        """All of these, for sure; `lent` are those that dependents may be filed on."""
        return cls(refs, lent, lent)

    def and_maybe(self, refs: frozenset[RecordRef], lent: frozenset[RecordRef]) -> "Shown":
        """The same after a further state that may have been carried out, in part or not at all."""
        return Shown(self.refs | refs, self.certain & lent, self.told | lent)


NOTHING: Final = Shown()
