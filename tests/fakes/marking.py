"""Marks mail as read, in memory."""

from collections.abc import Mapping, Sequence

from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import NotFound, Outcome, PostledgerError
from shared.domain.mail.items import ItemRef


class FakeMarker:
    """`marked` are the marks that were set, in order, by address; `gone` are mails that are not there.

    `fail` is raised next, `refuses` is said of each mail.
    """

    def __init__(self) -> None:
        self.marked: list[tuple[str, ItemRef]] = []
        self.gone: set[ItemRef] = set()
        self.fail: PostledgerError | None = None
        self.refuses: PostledgerError | None = None

    def mark_read(self, mailbox: Mailbox, items: Sequence[ItemRef]) -> Mapping[ItemRef, Outcome[None]]:
        if self.fail is not None:
            error, self.fail = self.fail, None
            raise error
        if self.refuses is not None:
            return dict.fromkeys(items, self.refuses)  # type: ignore[arg-type]
        self.marked += [(mailbox.address, item) for item in items if item not in self.gone]
        return {item: NotFound("gone") if item in self.gone else None for item in items}
