"""Mails that this process has filed lately: the parents of those that it files next need not be read again."""

from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from threading import Lock
from typing import Final

from shared.domain.filing.filing import StoredMessage
from shared.domain.matching.candidates import ThreadHit
from shared.ports.stores.filing import MessageStore
from shared.services.matching.threads import found_at_hand

# The threads of a busy mailbox side by side; with their texts some megabytes.
MOST: Final = 1_000
LONGEST_TEXT: Final = 20_000


@dataclass(frozen=True, slots=True)
class FiledLately:
    """Implements `ports.Threads` over the store, and answers for filed mails that it was told of.

    What it says may be out of date, and must have no say then: whoever decides by such a mail leaves word with it
    under its ETag, and reads it where that is refused. A mail that is not filed is read every time, since nobody
    leaves word with all of those. The word changes the row, so each is answered for once.
    """

    messages: MessageStore
    _mails: OrderedDict[tuple[str, str], tuple[StoredMessage, str]] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def keep(self, tenant_id: str, message: StoredMessage, text: str) -> None:
        """The mail as it has just been saved. Another mail that carries its Message-ID changes its row."""
        if not message.is_filed or message.variants or len(text) > LONGEST_TEXT:
            return
        with self._lock:
            self._mails[tenant_id, message.key] = message, text
            while len(self._mails) > MOST:
                self._mails.popitem(last=False)

    def find(self, tenant_id: str, ids: Mapping[str, str]) -> Mapping[str, tuple[ThreadHit, ...]]:
        return found_at_hand(partial(self._take, tenant_id), self.messages, tenant_id, ids)

    def of_conversation(
        self, tenant_id: str, conversation: str, *, until: datetime, apart_from: Collection[str]
    ) -> tuple[ThreadHit, ...]:
        return self.messages.of_conversation(tenant_id, conversation, until=until, apart_from=apart_from)

    def _take(self, tenant_id: str, key: str, evidence: str) -> ThreadHit | None:
        with self._lock:
            known = self._mails.pop((tenant_id, key), None)
        if known is None:
            return None
        message, text = known
        return replace(message.as_thread_hit(evidence), text=text)
