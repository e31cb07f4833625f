"""Tells the mails that were decided by another mail's links that it has gained or lost records.

What such a mail becomes by it is told to its own dependents in turn, through any number of generations. That ends: a
mail whose records stay the same tells nobody.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from shared.domain.commands.commands import MAX_IDS, IngestMessages, RematchMessages
from shared.domain.commands.envelope import Command
from shared.domain.filing import effects
from shared.domain.filing.copies import Dependent
from shared.domain.filing.filing import StoredMessage
from shared.domain.mail.items import ItemRef
from shared.ports.stores.filing import MessageStore
from shared.ports.work import Clock, CommandQueue
from shared.services.filing.change_message import ChangeMessage


@dataclass(frozen=True, slots=True)
class PassOver:
    """Note on the stored mails of a thread that one of those which they answer stands on more than they do.

    A person has filed that one and left the thread where it was; the next answers are to find it though. Each
    generation costs a query, each mail a read and a write: seldom wanted, and cheaper than to ask for the ancestors of
    every mail.
    """

    messages: MessageStore
    change: ChangeMessage

    def __call__(self, tenant_id: str, key: str, dependents: Iterable[Dependent]) -> None:
        seen, waiting = {key}, list(dependents)
        while waiting:
            keys = {dependent.message_key for dependent in waiting if dependent.is_kept} - seen
            seen |= keys
            waiting = []
            for stored in self.messages.get_many(tenant_id, sorted(keys)).values():
                self.change(tenant_id, stored.key, StoredMessage.passed_over, known=stored)
                waiting += self.messages.dependents(tenant_id, stored.key) if stored.has_dependents else ()


@dataclass(frozen=True, slots=True)
class QueueDependents:
    """Queue commands for the mails that depend on one whose records have changed.

    First it reads who has left word with the mail: a query, or nothing where nobody has. Next, for records that were
    gained, each dependent is ingested again, by mailbox. Last, for records that were lost, and where the mail has come
    between a dependent and those behind it, the stored dependents are decided anew. Stored ones that a person wants
    left alone are noted as passed over. A worker that is killed in between does all of it again, which changes nothing
    more.
    """

    messages: MessageStore
    pass_over: PassOver
    queue: CommandQueue
    clock: Clock
    new_id: Callable[[], str]

    def __call__(self, tenant_id: str, effect: effects.TellDependents) -> None:
        # Whoever leaves word after this was read sees the mail as it is now, and need not be told.
        if not effect.message.has_dependents:
            return
        dependents = self.messages.dependents(tenant_id, effect.message.key)
        for command in self._commands(tenant_id, effect, dependents):
            self.queue.send(command)
        if effect.is_passed_over:
            self.pass_over(tenant_id, effect.message.key, dependents)

    def _commands(
        self, tenant_id: str, effect: effects.TellDependents, dependents: Sequence[Dependent]
    ) -> Iterator[Command]:
        if effect.asks_to_look:
            # Where only its thread has another id, no skipped mail is kept for that.
            looking = dependents if effect.gained else [mail for mail in dependents if mail.is_kept]
            yield from self._looks(tenant_id, effect, looking)
        if effect.asks_to_decide:
            yield from self._decisions(tenant_id, dependents)

    def _looks(
        self, tenant_id: str, effect: effects.TellDependents, dependents: Iterable[Dependent]
    ) -> Iterator[Command]:
        """What was skipped is fetched, what is stored is matched again: it may be a reply from now on."""
        by_mailbox: dict[str, list[ItemRef]] = defaultdict(list)
        for dependent in dependents:
            if effect.with_kept or not dependent.is_kept:
                by_mailbox[dependent.mailbox_id].append(dependent.item)
        # A command is one mailbox's, since it is carried out in that mailbox's turn.
        for mailbox_id, items in by_mailbox.items():
            yield from IngestMessages.groups(
                items,
                tenant_id=tenant_id,
                mailbox_id=mailbox_id,
                first_at=self.clock(),
                silent=effect.message.silent,
                # Only what is within the window, or history that was asked for, has ever left word.
                unbounded=True,
            )

    def _decisions(self, tenant_id: str, dependents: Iterable[Dependent]) -> Iterator[Command]:
        """A further look only adds; what is to be taken away is decided anew, from what is stored."""
        # By mail and not by copy: two copies of one mail are decided on together.
        keys = sorted({dependent.message_key for dependent in dependents if dependent.is_kept})
        for start in range(0, len(keys), MAX_IDS):
            yield RematchMessages(
                tenant_id=tenant_id,
                first_at=self.clock(),
                run=self.new_id(),
                keys=tuple(keys[start : start + MAX_IDS]),
            )
