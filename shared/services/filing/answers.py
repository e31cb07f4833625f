"""What a caller may see of a mail's place among others: the mail that it answers, and how many answer it.

A mail that the caller may not see is neither named nor counted.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from shared.domain.filing.entries import Entry, message_key_of
from shared.domain.privacy.callers import Caller
from shared.domain.records.records import RecordRef
from shared.ports.stores.filing import Timeline
from shared.services.filing.visibility import Visibility


@dataclass(frozen=True, slots=True)
class ThreadMail:
    """A mail that the caller sees, with the records on which it is shown.

    `id` is its entry id; `answered` that of the stored mail which it answers, `in_reply_to` that one's Message-ID.
    `evidence` is what the caller is shown as its evidence anyway.
    """

    id: str
    refs: tuple[RecordRef, ...]
    answered: str
    in_reply_to: str
    evidence: frozenset[str] = frozenset()

    @classmethod
    def of_entry(cls, entry: Entry) -> "ThreadMail":
        evidence = frozenset((entry.link.evidence.text,))
        return cls(entry.id, (entry.link.ref,), entry.answered, entry.in_reply_to, evidence)


@dataclass(frozen=True, slots=True)
class Answers:
    """The Message-ID of the mail that a mail answers, '' for none; and how many mails answer it."""

    in_reply_to: str = ""
    count: int = 0


NONE: Final = Answers()


@dataclass(frozen=True, slots=True)
class ReadAnswers:
    """Both, for the mails of a page, by entry id.

    Answers count where they stand on a record on which the mail itself is shown, each once. Costs a query for each
    record, and a read for each answered mail that the page itself does not show.
    """

    timeline: Timeline
    visibility: Visibility

    def __call__(self, caller: Caller, mails: Sequence[ThreadMail]) -> Mapping[str, Answers]:
        counts = self._counts(caller.tenant_id, mails)
        named = self._named(caller, mails)
        return {
            mail.id: Answers(mail.in_reply_to if mail.answered in named else "", counts[mail.id])
            for mail in mails
        }

    def _counts(self, tenant_id: str, mails: Sequence[ThreadMail]) -> Mapping[str, int]:
        ids_of: dict[RecordRef, set[str]] = {}
        for mail in mails:
            for ref in mail.refs:
                ids_of.setdefault(ref, set()).add(mail.id)
        found = {ref: self.timeline.answers(tenant_id, ref, ids) for ref, ids in ids_of.items()}
        return {mail.id: len(_united(found[ref].get(mail.id) for ref in mail.refs)) for mail in mails}

    def _named(self, caller: Caller, mails: Sequence[ThreadMail]) -> frozenset[str]:
        """The entry ids of the answered mails that may be named."""
        # Of these the caller is told already; all others are read.
        named = {mail.id for mail in mails}
        named |= {mail.answered for mail in mails if mail.in_reply_to in mail.evidence}
        others = {message_key_of(mail.answered): mail.answered for mail in mails if mail.answered}
        unknown = [key for key, entry_id in others.items() if entry_id not in named]
        return frozenset(named | {others[key] for key in self.visibility.readable(caller, unknown)})


def _united(sets: Iterable[frozenset[str] | None]) -> frozenset[str]:
    return frozenset().union(*(found for found in sets if found))
