"""Stores of audits and erasures, and of whatever else is held of an organisation."""

from typing import Protocol

from shared.domain.privacy.audit import AuditFilter, AuditRow
from shared.domain.privacy.erasure import Deletion, Eraser, Erasure


class Audit(Protocol):
    def append(self, tenant_id: str, row: AuditRow) -> None:
        """Keep it; one that is kept already, by its time and id, stays as it is."""

    def page(
        self, tenant_id: str, wanted: AuditFilter, *, limit: int, after: str
    ) -> tuple[list[AuditRow], str]:
        """Newest first, from behind `after`; the second is where the next page starts, or ''. It may be short."""


class Erasures(Protocol):
    """Requests to erase a person, and organisations that were deleted. Knows the latter by keyed hashes only."""

    def get(self, tenant_id: str, erasure_id: str) -> Erasure | None: ...

    def put(self, tenant_id: str, erasure: Erasure) -> None: ...

    def running(self, tenant_id: str) -> list[Erasure]:
        """Those that are not done."""

    def deletion(self, organisation: str) -> Deletion | None: ...

    def note_deletion(self, deletion: Deletion) -> None: ...


class Holdings(Protocol):
    """Whatever is stored of an organisation, without knowing what it means: to take a name or all of it away."""

    @property
    def places(self) -> tuple[str, ...]:
        """All tables and containers, in the order in which an organisation is taken away."""

    @property
    def rewritable(self) -> tuple[str, ...]:
        """The tables in which a person is replaced row by row; others have ports that keep them in order."""

    def erase(self, tenant_id: str, table: str, eraser: Eraser, *, limit: int, after: str) -> tuple[int, str]:
        """Look at so many rows: how many were changed, and where to go on, '' at the end.

        A row keyed by the person goes, and so does one in a list of mails that has the person among its people.
        """

    def clear(self, tenant_id: str, place: str, *, limit: int) -> bool:
        """Delete so many rows or blobs; whether some are left."""
