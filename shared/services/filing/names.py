"""The other Message-ID of a mail of ours: a relay has put it in the place of the one that the mail was sent with.

The copy in Sent has the first one, those whom it was sent to know the other, and their answers name that.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from shared.domain.commands.commands import IngestMessages
from shared.domain.filing.copies import Dependent
from shared.domain.filing.filing import StoredMessage
from shared.domain.mail.items import ItemRef
from shared.ports.stores.filing import MessageStore
from shared.ports.work import Clock, CommandQueue
from shared.services.capture.scopes import Scope


@dataclass(frozen=True, slots=True)
class NoteName:
    """Let a stored mail be found by its other Message-ID as well.

    Answers that came before, and left word under that name, leave it with the mail and are looked at again. A worker
    that is killed in between does all of it again.
    """

    messages: MessageStore
    queue: CommandQueue
    clock: Clock

    def __call__(self, scope: Scope, stored: StoredMessage, message_id: str) -> None:
        """Raises Conflict where an answer leaves word just now: the command comes again."""
        if stored.is_deleted:
            return
        name, told = scope.hasher.message_id(message_id), frozenset[Dependent]()
        while untold := self.messages.note_name(scope.tenant_id, name, stored.key, told):
            self._tell(scope, stored, untold)
            told |= untold

    def _tell(self, scope: Scope, stored: StoredMessage, waiting: Iterable[Dependent]) -> None:
        by_mailbox: dict[str, list[ItemRef]] = defaultdict(list)
        for dependent in sorted(waiting, key=lambda dependent: (dependent.mailbox_id, dependent.item)):
            self.messages.wait_for(scope.tenant_id, stored.key, dependent)
            by_mailbox[dependent.mailbox_id].append(dependent.item)
        for mailbox_id, items in by_mailbox.items():
            for command in IngestMessages.groups(
                items,
                tenant_id=scope.tenant_id,
                mailbox_id=mailbox_id,
                first_at=self.clock(),
                silent=scope.silent,
                # As those who hear of a mail that has gained a record.
                unbounded=True,
            ):
                self.queue.send(command)
