"""An outbox whose mail leaves by submission: the sender over a server on loopback, and copies in memory beside it."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any, Final

from shared.adapters.imap.accounts import TLS, Account, StoredAccounts
from shared.adapters.smtp.accounts import SubmissionAccounts
from shared.adapters.smtp.sending import SmtpSender
from shared.domain.connections.accounts import MailAccount, Server
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import AccessDenied, PostledgerError
from shared.domain.mail.items import ItemRef
from shared.domain.mail.message_ids import message_id as without_brackets
from shared.ports.sending import OutgoingCopy
from tests.builders import AGENT, a_mailbox
from tests.contract.dovecot_world import dial
from tests.contract.smtp_server import SmtpServer
from tests.fakes.faults import Faults
from tests.fakes.stores.connections import FakeCredentials
from tests.unit.services.sending.outbox_world import OutboxWorld

PASSWORD: Final = 'sécret "x" \\y'


@dataclass
class Certificates:
    """What a server shows, and what a client trusts."""

    cert: Path
    key: Path
    ca_file: Path

    def of_server(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert, self.key)
        return context

    def of_client(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.ca_file))


@dataclass
class OneAccount:
    """Implements `Accounts`: every mailbox is signed in for as itself, by the same password."""

    port: int
    security: str = TLS
    error: PostledgerError | None = None
    password: str = PASSWORD

    def of(self, mailbox: Mailbox, *, is_test: bool = False) -> Account:
        if self.error:
            raise self.error
        return Account("localhost", self.port, mailbox.address, self.password, self.security)

    def tried(self, account: Account, *, refused: bool) -> None:
        """Nothing is parked here."""


@dataclass
class Folder:
    """Implements `Copies` in memory; `error` is what looking and laying come to."""

    mails: list[bytes] = field(default_factory=list)
    error: PostledgerError | None = None
    lay_error: PostledgerError | None = None
    faults: Faults = field(default_factory=Faults)

    def find(self, mailbox: Mailbox, message_id: str) -> Sequence[OutgoingCopy]:
        if self.error:
            raise self.error
        found = [(number, id_of(mime)) for number, mime in enumerate(self.mails)]
        return [_copy(mailbox, number, has) for number, has in found if has == message_id]

    def lay(self, mailbox: Mailbox, mime: bytes, message_id: str) -> OutgoingCopy:
        with self.faults.write("Sender.lay_copy"):
            if self.lay_error:
                raise self.lay_error
            self.mails.append(mime)
        return _copy(mailbox, len(self.mails) - 1, message_id)


def _copy(mailbox: Mailbox, number: int, message_id: str) -> OutgoingCopy:
    return OutgoingCopy(ItemRef("Sent", f"3-{number}"), message_id, False, False, mailbox.address)


def id_of(mime: bytes) -> str:
    return without_brackets(str(message_from_bytes(mime)["Message-ID"]))


@dataclass
class SmtpMail:
    """A server, its account, and the sender over it."""

    server: SmtpServer
    certificates: Certificates
    folder: Folder = field(default_factory=Folder)
    security: str = TLS

    def __post_init__(self) -> None:
        self.account = OneAccount(self.server.port, self.security)
        self.sender = SmtpSender(
            self.account, self.folder, dial, self.certificates.of_client(), final_silence=0.2
        )
        self.mailbox = a_mailbox(address=AGENT, agent=AGENT)

    def files_copies(self) -> None:
        """The provider lays what it takes among the sent mail by itself."""
        self.server.on_taken = self.folder.mails.append


class SmtpOutboxWorld(OutboxWorld):
    """Its workers may be killed before and after each write and each hand-over."""

    def __init__(self, smtp: SmtpMail) -> None:
        self.smtp = smtp
        super().__init__()
        killing = _Killing(smtp.sender, self.storage.faults)
        self.storage.sender = killing  # type: ignore[assignment]
        smtp.folder.faults = self.storage.faults
        self.restart()

    def saves_credentials(self) -> FakeCredentials:
        """From now on the sender goes by what is saved, as it does in the product."""
        credentials = self.storage.credentials
        server = Server("localhost", self.smtp.server.port)
        box = self.mailbox
        credentials.put(MailAccount(box.tenant_id, box.mailbox_id, AGENT, server, smtp=server), PASSWORD)
        accounts = SubmissionAccounts(StoredAccounts(credentials), credentials)
        self.smtp.sender = replace(self.smtp.sender, accounts=accounts)
        self.storage.sender = _Killing(self.smtp.sender, self.storage.faults)  # type: ignore[assignment]
        self.restart()
        return credentials

    @property
    def standing(self) -> Mailbox:
        """The mailbox as it is shown."""
        found = self.storage.mailboxes.by_id(self.mailbox.tenant_id, self.mailbox.mailbox_id)
        assert found is not None
        return found

    @property
    def left(self) -> list[str]:
        return [id_of(taken.content) for taken in self.smtp.server.taken]

    def work(self, *, until: timedelta = timedelta(days=2)) -> None:
        super().work(until=until)


class _Killing:
    """The sender with each of its calls counted among the writes."""

    def __init__(self, sender: SmtpSender, faults: Faults) -> None:
        self._sender, self.faults = sender, faults

    def limits(self, mailbox: Mailbox) -> Any:
        return self._sender.limits(mailbox)

    def open(self, mailbox: Mailbox) -> Any:
        return _KillingOutbox(self._sender.open(mailbox), self.faults)


class _KillingOutbox:
    def __init__(self, box: Any, faults: Faults) -> None:
        self._box, self._faults = box, faults

    def __getattr__(self, name: str) -> Any:
        return getattr(self._box, name)

    def offer(self, mime: bytes) -> Any:
        with self._faults.write("Sender.offer"):
            return self._box.offer(mime)

    def send(self, mime: bytes) -> Any:
        with self._faults.write("Sender.send"):
            return self._box.send(mime)


NO_FOLDER: Final = AccessDenied("The mail server refuses the user name or the password.", "PasswordRefused")
