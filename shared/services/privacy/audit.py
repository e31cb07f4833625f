"""Who read or changed what: written for each request that did, and read back by an admin. Ids only."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from shared.domain.filing.entries import decode_cursor, encode_cursor
from shared.domain.privacy.audit import AuditFilter, AuditRow
from shared.domain.privacy.callers import Caller
from shared.ports.stores.privacy import Audit
from shared.ports.work import Clock
from shared.services.capture.scopes import hasher_of

# Rows that Azure Tables gives a request at most.
_EXPORTED: Final = 1_000


@dataclass(frozen=True, slots=True)
class AuditRequest:
    """Write one row for a request that was carried out. One storage write."""

    audit: Audit
    new_id: Callable[[], str]
    clock: Clock
    hash_key: bytes

    def __call__(
        self, caller: Caller, what: str, subjects: Sequence[str], *, addresses: Sequence[str] = ()
    ) -> None:
        """`addresses` are mailboxes that the request names: their keyed hashes are kept."""
        # An audit that named addresses would keep what an erasure must take away.
        hasher = hasher_of(self.hash_key, caller.tenant_id)
        mailboxes = (f"mailbox/{hasher('mailbox', address.strip().lower())}" for address in addresses)
        row = AuditRow(self.new_id(), self.clock(), caller.audit_name, what, (*subjects, *mailboxes))
        self.audit.append(caller.tenant_id, row)


@dataclass(frozen=True, slots=True)
class ReadAudit:
    """The rows of an organisation, newest first."""

    audit: Audit

    def __call__(
        self, tenant_id: str, wanted: AuditFilter, *, limit: int, cursor: str
    ) -> tuple[list[AuditRow], str | None]:
        """A page, and the cursor of the next one; None at the end. Raises InvalidInput for a wrong cursor."""
        after = decode_cursor(cursor) if cursor else ""
        rows, following = self.audit.page(tenant_id, wanted, limit=limit, after=after)
        return rows, encode_cursor(following) if following else None

    def all(self, tenant_id: str, wanted: AuditFilter) -> Iterator[AuditRow]:
        """Every row, read as it is consumed."""
        # Page by page, since an audit may be larger than memory.
        after = ""
        while True:
            rows, after = self.audit.page(tenant_id, wanted, limit=_EXPORTED, after=after)
            yield from rows
            if not after:
                return
