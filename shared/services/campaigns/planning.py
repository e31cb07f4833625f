"""Makes the list of a campaign's recipients from what was asked for; writes nothing, so a preview asks it too."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Final

from shared.domain.campaigns.campaigns import MOST_RECIPIENTS, Recipient
from shared.domain.campaigns.plans import (
    CampaignWanted,
    PersonWanted,
    Plan,
    RecipientQuery,
    missing_in,
    recipient_of,
    without_repeats,
)
from shared.domain.errors import InvalidInput
from shared.domain.privacy.callers import ADMIN, SERVICE, Caller
from shared.domain.records.records import Record, RecordRef
from shared.ports.stores.records import Records
from shared.services.campaigns.consent import AskConsent
from shared.services.matching.current_records import current_records

PAGE: Final = 1_000
_TOO_MANY: Final = (
    f"A campaign may have {MOST_RECIPIENTS:,} recipients, a mailbox's for a day. Send it in parts."
)


@dataclass(frozen=True, slots=True)
class PlanCampaign:
    """Who gets a campaign and who does not, a thousand contacts at a time; in memory are the rows alone."""

    records: Records
    ask_consent: AskConsent

    def __call__(self, caller: Caller, wanted: CampaignWanted) -> Plan:
        """Raises InvalidInput for a template that cannot be filled, for nobody, and for too many; Unknown."""
        wanted.check()
        tenant_id = caller.tenant_id
        named = wanted.people or self._found(caller, wanted.query)
        rows: list[Recipient] = []
        for page in _pages(named):
            rows += self._page(tenant_id, wanted, page, len(rows))
        if not rows:
            raise InvalidInput("Nobody would get the mail: there are no such contacts.")
        recipients = without_repeats(rows)
        getting = (recipient for recipient in recipients if recipient.left_out is None)
        return Plan(tuple(recipients), tuple(missing_in(wanted.template, getting)))

    def _page(
        self, tenant_id: str, wanted: CampaignWanted, page: Sequence[PersonWanted], first: int
    ) -> list[Recipient]:
        refs = [RecordRef("contact", person.contact) for person in page]
        others = {*chain.from_iterable(person.records for person in page), *wanted.records}
        contacts = current_records(self.records, tenant_id, refs)
        further = self.records.get_many(tenant_id, others) if others else {}
        _check_known(others, further)
        rows = [
            recipient_of(first + place, contacts.get(ref), _with(person, wanted.records), wanted.defaults)
            for place, (ref, person) in enumerate(zip(refs, page, strict=True))
        ]
        closed = frozenset(
            record.ref for record in (*contacts.values(), *further.values()) if record.status != "open"
        )
        asked = [row for row in rows if row.left_out is None]
        reasons = dict(zip(_numbers(asked), self.ask_consent.of_list(tenant_id, asked, closed), strict=True))
        return [replace(row, left_out=row.left_out or reasons.get(row.number)) for row in rows]

    def _found(self, caller: Caller, query: RecipientQuery | None) -> Iterator[PersonWanted]:
        if query is None:
            return
        after = ""
        # An agent looks records up by their words, and not by the addresses of people.
        by_address = not caller.roles.isdisjoint((SERVICE, ADMIN))
        while True:
            page, after = self.records.page(
                caller.tenant_id, query.kind, text=query.text, limit=PAGE, after=after, by_address=by_address
            )
            yield from chain.from_iterable(_people(record) for record in page if query.takes(record))
            if not after:
                return


def _people(record: Record) -> list[PersonWanted]:
    if record.merged_into:
        return []
    if record.ref.kind == "contact":
        return [PersonWanted(record.ref.id)]
    return [PersonWanted(contact, records=(record.ref,)) for contact in record.contacts]


def _pages(named: Sequence[PersonWanted] | Iterator[PersonWanted]) -> Iterator[list[PersonWanted]]:
    people, count = iter(named), 0
    while page := list(islice(people, PAGE)):
        count += len(page)
        if count > MOST_RECIPIENTS:
            raise InvalidInput(_TOO_MANY)
        yield page


def _check_known(refs: set[RecordRef], found: Mapping[RecordRef, Record]) -> None:
    missing = sorted(str(ref) for ref in refs if ref not in found)
    if missing:
        raise InvalidInput(f"There is no record {', '.join(missing[:5])}. Load it first, or leave it out.")


def _with(person: PersonWanted, records: Sequence[RecordRef]) -> PersonWanted:
    return replace(person, records=tuple(dict.fromkeys((*person.records, *records))))


def _numbers(rows: Sequence[Recipient]) -> list[int]:
    return [row.number for row in rows]
