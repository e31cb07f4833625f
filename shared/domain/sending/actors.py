"""For whom a mail leaves: the agent who asks for it, or for whom the CRM's own back end asks."""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.domain.connections.mailboxes import PERSONAL, Mailbox
from shared.domain.errors import Forbidden, InvalidInput
from shared.domain.mail.addresses import normalise
from shared.domain.privacy.callers import SERVICE, Caller, agent_addresses, is_agent_of


@dataclass(frozen=True, slots=True)
class Actor:
    """An agent of the organisation; `by` is the caller as the audit names it.

    `oid` is '' where a service named an address that no mailbox knows.
    """

    tenant_id: str
    oid: str
    address: str
    by: str

    def owns(self, mailbox: Mailbox) -> bool:
        """Whether the agent is the one whose mailbox it is."""
        return is_agent_of(mailbox, self.tenant_id, self.oid, self.address)

    def has_as_own(self, mailbox: Mailbox) -> bool:
        """Whether the mailbox is the agent's own: they are its agent, and it bears an address of theirs."""
        return self.owns(mailbox) and is_of_a_person(mailbox)


def is_of_a_person(mailbox: Mailbox) -> bool:
    """Whether a mailbox is its agent's own: a shared one has another address than its agent."""
    return mailbox.kind == PERSONAL and mailbox.agent in (mailbox.address, *mailbox.aliases)


def actor_of(caller: Caller, agent: str | None, mailboxes: Iterable[Mailbox]) -> Actor:
    """The agent for whom the caller sends; `agent` is the address that a service names.

    Raises InvalidInput where a service names no agent, Forbidden where somebody else names a colleague.
    """
    if not agent:
        if not caller.is_person:
            raise InvalidInput("A service sends for an agent: name the agent's address in 'agent'.")
        return Actor(caller.tenant_id, caller.oid, caller.address, caller.audit_name)
    address = normalise(agent)
    if address is None:
        raise InvalidInput(f"'agent' holds {agent!r}, which is no e-mail address.")
    if caller.is_person and address == caller.address:
        return Actor(caller.tenant_id, caller.oid, caller.address, caller.audit_name)
    if SERVICE not in caller.roles:
        raise Forbidden("Only a service may send for another agent. Leave 'agent' out.")
    return Actor(caller.tenant_id, _oid(address, mailboxes), address, caller.audit_name)


def _oid(address: str, mailboxes: Iterable[Mailbox]) -> str:
    """The object id of the agent with this address, as far as a mailbox tells."""
    known = (mailbox.agent_id for mailbox in mailboxes if address in agent_addresses(mailbox))
    return next(filter(None, known), "")
