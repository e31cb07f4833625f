"""Why is this mail (not) here? All that is known of a Message-ID, told in order, without people or subject.

Bcc stays hidden from those to whom it is not visible.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from shared.domain.capture.sightings import FAILED, QUEUED, SKIPPED, Sighting
from shared.domain.commands.advice import advice
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import InvalidInput, Unknown
from shared.domain.filing import explanations, visibility
from shared.domain.filing.entries import entry_id
from shared.domain.filing.filing import PENDING, StoredMessage
from shared.domain.filing.inbox import InboxItem
from shared.domain.mail.identity import MAX_VARIANTS, family, variant_key
from shared.domain.mail.message_ids import message_id
from shared.domain.matching.decisions import Link
from shared.domain.privacy.callers import ADMIN, Caller
from shared.ports.stores.capture import FolderStates, Sightings
from shared.ports.stores.connections import Mailboxes
from shared.ports.stores.exceptions import Exceptions, Failure, FailureFilter
from shared.ports.stores.filing import Inbox, MessageStore
from shared.services.capture.scopes import hasher_of
from shared.services.filing.visibility import Visibility

MOST_FAILURES = 20


@dataclass(frozen=True, slots=True)
class SeenCopy:
    """One copy: its mailbox by address, its folder by well-known name or Graph's id, and what became of it."""

    mailbox: str
    folder: str
    outcome: str
    reason: str
    final: bool
    received_at: datetime
    rules_version: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """What became of a mail, and the sentences that say why."""

    outcome: str
    reason: str
    links: tuple[Link, ...]
    sightings: tuple[SeenCopy, ...]
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Told:
    """A stored mail as the caller may see it, and addresses in Bcc that stay unsaid."""

    message: StoredMessage
    links: tuple[Link, ...]
    hidden: frozenset[str]

    def waits_with(self, mailbox: Mailbox, waiting: Iterable[InboxItem]) -> bool:
        """Whether an agent of the mailbox has the mail to decide on."""
        return not self.message.is_filed and any(
            item.agent in mailbox.inboxes and item.message_key == self.message.key for item in waiting
        )


@dataclass(frozen=True, slots=True)
class Explain:
    """Explain a mail by its Message-ID.

    Costs one read per message, copy and agent, and for the ledger one range query per mailbox of the organisation,
    mailboxes side by side: no more in a ledger of years than in a new one.
    """

    visibility: Visibility
    messages: MessageStore
    inbox: Inbox
    mailboxes: Mailboxes
    sightings: Sightings
    folders: FolderStates
    exceptions: Exceptions
    hash_key: bytes

    def __call__(self, caller: Caller, internet_message_id: str) -> Explanation:
        """Raises Unknown when nothing at all is known, InvalidInput for what is no Message-ID."""
        caller.needs(ADMIN)
        wanted = message_id(internet_message_id)
        if not wanted:
            raise InvalidInput("'internet_message_id' must be a Message-ID, with or without angle brackets.")
        key = hasher_of(self.hash_key, caller.tenant_id).message_id(wanted)
        stored = self._stored(caller.tenant_id, key)
        # Asked for by the Message-ID that a relay gave it, its copies are in the ledger under its own.
        key = family(stored[0].key)[0] if stored else key
        told = [self._told(caller, message) for message in stored]
        found = self.sightings.of_message(list(self.mailboxes.of(caller.tenant_id)), key)
        if not told and not found:
            return self._awaited(caller.tenant_id, key)
        return self._explained(caller, told, found)

    def _explained(
        self, caller: Caller, told: Sequence[_Told], found: Sequence[tuple[Mailbox, Sighting]]
    ) -> Explanation:
        seen = _visible(caller, told, found)
        copies = [(mailbox, self._seen(mailbox, sighting)) for mailbox, sighting in seen]
        agents = sorted(set(chain.from_iterable(mailbox.inboxes for mailbox, _ in seen)))
        rows = (self._waiting(caller.tenant_id, each.message, agents) for each in told)
        waiting = list(chain.from_iterable(rows))
        said = (
            explanations.message_steps(each.message, each.links, _listed(each.message, waiting))
            for each in told
        )
        return Explanation(
            *_verdict([each.message for each in told], [sighting for _, sighting in found]),
            links=tuple(chain.from_iterable(each.links for each in told)),
            sightings=tuple(copy for _, copy in copies),
            steps=(
                *(_copy_step(mailbox, copy, told, waiting) for mailbox, copy in copies),
                *chain.from_iterable(said),
                *self._failures(caller.tenant_id, [sighting for _, sighting in seen]),
            ),
        )

    def _told(self, caller: Caller, stored: StoredMessage) -> _Told:
        sight = self.visibility.sight(caller, stored.key)
        links = visibility.visible_links(stored.decision.links, sight)
        return _Told(visibility.visible_message(stored, sight), links, sight.hidden)

    def _stored(self, tenant_id: str, key: str) -> list[StoredMessage]:
        """The mail and the others that reuse its Message-ID."""
        first = self.messages.get(tenant_id, key)
        if first is None:
            return []
        # Never more than filing makes, whatever a row says.
        numbers = range(1, min(first.variants, MAX_VARIANTS) + 1)
        others = [self.messages.get(tenant_id, variant_key(first.key, number)) for number in numbers]
        return [first, *(other for other in others if other is not None)]

    def _waiting(self, tenant_id: str, message: StoredMessage, agents: Sequence[str]) -> list[InboxItem]:
        return self.inbox.waiting(tenant_id, agents, entry_id(message.at, message.key))

    def _awaited(self, tenant_id: str, key: str) -> Explanation:
        if not self.messages.is_awaited(tenant_id, key):
            raise Unknown("Nothing is known of a mail with this Message-ID.")
        return Explanation("unknown", "awaited", (), (), (explanations.STATES["unknown"],))

    def _seen(self, mailbox: Mailbox, sighting: Sighting) -> SeenCopy:
        state = self.folders.get(mailbox, sighting.folder_id)
        named = state is not None and state.kind != "folder"
        return SeenCopy(
            mailbox=mailbox.address,
            folder=state.kind if state is not None and named else sighting.folder_id,
            outcome=explanations.outcome_of(sighting.outcome),
            reason=sighting.reason,
            final=sighting.final,
            received_at=sighting.received_at,
            rules_version=sighting.rules_version,
        )

    def _failures(self, tenant_id: str, sightings: Iterable[Sighting]) -> list[str]:
        steps: list[str] = []
        for sighting in sightings:
            if explanations.outcome_of(sighting.outcome) in (FAILED, "pending"):
                wanted = FailureFilter(item=sighting.item)
                found, _ = self.exceptions.page(tenant_id, wanted, limit=MOST_FAILURES, after="")
                steps += [_failure_step(failure) for failure in reversed(found)]
        return steps


