"""The account of a mailbox outside Microsoft 365, as its owner saves, sees and removes it. Passwords only go in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.domain.commands.commands import SyncMailbox
from shared.domain.connections.accounts import GivenAccount, MailAccount, Server
from shared.domain.connections.fields import Fields
from shared.domain.connections.mailboxes import INTAKE, Mailbox
from shared.domain.errors import Forbidden, InvalidInput, Rejected, Unknown, WrongState
from shared.domain.privacy.callers import ADMIN, Caller
from shared.ports.stores.connections import Credentials
from shared.ports.work import Clock, CommandQueue
from shared.services.connections.mailboxes import GetMailbox

_OF_GRAPH: Final = (
    "This mailbox is reached through Microsoft Graph: it needs no user name, no password, no server and no port. "
    "Request a sign-in with POST connect. For a mailbox on another server set 'connection' to imap first."
)
_NOT_FOUND: Final = "Unable to autodiscover the server address: give it as 'host'."


@dataclass(frozen=True, slots=True)
class ManageAccount:
    """A personal mailbox's account is its agent's own matter, an intake mailbox's an admin's."""

    get: GetMailbox
    credentials: Credentials
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
        account = MailAccount(
            mailbox.tenant_id,
            mailbox.mailbox_id,
            wanted.user_name,
            wanted.server or _found(),
            use_autodiscover=wanted.server is None,
            smtp=wanted.smtp,
            saved_at=self.clock(),
        )
        try:
            saved = self.credentials.put(account, wanted.password)
        except Rejected as error:
            raise WrongState(
                "This deployment keeps no passwords: its operator must set POSTLEDGER_TOKEN_KEYS."
            ) from error
        self._walk(mailbox)
        return saved

    def forget(self, caller: Caller, address: str) -> None:
        """Remove the account; the mailbox is shown as one that cannot be read. Cursors and history stay."""
        mailbox = self._mailbox(caller, address)
        self.credentials.delete(mailbox.tenant_id, mailbox.mailbox_id)
        self._walk(mailbox)

    def _walk(self, mailbox: Mailbox) -> None:
        if mailbox.enabled:
            self.queue.send(SyncMailbox.of(mailbox, self.clock()))

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


def _found() -> Server:
    raise InvalidInput(_NOT_FOUND)
