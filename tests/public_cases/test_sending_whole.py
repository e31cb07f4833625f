"""Sending as it goes wrong elsewhere, from the request to what comes back, with mail read as Graph shows it."""

from dataclasses import dataclass, field
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any, Final

import pytest

from dev.processes import PATIENCE
from shared.domain.commands.commands import SendMail
from shared.domain.mail.addresses import Person
from shared.domain.notices.notices import Notice
from shared.domain.privacy.callers import AGENT as AGENT_ROLE
from shared.domain.privacy.callers import Caller
from shared.domain.sending.outbox import OutboxMail
from shared.domain.sending.outcomes import Answer, Outcome
from shared.domain.sending.states import State
from shared.domain.sending.wanted import MailWanted
from tests.builders import TENANT
from tests.public_cases.office import AGENT, Office, a_mail, reported

OID: Final = "aaaaaaaa-1111-4111-8111-111111111111"
BO: Final = Caller(TENANT, frozenset({AGENT_ROLE}), oid=OID, address=AGENT)
REFUSED: Final = Outcome(Answer.INVALID_RECIPIENTS, "ErrorInvalidRecipients")


@dataclass
class Desk:
    """An agent who sends from an office with a contact."""

    contact: str
    office: Office = field(default_factory=Office)

    def __post_init__(self) -> None:
        self.office.connect(agent_id=OID)
        self.office.contacts(self.contact)
        self.office.world.storage.faults.clear()

    def ask(self, key: str = "key", **changes: Any) -> OutboxMail:
        fields = {"to": (Person("Jane Doe", self.contact),), "subject": "Offer", "text": "See below."}
        found: OutboxMail = self.office.world.ask_to_send(BO, MailWanted(**{**fields, **changes}), key).mail
        return found

    def send_due(self, mail: OutboxMail) -> OutboxMail:
        world = self.office.world
        world.send_due(SendMail(tenant_id=TENANT, mailbox_id=mail.mailbox_id, first_at=world.now))
        found = world.storage.outbox.get(TENANT, mail.id)
        assert found is not None
        return found

    def sent(self, key: str = "key") -> OutboxMail:
        """A mail that has left, and whose copy was seen in Sent Items."""
        mail = self.send_due(self.ask(key))
        self.office.receive(self.left[-1], folder="sentitems")
        confirmed = self.office.world.storage.outbox.get(TENANT, mail.id)
        assert confirmed is not None
        assert confirmed.state is State.CONFIRMED
        return confirmed

    @property
    def left(self) -> list[bytes]:
        return self.office.world.storage.sender.outbound

    @property
    def notices(self) -> list[Notice]:
        """Everybody's."""
        rows = self.office.world.storage.notices.rows.values()
        return [notice for notices in rows for notice in notices.values()]


def filled(raw: bytes, mail: OutboxMail) -> bytes:
    """A mail of a public report with what ours was called."""
    named = raw.replace(b"@@MID@@", f"<{mail.message_id}>".encode())
    return named.replace(b"@@SUBJECT@@", mail.subject.encode())


def test_203_a_key_that_is_used_by_many_at_once_makes_one_mail_with_one_number() -> None:
    desk = Desk("jane203@client203.example")
    outbox, together, answers = desk.office.world.storage.outbox, Barrier(8, timeout=PATIENCE), list[str]()
    of_key = outbox.of_key

    def all_find_none(tenant_id: str, key_hash: str) -> OutboxMail | None:
        found = of_key(tenant_id, key_hash)
        together.wait()
        return found

    outbox.of_key = all_find_none  # type: ignore[method-assign]
    requests = [Thread(target=lambda: answers.append(desk.ask().id)) for _ in range(8)]
    for request in requests:
        request.start()
    for request in requests:
        request.join()
    assert (len(answers), len(set(answers)), len(outbox.rows)) == (8, 1, 1)
    assert len(desk.office.world.storage.codes.rows) == 1


def test_203_the_key_of_a_failed_mail_answers_that_mail_and_a_retry_sends_it_once() -> None:
    desk = Desk("jane203@client203.example")
    desk.office.world.storage.sender.answers = [("send", False, REFUSED)]
    failed = desk.send_due(desk.ask())
    assert (failed.state, desk.ask()) == (State.FAILED, failed)
    desk.office.world.retry_mail(BO, failed.id)
    assert desk.send_due(failed).state is State.SENT
    assert desk.ask().id == failed.id
    assert len(desk.left) == 1


