"""Reads what it takes to say what a caller may see of a stored mail: its row, its copies, their mailboxes."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import Unknown
from shared.domain.filing import visibility
from shared.domain.filing.copies import Copy
from shared.domain.filing.filing import StoredMessage
from shared.domain.filing.visibility import NO_SIGHT, Sight
from shared.domain.matching.decisions import Link
from shared.domain.privacy.callers import ADMIN, AGENT, SERVICE, Caller
from shared.ports.stores.connections import Mailboxes
from shared.ports.stores.filing import MessageStore

_KEY: Final = re.compile(r"[A-Za-z0-9]{1,64}")


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """A stored mail with those of its links that its reader may see."""

    message: StoredMessage
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Visibility:
    """What a caller may see of a stored mail: decided from its copies and whose mailboxes they are in."""

    messages: MessageStore
    mailboxes: Mailboxes

    def copies(self, caller: Caller, key: str) -> list[tuple[Copy, Mailbox | None]]:
        """The mail's copies with their mailboxes; None for a mailbox that is gone."""
        return [
            (copy, self.mailboxes.by_id(caller.tenant_id, copy.mailbox_id))
            for copy in self.messages.copies(caller.tenant_id, key)
        ]

    def sight(self, caller: Caller, key: str) -> Sight:
        """What the caller sees of the mail's Bcc. Costs a query, and a read for each copy."""
        return visibility.sight_of(caller, self.copies(caller, key))

    def links(self, caller: Caller, key: str, links: tuple[Link, ...]) -> tuple[Link, ...]:
        """Those of a mail's links, or suggestions, that the caller may see. Reads only where one rests on a Bcc."""
        is_blind = any(link.evidence.is_blind for link in links)
        return visibility.visible_links(links, self.sight(caller, key) if is_blind else NO_SIGHT)

    def shown(self, caller: Caller, stored: StoredMessage) -> ShownMessage:
        """A mail's row with the links that the caller may see."""
        return ShownMessage(stored, self.links(caller, stored.key, stored.decision.links))

    def message(self, caller: Caller, key: str) -> StoredMessage:
        """The mail's row. Raises Unknown for one that is not there, or not for this caller."""
        caller.needs(AGENT, ADMIN, SERVICE)
        stored = self.find(caller, key)
        if stored is None or not self._may_read(caller, stored):
            raise no_message()
        return stored

    def readable(self, caller: Caller, keys: Iterable[str]) -> list[str]:
        """Those of the mails that the caller may read. A read each, and a query where not everybody may read it."""
        found = self.messages.get_many(caller.tenant_id, keys)
        return [key for key, stored in found.items() if self._may_read(caller, stored)]

    def find(self, caller: Caller, key: str) -> StoredMessage | None:
        """The mail's row, whoever may read it."""
        return self.messages.get(caller.tenant_id, key) if _KEY.fullmatch(key) else None

    def _may_read(self, caller: Caller, stored: StoredMessage) -> bool:
        if stored.is_deleted:
            return False
        return visibility.is_open_to_all(stored) or visibility.holds_copy(
            caller, self.copies(caller, stored.key)
        )


def no_message() -> Unknown:
    """One sentence for both, so that nobody learns which of them it is."""
    return Unknown("There is no such message, or it is not for you to read.")
