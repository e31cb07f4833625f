"""Answers that are odd and yet an answer: a server that tells something wrong or twice loses no mail by it."""

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from shared.adapters.imap.accounts import TLS, Account
from shared.adapters.imap.mail import ImapMail
from shared.adapters.imap.sessions import Sessions
from shared.domain.capture.folders import Role
from shared.domain.connections.mailboxes import EVERYTHING, Mailbox
from shared.domain.errors import AccessDenied, NotFound, Unavailable
from shared.domain.mail.messages import FetchedMessage
from shared.ports.mail import OpenMailbox
from tests.builders import AGENT, a_mailbox
from tests.contract.dovecot_world import certificate
from tests.contract.imap_stub import Stub, served

pytestmark = pytest.mark.stack
HEADER: Final = (
    "From: kim@client.example\r\nSubject: Mail {}\r\nDate: Mon, 30 Nov 2026 08:00:00 +0000\r\n\r\n"
)
DATE: Final = 'INTERNALDATE "01-Dec-2026 08:00:00 +0000"'


@dataclass
class Odd(Stub):
    """A mailbox of three mails. `lists` are the lines of its folders, `expunges` moves places within an answer."""

    uids: tuple[int, ...] = (1, 2, 3)
    uid_next: int = 4
    date: str = DATE
    size: int | None = None
    padding: int = 0
    expunges: bool = False
    search: str = "* SEARCH {}"
    lists: tuple[str, ...] = ('* LIST () "/" INBOX',)
    namespace: str = '* NAMESPACE (("" "/")) NIL NIL'
    refusal: str = ""

    def _answer(self, stream: object, came: str) -> bool:
        tag, _, command = came.partition(" ")
        told = self._told(command)
        if told is None:
            return super()._answer(stream, came)
        outcome = self.refusal if self.refusal and command.startswith("EXAMINE") else "OK done"
        for line in (*told, f"{tag} {outcome}"):
            self._say(stream, line)
        return True

    def _told(self, command: str) -> list[str] | None:
        if command.startswith("EXAMINE"):
            return [
                f"* {len(self.uids)} EXISTS",
                f"* OK [UIDVALIDITY {1}] x",
                f"* OK [UIDNEXT {self.uid_next}] x",
            ]
        if command.startswith("LIST"):
            return list(self.lists)
        if command.startswith("NAMESPACE"):
            return [self.namespace]
        if command.startswith("UID SEARCH"):
            uids = self._asked(command.partition("UID SEARCH")[2])
            return self.search.format(" ".join(map(str, uids))).split("\n")
        if command.startswith("UID FETCH"):
            rows = (self._row(command, uid) for uid in self._asked(command))
            return [line for row in rows for line in (row, *(["* 1 EXPUNGE"] if self.expunges else []))]
        return None

    def _asked(self, command: str) -> list[int]:
        top = max(self.uids)
        spans = re.findall(r"(\d+|\*)(?::(\d+|\*))?", command.split("(", maxsplit=1)[0])
        ends = [[top if end == "*" else int(end) for end in (low, high or low)] for low, high in spans]
        return [uid for uid in self.uids if any(min(pair) <= uid <= max(pair) for pair in ends)]

    def _row(self, command: str, uid: int) -> str:
        text = HEADER.format(uid)
        whole = text + "x" * 70 * self.padding + "end"
        place = 1 if self.expunges else self.uids.index(uid) + 1
        row = f"UID {uid} {self.date} FLAGS () RFC822.SIZE {len(whole) if self.size is None else self.size}"
        if "BODY" not in command:
            return f"* {place} FETCH ({row})"
        octets, part = (text, "HEADER") if "HEADER" in command else (whole, "")
        return f"* {place} FETCH ({row} BODY[{part}] {{{len(octets)}}}\r\n{octets})"


@contextmanager
def opened(stub: Stub, tmp_path: Path, password: str = "pass word") -> Iterator[OpenMailbox]:
    cert, key, ca_file = certificate(tmp_path)

    class Known:
        def of(self, mailbox: Mailbox) -> Account:
            return Account("localhost", stub.port, AGENT, password, TLS)

        def tried(self, account: Account, *, refused: bool) -> None:
            """Nobody is locked out here."""

    def dial(host: str, port: int) -> socket.socket:
        return socket.create_connection((host, port), 5)

    with served(stub, (cert, key)):
        sessions = Sessions(Known(), dial, ssl.create_default_context(cafile=str(ca_file)))
        yield ImapMail(sessions).open(replace(a_mailbox(), capture=EVERYTHING))
        sessions.close()


def subjects(box: OpenMailbox, cursor: str = "") -> tuple[list[str], str]:
    page = box.changes("INBOX", cursor, None)
    return [head.subject for head in page.heads], page.cursor


