"""The word that a mail leaves with those whose records it has, or may come to have: a dependent's row beside each.

Which mails these are, `domain/matching/ancestry.py` says.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from shared.domain.filing.copies import Dependent
from shared.domain.mail.identity import message_key
from shared.domain.mail.messages import MessageHead
from shared.domain.matching.ancestry import heard
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
        before, told = candidates, set[str]()
        # Ends: a thread names so many mails, and the conversation is asked for once.
        while untold := _not_yet(head, candidates, told):
            told |= untold
            fresh = self._told(scope, head, candidates, untold)
            # Another worker was faster: what stands behind the nearest mail, or in its conversation, may count now.
            if fresh != candidates:
                candidates = self.gather.as_they_stand(scope, head, fresh)
        return self.gather.with_lent_cards(scope, candidates, known=before)

    def _told(
        self, scope: Scope, head: MessageHead, candidates: Candidates, untold: Collection[str]
    ) -> Candidates:
        """The mails that go by these names as they stand behind the word, and those that have come meanwhile."""
        dependent = dependent_of(scope, head)

        def behind_word(hit: ThreadHit) -> ThreadHit:
            is_told = hit.key in untold or hit.evidence in untold
            return self.messages.depend_on(scope.tenant_id, hit, dependent) if is_told else hit

        there = {hit.evidence for hit in candidates.thread}
        missing = [name for name in head.answers if name in untold and name not in there]
        thread = [*map(behind_word, candidates.thread), *self._awaited(scope, missing, dependent)]
        return replace(
            candidates,
            thread=tuple(sorted(thread, key=lambda hit: head.answers.index(hit.evidence))),
            conversation=tuple(map(behind_word, candidates.conversation)),
        )

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
    names = _not_yet(head, candidates, set())
    there = {hit.evidence for hit in candidates.thread}
    etags = {
        scope.hasher.message_id(name): "" for name in head.answers if name in names and name not in there
    }
    for hit in (*candidates.thread, *candidates.conversation):
        if hit.evidence in names or hit.key in names:
            etags[hit.key] = hit.etag
    return tuple(Word(key, etag, dependent) for key, etag in etags.items())


def dependent_of(scope: Scope, head: MessageHead) -> Dependent:
    """A mail's copy, as it stands beside the mails that it goes on with."""
    return Dependent(scope.mailbox.mailbox_id, head.item, message_key(scope.hasher, head))


def _not_yet(head: MessageHead, candidates: Candidates, told: Collection[str]) -> set[str]:
    """Message-IDs in the thread, and keys in the conversation, of mails with which no word has been left."""
    names = set(heard(head.answers, candidates.thread))
    if candidates.parent is None:
        names.update(hit.key for hit in candidates.conversation)
    return names.difference(told)
