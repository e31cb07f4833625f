"""The mailboxes that hold a copy of a mail."""

from collections.abc import Iterable

from shared.domain.connections.mailboxes import Mailbox
from shared.domain.filing.copies import Copy
from shared.ports.stores.connections import Mailboxes
from shared.ports.stores.filing import MessageStore


def holders_of(messages: MessageStore, mailboxes: Mailboxes, tenant_id: str, key: str) -> list[Mailbox]:
    """By id; those that are gone are left out. One query, and a read for each."""
    # From the copies and not from the row: mail moves, and mailboxes are handed over and removed.
    return holders_among(mailboxes, tenant_id, messages.copies(tenant_id, key))


def holders_among(mailboxes: Mailboxes, tenant_id: str, copies: Iterable[Copy]) -> list[Mailbox]:
    """The same of copies that were read. A read for each."""
    ids = {copy.mailbox_id for copy in copies}
    found = (mailboxes.by_id(tenant_id, mailbox_id) for mailbox_id in sorted(ids))
    return [mailbox for mailbox in found if mailbox is not None]
