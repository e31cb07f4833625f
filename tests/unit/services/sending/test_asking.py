"""A request to send: what is settled before anything leaves, once for each key; and who may read, end and retry it."""

from datetime import timedelta
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
from shared.domain.sending.wanted import MailWanted
from shared.services.sending.outbox import OutboxPage
from tests.builders import AGENT as ANN
from tests.builders import CODE_KEYS, CONTACT, TENANT, a_record, people, rewrite
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
        ports = self.storage
        rewrite(ports.mailboxes, self.mailbox, agent_id=OID)
        ports.records.put_many(TENANT, [a_record("contact/C-1", addresses=(CONTACT,)), a_record(str(DEAL))])
        ports.faults.clear()

    def wanted(self, caller: Caller = OF_ANN, key: str = "key", **changes: Any) -> OutboxMail:
        fields = {"to": people(CONTACT), "subject": "Viewing", "text": "Thursday.", "records": (DEAL,)}
        return self.use_cases.ask_to_send(caller, MailWanted(**{**fields, **changes}), key).mail

    def commands(self) -> list[SendMail]:
        return [command for command, _ in self.storage.queue.sent if isinstance(command, SendMail)]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_all_is_known_before_anything_leaves(desk: Desk) -> None:
    mail = desk.wanted()
    found = codes.find(mail.subject, CODE_KEYS, TENANT)
    assert found.codes == (mail.code,)
    assert mail.subject == f"Viewing [{mail.code.text}]"
    # An answer by code stands on the recipient's card too, whoever it comes from.
    assert mail.records == (DEAL, RecordRef("contact", "C-1"))
    assert desk.storage.codes.get_many(TENANT, [mail.code.number]) == {mail.code.number: mail.records}
    assert (mail.sender.address, mail.from_rule, mail.agent, mail.agent_id) == (ANN, "own", ANN, OID)
    assert mail.message_id.endswith("@contoso.example")
    assert [command.mailbox_id for command in desk.commands()] == [mail.mailbox_id]


def test_the_number_is_claimed_before_the_mail_stands(desk: Desk) -> None:
    desk.wanted()
    writes = desk.storage.faults.writes
    assert writes.index("Codes.claim") < writes.index("Outbox.add") < writes.index("CommandQueue.send")


def test_a_number_that_another_mail_has_is_not_taken(desk: Desk) -> None:
    wished = desk.wanted().code.number
    other = Desk()
    assert other.storage.codes.claim(TENANT, wished, (DEAL,), "another mail")
    mail = other.wanted()
    assert mail.code.number != wished
    assert other.storage.codes.get_many(TENANT, [mail.code.number]) == {mail.code.number: mail.records}


def test_a_request_that_broke_off_behind_its_claim_claims_no_second_number(desk: Desk) -> None:
    desk.storage.faults.named["Outbox.add"] = Unavailable("busy")
    with pytest.raises(Unavailable):
        desk.wanted()
    desk.storage.faults.named.clear()
    desk.now += timedelta(minutes=1)
    mail = desk.wanted()
    assert list(desk.storage.codes.rows) == [(TENANT, mail.code.number)]


def test_one_key_makes_one_mail_however_often_it_is_asked(desk: Desk) -> None:
    first = desk.wanted()
    desk.now += timedelta(hours=30)
    assert desk.wanted() == first
    assert len(desk.storage.outbox.rows) == 1
    with pytest.raises(WrongState, match="another mail"):
        desk.wanted(subject="Another")
    assert desk.wanted(key="another key").id != first.id


def test_a_key_answers_its_mail_also_where_that_would_be_refused_by_now(desk: Desk) -> None:
    mail = desk.wanted()
    desk.storage.records.delete(TENANT, DEAL)
    with pytest.raises(InvalidInput):
        desk.wanted(key="another key")
    assert desk.wanted() == mail
    with pytest.raises(WrongState, match="another mail"):
        desk.wanted(subject="Another")
    assert list(desk.storage.codes.rows) == [(TENANT, mail.code.number)]


