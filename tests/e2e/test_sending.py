"""A mail from the CRM over a real stack: out of the agent's mailbox, once, with its code; its answer on all records."""

from base64 import b64decode
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest

from dev.tenant import Api, Tenant, a_mail, eventually
from tests.e2e.conftest import CONTACT

LARGE = bytes(range(256)) * 16_000


@dataclass
class Sending:
    """An agent who sends."""

    tenant: Tenant
    address: str
    api: Api

    def send(self, path: str = "messages", key: str = "key-1", **body: Any) -> dict[str, Any]:
        taken: dict[str, Any] = self.api.call("POST", path, json=body, headers={"Idempotency-Key": key})
        return taken

    def ended(self, taken: dict[str, Any]) -> dict[str, Any]:
        """The mail in the outbox, once nothing is left to do."""

        def probe() -> dict[str, Any] | None:
            mail: dict[str, Any] = self.api.call("GET", f"outbox/{taken['outbox_id']}")
            return mail if mail["state"] in ("confirmed", "failed", "outcome_unknown") else None

        return eventually(probe, what="the end of a mail")

    def left(self) -> list[EmailMessage]:
        """What has left the agent's mailbox."""
        found = [each for each in self.tenant.control.outbound() if each["mailbox"] == self.address]
        raws = [b64decode(str(each["raw_base64"])) for each in found]
        return [message_from_bytes(raw, EmailMessage, policy=default) for raw in raws]


@pytest.fixture
def sending(tenant: Tenant, ann: str) -> Sending:
    tenant.admin.call("PUT", "records/property/P-1", json={"name": "Lindenallee 5"})
    return Sending(tenant, ann, tenant.api_of(ann))


def a_body(**changes: Any) -> dict[str, Any]:
    return {
        "to": [{"name": "Bo", "address": CONTACT}],
        "subject": "Viewing",
        "html": "<p>Thursday?</p>",
        "records": [{"kind": "property", "id": "P-1"}],
        **changes,
    }


def test_a_mail_leaves_once_and_its_answer_finds_its_records_by_code_alone(sending: Sending) -> None:
    taken = sending.send(**a_body())
    assert sending.send(**a_body())["outbox_id"] == taken["outbox_id"]
    mail = sending.ended(taken)
    assert mail["state"] == "confirmed", mail
    [left] = sending.left()
    assert left["Subject"] == f"Viewing [{taken['code']}]"
    assert left["From"].addresses[0].addr_spec == sending.address
    answer = a_mail(CONTACT, sending.address, f"Antwort ({taken['code'].lower()}) ja")
    sending.tenant.deliver(sending.address, answer)
    for ref in ("contact/C-1", "property/P-1"):
        entry = sending.tenant.entry(ref, answer)
        assert (entry["kind"], entry["rule"]) == ("reply", "code")
        kinds = [entry["kind"] for entry in sending.tenant.timeline(ref)]
        assert sorted(kinds) == ["reply", "sent"], ref


def test_a_large_file_goes_in_pieces_and_arrives_whole(sending: Sending) -> None:
    begun = sending.api.call("POST", "uploads", json={"name": "plan.pdf", "size": len(LARGE)})
    half = 3_000_000
    for offset, piece in ((0, LARGE[:half]), (half, LARGE[half:])):
        sending.api.call("PUT", f"uploads/{begun['id']}?offset={offset}", data=piece)
    taken = sending.send(**a_body(attachments=[{"upload_id": begun["id"]}]))
    mail = sending.ended(taken)
    assert mail["state"] == "confirmed", mail
    [left] = sending.left()
    [file] = left.iter_attachments()
    assert (file.get_filename(), file.get_payload(decode=True)) == ("plan.pdf", LARGE)


def test_an_answer_stands_in_the_thread_of_a_colleague_s_mail(sending: Sending, tenant: Tenant) -> None:
    ben = tenant.agent("ben")
    tenant.connect(ben)
    asked = a_mail(CONTACT, sending.address, "Question")
    tenant.deliver(sending.address, asked)
    key = tenant.entry("contact/C-1", asked)["message_id"]
    colleague = Sending(tenant, ben, tenant.api_of(ben))
    mail = colleague.ended(colleague.send(f"messages/{key}/reply", mode="reply", text="I am in."))
    assert mail["state"] == "confirmed", mail
    [left] = colleague.left()
    assert (left["In-Reply-To"], left["To"].addresses[0].addr_spec) == (str(asked["Message-ID"]), CONTACT)
