"""An agent connects the own mailbox without an admin, where the organisation lets agents do so, and ends it again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shared import telemetry
from shared.domain.commands.commands import SyncMailbox
from shared.domain.connections import connections
from shared.domain.connections.connections import MailConnection
from shared.domain.connections.consent import ADDED, ADMIN_ADDS
from shared.domain.connections.mailboxes import GRAPH_DELEGATED, PERSONAL, Mailbox
from shared.domain.connections.own_connections import NOT_CAPTURED, own
from shared.domain.errors import InvalidInput, TransientError
from shared.domain.privacy.callers import ADMIN, Caller
from shared.ports.stores.connections import Connections, Mailboxes, Organisations
from shared.ports.work import Clock, CommandQueue
from shared.services.conflicts import persistently
from shared.services.connections.mailbox_settings import PutMailbox
from shared.services.privacy.audit import AuditRequest

# The audit's word for a mailbox that its agent has added by signing in.
ADDED_BY_AGENT: Final = "self_service_mailbox"
# A sign-in that is kept, whether or not Microsoft 365 knows of it everywhere by now.
_SIGNED_IN: Final = (connections.VERIFIED, connections.CONSENT_PENDING)


@dataclass(frozen=True, slots=True)
class CaptureOwn:
    """Behind an agent's sign-in: the own mailbox is captured, or it is said who must add it.

    Whose mailbox it is Entra has said, in a signed answer to a link of ours.
    """

    organisations: Organisations
    mailboxes: Mailboxes
    put_mailbox: PutMailbox
    audit_request: AuditRequest

    def __call__(self, connection: MailConnection, user_id: str, outcome: str) -> str:
        """What the person is told in place of `outcome`. A mailbox that stands is left as it is."""
        if outcome not in _SIGNED_IN or self._is_captured(connection):
            return outcome
        if not self._is_allowed(connection.tenant_id):
            return ADMIN_ADDS
        # The organisation's admin has said that it may be done: the agent does it in that one's name.
        agent = Caller(connection.tenant_id, frozenset((ADMIN,)), user_id, connection.mailbox)
        self.audit_request(agent, ADDED_BY_AGENT, (), addresses=(connection.mailbox,))
        settings = {"kind": PERSONAL, "agent": connection.mailbox, "connection": GRAPH_DELEGATED}
        try:
            self.put_mailbox(agent, connection.mailbox, settings)
        except InvalidInput:
            return connections.NO_ACCESS
        except TransientError:
            return ADMIN_ADDS
        telemetry.event("mailbox_added_by_agent", tenant=connection.tenant_id)
        return ADDED

    def _is_captured(self, connection: MailConnection) -> bool:
        mailbox = self.mailboxes.get(connection.tenant_id, connection.mailbox)
        return mailbox is not None and not mailbox.is_removed

    def _is_allowed(self, tenant_id: str) -> bool:
        organisation = self.organisations.get(tenant_id)
        return organisation is not None and organisation.self_service


@dataclass(frozen=True, slots=True)
class ShowOwn:
    """An agent's own connection, and what is missing before its mailbox is captured."""

    organisations: Organisations
    connections: Connections
    mailboxes: Mailboxes

    def __call__(self, caller: Caller) -> tuple[MailConnection, ...]:
        return own(caller, self.connections.of(caller.tenant_id), self._addresses(caller))

    def missing(self, caller: Caller) -> str:
        """A sentence that says who must add the mailbox; '' where it is captured, or will be by the sign-in."""
        organisation = self.organisations.get(caller.tenant_id)
        is_alone = organisation is not None and organisation.self_service
        return "" if is_alone or not caller.is_person or self._addresses(caller) else NOT_CAPTURED

    def _addresses(self, caller: Caller) -> Sequence[str]:
        return [mailbox.address for mailbox in own_mailboxes(self.mailboxes, caller)]


@dataclass(frozen=True, slots=True)
class EndOwn:
    """End an agent's own connection: the token goes, and what was captured stays."""

    connections: Connections
    mailboxes: Mailboxes
    show_own: ShowOwn
    queue: CommandQueue
    clock: Clock

    def __call__(self, caller: Caller) -> None:
        """Ended before: nothing."""
        for row in self.show_own(caller):
            persistently(lambda row=row: self._ended(row))  # type: ignore[misc]
        for mailbox in own_mailboxes(self.mailboxes, caller):
            if mailbox.connection == GRAPH_DELEGATED and mailbox.is_readable:
                # The walk finds that nobody is signed in, and parks the mailbox.
                self.queue.send(SyncMailbox.of(mailbox, self.clock()))
        telemetry.event("own_connection_ended", tenant=caller.tenant_id)

    def _ended(self, row: MailConnection) -> None:
        current = self.connections.get(row.tenant_id, row.connection_id)
        if current is not None:
            self.connections.put(current.ended())


def own_mailboxes(mailboxes: Mailboxes, caller: Caller) -> list[Mailbox]:
    """The caller's personal mailboxes that stand."""
    found = mailboxes.of(caller.tenant_id)
    return [
        mailbox
        for mailbox in found
        if mailbox.kind == PERSONAL and not mailbox.is_removed and caller.owns(mailbox)
    ]