def test_a_request_whose_answer_was_lost_is_answered_with_the_same_mail(desk: Desk) -> None:
    desk.storage.faults.named["CommandQueue.send"] = Unavailable("busy")
    with pytest.raises(Unavailable):
        desk.wanted()
    desk.storage.faults.named.clear()
    assert desk.wanted().id == next(iter(desk.storage.outbox.rows))[1]
    # Nobody has been told of it yet: the tick finds it.
    desk.use_cases.wake_outboxes()
    assert len(desk.commands()) == 1


def test_a_record_that_is_not_there_is_named(desk: Desk) -> None:
    with pytest.raises(InvalidInput, match="project/P-9"):
        desk.wanted(records=(RecordRef("project", "P-9"),))
    assert desk.storage.outbox.rows == {}


def test_nobody_sends_from_a_colleagues_mailbox(desk: Desk) -> None:
    with pytest.raises(Forbidden):
        desk.wanted(OTHER, sender=ANN)
    with pytest.raises(Forbidden):
        desk.wanted(OTHER, agent=ANN)
    assert desk.wanted(CRM, agent=ANN).by == "app:crm"


def test_a_mail_is_seen_by_who_sends_it_who_asked_for_it_and_admins(desk: Desk) -> None:
    mail = desk.wanted(CRM, agent=ANN)
    for caller in (OF_ANN, BOSS, CRM):
        assert desk.use_cases.read_outbox(caller, mail.id) == mail
        [shown] = desk.use_cases.read_outbox.page(caller, None, limit=5, cursor="").mails
        assert shown.mail == mail
    with pytest.raises(Unknown):
        desk.use_cases.read_outbox(OTHER, mail.id)
    assert desk.use_cases.read_outbox.page(OTHER, None, limit=5, cursor="") == OutboxPage((), None)
    stranger = Caller("99999999-9999-4999-8999-999999999999", frozenset({ADMIN}), oid="boss")
    with pytest.raises(Unknown):
        desk.use_cases.read_outbox(stranger, mail.id)


def test_a_mail_is_cancelled_in_time_and_its_draft_goes(desk: Desk) -> None:
    mail = desk.wanted()
    draft = desk.storage.sender.open(desk.mailbox).draft(b"Message-ID: <x@y.example>\n\n", mail.tag)
    desk.storage.outbox.save(transitions.drafted(desk.now, draft.item_id)(mail))
    assert desk.use_cases.cancel_mail(OF_ANN, mail.id).state is State.CANCELLED
    assert desk.storage.sender.letters[desk.mailbox.mailbox_id] == []
    desk.work()
    assert desk.left == []
    with pytest.raises(WrongState):
        desk.use_cases.cancel_mail(OF_ANN, mail.id)


def test_a_mail_that_is_being_sent_is_not_cancelled(desk: Desk) -> None:
    mail = desk.wanted()
    desk.storage.outbox.save(transitions.sending(desk.now)(mail))
    with pytest.raises(WrongState, match="handed to the server"):
        desk.use_cases.cancel_mail(OF_ANN, mail.id)
    with pytest.raises(Unknown):
        desk.use_cases.cancel_mail(OTHER, mail.id)


def test_a_mail_that_failed_is_sent_once_by_a_retry(desk: Desk) -> None:
    mail = desk.wanted()
    desk.storage.outbox.save(transitions.failed(desk.now, Problem("code", "Sentence."))(mail))
    # The same key answers the failed mail, and does not send it again.
    assert desk.wanted().state is State.FAILED
    desk.use_cases.retry_mail(OF_ANN, mail.id)
    desk.work()
    assert len(desk.left) == 1
    with pytest.raises(WrongState):
        desk.use_cases.retry_mail(OF_ANN, mail.id)


def test_the_tick_wakes_a_mailbox_once_for_all_that_is_due(desk: Desk) -> None:
    desk.wanted(key="first")
    desk.wanted(key="second")
    desk.wanted(key="planned", send_at=desk.now + timedelta(days=1))
    desk.storage.queue.sent.clear()
    desk.use_cases.wake_outboxes()
    assert len(desk.commands()) == 1
    desk.storage.queue.sent.clear()
    desk.work(until=timedelta(minutes=5))
    desk.storage.queue.sent.clear()
    desk.use_cases.wake_outboxes()
    assert desk.commands() == []
