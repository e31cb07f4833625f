"""Tells the mails that wait for another one that it has gained records."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from shared.domain.commands.commands import MAX_IDS, IngestMessages
from shared.domain.filing import effects
from shared.domain.filing.filing import MAX_WAITERS
from shared.domain.mail.items import ItemRef
from shared.ports.work import Clock, CommandQueue


@dataclass(frozen=True, slots=True)
class TellDependents:
    """Have those who wait for a mail looked at again, as silently as it is filed."""

    queue: CommandQueue
    clock: Clock

    def __call__(self, tenant_id: str, effect: effects.TellDependents) -> None:
        if effect.gained:
            for command in self._looks(tenant_id, effect):
                self.queue.put(command)

    def _looks(self, tenant_id: str, effect: effects.TellDependents) -> Iterator[IngestMessages]:
        """Nobody waits who is not within the capture window, or history that was asked for."""
        by_mailbox: dict[str, list[ItemRef]] = defaultdict(list)
        for waiter in effect.message.waiters[:MAX_WAITERS]:
            if effect.with_kept or not waiter.kept:
                by_mailbox[waiter.mailbox_id].append(waiter.item)
        for mailbox_id, items in by_mailbox.items():
            for start in range(0, len(items), MAX_IDS):
                yield IngestMessages(
                    tenant_id=tenant_id,
                    mailbox_id=mailbox_id,
                    first_at=self.clock(),
                    items=tuple(items[start : start + MAX_IDS]),
                    silent=effect.message.silent,
                    unbounded=True,
                )
