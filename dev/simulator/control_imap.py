"""The control calls about mailboxes on the IMAP server beside the simulator: its users, and the mail in them."""

import ssl
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import Final

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError, LoginError

from dev.dovecot import Dovecot
from dev.processes import PATIENCE
from dev.simulator.control_weather import Refusal

Given = dict[str, object]
# Well-known names as in the calls about mailboxes of Microsoft 365.
_FOLDERS: Final = {"inbox": "INBOX", "sentitems": "Sent", "junkemail": "Junk", "drafts": "Drafts"}
_SEEN: Final = b"\\Seen"


class ImapControl:
    """What people do at a server of their own. Raises Refusal where there is none on this machine."""

    def __init__(self, server: Dovecot | None) -> None:
        self._server = server

    @property
    def calls(self) -> dict[tuple[str, str], Callable[[Given], object]]:
        return {
            ("POST", "imap_users"): self.post_user,
            ("GET", "imap_messages"): self.get_messages,
            ("POST", "imap_move"): self.move,
        }

    @property
    def server(self) -> Dovecot:
        if self._server is None:
            raise Refusal("There is no IMAP server: install Dovecot.")
        return self._server

    def post_user(self, given: Given) -> object:
        """A user, or a new password for one."""
        address = str(given["address"])
        self.server.add_user(address, str(given["password"]))
        # It looks at its list of users once a second.
        until = time.monotonic() + PATIENCE
        while not self._is_let_in(address) and time.monotonic() < until:
            time.sleep(0.1)
        return {"address": address}

    def deliver(self, given: Given, raw: bytes) -> object:
        """Puts a mail into a folder, unread unless it is the person's own."""
        name = str(given.get("folder") or "inbox")
        received = given.get("received")
        moment = datetime.fromisoformat(str(received).replace(" ", "+")) if received else datetime.now(UTC)
        with closing(self._client(str(given["address"]))) as client:
            folder = _FOLDERS.get(name, name)
            if not client.folder_exists(folder):
                client.create_folder(folder)
            flags = [_SEEN] if name == "sentitems" else []
            client.append(folder, raw, flags, moment.astimezone(UTC))
        return {"folder": folder}

    def file_sent(self, address: str, raw: bytes) -> None:
        """As a provider does that keeps copies of what its users hand in."""
        with closing(self._client(address)) as client:
            client.append(_FOLDERS["sentitems"], raw, [_SEEN])

    def move(self, given: Given) -> object:
        """Every mail of one folder into another, as a rule of the person's would."""
        with closing(self._client(str(given["address"]))) as client:
            client.select_folder(_FOLDERS.get(str(given["from"]), str(given["from"])))
            target = str(given["folder"])
            if not client.folder_exists(target):
                client.create_folder(target)
            uids = client.search()
            if uids:
                client.move(uids, target)
        return {"moved": len(uids)}

    def get_messages(self, given: Given) -> object:
        """What lies in a person's folders, and whether it was read."""
        found: list[object] = []
        with closing(self._client(str(given["address"]))) as client:
            for _, _, folder in client.list_folders():
                client.select_folder(folder, readonly=True)
                uids = client.search()
                rows = client.fetch(uids, ["FLAGS", "ENVELOPE"]) if uids else {}
                found += [
                    {
                        "folder": folder,
                        "subject": (row[b"ENVELOPE"].subject or b"").decode("utf-8", "replace"),
                        "isRead": _SEEN in row[b"FLAGS"],
                    }
                    for row in rows.values()
                ]
        return found

    def _is_let_in(self, address: str) -> bool:
        try:
            self._client(address).close()
        except Refusal:
            return False
        return True

    def _client(self, address: str) -> "_Client":
        server = self.server
        password = server.password_of(address)
        if password is None:
            raise Refusal(f"There is no user {address}: post it first.")
        context = ssl.create_default_context(cafile=str(server.ca_file))
        until = time.monotonic() + PATIENCE
        while True:
            try:
                client = _Client("localhost", server.port, ssl_context=context, timeout=PATIENCE)
                client.plain_login(address, password)
                return client
            except LoginError as error:
                raise Refusal(f"The server refuses {address}: {error}") from error
            except (IMAPClientError, OSError) as error:
                # A server whose lines were cut takes some seconds until it lets anybody in.
                if time.monotonic() > until:
                    raise Refusal(f"The server does not answer: {error}") from error
                time.sleep(0.2)


class _Client(IMAPClient):  # type: ignore[misc]
    def close(self) -> None:
        self.logout()
