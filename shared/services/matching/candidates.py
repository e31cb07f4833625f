"""Answers what mails ask of storage; capture and matching share the answers. The domain says what is asked."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, product
from typing import Final, Self

from shared.domain.connections.mailboxes import INTAKE
from shared.domain.filing.filing import StoredMessage
from shared.domain.filing.opening import opened_refs, ref_for
from shared.domain.mail.codes import Found
from shared.domain.mail.identity import family, message_key
from shared.domain.mail.messages import Direction, MessageHead
from shared.domain.mail.public_domains import registrable
from shared.domain.matching import answers
from shared.domain.matching.ancestry import ancestors_to_ask, believed
from shared.domain.matching.answers import Answers
from shared.domain.matching.candidates import Candidates, KnownAddress, ThreadHit
from shared.domain.matching.decisions import MatchPolicy
from shared.domain.matching.questions import (
    QuestionPolicy,
    Questions,
    ThreadQuestions,
    codes_in_body,
    contacts_of_codes,
    contacts_to_ask,
    domains_to_ask,
    lent_records,
    questions,
    related_records,
    thread_questions,
)
from shared.domain.privacy.erasure import suppression
from shared.domain.records.records import DEALS, Card, RecordRef
from shared.ports.stores.filing import Codes, MessageStore, Threads
from shared.ports.stores.records import RecordIndex, Records
from shared.services.capture.scopes import Scope
from shared.services.intake.cases import FindCases
from shared.services.intake.doors import FindDoors
from shared.services.matching.current_records import RecordsOfGroup, current_records
from shared.services.matching.outgoing import FindAnswered
from shared.services.remembering.known_people import KnownPeople

# A contact may be on hundreds of records; those that are shown first are enough.
MOST_LISTED: Final = 20


@dataclass(frozen=True, slots=True)
class GatherCandidates:
    """The answers for several messages at once: each distinct address, domain and code is read once.

    Threads are looked for apart, when a message's turn has come: the one before it may be its parent.
    """

    people: KnownPeople
    index: RecordIndex
    records: Records
    messages: MessageStore
    codes: Codes
    doors: FindDoors
    cases: FindCases
    find_answered: FindAnswered
    code_keys: tuple[bytes, ...]
    group: RecordsOfGroup | None = None

    def for_group(self) -> Self:
        """The same for mails that are decided together, one soon after the other: each record is read once."""
        return replace(self, group=RecordsOfGroup(self.records))

    def __call__(self, scope: Scope, heads: Sequence[MessageHead]) -> list[Candidates]:
        policy = self._policy(scope)
        asked = [questions(head, policy) for head in heads]
        known = self._known(scope, asked)
        # Asked after the addresses: a contact with a client answers, and most domains need no look-up then.
        domains = [domains_to_ask(each, known) for each in asked]
        found = Answers(
            addresses=known,
            domains=self._at(scope, domains),
            codes=self._records_of_codes(scope, [each.codes for each in asked]),
        )
        answered = [
            answers.candidates_of(each, own_domains, found, _erased(scope, each))
            for each, own_domains in zip(asked, domains, strict=True)
        ]
        return self.doors(scope, heads, answered) if scope.mailbox.kind == INTAKE else answered

    def _known(self, scope: Scope, asked: Iterable[Questions]) -> Mapping[str, KnownAddress]:
        addresses = frozenset[str]().union(*(each.looked_up for each in asked))
        return self.people.addresses(scope, addresses) if addresses else {}

    def _at(self, scope: Scope, domains: Iterable[frozenset[str]]) -> Mapping[str, frozenset[Card]]:
        # The index knows no other domains, so that subdomains find their client.
        places = {registrable(domain) for domain in frozenset[str]().union(*domains)}
        return self.people.domains(scope, places) if places else {}

    def for_matching(
        self,
        scope: Scope,
        head: MessageHead,
        candidates: Candidates,
        text: str = "",
        *,
        stored: StoredMessage | None = None,
        threads: Threads | None = None,
    ) -> Candidates:
        """Candidates with the mail's thread, and with cards of all records that a link may lead to.

        `text` is the body's, in which codes are looked for where the subject has none; `stored` is the mail
        itself where it is decided anew. Mails with its Message-ID are no evidence, nor records that were opened
        for them: the order in which copies come must not change the decision. `threads` is where mails are looked
        for that this one goes on with, where that is more than what is stored.
        """
        threads = threads or self.messages
        policy = self._policy(scope)
        if stored is not None and stored.direction is Direction.OUT:
            # Its copy here lies in Sent, or nobody would have taken it for sent.
            candidates = replace(candidates, to_intake=False)
        asked = thread_questions(head, policy.match)
        own = family(stored.key if stored else message_key(scope.hasher, head))
        candidates = self._with_codes(scope, head, candidates, text)
        candidates = self._with_sent(scope, candidates)
        candidates = self._with_thread(scope, head, candidates, asked, threads)
        candidates = self._with_conversation(scope, candidates, asked, own, threads)
        candidates = self.find_answered(scope, head, candidates)
        candidates = self._with_subject(scope, candidates, asked)
        candidates = candidates.without(_opened_for(own, stored))
        # Both by one request. Of a lent record its own row counts: a card may have been remembered.
        unknown = related_records(candidates) - candidates.cards.keys()
        candidates = self._with_records(scope, candidates, lent_records(candidates) | unknown)
        candidates = self.cases(scope, head, candidates, own[0], policy.match)
        return self._with_listing(scope, head, candidates, policy.match)

    def with_lent_cards(self, scope: Scope, candidates: Candidates, *, known: Candidates) -> Candidates:
        """The same with the cards of all records of the mails that it answers, goes on with or reports.

        Those of `known` have been read.
        """
        return self._with_records(scope, candidates, lent_records(candidates) - lent_records(known))

    def as_they_stand(self, scope: Scope, head: MessageHead, candidates: Candidates) -> Candidates:
        """The same, whose mails were read again, with what is behind them where none leads any more."""
        # Who was found behind the nearest was asked for with all others; the nearest was asked for alone.
        if candidates.thread and all(hit.evidence == head.answers[0] for hit in candidates.thread):
            candidates = self.with_ancestors(scope, head, candidates)
        if candidates.conversation:
            return candidates
        asked = thread_questions(head, self._policy(scope).match)
        own = family(message_key(scope.hasher, head))
        return self._with_conversation(scope, candidates, asked, own, self.messages)

    def _policy(self, scope: Scope) -> QuestionPolicy:
        match_policy = MatchPolicy.of(scope.organisation, scope.mailbox)
        return QuestionPolicy(scope.organisation, scope.mailbox, match_policy, self.code_keys)

    def _records_of_codes(self, scope: Scope, found: Iterable[Found]) -> dict[str, tuple[RecordRef, ...]]:
        """Records by a code's text."""
        quoted = list(chain.from_iterable(each.codes for each in found))
        numbers = {code.number for code in quoted}
        known = self.codes.get_many(scope.tenant_id, numbers) if numbers else {}
        # One number may be quoted with two prefixes, of today and of before.
        return {code.text: known[code.number] for code in quoted if code.number in known}

    def _with_codes(self, scope: Scope, head: MessageHead, candidates: Candidates, text: str) -> Candidates:
        if text and not candidates.codes:
            found = codes_in_body(head, text, self._policy(scope))
            hits = answers.code_hits(found, self._records_of_codes(scope, [found]))
            candidates = replace(candidates, codes=hits, forged=candidates.forged + found.forged)
        refs = frozenset[RecordRef]().union(*(hit.links for hit in candidates.codes))
        if not refs:
            return candidates
        # Read whole, known or not: a card does not say at which domains its record has people.
        place = self.group or self.records
        records = current_records(place, scope.tenant_id, refs)
        wanted = contacts_of_codes(head, candidates, records.values())
        people = current_records(place, scope.tenant_id, wanted)
        return answers.with_code_records(candidates, records, people)

    def _with_sent(self, scope: Scope, candidates: Candidates) -> Candidates:
        """With the records that a mail of the outbox was sent for: they lead on to clients."""
        sent = candidates.sent.records if candidates.sent else ()
        return self._with_records(scope, candidates, frozenset(sent) - candidates.cards.keys())

    def _with_thread(
        self,
        scope: Scope,
        head: MessageHead,
        candidates: Candidates,
        asked: ThreadQuestions,
        threads: Threads,
    ) -> Candidates:
        """With the stored mail that this one answers, unless capture has found it already.

        Mails further up its thread are asked for only where that one is not filed.
        """
        if candidates.thread or not asked.parents:
            return candidates
        nearest = self._found(scope, head, candidates, asked.parents[:1], threads)
        return self.with_ancestors(scope, head, replace(candidates, thread=nearest), threads)

    def with_ancestors(
        self, scope: Scope, head: MessageHead, candidates: Candidates, threads: Threads | None = None
    ) -> Candidates:
        """The same with the stored mails behind the one that this mail answers, where that is not filed."""
        behind = ancestors_to_ask(head.answers, candidates.thread)
        if not behind:
            return candidates
        found = self._found(scope, head, candidates, behind, threads or self.messages)
        return replace(candidates, thread=(*candidates.thread, *found))

    def _found(
        self,
        scope: Scope,
        head: MessageHead,
        candidates: Candidates,
        ids: Sequence[str],
        threads: Threads,
    ) -> tuple[ThreadHit, ...]:
        """Mails by Message-ID, in the order of the ids.

        Where several mails reuse one Message-ID, only one that shares an outside participant counts.
        """
        outsiders = head.participants - candidates.staff
        keys = {scope.hasher.message_id(message_id): message_id for message_id in ids}
        found = threads.find(scope.tenant_id, keys)
        hits = (believed(found.get(key, ()), outsiders) for key in keys)
        return tuple(chain.from_iterable(hits))

    def _with_conversation(
        self,
        scope: Scope,
        candidates: Candidates,
        asked: ThreadQuestions,
        own: Collection[str],
        threads: Threads,
    ) -> Candidates:
        """Asked only where the thread led nowhere; mails of its `own` keys are no evidence."""
        # Exchange groups mails by an index of its own: what a mail answers says more.
        if not asked.conversation:
            return candidates
        key = scope.hasher("conversation", asked.conversation)
        # Set in any case: later mails find this one by it.
        candidates = replace(candidates, conversation_key=key)
        if candidates.parent is not None or not asked.goes_on:
            return candidates
        found = threads.of_conversation(scope.tenant_id, key, until=asked.until, apart_from=own)
        return replace(candidates, conversation=found)

    def _with_subject(self, scope: Scope, candidates: Candidates, asked: ThreadQuestions) -> Candidates:
        if not asked.subjects:
            return candidates
        found = self.index.subjects(scope.tenant_id, asked.subjects)
        return answers.with_subjects(candidates, found)

    def _with_listing(
        self, scope: Scope, head: MessageHead, candidates: Candidates, policy: MatchPolicy
    ) -> Candidates:
        contacts = contacts_to_ask(head, candidates, policy)
        if not contacts:
            return candidates
        found = self.index.listing_contact(scope.tenant_id, contacts)
        # Sorted, so that every process takes the same ones.
        listing = {contacts[name]: frozenset(sorted(refs)[:MOST_LISTED]) for name, refs in found.items()}
        candidates = replace(candidates, listing_contact=listing)
        listed = frozenset[RecordRef]().union(*listing.values())
        return self._with_records(scope, candidates, listed - candidates.cards.keys())

    def _with_records(
        self, scope: Scope, candidates: Candidates, wanted: Collection[RecordRef]
    ) -> Candidates:
        """The same with the cards of these records as they stand; of those that are gone there is none."""
        if not wanted:
            return candidates
        others = {ref: card for ref, card in candidates.cards.items() if ref not in wanted}
        read = current_records(self.group or self.records, scope.tenant_id, wanted)
        return answers.with_records(replace(candidates, cards=others), read)


def _opened_for(own: Collection[str], stored: StoredMessage | None) -> list[RecordRef]:
    """Records that were, or would be, opened for the mail itself."""
    opened = [ref_for(kind, key) for kind, key in product(DEALS, own)]
    return [*opened, *opened_refs(stored)] if stored else opened


def _erased(scope: Scope, asked: Questions) -> frozenset[str]:
    """People who are suppressed for good. Nothing is hashed in an organisation that has erased nobody."""
    suppressed = scope.organisation.erased
    people = asked.people if suppressed else frozenset()
    return frozenset(address for address in people if suppression(scope.hasher, address) in suppressed)
