"""The one writer of a row of the outbox behind its insert: every other service hands it a transition."""

from dataclasses import dataclass

from shared.domain.sending.outbox import OutboxMail
from shared.domain.sending.transitions import Transition
from shared.ports.stores.sending import Outbox
from shared.services.conflicts import persistently


@dataclass(frozen=True, slots=True)
class ChangeMail:
    """Apply a transition to a mail as it stands, under its ETag; again where somebody else was faster."""

    outbox: Outbox

    def __call__(self, mail: OutboxMail, transition: Transition) -> OutboxMail:
        """The mail as it stands then. Raises WrongState where the transition is not open to it any more."""
        standing: OutboxMail | None = mail

        def once() -> OutboxMail:
            nonlocal standing
            current = standing or self.outbox.get(mail.tenant_id, mail.id) or mail
            standing = None
            changed = transition(current)
            return current if changed == current else self.outbox.save(changed)

        return persistently(once)
