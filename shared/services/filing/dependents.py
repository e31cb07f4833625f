"""Tells the mails that were decided by another mail's links that it has gained or lost records.

What such a mail becomes by it is told to its own dependents in turn, through any number of generations. That ends: a
mail whose records stay the same tells nobody.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from shared.domain.commands.commands import MAX_IDS, IngestMessages, RematchMessages
from shared.domain.commands.envelope import Command
from shared.domain.filing import effects
from shared.domain.filing.filing import Dependent
from shared.domain.mail.items import ItemRef
from shared.ports.stores.filing import MessageStore
from shared.ports.work import Clock, CommandQueue


@dataclass(frozen=True, slots=True)
class QueueDependents:
    """Queue commands for the dependents of a mail. Costs a query where there are any, nothing where there are none."""

    messages: MessageStore
    queue: CommandQueue
    clock: Clock
    new_id: Callable[[], str]

    def __call__(self, tenant_id: str, effect: effects.TellDependents) -> None:
        if not effect.message.has_dependents:
            return
        dependents = self.messages.dependents(tenant_id, effect.message.key)
        if effect.gained:
            for command in self._looks(tenant_id, effect, dependents):
                self.queue.put(command)
        if effect.lost:
            for command in self._decisions(tenant_id, dependents):
                self.queue.put(command)

    def _looks(
        self, tenant_id: str, effect: effects.TellDependents, dependents: Iterable[Dependent]
    ) -> Iterator[Command]:
        """What was skipped is fetched, what is stored is matched again: it may be a reply from now on.

        Nobody depends on a mail who is not within the capture window, or history that was asked for.
        """
        by_mailbox: dict[str, list[ItemRef]] = defaultdict(list)
        for dependent in dependents:
            if effect.with_kept or not dependent.is_kept:
                by_mailbox[dependent.mailbox_id].append(dependent.item)
        for mailbox_id, items in by_mailbox.items():
            yield from IngestMessages.groups(
                items,
                tenant_id=tenant_id,
                mailbox_id=mailbox_id,
                first_at=self.clock(),
                silent=effect.message.silent,
                unbounded=True,
            )

    def _decisions(self, tenant_id: str, dependents: Iterable[Dependent]) -> Iterator[Command]:
        """A further look only adds; what is to be taken away is decided anew, from what is stored."""
        keys = sorted({dependent.message_key for dependent in dependents if dependent.is_kept})
        for start in range(0, len(keys), MAX_IDS):
            yield RematchMessages(
                tenant_id=tenant_id,
                first_at=self.clock(),
                run=self.new_id(),
                keys=tuple(keys[start : start + MAX_IDS]),
            )
