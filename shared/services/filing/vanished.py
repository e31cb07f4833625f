"""Ends mails that were kept, and whose copy has gone from its mailbox before they were filed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Final

from shared import telemetry
from shared.domain.capture.sightings import QUEUED, SKIPPED, Sighting
from shared.domain.commands.commands import FileMessage
from shared.domain.filing.filing import PENDING, StoredMessage
from shared.domain.mail.identity import variant_keys
from shared.domain.mail.items import ItemRef
from shared.ports.mail import Listed
from shared.ports.stores.filing import MessageStore
from shared.ports.work import Clock, CommandQueue
from shared.services.capture.arrivals import Arrivals
from shared.services.capture.scopes import Scope

# Why the ledger says that a kept mail was skipped after all.
ITEM_GONE: Final = "item_gone"


@dataclass(frozen=True, slots=True)
class EndVanished:
    """The ledger says what became of them. What an earlier try has begun to file is finished from what is stored."""

    arrivals: Arrivals
    messages: MessageStore
    queue: CommandQueue
    clock: Clock

    def __call__(self, scope: Scope, items: Sequence[ItemRef], received: Mapping[ItemRef, datetime]) -> None:
        """Safe to run twice. A mail whose receipt time is not known was never looked at: no row says anything of it."""
        listed = [Listed(item, received[item]) for item in items if item in received]
        known = self.arrivals.known(scope, listed)
        rows = [known[entry.item] for entry in listed if entry.item in known]
        ended = [self._ended(scope, row) for row in rows if row.outcome == QUEUED]
        if ended:
            self.arrivals.write(scope, ended)
            telemetry.event("mail_vanished", mailbox=scope.mailbox.mailbox_id, mails=len(ended))

    def _ended(self, scope: Scope, row: Sighting) -> Sighting:
        begun = self._begun(scope, row)
        if begun is None:
            # It is looked at again should the mailbox list it once more.
            return replace(row, outcome=SKIPPED, reason=ITEM_GONE, final=False)
        if begun.state == PENDING:
            # Ahead of the ledger: who is killed in between does it again.
            self.queue.send(FileMessage(tenant_id=scope.tenant_id, key=begun.key, first_at=self.clock()))
        outcome = begun.decision.disposition.value
        return replace(row, outcome=outcome, reason=begun.decision.reason, message_key=begun.key, final=True)

    def _begun(self, scope: Scope, row: Sighting) -> StoredMessage | None:
        """The mail that was stored of this copy, if it came so far."""
        found = dict(self.messages.get_many(scope.tenant_id, [row.message_key]))
        others = [variant_keys(key, stored.variants) for key, stored in found.items()]
        found |= self.messages.get_many(scope.tenant_id, list(chain.from_iterable(others)))
        place = (scope.mailbox.mailbox_id, row.item)
        for stored in found.values():
            copies = self.messages.copies(scope.tenant_id, stored.key)
            if place in {(copy.mailbox_id, copy.item) for copy in copies} and not stored.is_deleted:
                return stored
        return None
