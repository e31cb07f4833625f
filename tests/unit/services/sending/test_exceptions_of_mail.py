"""A mail that has not left, or of which nobody knows, stands among the exceptions; a replay sends it once."""

import pytest

from shared.domain.commands.commands import ResendMail
from shared.domain.sending.outcomes import Answer, Outcome
from shared.domain.sending.states import State
from shared.ports.stores.exceptions import Failure, FailureFilter
from tests.builders import TENANT
from tests.fakes.faults import Killed
from tests.unit.services.sending.outbox_world import OutboxWorld

DENIED = Outcome(Answer.SEND_AS_DENIED, "ErrorSendAsDenied")
LOST = Outcome(Answer.UNKNOWN, "Unavailable")


class Office(OutboxWorld):
    def failures(self) -> list[Failure]:
        found, _ = self.storage.exceptions.page(TENANT, FailureFilter(), limit=9, after="")
        return found

    def replay(self) -> None:
        """By an admin, and carried out."""
        [failure] = [failure for failure in self.failures() if failure.replayed_at is None]
        self.use_cases.replay_exception(TENANT, failure.id)
        self.carry_out()

    def carry_out(self) -> None:
        commands = [command for command, _ in self.storage.queue.sent if isinstance(command, ResendMail)]
        for command in commands:
            self.use_cases.resend_mail(command)


@pytest.fixture
def office() -> Office:
    return Office()


def failed(office: Office, *answers: Outcome) -> None:
    office.storage.sender.answers = [("send", False, answer) for answer in answers]
    office.ask()
    office.work()


def test_a_failed_mail_stands_there_with_code_and_sentence(office: Office) -> None:
    failed(office, DENIED)
    [failure] = office.failures()
    mail = office.mail()
    assert mail.error is not None
    assert (failure.code, failure.error) == ("ErrorSendAsDenied", mail.error.detail)
    assert (failure.queue, failure.mailbox_id) == ("outbound", office.mailbox.mailbox_id)
    [named] = office.use_cases.list_exceptions(TENANT, FailureFilter(), limit=5, cursor="").exceptions
    assert named.outbox_id == mail.id


def test_so_does_one_of_which_nobody_knows(office: Office) -> None:
    office.storage.sender.keeps_drafts = False
    failed(office, LOST)
    assert office.mail().state is State.OUTCOME_UNKNOWN
    assert [failure.code for failure in office.failures()] == ["no_answer"]


def test_a_replay_sends_it_once_however_often_it_is_carried_out(office: Office) -> None:
    failed(office, DENIED)
    office.replay()
    office.carry_out()
    office.work()
    office.carry_out()
    assert (office.mail().state, len(office.left)) == (State.CONFIRMED, 1)
    assert [failure.replayed_at is not None for failure in office.failures()] == [True]


def test_what_fails_again_is_another_exception(office: Office) -> None:
    failed(office, DENIED, DENIED)
    office.replay()
    office.work()
    assert len(office.failures()) == 2
    office.replay()
    office.work()
    assert len(office.left) == 1


def test_a_mail_that_was_retried_in_the_outbox_is_not_sent_again_by_its_exception(office: Office) -> None:
    failed(office, DENIED)
    office.use_cases.retry_mail.retry(office.mail(), "ann")
    [failure] = office.failures()
    assert failure.replayed_at == office.now
    office.work()
    office.use_cases.resend_mail(ResendMail.from_json(failure.command))
    office.work()
    assert len(office.left) == 1


def test_a_kill_between_exception_and_row_makes_one_exception() -> None:
    for number in range(1, 12):
        for when in ("kill_before", "kill_after"):
            office = Office()
            office.storage.sender.answers = [("send", False, DENIED)] * 2
            office.ask()
            getattr(office.storage.faults, when)(number)
            office.send_or_die()
            office.work()
            assert len({failure.id for failure in office.failures()}) == (not office.left), (number, when)


def test_a_worker_that_is_killed_behind_a_retry_leaves_the_mail_to_the_next_one(office: Office) -> None:
    failed(office, DENIED)
    [failure] = office.failures()
    count = len(office.storage.faults.writes)
    office.storage.faults.kill_after(count + 1)
    with pytest.raises(Killed):
        office.use_cases.resend_mail(ResendMail.from_json(failure.command))
    assert office.mail().state is State.QUEUED
    office.carry_out()
    office.work()
    assert len(office.left) == 1
