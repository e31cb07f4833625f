"""Handing a mailbox over to another agent, who then sees all that waits in it: an act that leaves a trace."""

from dataclasses import dataclass
from datetime import datetime

# The trace that a mailbox keeps.
MOST_HANDOVERS = 20


@dataclass(frozen=True, slots=True)
class Handover:
    """A mailbox went from the agent `former` to `agent`. `by` is the address of who did it, or `app:` and a client id.

    `former_id` is the former agent's object id, where it was known.
    """

    at: datetime
    by: str
    former: str
    former_id: str
    agent: str

    def is_from(self, oid: str, address: str) -> bool:
        """Whether a person is the one who had the mailbox before."""
        return self.former_id == oid if self.former_id else bool(address) and self.former == address
