"""What was found in a folder: capture is decided on headers, written to the ledger, and keepers wait for their turn."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from shared import telemetry
from shared.domain.capture.folders import FolderState
from shared.domain.capture.pending import Flags, Lane, PendingRow
from shared.domain.capture.sightings import FAILED, SKIPPED, Sighting, unreadable
from shared.domain.commands.advice import POISON_ITEM
from shared.domain.commands.commands import IngestMessages
from shared.domain.errors import PermanentError, Unreadable
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import MessageHead
from shared.ports.mail import Listed
from shared.ports.stores.capture import Pending, Sightings
from shared.ports.stores.exceptions import Exceptions
from shared.ports.work import Clock
from shared.services.capture.folder_reading import FolderReader, HeadsRead
from shared.services.capture.scopes import Scope
from shared.services.capture.screening import Screen, Screened
from shared.services.commands.failures import failure_of, record
from shared.telemetry import Counted

Doubt = Callable[[Sighting | None], bool]
# The lane of so many keepers.
ChooseLane = Callable[[int], Lane]


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Deals with headers and items that a folder showed, whoever looked. Safe to run twice."""

    reader: FolderReader
    screen: Screen
    sightings: Sightings
    pending: Pending
    exceptions: Exceptions
    clock: Clock

    def in_doubt(self, scope: Scope, listed: Sequence[Listed], doubt: Doubt) -> list[Listed]:
        """Those of which the ledger says nothing, or what leaves a doubt; each once."""
        latest = {entry.item: entry for entry in listed}
        seen = self.known(scope, listed)
        return [entry for item, entry in latest.items() if doubt(seen.get(item))]

    def known(self, scope: Scope, listed: Sequence[Listed]) -> Mapping[ItemRef, Sighting]:
        """What the ledger says of the time in which these were received."""
        times = [entry.received_at for entry in listed]
        return self.sightings.between(scope.mailbox, min(times), max(times)) if times else {}

    def heads(self, scope: Scope, items: Sequence[ItemRef], *, singly: bool = False) -> list[MessageHead]:
        """Headers by item, without those of mails that are gone; errors as in `complete`."""
        return self._read(scope, self.reader.heads(scope.mailbox, items, singly=singly), frozenset())

    def complete(
        self,
        scope: Scope,
        listed: Sequence[Listed],
        *,
        singly: bool = False,
        broken: Set[ItemRef] = frozenset(),
    ) -> list[MessageHead]:
        """The headers of listed items. What cannot be had `singly`, and what is `broken`, is recorded and left out.

        Raises Unavailable where none can be had, unless all of them are known to be broken: it may be an outage.
        """
        for item in sorted(broken):
            self.quarantine(scope, item)
        return self._read(scope, self.reader.complete(scope.mailbox, listed, singly=singly), broken)

    def set_aside(self, scope: Scope, item: ItemRef, error: Unreadable, *, replays: int = 0) -> None:
        """An exception and a row of the ledger, where it is known when the mail came; the others go on."""
        if error.received_at is not None:
            self.write(scope, [unreadable(item, error.received_at)])
        self.record(scope, item, error, replays=replays)

    def screened(
        self, scope: Scope, heads: Sequence[MessageHead], state: FolderState
    ) -> tuple[list[Screened], list[Screened]]:
        """Decide on mails of a folder: those to keep, and those not. What has moved on is left out.

        It comes with the other folder.
        """
        still_here = [head for head in heads if head.folder_id in ("", state.folder_id)]
        here = [replace(head, folder_id=state.folder_id) for head in still_here]
        found = self.screen(scope, here, {state.folder_id: state}) if here else []
        self.record_unreadable(scope, found)
        kept = [mail for mail in found if mail.verdict.keep]
        return kept, [mail for mail in found if not mail.verdict.keep]

    def take(
        self, scope: Scope, heads: Sequence[MessageHead], state: FolderState, choose_lane: ChooseLane
    ) -> None:
        """Decide, write the ledger, then the keepers into the worklist: who is killed in between does it again."""
        kept, skipped = self.screened(scope, heads, state)
        self.write(scope, self.rows(kept, skipped))
        self.put(scope, kept, choose_lane(len(kept)))

    def rows(self, kept: Sequence[Screened], skipped: Sequence[Screened]) -> list[Sighting]:
        """The ledger's rows; those of keepers are queued now."""
        now = self.clock()
        queued = [replace(mail.sighting, queued_at=now) for mail in kept]
        return [*(mail.sighting for mail in skipped), *queued]

    def write(self, scope: Scope, rows: Sequence[Sighting]) -> None:
        """Into the ledger."""
        if rows:
            self.sightings.put(scope.mailbox, rows)
        outcomes = Counter(row.outcome for row in rows)
        telemetry.count(Counted.SKIPPED, outcomes[SKIPPED])
        telemetry.count(Counted.FAILED, outcomes[FAILED])

    def put(self, scope: Scope, kept: Sequence[Screened], lane: Lane, *, silent: bool = False) -> None:
        """Into the worklist, by receipt time."""
        now, flags = self.clock(), Flags(screened=True, silent=silent, unbounded=scope.unbounded)
        rows = [
            PendingRow(
                lane=lane,
                at=mail.head.received_at,
                first_at=now,
                item=mail.head.item,
                flags=replace(flags, doubtful=scope.is_old(mail.head)),
            )
            for mail in kept
        ]
        if rows:
            self.pending.put(scope.tenant_id, scope.mailbox.mailbox_id, rows)

    def quarantine(self, scope: Scope, item: ItemRef) -> None:
        """Record an item that breaks its provider's pages, once."""
        error = PermanentError(
            "The mailbox's provider fails to answer every page that this item stands on. "
            "Its folder was read past it.",
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

    def _read(self, scope: Scope, read: HeadsRead, broken: Set[ItemRef]) -> list[MessageHead]:
        for item, error in read.unreadable.items():
            self.set_aside(scope, item, error)
        failed = read.failed
        if failed and not read.heads and not failed.keys() <= broken:
            raise next(iter(failed.values()))
        for item in failed:
            self.quarantine(scope, item)
        return read.heads


def is_unsettled(sighting: Sighting | None) -> bool:
    """What a walk has doubts about: whatever the ledger does not know as settled or given up."""
    return sighting is None or not (sighting.is_settled or sighting.is_given_up)
