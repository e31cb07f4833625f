"""How many records one sender has opened within the hour: beyond a bound, what comes waits in My Inbox.

A machine that answers everything, and an address that floods a mailbox, cannot be told by their mail, only counted.
"""

from dataclasses import dataclass
from datetime import timedelta

from shared.domain.connections.mailboxes import Mailbox
from shared.domain.intake.acknowledgements import Counter, counted_as
from shared.domain.mail.messages import MessageHead
from shared.domain.matching.candidates import Candidates
from shared.domain.matching.decisions import Decision
from shared.domain.matching.matching import TOO_MANY, unopened
from shared.ports.stores.intake import Acknowledgements
from shared.ports.work import Clock
from shared.services.capture.scopes import Scope

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class CountOpenings:
    """The decision on a mail to an intake mailbox, unless its sender has opened as many records as may be."""

    acknowledgements: Acknowledgements
    clock: Clock

    def __call__(
        self, scope: Scope, head: MessageHead, candidates: Candidates, decision: Decision, key: str
    ) -> Decision:
        """Two requests where a record opens; asked again for the same mail, the answer is the same."""
        if not decision.opens or candidates.door is None:
            return decision
        # Colleagues, and forms of the organisation's own, write for others.
        if candidates.is_colleagues(head) or (candidates.is_own_program and not candidates.inquirers):
            return decision
        counter = _counter(scope, head, candidates, scope.mailbox)
        full = self.acknowledgements.count(scope.tenant_id, [counter], key, self.clock())
        return unopened(decision, TOO_MANY) if full else decision


def _counter(scope: Scope, head: MessageHead, candidates: Candidates, mailbox: Mailbox) -> Counter:
    sender = min(candidates.inquirers, default=(head.author or head.sender).address)
    hashed = counted_as(scope.hasher, sender)
    return Counter(f"opened:{hashed}", mailbox.intake.cases_an_hour, _HOUR)
