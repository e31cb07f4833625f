"""For whom a mail is asked for, on which records it stands, and which mailbox it leaves from. Writes nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final

from shared.domain.connections.mailboxes import Mailbox
from shared.domain.connections.organisations import Organisation
from shared.domain.errors import Unknown
from shared.domain.filing.links import client_of
from shared.domain.privacy.callers import ADMIN, AGENT, SERVICE, Caller
from shared.domain.records.records import Record, RecordRef
from shared.domain.sending.actors import Actor, actor_of
from shared.domain.sending.drafting import Addressed
from shared.domain.sending.from_addresses import Chosen, Refused, from_address
from shared.domain.sending.replying import Own
from shared.domain.sending.wanted import MailWanted
from shared.ports.stores.connections import Mailboxes
from shared.ports.stores.records import RecordIndex, Records
from shared.services.matching.current_records import current_records
from shared.services.remembering.recent_rows import RecentRows

# Each is a read; a mail to more people than these is sent for the records that it names.
MOST_LOOKED_UP: Final = 50


@dataclass(frozen=True, slots=True)
class House:
    """The organisation with its own people and all its mailboxes, and the agent for whom a mail is asked for."""

    organisation: Organisation
    own: Own
    mailboxes: tuple[Mailbox, ...]
    actor: Actor


@dataclass(frozen=True, slots=True)
class Settled:
    """The mailbox that sends, or why none does, and the records on which the mail stands.

    `known` are the recipients whose address a record has, `missing` the records that are named and not there.
    """

    chosen: Chosen | Refused
    records: tuple[RecordRef, ...]
    known: frozenset[str] = frozenset()
    missing: tuple[RecordRef, ...] = ()


@dataclass(frozen=True, slots=True)
class FindHouse:
    """Who asks, and within which organisation, whose row may be five seconds old. Two reads at most."""

    recent: RecentRows
    mailboxes: Mailboxes

    def __call__(self, caller: Caller, agent: str) -> House:
        """`agent` is for whom a service asks. Raises InvalidInput, Forbidden, Unknown."""
        caller.needs(AGENT, ADMIN, SERVICE)
        organisation = self.recent.organisation(caller.tenant_id)
        if organisation is None:
            raise Unknown("There is no such organisation.")
        mailboxes = tuple(self.mailboxes.of(caller.tenant_id))
        addresses = chain.from_iterable(mailbox.own_addresses for mailbox in mailboxes)
        own = Own.of(addresses, organisation.own_domains)
        return House(organisation, own, mailboxes, actor_of(caller, agent or None, mailboxes))


@dataclass(frozen=True, slots=True)
class SettleMail:
    """Which mailbox a mail leaves from, and on which records it stands.

    These are the records that are named, those of the mail that is answered, the contacts among the visible
    recipients, and the clients of all contacts. The word of the clients of what was named counts for the sender; where
    nothing was, that of the recipients' clients.
    """

    records: Records
    index: RecordIndex

    def __call__(
        self, house: House, wanted: MailWanted, people: Addressed, lent: Sequence[RecordRef] = ()
    ) -> Settled:
        """`lent` are the records of the mail that is answered."""
        tenant_id = house.organisation.tenant_id
        on_cards = self._on_cards(house, people.addresses)
        # A blind recipient's card would tell the others of it.
        contacts = list(chain.from_iterable(sorted(on_cards.get(address, ())) for address in people.visible))
        named = tuple(dict.fromkeys((*wanted.records, *lent)))
        current = current_records(self.records, tenant_id, (*named, *contacts))
        asked = [current[ref] for ref in named if ref in current] or list(current.values())
        chosen = from_address(
            wanted.sender,
            actor=house.actor,
            purpose=wanted.purpose,
            clients=self._clients(tenant_id, asked),
            rules=house.organisation.from_rules,
            mailboxes=house.mailboxes,
        )
        return Settled(
            chosen,
            self._with_clients(tenant_id, current.values()),
            frozenset(on_cards),
            tuple(ref for ref in wanted.records if ref not in current),
        )

    def _on_cards(self, house: House, addresses: Iterable[str]) -> Mapping[str, frozenset[RecordRef]]:
        """Records by recipient; colleagues stand on none."""
        outside = dict.fromkeys(address for address in addresses if not house.own.has(address))
        known = self.index.addresses(house.organisation.tenant_id, list(islice(outside, MOST_LOOKED_UP)))
        return {address: known[address].records for address in known if known[address].records}

    def _with_clients(self, tenant_id: str, records: Iterable[Record]) -> tuple[RecordRef, ...]:
        """The records, and the clients of the contacts among them."""
        standing = {record.ref: record for record in records}
        clients = {ref for record in standing.values() if (ref := client_of(record))} - standing.keys()
        return (*standing, *sorted(self.records.get_many(tenant_id, clients)))

    def _clients(self, tenant_id: str, records: Sequence[Record]) -> list[Record]:
        """The clients among the records, and those of the others."""
        standing = {record.ref: record for record in records if record.ref.kind == "client"}
        others = {RecordRef("client", record.client) for record in records if record.client} - standing.keys()
        found = {**standing, **self.records.get_many(tenant_id, others)}
        return [found[ref] for ref in sorted(found)]
