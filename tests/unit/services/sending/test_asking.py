"""A request to send: what is settled before anything leaves, once for each key; and who may read, end and retry it."""

from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from shared.domain.commands.commands import SendMail
from shared.domain.errors import Forbidden, InvalidInput, Unavailable, Unknown, WrongState
from shared.domain.mail import codes
from shared.domain.privacy.callers import ADMIN, AGENT, SERVICE, Caller
from shared.domain.records.records import RecordRef
from shared.domain.sending import transitions
from shared.domain.sending.outbox import OutboxMail, Problem
from shared.domain.sending.states import State
from shared.services.sending.asking import AskToSend, MailWanted, SettleMail
from shared.services.sending.change_mail import ChangeMail
from shared.services.sending.outbox import CancelMail, ReadOutbox, RetryMail, WakeOutboxes
from tests.builders import AGENT as ANN
from tests.builders import CODE_KEYS, CONTACT, HASH_KEY, TENANT, a_record, an_organisation, people
from tests.unit.services.sending.outbox_world import OutboxWorld

OID = "aaaaaaaa-1111-4111-8111-111111111111"
OF_ANN = Caller(TENANT, frozenset({AGENT}), oid=OID, address=ANN)
OTHER = Caller(TENANT, frozenset({AGENT}), oid="other", address="other@contoso.example")
BOSS = Caller(TENANT, frozenset({ADMIN}), oid="boss", address="boss@contoso.example")
CRM = Caller(TENANT, frozenset({SERVICE}), client_id="crm", app_only=True)
DEAL = RecordRef("opportunity", "O-1")


class Desk(OutboxWorld):
    """The outbox with its use cases, an organisation, and records to send for."""

    def __post_init__(self) -> None:
        super().__post_init__()
        ports = self.ports
        ports.organisations.put(an_organisation())
        owned = replace(ports.mailboxes.by_id(TENANT, self.mailbox.mailbox_id), agent_id=OID)
        self.mailbox = ports.mailboxes.save(owned)
        ports.records.put_many(TENANT, [a_record("contact/C-1", addresses=(CONTACT,)), a_record(str(DEAL))])
        numbers = count(1)
        settle = SettleMail(ports.organisations, ports.mailboxes, ports.records)
        self.ask_to_send = AskToSend(
            settle,
            ports.outbox,
            ports.codes,
            ports.queue,
            self.clock,
            lambda: f"{next(numbers):032x}",
            HASH_KEY,
            CODE_KEYS,
        )
        change = ChangeMail(ports.outbox)
        self.read = ReadOutbox(ports.outbox)
        self.cancel = CancelMail(self.read, change, ports.mailboxes, ports.sender, self.clock)
        self.retry = RetryMail(self.read, change, ports.queue, self.clock, lambda: "another tag")
        self.wake = WakeOutboxes(ports.outbox, ports.queue, self.clock)
        ports.faults.clear()

    def wanted(self, caller: Caller = OF_ANN, key: str = "key", **changes: Any) -> OutboxMail:
        fields = {"to": people(CONTACT), "subject": "Viewing", "text": "Thursday.", "records": (DEAL,)}
        return self.ask_to_send(caller, MailWanted(**{**fields, **changes}), key)

    def commands(self) -> list[SendMail]:
        return [command for command, _ in self.ports.queue.sent if isinstance(command, SendMail)]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_all_is_known_before_anything_leaves(desk: Desk) -> None:
    mail = desk.wanted()
    found = codes.find(mail.subject, CODE_KEYS, TENANT)
    assert found.codes == (mail.code,)
    assert mail.subject == f"Viewing [{mail.code.text}]"
    assert desk.ports.codes.get_many(TENANT, [mail.code.number]) == {mail.code.number: (DEAL,)}
    assert (mail.sender.address, mail.from_rule, mail.agent, mail.agent_id) == (ANN, "own", ANN, OID)
    assert mail.message_id.endswith("@contoso.example")
    assert [command.mailbox_id for command in desk.commands()] == [mail.mailbox_id]


def test_the_number_is_claimed_before_the_mail_stands(desk: Desk) -> None:
    desk.wanted()
    writes = desk.ports.faults.writes
    assert writes.index("Codes.claim") < writes.index("Outbox.add") < writes.index("CommandQueue.send")


