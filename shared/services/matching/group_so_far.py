"""The mails of a group that are decided and not stored yet, found by later mails of it as if they were stored."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.domain.filing.entries import inverted
from shared.domain.filing.filing import StoredMessage
from shared.domain.mail.messages import Document
from shared.domain.matching.candidates import Candidates, ThreadHit
from shared.ports.stores.filing import MOST_OF_CONVERSATION, Threads
from shared.services.matching.threads import found_at_hand


@dataclass(slots=True)
class GroupSoFar:
    """Implements `ports.Threads` over what is stored and what is decided. A decided mail has no ETag yet."""

    stored: Threads
    _decided: dict[str, tuple[StoredMessage, Document]] = field(default_factory=dict)

    def add(self, message: StoredMessage, document: Document) -> None:
        self._decided[message.key] = message, document

    def __contains__(self, key: str) -> bool:
        return key in self._decided

    def bearing_on(self, candidates: Candidates) -> frozenset[str]:
        """The keys of those that a decision rests on, filed or not: another worker may have filed them otherwise."""
        found = {hit.key for hit in (*candidates.thread, *candidates.conversation)}
        # Of a conversation, only filed mails are found: one that is not is no hit, and may become one.
        if candidates.parent is None and candidates.conversation_key:
            found |= self._of_conversation(candidates.conversation_key)
        return frozenset(found & self._decided.keys())

    def _of_conversation(self, conversation: str) -> set[str]:
        return {key for key, (message, _) in self._decided.items() if message.conversation == conversation}

    def find(self, tenant_id: str, ids: Mapping[str, str]) -> Mapping[str, tuple[ThreadHit, ...]]:
        return found_at_hand(self._hit, self.stored, tenant_id, ids)

    def of_conversation(
        self, tenant_id: str, conversation: str, *, until: datetime, apart_from: Collection[str]
    ) -> tuple[ThreadHit, ...]:
        """Those of the group first: it is filed oldest first."""
        own = [
            message
            for message, _ in self._decided.values()
            if message.enters_conversation and message.conversation == conversation
            if inverted(message.at) >= inverted(until) and message.key not in apart_from
        ]
        newest_first = sorted(own, key=lambda message: (inverted(message.at), message.key))
        hits = [message.as_thread_hit("conversation") for message in newest_first]
        apart_from = {*apart_from, *(hit.key for hit in hits)}
        stored = self.stored.of_conversation(tenant_id, conversation, until=until, apart_from=apart_from)
        return (*hits, *stored)[:MOST_OF_CONVERSATION]

    def _hit(self, key: str, evidence: str) -> ThreadHit | None:
        if key not in self._decided:
            return None
        message, document = self._decided[key]
        return replace(message.as_thread_hit(evidence), text=document.text)
