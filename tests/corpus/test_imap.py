"""Every public test mail through the product over a real IMAP server: the same rows as from the files themselves.

A server counts octets, ends lines and keeps eight bits in its own way; nothing of that may show in what is stored.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dev.dovecot import Dovecot, running
from shared.adapters.unpacking import UnpackedMail
from shared.domain.capture.folders import Role
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.mail.items import ItemRef
from tests.builders import AGENT, NOW, a_record
from tests.contract.dovecot_world import PATHS, WANTED, DovecotMail, certificate
from tests.contract.eml_folders import EmlFolders
from tests.corpus import mails
from tests.fakes import FakePorts
from tests.unit.services.world import World

pytestmark = [
    *WANTED,
    pytest.mark.timeout(1_800),
    pytest.mark.skipif(not mails.CORPUS.is_dir(), reason="the public test mails are not here"),
]
KNOWN = 40
ROLES = (Role.INBOX, Role.ARCHIVE, Role.SENT)


class Captured(World):
    """The product over mail of another kind; its folders are known once they have been walked."""

    def connect(self, address: str, **settings: Any) -> Mailbox:
        mailbox = super().connect(address, capture="everything", **settings)
        self.storage.folder_states.forget(mailbox)
        return mailbox


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dovecot]:
    cert, key, ca_file = certificate(tmp_path_factory.mktemp("tls"))
    with running(cert=cert, key=key, ca_file=ca_file) as started:
        yield started


def raws() -> list[bytes]:
    """With the line ends that mail has on its way; no server takes one that is empty.

    IMAP carries no NUL (RFC 9051, 4.3.1): Dovecot keeps 0x80 in its place.
    """
    found = [mails.raw(file) for bounces in (False, True) for file, _ in mails.files(bounces=bounces)]
    lines = (raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n") for raw in found if raw.strip())
    return [text.replace(b"\n", b"\r\n").replace(b"\0", b"\x80") for text in lines]


def captured(mail: Any, deliver: Any) -> Captured:
    """The world after every mail has come, was walked and worked off."""
    world = Captured(FakePorts(mail=mail))
    world.storage.mail = UnpackedMail(mail)  # type: ignore[assignment]
    world.restart()
    found = raws()
    senders = [address for address, _ in Counter(map(sender_of, found)).most_common(KNOWN) if address]
    world.records(*(a_record(f"contact/C-{n}", addresses=(one,)) for n, one in enumerate(senders)))
    for number, raw in enumerate(found):
        deliver(raw, ROLES[number % len(ROLES)], NOW - timedelta(seconds=len(found) - number))
    world.walk()
    world.work()
    return world


def sender_of(raw: bytes) -> str:
    return mails.sender_of(mails.headers_of(raw)).address


def rows(world: Captured) -> dict[str, Any]:
    """All that is stored, but for the names that a provider gives its copies."""
    found = world.rows()
    sightings = [row for rows in found["sightings"].values() for row in rows.values()]
    return {
        "messages": {
            key: (_without_item(message), document)
            for key, (message, document, _, _) in found["messages"].items()
        },
        "timeline": {key: dict(part) for key, part in found["timeline"].items()},
        "inbox": found["inbox"],
        "attachments": found["attachments"],
        "sightings": Counter((row.outcome, row.reason, row.message_key) for row in sightings),
    }


def _without_item(message: Any) -> Any:
    fields = {
        name: ItemRef("", "")
        for name in getattr(message, "__dataclass_fields__", {})
        if isinstance(getattr(message, name), ItemRef)
    }
    return replace(message, **fields) if fields else message


def test_the_rows_are_those_of_the_files_themselves(server: Dovecot, tmp_path: Path) -> None:
    disk = EmlFolders(tmp_path, page_size=50)
    expected = rows(captured(disk, lambda raw, role, at: disk.deliver(AGENT, raw, role, received=at)))
    mail = DovecotMail(server)
    with closing(mail.sessions):
        mail.add_mailbox(AGENT)
        with mail.person(AGENT) as client:
            found = rows(captured(mail, lambda raw, role, at: client.append(PATHS[role], raw, (), at)))
    assert found["sightings"] == expected["sightings"]
    assert sum(expected["sightings"].values()) == len(raws())
    for kind, stored in expected.items():
        if kind == "sightings":
            continue
        assert found[kind].keys() == stored.keys(), kind
        different = [key for key in stored if found[kind][key] != stored[key]]
        assert different == [], (kind, found[kind][different[0]], stored[different[0]])
