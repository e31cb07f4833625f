"""The account of a mailbox outside Microsoft 365, as its owner saves, sees and removes it. Passwords only go in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.domain.commands.commands import SendMail, SyncMailbox
from shared.domain.connections.account_tests import NOT_DISCOVERED
from shared.domain.connections.accounts import INVALID_SERVER, GivenAccount, MailAccount, Server, host_of
from shared.domain.connections.discovery import FoundServers
from shared.domain.connections.fields import Fields
from shared.domain.connections.mailbox_state import sending_resumed
from shared.domain.connections.mailboxes import INTAKE, Mailbox
from shared.domain.errors import Forbidden, InvalidInput, Rejected, Unknown, WrongState
from shared.domain.mail.addresses import domain_of
from shared.domain.privacy.callers import ADMIN, Caller
from shared.ports.mailbox_access import MailServers
from shared.ports.stores.connections import Credentials, Mailboxes
from shared.ports.work import Clock, CommandQueue
from shared.services.connections.mailboxes import GetMailbox

_OF_GRAPH: Final = (
    "This mailbox is reached through Microsoft Graph: it needs no user name, no password, no server and no port. "
    "Request a sign-in with POST connect. For a mailbox on another server set 'connection' to imap first."
)
_ELSEWHERE: Final = (
    "The server that was found, {host}, stands in another domain than {domain}. If it is your provider's, give it as "
    "'host'."
)


_CLOSED: Final = (
    "{invalid}: {host} is not a public address, and Postledger connects to no other. Give the name or the address "
    "under which the server is reached from the internet. For a server in a private network this deployment's "
    "operator opens that network with POSTLEDGER_PRIVATE_NETWORKS."
)


@dataclass(frozen=True, slots=True)
class ManageAccount:
    """A personal mailbox's account is its agent's own matter, an intake mailbox's an admin's."""

    get: GetMailbox
    credentials: Credentials
    mailboxes: Mailboxes
    servers: MailServers
    queue: CommandQueue
    clock: Clock

    def __call__(self, caller: Caller, address: str) -> MailAccount:
        """The account without its password. Raises Unknown, Forbidden, InvalidInput."""
        mailbox = self._mailbox(caller, address)
        found = self.credentials.get(mailbox.tenant_id, mailbox.mailbox_id)
        if found is None:
            raise Unknown("No user name and no password are saved for this mailbox.")
        return found

    def put(self, caller: Caller, address: str, given: Mapping[str, Any]) -> MailAccount:
        """Replace the account; the mailbox is walked with it at once. Raises what `__call__` does, and WrongState."""
        mailbox = self._mailbox(caller, address)
        wanted = GivenAccount.of(Fields(given))
        found = self._found(mailbox) if wanted.server is None else FoundServers(wanted.server)
        account = MailAccount(
            mailbox.tenant_id,
            mailbox.mailbox_id,
            wanted.user_name,
            found.imap,
            use_autodiscover=wanted.server is None,
            smtp=wanted.smtp or found.smtp,
            saved_at=self.clock(),
        )
        self._check_hosts(account)
        try:
            saved = self.credentials.put(account, wanted.password)
        except Rejected as error:
            raise WrongState(
                "This deployment keeps no passwords: its operator must set POSTLEDGER_TOKEN_KEYS."
            ) from error
        self._walk(mailbox)
        self._send(mailbox)
        return saved

    def forget(self, caller: Caller, address: str) -> None:
        """Remove the account; the mailbox is shown as one that cannot be read. Cursors and history stay."""
        mailbox = self._mailbox(caller, address)
        self.credentials.delete(mailbox.tenant_id, mailbox.mailbox_id)
        self._walk(mailbox)

    def _check_hosts(self, account: MailAccount) -> None:
        """Found ones, too: whoever owns a domain publishes what they like. Raises InvalidInput."""
        servers: tuple[Server | None, ...] = (account.server, account.smtp)
        for server in filter(None, servers):
            if not self.servers.may_be_named(server.host):
                raise InvalidInput(_CLOSED.format(invalid=INVALID_SERVER, host=server.host))

    def _walk(self, mailbox: Mailbox) -> None:
        if mailbox.enabled:
            self.queue.send(SyncMailbox.of(mailbox, self.clock()))

    def _send(self, mailbox: Mailbox) -> None:
        """What waited for a sign-in that was refused leaves with this one, if the mailbox may send at all."""
        if mailbox.state.sending_refused:
            self.mailboxes.change(mailbox, sending_resumed)
        self.queue.send(SendMail.renewing(mailbox, self.clock()))

    def _found(self, mailbox: Mailbox) -> FoundServers:
        """Raises InvalidInput where nothing is found, and where it wants a person's word."""
        found = self.servers.find(mailbox.address)
        if found is None:
            raise InvalidInput(NOT_DISCOVERED)
        host = host_of(found.imap.host)
        if found.wants_word:
            raise InvalidInput(_ELSEWHERE.format(host=host, domain=domain_of(mailbox.address)))
        return found

    def _mailbox(self, caller: Caller, address: str) -> Mailbox:
        mailbox = self.get(caller, address)
        if mailbox.kind == INTAKE and ADMIN not in caller.roles:
            raise Forbidden("The user name and the password of an intake mailbox are an admin's to save.")
        if mailbox.kind != INTAKE and not caller.owns(mailbox):
            raise Forbidden(
                "The user name and the password of a personal mailbox are its own agent's to save."
            )
        if not mailbox.is_outside:
            raise InvalidInput(_OF_GRAPH)
        return mailbox
