"""Records of an intake mailbox that a mail may go on with, beside those to which its thread and its code lead."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

from shared.domain.filing.opening import opened_refs
from shared.domain.filing.person_decisions import opened_id
from shared.domain.mail.identity import Hasher
from shared.domain.mail.messages import MessageHead
from shared.domain.matching.candidates import Candidates, ThreadHit
from shared.domain.matching.decisions import MatchPolicy
from shared.domain.matching.questions import lent_records
from shared.domain.records.records import Record, RecordRef
from shared.ports.stores.filing import MessageStore
from shared.ports.stores.records import Records
from shared.services.capture.scopes import Scope
from shared.services.matching.current_records import current_records

# A conversation that is closed and goes on again so often is looked up step by step; then it begins anew.
MOST_SUCCESSORS: Final = 20


@dataclass(frozen=True, slots=True)
class FindCases:
    """Candidates of mail in an intake mailbox, with what went on with closed records, and with earlier answers."""

    messages: MessageStore
    records: Records

    def __call__(
        self, scope: Scope, head: MessageHead, candidates: Candidates, key: str, policy: MatchPolicy
    ) -> Candidates:
        """`key` is the mail's own. Costs a query, two for an answer to a mail that is not stored.

        Reads where it answers a closed record, or where answers are there.
        """
        if candidates.door is None or not candidates.to_intake:
            return candidates
        policy = policy.through(candidates.door)
        if policy.unmatched != "new":
            return candidates
        candidates = replace(candidates, answers=self._answers(scope, head, candidates, key))
        candidates = self._with_cards(scope, candidates)
        return self._with_successors(scope, candidates, policy) if policy.goes_on_anew else candidates

    def _answers(
        self, scope: Scope, head: MessageHead, candidates: Candidates, key: str
    ) -> tuple[ThreadHit, ...]:
        """Stored mails that answer this one, came before it, and had a record opened in which its writer takes part.

        So do those that answer the same mail, where that is not stored: an agent wrote it from the mailbox, to a
        stranger, or it never came here.
        """
        answered = [key]
        if head.answers and candidates.parent is None:
            answered.append(scope.hasher.message_id(head.answers[0]))
        left = chain.from_iterable(self.messages.dependents(scope.tenant_id, each) for each in answered)
        keys = sorted({dependent.message_key for dependent in left if dependent.is_kept})
        found = self.messages.get_many(scope.tenant_id, keys) if keys else {}
        hits = (
            replace(stored.as_thread_hit(stored.message_id), links=opened_refs(stored))
            for stored in found.values()
            if not stored.is_deleted and stored.key != key
        )
        writers = candidates.writers(head)
        return tuple(hit for hit in hits if hit.links and hit.among(writers))

    def _with_cards(self, scope: Scope, candidates: Candidates) -> Candidates:
        refs = frozenset[RecordRef]().union(*(hit.links for hit in candidates.answers))
        read = current_records(self.records, scope.tenant_id, refs) if refs else {}
        is_open = {ref for ref, record in read.items() if record.card.is_open}
        answers = (
            replace(hit, links=tuple(read[ref].ref for ref in hit.links if ref in is_open))
            for hit in candidates.answers
        )
        cards = {record.ref: record.card for record in read.values()}
        return replace(candidates, answers=tuple(answers), cards={**candidates.cards, **cards})

    def _with_successors(self, scope: Scope, candidates: Candidates, policy: MatchPolicy) -> Candidates:
        refs = {ref for ref in lent_records(candidates) if ref.kind == policy.opens}
        coded = frozenset[RecordRef]().union(*(hit.links for hit in candidates.codes))
        refs.update(ref for ref in coded if ref.kind == policy.opens)
        closed = [ref for ref in sorted(refs) if _is_closed(candidates, ref)]
        successors: dict[RecordRef, RecordRef] = {}
        next_ids: dict[RecordRef, str] = {}
        cards = dict(candidates.cards)
        for ref in closed:
            record, next_id = self._last(scope, ref)
            next_ids[ref] = next_id
            if record is not None:
                successors[ref] = record.ref
                cards[record.ref] = record.card
        return replace(candidates, successors=successors, next_ids=next_ids, cards=cards)

    def _last(self, scope: Scope, ref: RecordRef) -> tuple[Record | None, str]:
        """The open record that went on with a closed one; and the id of one that would."""
        for _ in range(MOST_SUCCESSORS):
            next_id = successor_id(scope.hasher, ref)
            named = RecordRef(ref.kind, next_id)
            found: Mapping[RecordRef, Record] = current_records(self.records, scope.tenant_id, {named})
            if named not in found:
                return None, next_id
            if found[named].card.is_open:
                return found[named], next_id
            ref = named
        return None, ""


def successor_id(hasher: Hasher, ref: RecordRef) -> str:
    """The id of the record that goes on with a closed one: asked for twice, it is the same."""
    return opened_id(hasher("successor", str(ref)))


def _is_closed(candidates: Candidates, ref: RecordRef) -> bool:
    card = candidates.cards.get(ref)
    return card is not None and not card.is_open
