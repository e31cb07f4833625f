"""Mail on a real IMAP server, delivered and changed as another program of the same person would."""

import imaplib
import os
import re
import socket
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Final

import pytest
import trustme
from imapclient import IMAPClient

from dev.dovecot import BINARY, Dovecot
from dev.processes import PATIENCE
from shared.adapters.imap.accounts import Account
from shared.adapters.imap.mail import ImapMail
from shared.adapters.imap.sessions import Sessions
from shared.adapters.imap.wire import WiredClient
from shared.domain.capture.folders import Role
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import NotFound
from shared.domain.mail.items import ItemRef
from tests.builders import a_mailbox

# Where there is no Dovecot the tests over it are left out, on the build server never: it sets this.
WANTED: Final = (
    pytest.mark.stack,
    pytest.mark.skipif(not BINARY and not os.environ.get("WITH_DOVECOT"), reason="Dovecot is not installed"),
)
PASSWORD: Final = 'sécret "x" \\y'
PATHS: Final = {
    Role.INBOX: "INBOX",
    Role.SENT: "Sent",
    Role.DRAFTS: "Drafts",
    Role.TRASH: "Trash",
    Role.JUNK: "Junk",
    Role.ARCHIVE: "Archive",
}
_UIDS: Final = re.compile(rb"APPENDUID (\d+) (\d+)\]")


def certificate(root: Path) -> tuple[Path, Path, Path]:
    """(certificate, key, file of the authority) for loopback."""
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    files = root / "cert.pem", root / "key.pem", root / "ca.pem"
    issued.cert_chain_pems[0].write_to_path(files[0])
    issued.private_key_pem.write_to_path(files[1])
    authority.cert_pem.write_to_path(files[2])
    return files


def dial(host: str, port: int) -> socket.socket:
    return socket.create_connection((host, port), PATIENCE)


@dataclass(frozen=True, slots=True)
class DovecotAccounts:
    """Implements `Accounts`: every user that the server was told of."""

    server: Dovecot
    known: set[str] = field(default_factory=set)

    def of(self, mailbox: Mailbox) -> Account:
        if mailbox.address not in self.known:
            raise NotFound("There is no such account.")
        return Account("localhost", self.server.port, mailbox.address, PASSWORD)

    def tried(self, account: Account, *, refused: bool) -> None:
        """Nobody is locked out here."""

    def add(self, address: str) -> None:
        self.server.add_user(address, PASSWORD)
        self.known.add(address)


class PoisonedClient(WiredClient):
    """Its line breaks at the headers of some numbers."""

    poison: ClassVar[set[int]] = set()

    def rows(self, span: str, items: Sequence[str]) -> Mapping[int, Mapping[bytes, Any]]:
        if any("HEADER" in item for item in items) and self.poison & _numbers(span):
            raise imaplib.IMAP4.abort("the line is cut")
        return super().rows(span, items)


def _numbers(spans: str) -> set[int]:
    found: set[int] = set()
    for span in spans.split(","):
        low, _, high = span.partition(":")
        found |= set(range(int(low), int(high or low) + 1))
    return found


class DovecotMail(ImapMail):
    """The adapter over the server, and the person's own program beside it."""

    def __init__(self, server: Dovecot, page_size: int = 50, list_size: int = 500) -> None:
        context = ssl.create_default_context(cafile=str(server.ca_file))
        client = type("Poisoned", (PoisonedClient,), {"poison": set()})
        object.__setattr__(self, "server", server)
        object.__setattr__(self, "accounts", DovecotAccounts(server))
        super().__init__(
            Sessions(self.accounts, dial, context, client=client), page_size=page_size, list_size=list_size
        )

    server: Dovecot
    accounts: DovecotAccounts

    def add_mailbox(self, address: str) -> None:
        self.accounts.add(address)

    def person(self, address: str) -> IMAPClient:
        context = ssl.create_default_context(cafile=str(self.server.ca_file))
        client = IMAPClient("localhost", self.server.port, ssl_context=context, timeout=PATIENCE)
        client.plain_login(address, PASSWORD)
        return client

    def deliver(self, address: str, mail: bytes, role: Role, *, received: Any, seen: bool = False) -> ItemRef:
        with self.person(address) as client:
            flags = ([b"\\Seen"] if seen else []) + ([b"\\Draft"] if role is Role.DRAFTS else [])
            return _item(PATHS[role], client.append(PATHS[role], mail, flags, received))

    def move(self, address: str, item: ItemRef, role: Role) -> ItemRef:
        with self.person(address) as client:
            client.select_folder(item.folder)
            client.copy([_uid(item)], PATHS[role])
            client.delete_messages([_uid(item)], silent=True)
            client.uid_expunge([_uid(item)])
            there = client.select_folder(PATHS[role], readonly=True)
            return ItemRef(PATHS[role], f"{there[b'UIDVALIDITY']}-{there[b'UIDNEXT'] - 1}")

    def delete(self, address: str, item: ItemRef) -> None:
        with self.person(address) as client:
            client.select_folder(item.folder)
            client.delete_messages([_uid(item)], silent=True)
            client.uid_expunge([_uid(item)])

    def touch(self, address: str, item: ItemRef) -> None:
        with self.person(address) as client:
            client.select_folder(item.folder)
            client.add_flags([_uid(item)], [b"\\Seen"], silent=True)

    def flags(self, address: str, item: ItemRef) -> set[bytes]:
        with self.person(address) as client:
            client.select_folder(item.folder, readonly=True)
            return {flag for flag in client.get_flags([_uid(item)])[_uid(item)] if flag != b"\\Recent"}

    def expire(self, address: str) -> None:
        """Number every folder anew, as a server does that was rebuilt."""
        self.sessions.close()
        self.server.number_anew(address)


@dataclass
class OnDovecot:
    """One mailbox on the server."""

    mail: DovecotMail
    mailbox: Mailbox

    def deliver(self, letter: Any, role: Role = Role.INBOX) -> ItemRef:
        return self.mail.deliver(self.mailbox.address, letter.as_eml(role), role, received=letter.received)

    def move(self, item: ItemRef, role: Role) -> ItemRef:
        return self.mail.move(self.mailbox.address, item, role)

    def touch(self, item: ItemRef) -> None:
        self.mail.touch(self.mailbox.address, item)

    def delete(self, item: ItemRef) -> None:
        self.mail.delete(self.mailbox.address, item)

    def expire(self) -> None:
        self.mail.expire(self.mailbox.address)

    def poison(self, item: ItemRef) -> None:
        self.mail.sessions.client.poison.add(_uid(item))  # type: ignore[attr-defined]

    @classmethod
    def fresh(cls, server: Dovecot, address: str, other: str, page_size: int = 3) -> "OnDovecot":
        """An empty mailbox of this address, with the folders that the contract asks for."""
        mail = DovecotMail(server, page_size=page_size)
        for name in (address, other):
            _emptied(server, name)
            mail.add_mailbox(name)
        with mail.person(address) as client:
            client.create_folder("INBOX/Projects")
        return cls(mail, replace(a_mailbox(), address=address))


def _emptied(server: Dovecot, name: str) -> None:
    import shutil

    with suppress(FileNotFoundError):
        shutil.rmtree(server.home(name))


def _uid(item: ItemRef) -> int:
    return int(item.item_id.partition("-")[2])


def _item(folder: str, answer: bytes) -> ItemRef:
    found = _UIDS.search(answer)
    assert found, answer
    return ItemRef(folder, f"{int(found[1])}-{int(found[2])}")
