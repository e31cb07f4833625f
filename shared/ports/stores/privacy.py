"""Stores of audits and erasures, and of all else that is stored of an organisation."""

from typing import Protocol

from shared.domain.privacy.audit import AuditFilter, AuditRow
from shared.domain.privacy.erasure import Deletion, Eraser, Erasure


class Audit(Protocol):
    def append(self, tenant_id: str, row: AuditRow) -> None:
        """Keep a row; a row whose time and id are known stays as it is."""

    def page(
        self, tenant_id: str, wanted: AuditFilter, *, limit: int, after: str
    ) -> tuple[list[AuditRow], str]:
        """A page, newest first, that begins after `after`; and where the next one begins. It may be short."""


class Erasures(Protocol):
    """Requests to erase a person, and organisations that were deleted. Knows the latter by keyed hashes only."""

    def get(self, tenant_id: str, erasure_id: str) -> Erasure | None: ...

    def put(self, tenant_id: str, erasure: Erasure) -> None: ...

    def running(self, tenant_id: str) -> list[Erasure]:
        """The erasures that are not done."""

    def deletion(self, organisation: str) -> Deletion | None: ...

    def note_deletion(self, deletion: Deletion) -> None: ...


class Holdings(Protocol):
    """All that is stored of an organisation, whatever it means, to take a person or all of it away."""

    # Last the organisation's own row: without it the tenant would count as a new one.
    @property
    def places(self) -> tuple[str, ...]:
        """All tables and containers, in the order in which an organisation is taken away."""

    @property
    def rewritable(self) -> tuple[str, ...]:
        """The tables in which a person is replaced row by row; the other tables have ports of their own."""

    def erase(self, tenant_id: str, table: str, eraser: Eraser, *, limit: int, after: str) -> tuple[int, str]:
        """Search up to `limit` rows: returns how many were changed, and where to go on, '' at the end.

        A row keyed by the person goes, and so does one in a list of mails that has the person among its people.
        """

    def clear(self, tenant_id: str, place: str, *, limit: int) -> bool:
        """Delete up to `limit` rows or blobs; returns whether more may be left."""
