"""The signed address by which a recipient leaves, and what becomes of somebody who does."""

from dataclasses import dataclass

from shared import telemetry
from shared.domain.campaigns import unsubscribing
from shared.domain.campaigns.consent import Reason, Silence
from shared.domain.campaigns.unsubscribing import PATH, WayOut
from shared.ports.stores.campaigns import Silences
from shared.ports.stores.connections import Organisations
from shared.services.capture.scopes import hasher_of


@dataclass(frozen=True, slots=True)
class MakeLink:
    """The address of ours for one recipient of one campaign: the same one whenever it is asked for."""

    hash_key: bytes
    public_url: str

    def __call__(self, tenant_id: str, campaign: str, address: str) -> str:
        [hashed] = hasher_of(self.hash_key, tenant_id).addresses([address])
        return self.beginning + unsubscribing.signed(WayOut(tenant_id, hashed, campaign), self.hash_key)

    @property
    def beginning(self) -> str:
        """How every such address begins: who quotes a mail to others takes them out."""
        return f"{self.public_url}{PATH}"


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Take somebody out of all campaigns of an organisation, by an address that we signed; as often as it is asked."""

    silences: Silences
    organisations: Organisations
    hash_key: bytes

    def __call__(self, signed: str) -> bool:
        """Whether the address was ours. Of one that is not, nobody learns more."""
        way_out = unsubscribing.read(signed, self.hash_key)
        if way_out is None:
            return False
        # Of an organisation that was deleted nothing is written any more.
        if self.organisations.get(way_out.tenant_id) is not None:
            silence = Silence(way_out.hashed, Reason.UNSUBSCRIBED, way_out.campaign)
            self.silences.put(way_out.tenant_id, silence)
            telemetry.event("unsubscribed", campaign=way_out.campaign)
        return True

    def is_out(self, signed: str) -> bool | None:
        """Whether its person has left; None for an address that we have not signed."""
        way_out = unsubscribing.read(signed, self.hash_key)
        if way_out is None:
            return None
        return way_out.hashed in self.silences.among(way_out.tenant_id, [way_out.hashed])
