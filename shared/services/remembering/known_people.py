"""The records of addresses and domains, as they stood half a minute ago at most."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shared.domain.matching.candidates import KnownAddress
from shared.domain.records.records import Card
from shared.ports.stores.records import RecordIndex
from shared.services.capture.scopes import Scope
from shared.services.remembering.memories import Memories


@dataclass(frozen=True, slots=True)
class KnownPeople:
    """Look-ups for capture and matching. A colleague's address is read every time.

    Live mail takes nobody for unknown who was unknown a moment ago: a contact may have been pushed since, and its
    first mail would be missed. History may: the new contact is joined with the ledger minutes later.
    """

    index: RecordIndex
    memories: Memories

    def addresses(self, scope: Scope, addresses: Iterable[str]) -> Mapping[str, KnownAddress]:
        """By address; each is a key."""
        tenant_id = scope.tenant_id

        def load(places: list[tuple[str, str]]) -> Mapping[tuple[str, str], KnownAddress]:
            found = self.index.addresses(tenant_id, [address for _, address in places])
            return {(tenant_id, address): found[address] for _, address in places}

        def suffices(known: KnownAddress) -> bool:
            return _suffices(scope, known.cards, "contact")

        places = [(tenant_id, address) for address in addresses]
        read = self.memories.addresses.read(places, load, suffices=suffices)
        return {address: known for (_, address), known in read.items()}

    def domains(self, scope: Scope, domains: Iterable[str]) -> Mapping[str, frozenset[Card]]:
        """By registrable domain; each is a key."""
        tenant_id = scope.tenant_id

        def load(places: list[tuple[str, str]]) -> Mapping[tuple[str, str], frozenset[Card]]:
            found = self.index.domains(tenant_id, [domain for _, domain in places])
            return {(tenant_id, domain): found[domain] for _, domain in places}

        def suffices(cards: frozenset[Card]) -> bool:
            return _suffices(scope, cards, "client")

        places = [(tenant_id, domain) for domain in domains]
        read = self.memories.domains.read(places, load, suffices=suffices)
        return {domain: cards for (_, domain), cards in read.items()}


def _suffices(scope: Scope, cards: Iterable[Card], kind: str) -> bool:
    if scope.afresh:
        return False
    return scope.is_history or any(card.ref.kind == kind for card in cards)
