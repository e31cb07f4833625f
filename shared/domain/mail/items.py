"""How a copy of a mail in a mailbox is named: wherever one is asked for, queued, listed in the ledger or reported."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class ItemRef:
    """An item of a mailbox. `folder` is the folder within which the id is stable, '' where it is in the whole mailbox.

    Who hands a mailbox's items out always does so in one of both ways, so that the same item is the same ref. The
    folder that a copy lies in is said apart from it.
    """

    folder: str
    item_id: str

    @property
    def key(self) -> str:
        """One text, of which row keys are made. No folder's name has a line break (RFC 9051, 5.1)."""
        return f"{self.folder}\n{self.item_id}" if self.folder else self.item_id
