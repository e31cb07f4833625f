"""Marks mail as read, in memory."""

from collections.abc import Mapping, Sequence

from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import Outcome, PostledgerError
from shared.domain.mail.items import ItemRef


class FakeMarker:
    """`marked` are the marks that were set, in order, by address; `fail` is raised next, or said of each mail."""

    def __init__(self) -> None:
        self.marked: list[tuple[str, ItemRef]] = []
        self.fail: PostledgerError | None = None
        self.refuses: PostledgerError | None = None

    def mark_read(self, mailbox: Mailbox, items: Sequence[ItemRef]) -> Mapping[ItemRef, Outcome[None]]:
        if self.fail is not None:
            error, self.fail = self.fail, None
            raise error
        if self.refuses is not None:
            return dict.fromkeys(items, self.refuses)  # type: ignore[arg-type]
        self.marked += [(mailbox.address, item) for item in items]
        return dict.fromkeys(items)
