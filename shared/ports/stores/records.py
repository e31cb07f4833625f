"""Stores of records, and the index by which mail finds them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from shared.domain.matching.candidates import KnownAddress
from shared.domain.records.records import Card, Record, RecordRef


class Records(Protocol):
    def get(self, tenant_id: str, ref: RecordRef) -> Record | None: ...

    def get_many(self, tenant_id: str, refs: Iterable[RecordRef]) -> Mapping[RecordRef, Record]: ...

    def put_many(self, tenant_id: str, records: Sequence[Record]) -> None:
        """Write records over any stored version, and bring their index in order; safe to run twice."""

    def write(
        self, tenant_id: str, records: Sequence[Record], standing: Mapping[RecordRef, Record]
    ) -> Mapping[RecordRef, Record | None]:
        """Write different records, each over its version in `standing`, or as a new one if that has none.

        Returns the records that were not written, with their present versions: a conflict refuses its transaction.
        """

    def delete(self, tenant_id: str, ref: RecordRef) -> bool:
        """Whether the record existed."""

    def page(
        self, tenant_id: str, kind: str, *, text: str, limit: int, after: str, by_address: bool = True
    ) -> tuple[list[Record], str]:
        """A page of a kind's records by id, after the id `after`; and where the next page begins, '' at the end.

        `text` is in the name, in the summary or, `by_address`, in an address.
        """


class RecordIndex(Protocol):
    """Whatever stands under an address is found by every spelling of its mailbox."""

    def addresses(self, tenant_id: str, addresses: Iterable[str]) -> Mapping[str, KnownAddress]:
        """One read per address, side by side; every address asked for is a key."""

    def domains(self, tenant_id: str, domains: Iterable[str]) -> Mapping[str, frozenset[Card]]:
        """By domain, likewise: clients, and opportunities and projects that have a contact there."""

    def subjects(self, tenant_id: str, subjects: Iterable[str]) -> Mapping[str, frozenset[Card]]:
        """Opportunities and projects by normalised summary, likewise."""

    def listing_contact(self, tenant_id: str, contacts: Iterable[str]) -> Mapping[str, frozenset[RecordRef]]:
        """Opportunities and projects by the id of a contact of theirs, likewise."""

    def awaiting(self, tenant_id: str, contacts: Iterable[str]) -> Mapping[str, frozenset[RecordRef]]:
        """Opportunities and projects that list a contact which does not exist; other contacts are left out."""

    def staff_among(self, tenant_id: str, addresses: Iterable[str]) -> frozenset[str]:
        """The addresses among these that are registered as staff's."""

    def opened(
        self, tenant_id: str, since: datetime, *, limit: int, after: str
    ) -> tuple[list[RecordRef], str]:
        """Records that Postledger opened since then, oldest first, after `after`; and where to go on, '' at the end."""

    def taught_to(self, tenant_id: str, ref: RecordRef) -> frozenset[str]:
        """The addresses whose mail belongs on a record, as an agent has said; each in its mailbox's one spelling."""

    def teach(self, tenant_id: str, address: str, refs: Iterable[RecordRef]) -> None:
        """Remember that mail of an address belongs on these records."""

    def unteach(self, tenant_id: str, address: str, refs: Iterable[RecordRef]) -> None: ...

    def put_staff(self, tenant_id: str, mailbox_id: str, addresses: Iterable[str]) -> None:
        """Register a mailbox's own addresses."""

    def drop_staff(self, tenant_id: str, mailbox_id: str, addresses: Iterable[str]) -> None: ...
