"""The one writer of a stored message's row: every other service hands it a pure change."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from shared.domain.errors import Conflict
from shared.domain.filing.filing import StoredMessage
from shared.domain.mail.messages import Document
from shared.ports.stores.filing import MessageStore

# Twenty copies of one mail arrive within a second at most; whoever loses this often comes back by the queue.
ATTEMPTS: Final = 5

# The message as it is to stand; None where it stands so already, or is to be left alone.
Change = Callable[[StoredMessage], StoredMessage | None]
DocumentChange = Callable[[StoredMessage, Document], tuple[StoredMessage, Document] | None]


@dataclass(frozen=True, slots=True)
class ChangeMessage:
    """Read the message, change it, save it under its ETag; again where another worker was faster.

    What may stand of the state that goes is kept on the row until the message is done again.

    An answer to a save may be lost: the next attempt then finds the own write. It is known by `change_id`, which the
    row keeps; a change without one must answer None where it has been made.
    """

    messages: MessageStore

    def __call__(
        self,
        tenant_id: str,
        key: str,
        change: Change,
        *,
        known: StoredMessage | None = None,
        change_id: str = "",
    ) -> StoredMessage | None:
        """The message as it stands then; None where there is none. Raises Conflict, and what `change` raises.

        `known` is the message as it was read before, which spares a read where nobody has changed it since.
        """
        stored = known or self.messages.get(tenant_id, key)
        for _ in range(ATTEMPTS):
            changed = _changed(stored, change, change_id)
            if changed is None:
                return stored
            try:
                return self.messages.save(tenant_id, changed)
            except Conflict:
                stored = self.messages.get(tenant_id, key)
        raise Conflict(f"message {key} keeps changing")

    def together(
        self, tenant_id: str, messages: Iterable[StoredMessage], change: Change
    ) -> Mapping[str, StoredMessage]:
        """Change several as they were read, and save them together; by key, as those stand that nobody has changed."""
        changes = {message.key: (message, _changed(message, change, "")) for message in messages}
        wanted = [changed for _, changed in changes.values() if changed is not None]
        saved = self.messages.save_together(tenant_id, wanted) if wanted else {}
        unchanged = {key: message for key, (message, changed) in changes.items() if changed is None}
        return {**unchanged, **saved}

    def with_document(self, tenant_id: str, key: str, change: DocumentChange) -> bool:
        """Change message and document at once; whether there was anything to change. Raises Conflict."""
        for _ in range(ATTEMPTS):
            stored = self.messages.get(tenant_id, key)
            document = self.messages.document(tenant_id, key) if stored else None
            changed = change(stored, document) if stored and document else None
            if changed is None:
                return False
            with suppress(Conflict):
                self.messages.save_with_document(tenant_id, *changed)
                return True
        raise Conflict(f"message {key} keeps changing")


def _changed(stored: StoredMessage | None, change: Change, change_id: str) -> StoredMessage | None:
    """What is to be saved; None where nothing is."""
    if stored is None or (change_id and change_id in stored.change_ids):
        return None
    changed = change(stored)
    # Most further copies bring nothing new: the write is spared, and whoever else is writing is not disturbed.
    if changed is None or changed == stored:
        return None
    following = changed.following(stored)
    return following.remembering(change_id) if change_id else following