@pytest.mark.parametrize(
    "stub",
    [
        Odd(expunges=True),
        Odd(search="* SEARCH\n* SEARCH {}"),
        Odd(search="* SEARCH {0}\n* SEARCH {0}"),
        Odd(search=f"* SEARCH {{}} (MODSEQ {917})"),
        Odd(uid_next=2),
        Odd(uid_next=0),
        Odd(uid_next=1000),
    ],
    ids=["places move", "two lines", "twice", "modseq", "next too low", "next zero", "next too high"],
)
def test_each_mail_is_read_once_and_the_next_one_too(stub: Odd, tmp_path: Path) -> None:
    with opened(stub, tmp_path) as box:
        first, cursor = subjects(box)
        assert first == ["Mail 1", "Mail 2", "Mail 3"]
        assert subjects(box, cursor)[0] == []
        stub.uids = (1, 2, 3, 4)
        stub.uid_next = max(stub.uid_next, 5)
        assert subjects(box, cursor)[0] == ["Mail 4"]


@pytest.mark.parametrize(
    "date",
    [
        "",
        "INTERNALDATE NIL",
        'INTERNALDATE "31-Dec-9999 23:59:59 -1200"',
        'INTERNALDATE "01-Dec-2026 08:00:00 +9999"',
    ],
)
def test_a_mail_of_which_no_receipt_is_told_came_when_it_says_so_itself(date: str, tmp_path: Path) -> None:
    with opened(Odd(date=date), tmp_path) as box:
        heads = box.changes("INBOX", "", None).heads
    assert [head.received_at for head in heads] == [datetime(2026, 11, 30, 8, tzinfo=UTC)] * 3


@pytest.mark.parametrize("size", [0, 3, 4_294_967_296])
def test_a_size_that_is_told_wrong_keeps_no_mail_back(size: int, tmp_path: Path) -> None:
    padding = 0 if size > 3 else 300_000
    with opened(Odd(uids=(3,), size=size, padding=padding), tmp_path) as box:
        items = [head.item for head in box.changes("INBOX", "", None).heads]
        read = list(box.messages(items).values())
    assert [isinstance(mail, FetchedMessage) and mail.text.strip()[-3:] for mail in read] == ["end"]


def test_an_odd_line_of_a_list_costs_no_other_folder(tmp_path: Path) -> None:
    lists = (
        '* LIST () "/" INBOX',
        '* LIST () "/" NIL',
        '* LIST () "/" Sales & Lettings',
        '* LIST () "/" "unclosed',
        '* LIST () NIL {8}\r\nli"t\\ral',
        '* LIST () "/" {3}\r\na\r\n',
        '* LIST NIL "/" (a)',
        '* LIST () "/" "Papirkurv" ("CHILDINFO" ("SUBSCRIBED"))',
    )
    with opened(Odd(lists=lists), tmp_path) as box:
        found = {folder.folder_id: folder.role for folder in box.folders({})}
    assert found == {
        "INBOX": Role.INBOX,
        "Sales & Lettings": None,
        'li"t\\ral': None,
        "Papirkurv": Role.TRASH,
    }


@pytest.mark.parametrize(
    ("namespace", "names"),
    [
        ('* NAMESPACE (("" "/" "X-PARAM" ("FLAG"))) (("~" "/")) NIL', ["INBOX"]),
        ("* NAMESPACE", ["INBOX", "~kim"]),
        ('* NAMESPACE ((NIL "/")) NIL NIL', ["INBOX", "~kim"]),
        ('* NAMESPACE (("" "/")', ["INBOX", "~kim"]),
    ],
)
def test_namespaces_that_cannot_be_read_close_no_mailbox(
    namespace: str, names: list[str], tmp_path: Path
) -> None:
    lists = ('* LIST () "/" INBOX', '* LIST () "/" ~kim')
    stub = Odd(namespace=namespace, lists=lists, capabilities="IMAP4rev1 AUTH=PLAIN NAMESPACE")
    with opened(stub, tmp_path) as box:
        assert [folder.folder_id for folder in box.folders({})] == names


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        ("NO Mailbox does not exist", NotFound),
        ("BAD no", NotFound),
        ("NO [SERVERBUG] Internal error", Unavailable),
        ("BAD [UNAVAILABLE] later", Unavailable),
    ],
)
def test_a_folder_that_is_refused_is_passed_over_and_one_that_fails_is_tried_again(
    refusal: str, error: type[Exception], tmp_path: Path
) -> None:
    with opened(Odd(refusal=refusal), tmp_path) as box, pytest.raises(error):
        box.changes("Ghost", "", None)


def test_a_password_with_a_line_end_begins_no_command(tmp_path: Path) -> None:
    stub = Odd(capabilities="IMAP4rev1")
    with pytest.raises(AccessDenied), opened(stub, tmp_path, "x\r\nA LOGOUT") as box:
        box.folders({})
    assert [line.partition(" ")[2] for line in stub.lines] == ["CAPABILITY"]
