"""Whether a mail that has waited may still leave: who asked for it may have lost the mailbox, a recipient be barred.

Asked right before its draft is made, and of the agent when a person asks for it once more.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from shared.domain.connections.mailboxes import Mailbox
from shared.domain.connections.organisations import Organisation, is_listed
from shared.domain.filing.filing import ACKNOWLEDGED
from shared.domain.privacy.erasure import PLACEHOLDER, suppression
from shared.domain.sending import transitions
from shared.domain.sending.actors import Actor
from shared.domain.sending.from_addresses import may_still_send
from shared.domain.sending.outbox import OutboxMail, Problem
from shared.domain.sending.transitions import Transition
from shared.ports.stores.connections import Mailboxes
from shared.ports.work import Clock
from shared.services.capture.scopes import hasher_of
from shared.services.remembering.recent_rows import RecentRows

_BARRED: Final = Problem(
    "recipient_barred",
    "A recipient may not be written to any more: the address is on 'never_log', or its person was erased. Ask for the "
    "mail again without it.",
)


@dataclass(frozen=True, slots=True)
class FindErased:
    """Which addresses are of persons who were erased."""

    hash_key: bytes

    def __call__(self, organisation: Organisation, addresses: Iterable[str]) -> frozenset[str]:
        if not organisation.erased:
            return frozenset()
        hasher = hasher_of(self.hash_key, organisation.tenant_id)
        return frozenset(
            address for address in addresses if suppression(hasher, address) in organisation.erased
        )


@dataclass(frozen=True, slots=True)
class CheckStanding:
    """What keeps a mail from leaving that could be asked for. Reads nothing of what the sender has not read."""

    recent: RecentRows
    mailboxes: Mailboxes
    find_erased: FindErased
    clock: Clock

    def __call__(self, mailbox: Mailbox, mail: OutboxMail) -> Transition | None:
        """What becomes of it; None where it may leave."""
        problem = self.of_agent(mailbox, mail) or self._of_recipients(mailbox, mail)
        return transitions.failed(self.clock(), problem) if problem else None

    def of_agent(self, mailbox: Mailbox, mail: OutboxMail) -> Problem | None:
        """Why its agent may not send from the mailbox any more. All mailboxes are read for a listed sender alone."""
        if mail.purpose == ACKNOWLEDGED or _is_unnamed(mailbox, mail):
            return None
        actor = Actor(mail.tenant_id, mail.agent_id, mail.agent, mail.by)
        if may_still_send(actor, mail.from_rule, mailbox, (mailbox,)):
            return None
        # A list of senders may hold an alias of the agent's own mailbox.
        others = tuple(self.mailboxes.of(mail.tenant_id)) if mailbox.senders else ()
        if others and may_still_send(actor, mail.from_rule, mailbox, others):
            return None
        return Problem(
            "sender_not_allowed",
            f"{mail.agent} may not send from {mailbox.address} any more. Ask for the mail again from another mailbox.",
        )

    def _of_recipients(self, mailbox: Mailbox, mail: OutboxMail) -> Problem | None:
        organisation = self.recent.organisation(mail.tenant_id)
        if organisation is None:
            return None
        never_log = (*organisation.never_log, *mailbox.never_log)
        addresses = [person.address for person in mail.recipients]
        is_barred = any(address == PLACEHOLDER or is_listed(address, never_log) for address in addresses)
        return _BARRED if is_barred or self.find_erased(organisation, addresses) else None


def _is_unnamed(mailbox: Mailbox, mail: OutboxMail) -> bool:
    """Whether it was asked for in the name of an agent whose object id nobody knew, and who did not go since."""
    return not mail.agent_id and mail.agent not in mailbox.former_agents
