"""Which mail came to an intake mailbox, and which of the organisation's intake mailboxes makes something of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from shared.domain.connections.mailboxes import INTAKE
from shared.domain.intake.doors import door_of
from shared.domain.mail.messages import MessageHead
from shared.domain.matching.candidates import Candidates
from shared.ports.stores.connections import Mailboxes
from shared.services.capture.scopes import Scope


@dataclass(frozen=True, slots=True)
class FindDoors:
    """Candidates of mail in an intake mailbox, told where it came to."""

    mailboxes: Mailboxes

    def __call__(
        self, scope: Scope, heads: Sequence[MessageHead], answered: Sequence[Candidates]
    ) -> list[Candidates]:
        """Costs a query where a colleague wrote any of it, or stands among its recipients."""
        pairs = list(zip(heads, answered, strict=True))
        own = scope.mailbox.desk_addresses
        others = []
        if any(_names_others(head, known, own) for head, known in pairs):
            found = self.mailboxes.of(scope.tenant_id)
            others = [mailbox for mailbox in found if mailbox.kind == INTAKE]
        # What one intake mailbox sends to another is an answer that comes back: nobody's request.
        desks = own.union(*(mailbox.desk_addresses for mailbox in others))
        return [
            replace(
                known,
                to_intake=desks.isdisjoint(head.writers),
                door=door_of(head, scope.mailbox, others),
            )
            for head, known in pairs
        ]


def _names_others(head: MessageHead, known: Candidates, own: Collection[str]) -> bool:
    """Whether somebody of the organisation is on it besides the mailbox itself."""
    return not known.staff.issubset(own) or not head.writers.isdisjoint(known.staff)
