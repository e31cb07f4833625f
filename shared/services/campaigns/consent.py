"""Asks who may still get a campaign's mail: for a whole list, and for one mail right before its draft is made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain
from typing import Final

from shared.domain.campaigns.campaigns import CampaignState, LeftOut, Recipient
from shared.domain.campaigns.consent import Reason, Standing, objection
from shared.domain.connections.organisations import Organisation
from shared.domain.errors import Unknown
from shared.domain.matching.candidates import KnownAddress
from shared.domain.privacy.erasure import suppression
from shared.domain.records.records import Card, RecordRef
from shared.domain.sending import transitions
from shared.domain.sending.outbox import OutboxMail, Problem
from shared.domain.sending.replying import Own
from shared.domain.sending.transitions import Transition
from shared.ports.stores.campaigns import Campaigns, Silences
from shared.ports.stores.connections import Organisations
from shared.ports.stores.records import RecordIndex, Records
from shared.ports.work import Clock
from shared.services.capture.scopes import hasher_of

# A mail of a paused campaign looks again after this time, should nobody tell it that the campaign goes on.
PAUSE: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class _House:
    """What holds for everybody: the organisation, and which of the addresses are silent."""

    organisation: Organisation
    own: Own
    hashes: Mapping[str, str]
    silent: Mapping[str, Reason]
    suppressed: Mapping[str, str]

    def standing(self, address: str) -> Standing:
        return Standing(
            address,
            erased=self.suppressed[address] in self.organisation.erased,
            silence=self.silent.get(self.hashes[address]),
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a recipient gets no mail, None for who does; and the contacts that have the address now."""

    reason: LeftOut | None
    contacts: tuple[RecordRef, ...]


@dataclass(frozen=True, slots=True)
class AskConsent:
    """Who of some recipients still gets the mail, as things stand now."""

    organisations: Organisations
    silences: Silences
    index: RecordIndex
    records: Records
    hash_key: bytes

    def __call__(self, tenant_id: str, recipients: Sequence[Recipient]) -> list[Verdict]:
        """A request for each address, and some more. Raises Unknown."""
        house = self._house(tenant_id, recipients)
        known = self.index.addresses(tenant_id, {recipient.address for recipient in recipients})
        refs = set(chain.from_iterable(recipient.records for recipient in recipients))
        records = self.records.get_many(tenant_id, refs) if refs else {}
        closed = {ref for ref, record in records.items() if record.status != "open"}
        found = []
        for recipient in recipients:
            cards = _cards(recipient, known[recipient.address])
            standing = replace(
                house.standing(recipient.address),
                is_staff=known[recipient.address].is_staff,
                on_card=bool(cards),
                closed=not any(card.is_open for card in cards) or not closed.isdisjoint(recipient.records),
            )
            reason = objection(standing, house.own, house.organisation.never_log)
            found.append(Verdict(reason, tuple(sorted(card.ref for card in cards))))
        return found

    def of_list(
        self, tenant_id: str, recipients: Sequence[Recipient], closed: frozenset[RecordRef]
    ) -> list[LeftOut | None]:
        """The same for a long list whose contacts were read just now; `closed` are those records that are."""
        house = self._house(tenant_id, recipients)
        staff = self.index.staff_among(tenant_id, {recipient.address for recipient in recipients})
        found = []
        for recipient in recipients:
            refs = (RecordRef("contact", recipient.contact), *recipient.records)
            standing = replace(
                house.standing(recipient.address),
                is_staff=recipient.address in staff,
                closed=not closed.isdisjoint(refs),
            )
            found.append(objection(standing, house.own, house.organisation.never_log))
        return found

    def _house(self, tenant_id: str, recipients: Sequence[Recipient]) -> _House:
        organisation = self.organisations.get(tenant_id)
        if organisation is None:
            raise Unknown("There is no such organisation.")
        hasher = hasher_of(self.hash_key, tenant_id)
        addresses = {recipient.address for recipient in recipients}
        hashes = {address: hasher.addresses([address])[0] for address in addresses}
        return _House(
            organisation,
            Own.of((), organisation.own_domains),
            hashes,
            self.silences.among(tenant_id, hashes.values()),
            {address: suppression(hasher, address) for address in addresses},
        )


@dataclass(frozen=True, slots=True)
class CheckDeparture:
    """What becomes of a campaign's mail whose turn has come: None where it may leave."""

    campaigns: Campaigns
    ask_consent: AskConsent
    clock: Clock

    def __call__(self, mail: OutboxMail) -> Transition | None:
        """Three requests and one; none for any other mail."""
        if mail.campaign is None:
            return None
        now = self.clock()
        campaign = self.campaigns.get(mail.tenant_id, mail.campaign.id)
        if campaign is None or campaign.state is CampaignState.CANCELLED:
            return transitions.cancelled(now, "The campaign was cancelled.")
        if campaign.state is CampaignState.PAUSED:
            return transitions.held(now, now + PAUSE, "The campaign is paused.")
        [verdict] = self.ask_consent(mail.tenant_id, [_recipient(mail)])
        reason = verdict.reason
        return transitions.left_out(now, Problem(reason.reason, reason.sentence)) if reason else None


def _recipient(mail: OutboxMail) -> Recipient:
    """The recipient of a mail, as its own row says it."""
    address = next((person.address for person in mail.to), "")
    contacts = [ref.id for ref in mail.records if ref.kind == "contact"]
    others = tuple(ref for ref in mail.records if ref.kind != "contact")
    return Recipient(0, next(iter(contacts), ""), "", address, records=others)


def _cards(recipient: Recipient, known: KnownAddress) -> list[Card]:
    """The recipient's own card, while it bears the address; else every contact's that does.

    So one of two that goes does not silence the other.
    """
    cards = [card for card in known.cards if card.ref.kind == "contact"]
    return [card for card in cards if card.ref.id == recipient.contact] or cards