def test_a_number_that_another_mail_has_is_not_taken(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = iter([7, 7, 8])
    monkeypatch.setattr("secrets.randbits", lambda _: next(numbers))
    assert [desk.wanted(key=key).code.number for key in ("first", "second")] == [7, 8]


def test_one_key_makes_one_mail_however_often_it_is_asked(desk: Desk) -> None:
    first = desk.wanted()
    desk.now += timedelta(hours=30)
    assert desk.wanted() == first
    assert len(desk.ports.outbox.rows) == 1
    with pytest.raises(WrongState, match="another mail"):
        desk.wanted(subject="Another")
    assert desk.wanted(key="another key").id != first.id


def test_a_request_whose_answer_was_lost_is_answered_with_the_same_mail(desk: Desk) -> None:
    desk.ports.faults.named["CommandQueue.send"] = Unavailable("busy")
    with pytest.raises(Unavailable):
        desk.wanted()
    desk.ports.faults.named.clear()
    assert desk.wanted().id == next(iter(desk.ports.outbox.rows))[1]
    # Nobody has been told of it yet: the tick finds it.
    desk.wake()
    assert len(desk.commands()) == 1


def test_a_record_that_is_not_there_is_named(desk: Desk) -> None:
    with pytest.raises(InvalidInput, match="project/P-9"):
        desk.wanted(records=(RecordRef("project", "P-9"),))
    assert desk.ports.outbox.rows == {}


def test_nobody_sends_from_a_colleagues_mailbox(desk: Desk) -> None:
    with pytest.raises(Forbidden):
        desk.wanted(OTHER, sender=ANN)
    with pytest.raises(Forbidden):
        desk.wanted(OTHER, agent=ANN)
    assert desk.wanted(CRM, agent=ANN).by == "app:crm"


def test_a_mail_is_seen_by_who_sends_it_who_asked_for_it_and_admins(desk: Desk) -> None:
    mail = desk.wanted(CRM, agent=ANN)
    for caller in (OF_ANN, BOSS, CRM):
        assert desk.read(caller, mail.id) == mail
        assert desk.read.page(caller, None, limit=5, after="")[0] == [mail]
    with pytest.raises(Unknown):
        desk.read(OTHER, mail.id)
    assert desk.read.page(OTHER, None, limit=5, after="") == ([], "")
    stranger = Caller("99999999-9999-4999-8999-999999999999", frozenset({ADMIN}), oid="boss")
    with pytest.raises(Unknown):
        desk.read(stranger, mail.id)


def test_a_mail_is_cancelled_in_time_and_its_draft_goes(desk: Desk) -> None:
    mail = desk.wanted()
    draft = desk.ports.sender.open(desk.mailbox).draft(b"Message-ID: <x@y.example>\n\n", mail.tag)
    desk.ports.outbox.save(transitions.drafted(desk.now, draft.item_id)(mail))
    assert desk.cancel(OF_ANN, mail.id).state is State.CANCELLED
    assert desk.ports.sender.letters[desk.mailbox.mailbox_id] == []
    desk.work()
    assert desk.left == []
    with pytest.raises(WrongState):
        desk.cancel(OF_ANN, mail.id)


def test_a_mail_that_is_being_sent_is_not_cancelled(desk: Desk) -> None:
    mail = desk.wanted()
    desk.ports.outbox.save(transitions.sending(desk.now)(mail))
    with pytest.raises(WrongState, match="handed to the server"):
        desk.cancel(OF_ANN, mail.id)
    with pytest.raises(Unknown):
        desk.cancel(OTHER, mail.id)


def test_a_mail_that_failed_is_sent_once_by_a_retry(desk: Desk) -> None:
    mail = desk.wanted()
    desk.ports.outbox.save(transitions.failed(desk.now, Problem("code", "Sentence."))(mail))
    # The same key answers the failed mail, and does not send it again.
    assert desk.wanted().state is State.FAILED
    desk.retry(OF_ANN, mail.id)
    desk.work()
    assert len(desk.left) == 1
    with pytest.raises(WrongState):
        desk.retry(OF_ANN, mail.id)


def test_the_tick_wakes_a_mailbox_once_for_all_that_is_due(desk: Desk) -> None:
    desk.wanted(key="first")
    desk.wanted(key="second")
    desk.wanted(key="planned", send_at=desk.now + timedelta(days=1))
    desk.ports.queue.sent.clear()
    desk.wake()
    assert len(desk.commands()) == 1
    desk.ports.queue.sent.clear()
    desk.work(until=timedelta(minutes=5))
    desk.ports.queue.sent.clear()
    desk.wake()
    assert desk.commands() == []
