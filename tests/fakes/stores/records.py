"""Records and their index in memory."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from shared.domain.mail.addresses import mailbox_key, mailbox_keys
from shared.domain.matching.candidates import KnownAddress
from shared.domain.records.records import Card, Record, RecordRef, opened_key
from tests.fakes.etags import Etags
from tests.fakes.faults import Faults


class FakeRecords:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, RecordRef], Record] = {}
        self._etag = Etags()

    def get(self, tenant_id: str, ref: RecordRef) -> Record | None:
        self.faults.read("Records.get")
        return self.rows.get((tenant_id, ref))

    def get_many(self, tenant_id: str, refs: Iterable[RecordRef]) -> Mapping[RecordRef, Record]:
        self.faults.read("Records.get_many")
        return {ref: self.rows[tenant_id, ref] for ref in refs if (tenant_id, ref) in self.rows}

    def put_many(self, tenant_id: str, records: Sequence[Record]) -> None:
        with self.faults.write("Records.put_many"):
            for one in records:
                self.rows[tenant_id, one.ref] = replace(one, etag=self._etag())

    def write(
        self, tenant_id: str, records: Sequence[Record], standing: Mapping[RecordRef, Record]
    ) -> Mapping[RecordRef, Record | None]:
        left: dict[RecordRef, Record | None] = {}
        with self.faults.write("Records.write"):
            for one in records:
                stored, known = self.rows.get((tenant_id, one.ref)), standing.get(one.ref)
                if (stored.etag if stored else "") != (known.etag if known else ""):
                    left[one.ref] = stored
                else:
                    self.rows[tenant_id, one.ref] = replace(one, etag=self._etag())
        return left

    def delete(self, tenant_id: str, ref: RecordRef) -> bool:
        with self.faults.write("Records.delete"):
            return self.rows.pop((tenant_id, ref), None) is not None

    def page(
        self, tenant_id: str, kind: str, *, text: str, limit: int, after: str, by_address: bool = True
    ) -> tuple[list[Record], str]:
        self.faults.read("Records.page")
        wanted = sorted(
            (
                record
                for (tenant, ref), record in self.rows.items()
                if tenant == tenant_id
                and ref.kind == kind
                and ref.id > after
                and _says(record, text, by_address)
            ),
            key=lambda one: one.ref.id,
        )
        return wanted[:limit], wanted[limit - 1].ref.id if len(wanted) > limit else ""


def _says(record: Record, text: str, by_address: bool) -> bool:
    words = (record.name, record.summary, *(record.addresses if by_address else ()))
    return any(text.casefold() in one.casefold() for one in words)


class FakeRecordIndex:
    """Reads the fake records: its index is always in order."""

    def __init__(self, records: FakeRecords, faults: Faults | None = None) -> None:
        self.faults = faults or records.faults
        self.records = records
        self.staff: set[tuple[str, str, str]] = set()
        self.taught: set[tuple[str, str, RecordRef]] = set()

    def addresses(self, tenant_id: str, addresses: Iterable[str]) -> Mapping[str, KnownAddress]:
        self.faults.read("RecordIndex.addresses")
        staff = {address for tenant, _, address in self.staff if tenant == tenant_id}
        taught: dict[str, set[RecordRef]] = {}
        for tenant, key, ref in self.taught:
            if tenant == tenant_id:
                taught.setdefault(key, set()).add(ref)
        keys = {address: mailbox_key(address) for address in addresses}
        return {
            address: KnownAddress(
                self._under(tenant_id, f"address:{key}"), key in staff, frozenset(taught.get(key, ()))
            )
            for address, key in keys.items()
        }

    def domains(self, tenant_id: str, domains: Iterable[str]) -> Mapping[str, frozenset[Card]]:
        self.faults.read("RecordIndex.domains")
        return {one: self._under(tenant_id, f"domain:{one}") for one in dict.fromkeys(domains)}

    def subjects(self, tenant_id: str, subjects: Iterable[str]) -> Mapping[str, frozenset[Card]]:
        self.faults.read("RecordIndex.subjects")
        return {one: self._under(tenant_id, f"subject:{one}") for one in dict.fromkeys(subjects)}

    def listing_contact(self, tenant_id: str, contacts: Iterable[str]) -> Mapping[str, frozenset[RecordRef]]:
        self.faults.read("RecordIndex.listing_contact")
        asked = dict.fromkeys(contacts)
        return {one: frozenset(c.ref for c in self._under(tenant_id, f"contact:{one}")) for one in asked}

    def awaiting(self, tenant_id: str, contacts: Iterable[str]) -> Mapping[str, frozenset[RecordRef]]:
        self.faults.read("RecordIndex.awaiting")
        found = {one: self._under(tenant_id, f"missing:{one}") for one in dict.fromkeys(contacts)}
        return {one: frozenset(card.ref for card in cards) for one, cards in found.items() if cards}

    def staff_among(self, tenant_id: str, addresses: Iterable[str]) -> frozenset[str]:
        self.faults.read("RecordIndex.staff_among")
        registered = {address for tenant, _, address in self.staff if tenant == tenant_id}
        return frozenset(address for address in addresses if mailbox_key(address) in registered)

    def opened(
        self, tenant_id: str, since: datetime, *, limit: int, after: str
    ) -> tuple[list[RecordRef], str]:
        self.faults.read("RecordIndex.opened")
        rows = sorted(
            (one.removeprefix("opened:"), ref)
            for (tenant, ref), record in self.records.rows.items()
            for one in record.index_keys
            if tenant == tenant_id and one.startswith("opened:")
        )
        keys = {f"{at}|{ref}": ref for at, ref in rows if at >= opened_key(since)}
        found = [one for one in keys if one > after]
        return [keys[one] for one in found[:limit]], found[limit - 1] if len(found) > limit else ""

    def taught_to(self, tenant_id: str, ref: RecordRef) -> frozenset[str]:
        self.faults.read("RecordIndex.taught_to")
        return frozenset(address for tenant, address, one in self.taught if (tenant, one) == (tenant_id, ref))

    def teach(self, tenant_id: str, address: str, refs: Iterable[RecordRef]) -> None:
        with self.faults.write("RecordIndex.teach"):
            self.taught.update((tenant_id, mailbox_key(address), ref) for ref in refs)

    def unteach(self, tenant_id: str, address: str, refs: Iterable[RecordRef]) -> None:
        with self.faults.write("RecordIndex.unteach"):
            self.taught.difference_update((tenant_id, mailbox_key(address), ref) for ref in refs)

    def put_staff(self, tenant_id: str, mailbox_id: str, addresses: Iterable[str]) -> None:
        with self.faults.write("RecordIndex.put_staff"):
            self.staff.update((tenant_id, mailbox_id, key) for key in mailbox_keys(addresses))

    def drop_staff(self, tenant_id: str, mailbox_id: str, addresses: Iterable[str]) -> None:
        with self.faults.write("RecordIndex.drop_staff"):
            self.staff.difference_update((tenant_id, mailbox_id, key) for key in mailbox_keys(addresses))

    def _under(self, tenant_id: str, key: str) -> frozenset[Card]:
        rows = self.records.rows.items()
        return frozenset(
            one.card for (tenant, _), one in rows if tenant == tenant_id and key in one.index_keys
        )
