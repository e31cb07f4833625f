"""The word that a mail leaves with those whose records it has, or may come to have: a dependent's row beside each.

Which mails these are, `domain/matching/ancestry.py` says.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from shared.domain.filing.filing import Dependent
from shared.domain.mail.identity import message_key
from shared.domain.mail.messages import MessageHead
from shared.domain.matching.ancestry import ancestors_to_ask, heard
from shared.domain.matching.candidates import Candidates, ThreadHit
from shared.ports.stores.filing import MessageStore, Word
from shared.services.capture.scopes import Scope
from shared.services.matching.candidates import GatherCandidates


@dataclass(frozen=True, slots=True)
class LeaveWord:
    """Write a dependent's row with each mail of the thread that a mail is to hear from, there or not, or else with
    those of its conversation.

    Returns each as it stands behind that: what it gained or lost before is not told to this mail any more. What it
    gains or loses from now on is told, though this mail has no row yet: who is told then looks twice.
    """

    messages: MessageStore
    gather: GatherCandidates

    def __call__(self, scope: Scope, head: MessageHead, candidates: Candidates) -> Candidates:
        dependent = dependent_of(scope, head)
        thread, is_asked = candidates.thread, _is_whole(head, candidates.thread)
        candidates = self._in_thread(scope, head, candidates, dependent)
        # What stood under the nearest is no longer enough: those behind it are asked, and hear as well.
        if not is_asked and ancestors_to_ask(head.answers, candidates.thread):
            candidates = self.gather.with_ancestors(scope, head, candidates)
            candidates = self._in_thread(scope, head, candidates, dependent, known=thread)
        if candidates.parent is None:
            led = (
                self.messages.depend_on(scope.tenant_id, hit, dependent) for hit in candidates.conversation
            )
            candidates = replace(candidates, conversation=tuple(led))
        return self.gather.with_lent_cards(scope, candidates)

    def _in_thread(
        self,
        scope: Scope,
        head: MessageHead,
        candidates: Candidates,
        dependent: Dependent,
        known: Iterable[ThreadHit] = (),
    ) -> Candidates:
        """With the mails of the thread as they stand behind the word; those `known` by their ids have it already."""
        told = {hit.evidence for hit in known}
        ids = [message_id for message_id in heard(head.answers, candidates.thread) if message_id not in told]
        there = {hit.evidence for hit in candidates.thread}
        fresh = [
            self.messages.depend_on(scope.tenant_id, hit, dependent) if hit.evidence in ids else hit
            for hit in candidates.thread
        ]
        missing = [message_id for message_id in ids if message_id not in there]
        thread = [*fresh, *self._awaited(scope, missing, dependent)]
        thread.sort(key=lambda hit: head.answers.index(hit.evidence))
        return replace(candidates, thread=tuple(thread))

    def _awaited(self, scope: Scope, missing: Iterable[str], dependent: Dependent) -> Iterator[ThreadHit]:
        """Leave word with mails that are not there; those that are by now, where they are filed."""
        words = {name: Word(scope.hasher.message_id(name), "", dependent) for name in missing}
        # A transaction for all; a single one takes no more by itself, and says at once what has come meanwhile.
        several = list(words.values()) if len(words) > 1 else []
        standing = self.messages.leave_words(scope.tenant_id, several) if several else frozenset()
        for name, word in words.items():
            if word not in standing:
                stored = self.messages.wait_for(scope.tenant_id, word.key, dependent)
                if stored is not None:
                    yield stored.as_thread_hit(name)


def words_in_group(scope: Scope, head: MessageHead, candidates: Candidates) -> tuple[Word, ...]:
    """The same words under the ETags with which the mails were read, not written yet."""
    dependent = dependent_of(scope, head)
    hits = list(candidates.conversation if candidates.parent is None else ())
    by_id: dict[str, list[ThreadHit]] = {}
    for hit in candidates.thread:
        by_id.setdefault(hit.evidence, []).append(hit)
    etags: dict[str, str] = {}
    for message_id in heard(head.answers, candidates.thread):
        hits += by_id.get(message_id, ())
        if message_id not in by_id:
            etags[scope.hasher.message_id(message_id)] = ""
    etags |= _etags(hits)
    return tuple(Word(key, etag, dependent) for key, etag in etags.items())


def dependent_of(scope: Scope, head: MessageHead) -> Dependent:
    """A mail's copy, as it stands beside the mails that it goes on with."""
    return Dependent(scope.mailbox.mailbox_id, head.item, message_key(scope.hasher, head))


def _is_whole(head: MessageHead, thread: Iterable[ThreadHit]) -> bool:
    """Whether the mails behind the nearest were asked for when this one was gathered."""
    nearest = [hit for hit in thread if hit.evidence == head.answers[0]] if head.answers else []
    return bool(ancestors_to_ask(head.answers, nearest))


def _etags(hits: Iterable[ThreadHit]) -> Mapping[str, str]:
    return {hit.key: hit.etag for hit in hits}
