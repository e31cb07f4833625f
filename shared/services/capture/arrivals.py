"""What was found in a folder: capture is decided on headers, written to the ledger, and keepers are queued."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from shared import telemetry
from shared.domain.capture.folders import FolderState
from shared.domain.capture.sightings import SKIPPED, Sighting, unreadable
from shared.domain.commands.advice import POISON_ITEM
from shared.domain.commands.commands import MAX_IDS, IngestMessages
from shared.domain.errors import PermanentError, Throttled, Unavailable, Unreadable, none_passing
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import MessageHead
from shared.ports.mail import Listed, MailSource
from shared.ports.stores.capture import Sightings
from shared.ports.stores.exceptions import Exceptions
from shared.ports.work import Clock, CommandQueue
from shared.services.capture.scopes import Scope
from shared.services.capture.screening import Screen, Screened
from shared.services.commands.failures import failure_of, record

# From this try on, mails that cannot be had together are asked for one by one.
SINGLY_AFTER = 3

Doubt = Callable[[Sighting | None], bool]


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Deals with headers and ids that a folder showed, whoever looked. Safe to run twice."""

    mail: MailSource
    screen: Screen
    sightings: Sightings
    exceptions: Exceptions
    queue: CommandQueue
    clock: Clock

    def in_doubt(self, scope: Scope, items: Sequence[Listed], doubt: Doubt) -> list[Listed]:
        """Those of which the ledger says nothing, or what leaves a doubt; each once."""
        latest = {one.item: one for one in items}
        seen = self.known(scope, items)
        return [one for one in latest.values() if doubt(seen.get(one.item))]

    def known(self, scope: Scope, items: Sequence[Listed]) -> Mapping[ItemRef, Sighting]:
        """What the ledger says of the time in which these were received."""
        times = [one.received_at for one in items]
        return self.sightings.between(scope.mailbox, min(times), max(times)) if times else {}

    def heads(self, scope: Scope, ids: Sequence[ItemRef]) -> list[MessageHead]:
        """Headers by id, without those of mails that are gone. What cannot be read is recorded and left out."""
        found: list[MessageHead] = []
        for start in range(0, len(ids), MAX_IDS):
            answers = none_passing(self.mail.heads(scope.mailbox, ids[start : start + MAX_IDS]))
            found += [head for head in answers.values() if not isinstance(head, PermanentError)]
            for item, error in answers.items():
                if isinstance(error, Unreadable):
                    self.set_aside(scope, item, error)
        return found

    def set_aside(self, scope: Scope, item: ItemRef, error: Unreadable, *, replays: int = 0) -> None:
        """An exception and a row of the ledger, where it is known when the mail came; the others go on."""
        if error.received_at is not None:
            self.write(scope, [unreadable(item, error.received_at)])
        self.record(scope, item, error, replays=replays)

    def heads_singly(
        self, scope: Scope, ids: Sequence[ItemRef], broken: Collection[ItemRef] = ()
    ) -> list[MessageHead]:
        """The same, one request each. What Graph fails to give is recorded and left out.

        Raises Unavailable where it fails to give any, unless they are known to be `broken`.
        """
        found: list[MessageHead] = []
        failed: dict[ItemRef, Unavailable] = {}
        for one in ids:
            try:
                found += self.heads(scope, [one])
            except Throttled:
                raise
            except Unavailable as error:
                failed[one] = error
        if failed and not found and not failed.keys() <= set(broken):
            raise next(iter(failed.values()))
        for one in failed:
            self.quarantine(scope, one)
        return found

    def complete(self, scope: Scope, items: Sequence[Listed], *, singly: bool = False) -> list[MessageHead]:
        """The headers of listed items; those that came without are asked for."""
        bare = [one.item for one in items if one.head is None]
        ask = self.heads_singly if singly else self.heads
        return [*(one.head for one in items if one.head), *ask(scope, bare)]

    def screened(
        self, scope: Scope, heads: Sequence[MessageHead], state: FolderState
    ) -> tuple[list[Screened], list[Screened]]:
        """Decide on mails of a folder: those to keep, and those not. What has moved on is left out.

        It comes with the other folder.
        """
        here = [
            replace(one, folder_id=state.folder_id) for one in heads if one.folder_id in ("", state.folder_id)
        ]
        found = self.screen(scope, here, {state.folder_id: state}) if here else []
        self.record_unreadable(scope, found)
        return [one for one in found if one.verdict.keep], [one for one in found if not one.verdict.keep]

    def take(self, scope: Scope, heads: Sequence[MessageHead], state: FolderState) -> None:
        """Decide, write the ledger, then queue the keepers: who is killed in between does it again."""
        kept, skipped = self.screened(scope, heads, state)
        self.write(scope, self.rows(kept, skipped))
        self.put(scope, [one.head.item for one in kept])

    def rows(self, kept: Sequence[Screened], skipped: Sequence[Screened]) -> list[Sighting]:
        """The ledger's rows; those of keepers are queued now."""
        now = self.clock()
        return [
            *(one.sighting for one in skipped),
            *(replace(one.sighting, queued_at=now) for one in kept),
        ]

    def write(self, scope: Scope, rows: Sequence[Sighting]) -> None:
        """Into the ledger."""
        if rows:
            self.sightings.put(scope.mailbox, rows)
        skipped = sum(one.outcome == SKIPPED for one in rows)
        if skipped:
            telemetry.event("screened", mailbox=scope.mailbox.mailbox_id, skipped=skipped)

    def put(self, scope: Scope, ids: Sequence[ItemRef], *, silent: bool = False, delay: float = 0.0) -> None:
        """Onto the ingest queue, 20 to a command."""
        for start in range(0, len(ids), MAX_IDS):
            command = IngestMessages(
                tenant_id=scope.tenant_id,
                mailbox_id=scope.mailbox.mailbox_id,
                first_at=self.clock(),
                items=tuple(ids[start : start + MAX_IDS]),
                screened=True,
                silent=silent,
            )
            self.queue.put(command, delay=delay)

    def quarantine(self, scope: Scope, item: ItemRef) -> None:
        """Record an item that breaks Graph's pages, once."""
        error = PermanentError(
            "Microsoft Graph fails to answer every page that this item stands on. Its folder was read past it.",
            POISON_ITEM,
        )
        self.record(scope, item, error)

    def record_unreadable(self, scope: Scope, screened: Sequence[Screened]) -> None:
        """Record the mails whose heads broke a parser when capture was decided."""
        for mail in screened:
            if mail.error is not None:
                self.record(scope, mail.head.item, mail.error)

    def record(self, scope: Scope, item: ItemRef, error: PermanentError, *, replays: int = 0) -> None:
        """Record that an item cannot be taken in, once. A replay tries to take it in by its id."""
        command = IngestMessages(
            tenant_id=scope.tenant_id,
            mailbox_id=scope.mailbox.mailbox_id,
            # Whoever meets the item again makes the same command, and with it the same exception.
            first_at=scope.mailbox.connected_at or self.clock(),
            items=(item,),
            replays=replays,
        )
        record(self.exceptions, failure_of(command, error, self.clock()))


def is_unsettled(sighting: Sighting | None) -> bool:
    """What a walk has doubts about: whatever the ledger does not know as settled."""
    return sighting is None or not sighting.is_settled