def _visible(
    caller: Caller, told: Iterable[_Told], found: Sequence[tuple[Mailbox, Sighting]]
) -> list[tuple[Mailbox, Sighting]]:
    """Copies oldest first, without those that only a Bcc explains."""
    hidden = frozenset[str]().union(*(each.hidden for each in told))
    shown = [
        (mailbox, sighting)
        for mailbox, sighting in found
        if visibility.is_copy_visible(mailbox, caller, hidden)
    ]
    return sorted(shown, key=lambda copy: (copy[1].received_at, copy[0].address, copy[1].item))


def _verdict(stored: Sequence[StoredMessage], sightings: Sequence[Sighting]) -> tuple[str, str]:
    """Outcome and reason of the mail as a whole: the best of what its rows say."""
    said = [(_outcome(message), message.decision.reason) for message in stored]
    if not said:
        said = [(explanations.outcome_of(sighting.outcome), sighting.reason) for sighting in sightings]
    order = explanations.ORDER
    return min(said, key=lambda verdict: order.index(verdict[0]) if verdict[0] in order else len(order))


def _outcome(stored: StoredMessage) -> str:
    if stored.is_deleted:
        return SKIPPED
    return "pending" if stored.state == PENDING else stored.decision.disposition.value


def _copy_step(mailbox: Mailbox, copy: SeenCopy, told: Iterable[_Told], waiting: Sequence[InboxItem]) -> str:
    """What became of a copy then, and whether it waits now: a person may have decided, and sent mail never waits."""
    place = f"{copy.mailbox}, {copy.folder}, received {copy.received_at:%Y-%m-%d %H:%M:%S} UTC"
    outcome = QUEUED if copy.outcome == "pending" else copy.outcome
    waits = any(each.waits_with(mailbox, waiting) for each in told)
    return explanations.copy_step(place, outcome, copy.reason, final=copy.final, waits=waits)


def _listed(message: StoredMessage, waiting: Iterable[InboxItem]) -> list[str]:
    """Why a mail stands in My Inbox now, by its rows there: a setting may have changed since it was filed."""
    return sorted({item.reason for item in waiting if item.message_key == message.key})


def _failure_step(failure: Failure) -> str:
    replayed = f" It was replayed on {failure.replayed_at:%Y-%m-%d %H:%M} UTC." if failure.replayed_at else ""
    return (
        f"Exception {failure.id} of {failure.at:%Y-%m-%d %H:%M} UTC: {failure.error} ({failure.code}) "
        f"{advice(failure.code)}{replayed}"
    )
