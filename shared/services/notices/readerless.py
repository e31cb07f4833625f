"""Notices that nobody reads any more: their agent has no mailbox left, or the only one cannot be read."""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.domain.connections.mailboxes import Mailbox
from shared.ports.stores.connections import Mailboxes
from shared.ports.stores.notices import Notices


@dataclass(frozen=True, slots=True)
class CountReaderless:
    """How many notices of a mailbox's former agents, or of its own one who is gone, have no reader.

    Nobody else sees them: an admin sees their number alone. Costs a query where somebody may be gone, and a read for
    each who is.
    """

    notices: Notices
    mailboxes: Mailboxes

    def __call__(self, mailbox: Mailbox) -> int:
        agents = _maybe_gone(mailbox)
        if not agents:
            return 0
        gone = agents - _readers(self.mailboxes.of(mailbox.tenant_id))
        return sum(self.notices.count(mailbox.tenant_id, agent) for agent in sorted(gone))


def _maybe_gone(mailbox: Mailbox) -> set[str]:
    former = {handover.former_id for handover in mailbox.handovers}
    own = {mailbox.agent_id} if mailbox.state.lost_at is not None else set[str]()
    return (former | own) - {""}


def _readers(mailboxes: Iterable[Mailbox]) -> set[str]:
    standing = (mailbox for mailbox in mailboxes if not mailbox.is_removed and mailbox.state.lost_at is None)
    return {mailbox.agent_id for mailbox in standing}
