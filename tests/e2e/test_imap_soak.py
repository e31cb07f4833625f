"""Mailboxes on a real IMAP server while hosts are killed, lines cut, folders numbered anew and a password changed.

Nothing is lost, nothing is filed twice, nobody's mail is read that is skipped, and personal mail stays as it was.
"""

import os
import re
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from email.message import EmailMessage
from typing import Any

import pytest

from dev.dovecot import Dovecot
from dev.processes import PATIENCE
from dev.stack import Stack, StackOptions
from dev.tenant import Tenant, a_mail, eventually
from tests.contract.dovecot_world import WANTED
from tests.e2e.conftest import CONTACT, STRANGER, new_tenant
from tests.e2e.test_imap import PASSWORD, Outside
from tests.ledger import Ledger

pytestmark = [*WANTED]
ROUND = 6
SECONDS = 2 * PATIENCE


@pytest.fixture(scope="module")
def rough() -> Iterator[Stack]:
    """Timers on; a running command is hidden from others for 5 s only."""
    with Stack(StackOptions(shorten=4, invisibility=5)) as running:
        yield running


class Soak:
    """An agent's mailbox, a desk, and a mailbox of which nothing is kept."""

    def __init__(self, stack: Stack) -> None:
        assert stack.dovecot is not None
        self.stack = stack
        self.server: Dovecot = stack.dovecot
        self.tenant: Tenant = new_tenant(stack)
        self.ledger = Ledger(stack.ready, self.tenant)
        self.tenant.contact("C-1", CONTACT)
        agent = self.tenant.agent("ann")
        domain = self.tenant.domain
        names = ("ann", "desk", "other")
        self.ann, self.desk, self.other = (
            Outside(self.tenant, f"{name}@mail.{domain}", agent, stack.ready["imap"]) for name in names
        )
        self.ann.connect(poll_minutes=1)
        self.other.connect(poll_minutes=1)
        self.desk.connect(kind="intake", agents=[agent], agent=None)
        self.ann.save(self.ann.owner)
        self.other.save(self.other.owner)
        self.desk.save(self.tenant.admin)
        self.known: list[EmailMessage] = []
        self.asked: list[EmailMessage] = []

    def deliver(self, name: str) -> None:
        """A round of mail for everybody."""
        for number in range(ROUND):
            mail = a_mail(CONTACT, self.ann.address, f"{name} {number}")
            # One sender opens so many cases an hour and no more.
            sender = f"sam{len(self.asked)}@adatum.example"
            case = a_mail(sender, self.desk.address, f"{name} case {number}")
            mail.add_attachment(b"x" * 50_000, maintype="application", subtype="pdf", filename="a.pdf")
            self.ann.deliver(mail)
            self.desk.deliver(case)
            self.other.deliver(a_mail(STRANGER, self.other.address, f"{name} skipped {number}"))
            self.known.append(mail)
            self.asked.append(case)

    def kill_host(self) -> None:
        (victim,) = self.stack.ready["pids"]["host"]
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: self.stack.ready["pids"]["host"] != [victim], what="another host process")
        eventually(self._is_answered, what="a host that answers")

    def _is_answered(self) -> bool:
        try:
            return self.tenant.admin.raw("GET", "organisation").ok
        except OSError:
            return False

    def call(self, method: str, path: str, **options: Any) -> Any:
        return answered(lambda: self.tenant.admin.call(method, path, **options))

    def sync(self) -> None:
        for box in (self.ann, self.desk, self.other):
            self.call("POST", f"mailboxes/{box.address}/sync")

    def entries(self) -> Counter[str]:
        found: Counter[str] = Counter()
        cursor: str | None = ""
        while cursor is not None:
            page = self.call(
                "GET",
                "timelines/contact/C-1",
                params={"limit": 200, **({"cursor": cursor} if cursor else {})},
            )
            found.update(entry["internet_message_id"] for entry in page["entries"])
            cursor = page["cursor"]
        return found

    def cases(self) -> Counter[str]:
        query = {"kind": "case", "limit": 200}
        rows: list[dict[str, Any]] = self.call("GET", "records", params=query)["records"]
        return Counter(row["summary"] for row in rows)

    def missing(self) -> list[str]:
        entries, cases = self.entries(), self.cases()
        mails = [str(mail["Subject"]) for mail in self.known if str(mail["Message-ID"]) not in entries]
        return mails + [str(mail["Subject"]) for mail in self.asked if str(mail["Subject"]) not in cases]


def answered(ask: Callable[[], Any]) -> Any:
    """A host that ended is started again: meanwhile nobody answers."""

    def tried() -> list[Any] | None:
        with suppress(OSError):
            return [ask()]
        return None

    return eventually(tried, what="a host that answers")[0]


def test_nothing_is_lost_or_doubled_whatever_befalls_servers_and_lines(rough: Stack) -> None:
    soak = Soak(rough)
    soak.deliver("Killed")
    eventually(soak.entries, seconds=SECONDS, what="the first entry")
    soak.kill_host()
    soak.deliver("Cut")
    soak.sync()
    # Whoever walks holds a line for some seconds.
    eventually(soak.server.cut_lines, seconds=SECONDS, what="a line to cut")
    for _ in range(20):
        soak.server.cut_lines()
    soak.deliver("Moved")
    soak.tenant.control.imap_move(soak.ann.address, "inbox", "Kept")
    soak.deliver("Numbered")
    soak.server.cut_lines()
    for box in (soak.ann, soak.desk, soak.other):
        soak.server.number_anew(box.address)
    soak.deliver("Locked out")
    soak.tenant.control.imap_users(soak.ann.address, "a new password")
    soak.server.cut_lines()
    soak.ann.reaches("no_access", soak.ledger)
    soak.deliver("Meanwhile")
    answered(lambda: soak.ann.save(soak.ann.owner, password="a new password"))
    soak.sync()

    try:
        eventually(lambda: not soak.missing(), seconds=SECONDS, what="every mail")
    except TimeoutError:
        # The list says more than the time.
        assert soak.missing() == []
    soak.ann.reaches("polling", soak.ledger)
    soak.ledger.settle()
    entries, cases = soak.entries(), soak.cases()
    assert {key: count for key, count in entries.items() if count > 1} == {}
    assert entries.keys() == {str(mail["Message-ID"]) for mail in soak.known}
    assert cases == Counter(str(mail["Subject"]) for mail in soak.asked)
    assert not any(soak.ann.seen().values()), "personal mail is as unread as it was"
    assert not any(soak.other.seen().values())
    assert eventually(lambda: all(soak.desk.seen().values()), what="the marks")
    assert bodies_read(soak.server, soak.other.address) == 0
    assert bodies_read(soak.server, soak.ann.address) > 0
    assert soak.ledger.poisoned() == 0
    assert PASSWORD not in "".join(map(str, soak.ledger.exceptions()))
    told = soak.ledger.events("access_lost")
    mailbox = soak.ledger.mailbox(soak.ann.address)
    assert mailbox is not None
    of_ann = [event for event in told if event["mailbox"] == mailbox.mailbox_id]
    assert [event["code"] for event in of_ann if event["code"] != "NoCredentials"] == ["PasswordRefused"]


def bodies_read(server: Dovecot, address: str) -> int:
    """As the server itself counts them, of sessions that ended by themselves."""
    log = (server.root / "dovecot.log").read_text("utf-8", "replace")
    counted = re.findall(rf"imap\({re.escape(address)}\).*body_count=(\d+)", log)
    return sum(map(int, counted))
