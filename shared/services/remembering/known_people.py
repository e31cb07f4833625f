"""The records of addresses and domains: of now for live mail, of half a minute ago at most for history."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shared.domain.mail.addresses import mailbox_key
from shared.domain.matching.candidates import KnownAddress
from shared.domain.records.records import Card
from shared.ports.stores.records import RecordIndex
from shared.services.capture.scopes import Scope
from shared.services.remembering.memories import Memories


@dataclass(frozen=True, slots=True)
class KnownPeople:
    """Look-ups for capture and matching. A colleague's address is read every time.

    Live mail goes by nothing that is remembered: a contact may have been pushed since, whose first mail would be
    missed, or an address may have moved, and nobody would look for its mail with the former contact. History may: a
    new contact is joined with the ledger minutes later.
    """

    index: RecordIndex
    memories: Memories

    def addresses(self, scope: Scope, addresses: Iterable[str]) -> Mapping[str, KnownAddress]:
        """By address; each is a key. Spellings of one mailbox are remembered as one."""
        tenant_id = scope.tenant_id
        keys = {address: mailbox_key(address) for address in addresses}

        def load(places: list[tuple[str, str]]) -> Mapping[tuple[str, str], KnownAddress]:
            found = self.index.addresses(tenant_id, [address for _, address in places])
            return {(tenant_id, address): found[address] for _, address in places}

        places = [(tenant_id, key) for key in dict.fromkeys(keys.values())]
        read = self.memories.addresses.read(places, load, is_remembered=_goes_by_memory(scope))
        return {address: read[tenant_id, key] for address, key in keys.items()}

    def domains(self, scope: Scope, domains: Iterable[str]) -> Mapping[str, frozenset[Card]]:
        """By registrable domain; each is a key."""
        tenant_id = scope.tenant_id

        def load(places: list[tuple[str, str]]) -> Mapping[tuple[str, str], frozenset[Card]]:
            found = self.index.domains(tenant_id, [domain for _, domain in places])
            return {(tenant_id, domain): found[domain] for _, domain in places}

        places = [(tenant_id, domain) for domain in domains]
        read = self.memories.domains.read(places, load, is_remembered=_goes_by_memory(scope))
        return {domain: cards for (_, domain), cards in read.items()}


def _goes_by_memory(scope: Scope) -> bool:
    return scope.is_history and not scope.afresh
