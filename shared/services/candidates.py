"""Gathers what storage knows of the people and mails that messages name; capture and matching share it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shared.domain.addresses import domain_of
from shared.domain.candidates import Candidates, ThreadHit
from shared.domain.messages import MessageHead
from shared.domain.records import Record, RecordRef
from shared.ports import KnownAddress, MessageStore, RecordIndex, Records
from shared.services.scopes import Scope

Threads = Mapping[str, tuple[ThreadHit, ...]]


@dataclass(frozen=True, slots=True)
class GatherCandidates:
    """Candidates for several messages at once: each distinct address, domain and id is read once.

    With `records`, the matched records and their clients are read too, as matching needs; domains are
    asked for where no contact with a client stands under the address.
    """

    index: RecordIndex
    records: Records
    messages: MessageStore

    def __call__(self, scope: Scope, heads: Sequence[MessageHead], *, with_records: bool) -> list[Candidates]:
        outsiders = {one for head in heads for one in head.participants if not scope.is_own(one)}
        known = self.index.addresses(scope.tenant_id, outsiders) if outsiders else {}
        threads = self._threads(scope, heads)
        wanted = [ref for one in known.values() for ref in one.records]
        wanted += [ref for hits in threads.values() for hit in hits for ref in hit.links]
        records = self._records(scope, wanted) if with_records else {}
        domains = self._domains(scope, known, records)
        if with_records:
            records = {**records, **self._records(scope, (ref for refs in domains.values() for ref in refs))}
        return [
            self._of(scope, head, known=known, domains=domains, records=records, threads=threads)
            for head in heads
        ]

    def thread(self, scope: Scope, head: MessageHead) -> tuple[ThreadHit, ...]:
        """The stored mails that a mail answers, nearest first."""
        return _thread_of(scope, head, self._threads(scope, [head]))

    def _threads(self, scope: Scope, heads: Sequence[MessageHead]) -> Threads:
        ids = {scope.hasher.message_id(one): one for head in heads for one in head.answers}
        return self.messages.find(scope.tenant_id, ids) if ids else {}

    def _records(self, scope: Scope, wanted: Iterable[RecordRef]) -> Mapping[RecordRef, Record]:
        """The records and the clients of the contacts among them, in at most two rounds."""
        refs = set(wanted)
        if not refs:
            return {}
        found = dict(self.records.get_many(scope.tenant_id, refs))
        clients = {RecordRef("client", one.client) for one in found.values() if one.client} - refs
        return {**found, **self.records.get_many(scope.tenant_id, clients)} if clients else found

    def _domains(
        self, scope: Scope, known: Mapping[str, KnownAddress], records: Mapping[RecordRef, Record]
    ) -> Mapping[str, frozenset[RecordRef]]:
        def is_answered(one: KnownAddress) -> bool:
            """A known contact suffices for capture; matching wants its client as well."""
            cards = [records[ref] for ref in one.records if ref in records]
            return one.is_staff or bool(one.records and (not records or any(card.client for card in cards)))

        open_ones = {domain_of(address) for address, one in known.items() if not is_answered(one)}
        return self.index.domains(scope.tenant_id, open_ones - {""}) if open_ones - {""} else {}

    def _of(
        self,
        scope: Scope,
        head: MessageHead,
        *,
        known: Mapping[str, KnownAddress],
        domains: Mapping[str, frozenset[RecordRef]],
        records: Mapping[RecordRef, Record],
        threads: Threads,
    ) -> Candidates:
        people = head.participants
        outsiders = people & known.keys()
        return Candidates(
            addresses={one: known[one].records for one in outsiders},
            domains={domain: domains[domain] for domain in map(domain_of, outsiders) if domains.get(domain)},
            records=records,
            thread=_thread_of(scope, head, threads),
            staff=frozenset(
                one for one in people if (one in known and known[one].is_staff) or scope.is_own(one)
            ),
        )


def _thread_of(scope: Scope, head: MessageHead, threads: Threads) -> tuple[ThreadHit, ...]:
    """Nearest first. Where several mails reuse one Message-ID, only one that shares a participant counts."""
    hits: list[ThreadHit] = []
    for message_id in head.answers:
        siblings = threads.get(scope.hasher.message_id(message_id), ())
        hits += [one for one in siblings if len(siblings) == 1 or one.participants & head.participants]
    return tuple(hits)
