"""Mail of mailboxes outside Microsoft 365 leaves by SMTP, and its copies lie on their IMAP server."""

from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest

from dev.stack import Stack
from dev.tenant import Tenant, a_mail, eventually
from tests.contract.dovecot_world import WANTED
from tests.e2e.conftest import CONTACT, STRANGER
from tests.e2e.test_imap import Outside
from tests.ledger import Ledger

pytestmark = [*WANTED]
ENGLISH = {
    "language": "en",
    "subject": "We have it: {subject}",
    "html": "<p>Your case is {case_id}.</p>",
}


class Sending(Outside):
    """An account with a server for outgoing mail."""

    @property
    def account(self) -> dict[str, Any]:
        return {**super().account, "smtp": self.tenant.ready["smtp"]}

    def left(self, to: str) -> list[dict[str, Any]]:
        return [mail for mail in self.tenant.control.smtp_outbound() if to in mail["recipients"]]

    def sent(self) -> list[str]:
        rows = self.tenant.control.imap_messages(self.address)
        return [row["subject"] for row in rows if row["folder"] == "Sent"]


@pytest.fixture
def outside(stack: Stack, tenant: Tenant) -> Iterator[Sending]:
    tenant.contact("C-1", CONTACT)
    tenant.control.put_smtp()
    yield Sending(tenant, f"desk@mail.{tenant.domain}", tenant.agent("ann"), stack.ready["imap"])
    tenant.control.put_smtp()


def read(left: dict[str, Any]) -> EmailMessage:
    return message_from_bytes(left["raw"].encode("latin-1"), EmailMessage, policy=default)


def test_a_stranger_s_mail_to_an_imap_mailbox_is_acknowledged_by_smtp_once(
    outside: Sending, ledger: Ledger
) -> None:
    admin = outside.tenant.admin
    outside.connect(kind="intake", agents=[outside.agent], agent=None)
    outside.save(admin)
    admin.call("PUT", f"mailboxes/{outside.address}/acknowledgement", json={"templates": [ENGLISH]})
    mail = a_mail(STRANGER, outside.address, "Boiler", text="It is cold.")
    outside.deliver(mail)
    ledger.walk(outside.address)
    [left] = eventually(lambda: outside.left(STRANGER), what="the acknowledgement")
    assert (left["sender"], left["recipients"]) == (outside.address, [STRANGER])
    raw = read(left)
    assert raw["In-Reply-To"] == mail["Message-ID"]
    assert (raw["Auto-Submitted"], raw["X-Auto-Response-Suppress"]) == ("auto-replied", "All")
    assert str(raw["Subject"]).startswith("We have it: Boiler [")
    assert eventually(outside.sent, what="the copy") == [str(raw["Subject"])]

    def confirmed() -> list[dict[str, Any]]:
        return list(admin.call("GET", "outbox", params={"state": "confirmed"})["items"])

    [row] = eventually(confirmed, what="the row")
    ledger.walk(outside.address)
    ledger.settle()
    [case] = admin.call("GET", "records", params={"kind": "case"})["records"]
    page = admin.call("GET", f"timelines/case/{case['id']}")
    kinds = [entry["kind"] for entry in page["entries"]]
    assert (kinds.count("acknowledgement"), len(kinds)) == (1, 2), kinds
    assert (len(outside.left(STRANGER)), len(outside.sent())) == (1, 1)
    assert row["state"] == "confirmed"


def test_an_agent_s_mail_leaves_by_smtp_and_the_mailbox_test_says_so(
    outside: Sending, ledger: Ledger
) -> None:
    outside.connect()
    outside.save(outside.owner)
    ledger.walk(outside.address)
    tested = outside.owner.call("POST", f"mailboxes/{outside.address}/test")
    assert (tested["outcome"], tested["send"]) == ("ok", "permitted")
    outside.tenant.control.put_smtp(rcpt={STRANGER: "550 5.1.1 no such user"}, files_sent_copy=True)
    body = {
        "to": [{"address": CONTACT}, {"address": STRANGER}],
        "subject": "Viewing",
        "html": "<p>Thursday.</p>",
        "from": outside.address,
    }
    asked = outside.owner.raw("POST", "messages", json=body, headers={"Idempotency-Key": outside.address})
    assert asked.status_code in (200, 201, 202), asked.text
    mail_id = asked.json()["outbox_id"]

    def row() -> dict[str, Any] | None:
        found: dict[str, Any] = outside.owner.call("GET", f"outbox/{mail_id}")
        return found if found["state"] == "confirmed" else None

    ended = eventually(row, what="its end")
    assert ended["undelivered_to"] == [STRANGER]
    assert "no such user" in " ".join(step["detail"] for step in ended["steps"])
    assert [mail["recipients"] for mail in outside.left(CONTACT)] == [[CONTACT]]
    notices = eventually(lambda: outside.owner.call("GET", "notices")["notices"], what="the notice")
    assert [(notice["kind"], notice["subject"]) for notice in notices] == [("bounce", ended["subject"])]
    assert len(outside.sent()) == 1


def test_without_a_server_for_outgoing_mail_none_may_be_sent(outside: Sending) -> None:
    outside.connect()
    outside.save(outside.owner, smtp=None)
    tested = outside.owner.call("POST", f"mailboxes/{outside.address}/test")
    assert (tested["outcome"], tested["send"]) == ("ok", "not_permitted")
    assert "nobody has said by which server" in tested["send_detail"]
