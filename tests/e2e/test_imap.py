"""Mailboxes outside Microsoft 365, on a real IMAP server: connected, read, and taken up again."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dev.stack import Stack
from dev.tenant import Api, Tenant, a_mail, eventually
from shared.adapters.storage.encoding import CONTENT, unpacked
from shared.domain import names
from tests.contract.dovecot_world import WANTED
from tests.e2e.conftest import CONTACT, STRANGER
from tests.ledger import Ledger

pytestmark = [*WANTED]
PASSWORD = "sécret of ann"


@dataclass
class Outside:
    """A mailbox on the server beside the simulator, and the agent whose it is."""

    tenant: Tenant
    address: str
    agent: str
    server: dict[str, Any]

    @property
    def owner(self) -> Api:
        return self.tenant.api_of(self.agent)

    @property
    def account(self) -> dict[str, Any]:
        given = {"user_name": self.address, "password": PASSWORD}
        return {**given, "host": self.server["host"], "port": self.server["port"]}

    def connect(self, **settings: Any) -> None:
        self.tenant.control.imap_users(self.address, PASSWORD)
        body = {"kind": "personal", "agent": self.agent, "connection": "imap", **settings}
        self.tenant.admin.call("PUT", f"mailboxes/{self.address}", json=body)

    def save(self, api: Api, **changes: Any) -> None:
        api.call("PUT", f"mailboxes/{self.address}/credentials", json={**self.account, **changes})

    def deliver(self, mail: Any, folder: str = "inbox") -> None:
        self.tenant.control.imap_deliver(self.address, mail.as_bytes(), folder)

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = self.tenant.admin.call("GET", f"mailboxes/{self.address}")
        return found

    def reaches(self, state: str, ledger: Ledger) -> dict[str, Any]:
        """Walked until then: a session from before may be open for some seconds."""

        def probe() -> dict[str, Any] | None:
            ledger.settle_commands()
            found = self.state()
            if found["state"] == state:
                return found
            self.tenant.admin.call("POST", f"mailboxes/{self.address}/sync")
            return None

        return eventually(probe, what=f"state {state}")

    def seen(self) -> dict[str, bool]:
        rows = self.tenant.control.imap_messages(self.address)
        return {row["subject"]: row["isRead"] for row in rows}


@pytest.fixture
def outside(stack: Stack, tenant: Tenant) -> Iterator[Outside]:
    tenant.contact("C-1", CONTACT)
    agent = tenant.agent("ann")
    yield Outside(tenant, f"ann@mail.{tenant.domain}", agent, stack.ready["imap"])


def test_mail_on_a_server_outside_is_on_the_timeline_and_stays_unread(
    outside: Outside, ledger: Ledger
) -> None:
    outside.connect()
    mail = a_mail(f"Bo Byer <{CONTACT}>", outside.address, "Viewing on Friday", text="May I come at three?")
    outside.deliver(mail)
    outside.save(outside.owner)
    entry = outside.tenant.entry("contact/C-1", mail)
    assert (entry["kind"], entry["direction"], entry["preview"]) == ("synced", "in", "May I come at three?")
    later, answer = (
        a_mail(CONTACT, outside.address, "Later"),
        a_mail(outside.address, CONTACT, "Re: Later"),
    )
    outside.deliver(later)
    outside.deliver(answer, "sentitems")
    ledger.walk(outside.address)
    outside.tenant.entry("contact/C-1", later)
    assert outside.tenant.entry("contact/C-1", answer)["direction"] == "out"
    assert outside.seen() == {"Viewing on Friday": False, "Later": False, "Re: Later": True}
    assert outside.state()["state"] == "polling"


def test_mail_to_an_intake_mailbox_outside_opens_a_case_and_is_then_read(
    outside: Outside, ledger: Ledger
) -> None:
    outside.connect(kind="intake", agents=[outside.agent], agent=None)
    outside.save(outside.tenant.admin)
    mail = a_mail(STRANGER, outside.address, "The boiler is cold", text="It has been cold since Monday.")
    outside.deliver(mail)
    ledger.walk(outside.address)
    cases = eventually(
        lambda: outside.tenant.admin.call("GET", "records", params={"kind": "case"})["records"], what="a case"
    )
    assert [case["summary"] for case in cases] == ["The boiler is cold"]
    assert eventually(lambda: outside.seen()["The boiler is cold"], what="the mark")


def test_a_wrong_password_parks_the_mailbox_and_new_credentials_take_it_up_again(
    outside: Outside, ledger: Ledger
) -> None:
    outside.connect()
    mail = a_mail(CONTACT, outside.address, "While it was parked")
    outside.deliver(mail)
    outside.save(outside.owner, password="wrong")
    assert "refuse" in outside.reaches("no_access", ledger)["last_error"]
    saved = outside.owner.call("GET", f"mailboxes/{outside.address}/credentials")
    assert saved["refused"]
    outside.tenant.admin.call("POST", f"mailboxes/{outside.address}/sync")
    ledger.settle_commands()
    tested = outside.owner.call("POST", f"mailboxes/{outside.address}/test")
    assert tested["outcome"] == "wrong_password"
    outside.save(outside.owner)
    outside.tenant.entry("contact/C-1", mail)
    outside.reaches("polling", ledger)
    assert outside.owner.call("POST", f"mailboxes/{outside.address}/test")["outcome"] == "ok"


def test_what_is_saved_goes_with_the_mailbox_and_stands_nowhere_in_storage_or_logs(
    outside: Outside, ledger: Ledger, stack: Stack
) -> None:
    outside.connect()
    outside.save(outside.owner)
    ledger.walk(outside.address)
    outside.save(outside.owner, password="wrong")
    outside.reaches("no_access", ledger)
    everything = [row for table in names.TABLES for row in ledger.rows(table)]
    texts = [f"{row} {unpacked(row) if CONTENT in row else ''}" for row in everything]
    logs = [path.read_text("utf-8", "replace") for path in Path(stack.ready["log_dir"]).iterdir()]
    assert outside.address in "".join(texts)
    assert not [text[:200] for text in (*texts, *logs) if PASSWORD in text or "s\\u00e9cret" in text]
    outside.tenant.admin.call("DELETE", f"mailboxes/{outside.address}")
    assert outside.owner.raw("GET", f"mailboxes/{outside.address}/credentials").status_code == 404