def test_203_the_key_of_a_mail_that_waits_is_known_for_as_long_as_it_waits() -> None:
    desk = Desk("jane203@client203.example")
    world = desk.office.world
    later = world.now + timedelta(days=3)
    mail = desk.ask(send_at=later)
    for hours in (30, 71):
        world.now = later - timedelta(days=3) + timedelta(hours=hours)
        world.restart()
        assert desk.ask(send_at=later).id == mail.id
    world.now = later + timedelta(hours=1)
    assert desk.send_due(mail).state is State.SENT
    world.now = later + timedelta(days=1)
    assert desk.ask(send_at=later).id == mail.id
    assert len(desk.left) == 1


AWAY: Final = a_mail(
    "Jane Doe <jane217@client217.example>",
    AGENT,
    "I am travelling until Friday",
    "I am travelling.\r\n\r\nYou wrote to me: @@SUBJECT@@\r\n",
    message_id="<away@client217.example>",
    auto_submitted="auto-replied",
)
READ: Final = a_mail(
    "Jane Doe <jane217@client217.example>",
    AGENT,
    "Read: @@SUBJECT@@",
    "--cut\r\nContent-Type: text/plain\r\n\r\nDisplayed.\r\n--cut\r\n"
    "Content-Type: message/disposition-notification\r\n\r\nDisposition: manual-action/MDN-sent-manually; displayed"
    "\r\n--cut--\r\n",
    message_id="<read@client217.example>",
    in_reply_to="@@MID@@",
    content_type='multipart/report; report-type=disposition-notification; boundary="cut"',
)


@pytest.mark.parametrize("mails", [[AWAY, READ], *([reported("217-")] if reported("217-") else [])])
def test_217_what_a_machine_answers_is_on_the_records_and_told_to_nobody(mails: list[bytes]) -> None:
    desk = Desk("jane217@client217.example")
    sent = desk.sent()
    away, read = (desk.office.receive(filled(raw, sent)) for raw in mails)
    for item in (away, read):
        stored = desk.office.stored(item)
        assert stored.automatic
        assert [ref.id for ref in stored.refs] == ["C-1"]
    [receipt] = [
        entry for entry in desk.office.timeline() if entry.message_key == desk.office.stored(read).key
    ]
    assert receipt.kind != "reply"
    assert desk.notices == []
    human = a_mail(f"Jane Doe <{desk.contact}>", AGENT, f"RE: {sent.subject}", "Yes, please.")
    desk.office.receive(human)
    assert [notice.agent for notice in desk.notices] == [OID]


FORGED: Final = a_mail(
    "postmaster@mx.other.example",
    AGENT,
    "Delivery Status Notification (Failure)",
    "--cut\r\nContent-Type: text/plain\r\n\r\nDelivery to jane219@client219.example failed permanently.\r\n--cut\r\n"
    "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.other.example\r\n\r\n"
    "Final-Recipient: rfc822; jane219@client219.example\r\nAction: failed\r\nStatus: 5.1.1\r\n--cut\r\n"
    "Content-Type: text/rfc822-headers\r\n\r\nFrom: agent@harbour.example\r\nTo: jane219@client219.example\r\n"
    "Message-ID: <not-ours-219@other.example>\r\n--cut--\r\n",
    message_id="<219.report@mx.other.example>",
    auto_submitted="auto-replied",
    content_type='multipart/report; report-type=delivery-status; boundary="cut"',
)


@pytest.mark.parametrize("forged", [FORGED, *reported("219-")])
def test_219_a_report_on_what_was_never_sent_marks_and_tells_and_silences_nothing(forged: bytes) -> None:
    desk = Desk("jane219@client219.example")
    sent = desk.sent()
    before = desk.office.timeline()
    for number in range(5):
        desk.office.receive(forged.replace(b"<219.report@", f"<{number}.report@".encode()))
    assert desk.office.timeline() == before
    assert [entry.bounced for entry in before] == [()]
    assert desk.notices == []
    assert desk.office.world.storage.silences.rows == {}
    assert desk.send_due(sent).rejected == ()
    explained = desk.office.explained("<0.report@mx.other.example>")
    assert (explained.outcome, explained.reason) == ("skipped", "foreign_report")
    assert any("a report about a mail that was not sent from here" in step for step in explained.steps)


@pytest.mark.parametrize("forged", [FORGED, *reported("219-")])
def test_219_nor_does_it_where_everything_is_kept(forged: bytes) -> None:
    desk = Desk("jane219@client219.example")
    desk.sent()
    world = desk.office.world
    [mailbox] = [found for found in world.storage.mailboxes.of(TENANT) if found.address == AGENT]
    world.rewrite(mailbox, capture="everything")
    desk.office.receive(forged)
    [sent, *_] = [entry for entry in desk.office.timeline() if entry.kind == "sent"]
    assert sent.bounced == ()
    assert desk.notices == []
    assert desk.office.world.storage.silences.rows == {}
