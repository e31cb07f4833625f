"""A mail leaves once, whatever is answered and whoever is killed; each row ends in what became of it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.commands.commands import IngestMessages
from shared.domain.errors import AccessDenied, InvalidInput, MailboxUnavailable, NotFound, Unavailable
from shared.domain.sending import transitions
from shared.domain.sending.outbox import OutboxFile, OutboxMail
from shared.domain.sending.outcomes import Answer, Outcome
from shared.domain.sending.states import State
from tests.builders import TENANT
from tests.unit.services.sending.outbox_world import OutboxWorld

PDF = OutboxFile("plan.pdf", "application/pdf", 9, message_key="answered", attachment_id="1")
UNKNOWN = (
    Outcome(Answer.UNKNOWN, "Unavailable"),
    Outcome(Answer.UNKNOWN, "Throttled", 5),
    Outcome(Answer.UNKNOWN, "UnknownError"),
)
REFUSALS = (
    Outcome(Answer.SEND_AS_DENIED, "ErrorSendAsDenied"),
    Outcome(Answer.INVALID_RECIPIENTS, "ErrorInvalidRecipients"),
)


@pytest.fixture
def world() -> OutboxWorld:
    return a_world()


def a_world() -> OutboxWorld:
    world = OutboxWorld()
    world.storage.attachments.put(TENANT, PDF.message_key, PDF.attachment_id, iter([b"x" * 9]))
    world.storage.faults.clear()
    return world


@pytest.mark.parametrize("renews_ids", [True, False])
@pytest.mark.parametrize("renames", [True, False])
@pytest.mark.parametrize("keeps_drafts", [True, False])
def test_a_mail_leaves_once_and_is_confirmed(
    world: OutboxWorld, renews_ids: bool, renames: bool, keeps_drafts: bool
) -> None:
    server = world.storage.sender
    server.renews_ids, server.renames, server.keeps_drafts = renews_ids, renames, keeps_drafts
    world.ask()
    world.work()
    assert world.left == ["mail-1@contoso.example"]
    # Where there is neither a tag nor our Message-ID, nobody can tell that the copy is ours.
    is_findable = keeps_drafts or not renames
    assert world.mail().state is (State.CONFIRMED if is_findable else State.OUTCOME_UNKNOWN)
    assert world.mail().tries == 1


@pytest.mark.parametrize("untold", [False, True])
def test_a_mail_that_is_cancelled_just_before_its_draft_is_made_gets_none(
    world: OutboxWorld, untold: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether or not the feed's readers were told of that when the worker goes on."""
    outbox = world.storage.outbox
    cancelled, others = world.ask(1), [world.ask(2), world.ask(3)]
    begin = outbox.begin

    def meanwhile(mails: Sequence[OutboxMail]) -> list[OutboxMail]:
        monkeypatch.setattr(outbox, "begin", begin)
        outbox.save(replace(transitions.cancelled(world.now)(cancelled), untold=untold))
        return begin(mails)

    monkeypatch.setattr(outbox, "begin", meanwhile)
    world.work()
    assert world.mail(1).state is State.CANCELLED
    assert sorted(world.left) == [mail.message_id for mail in others]
    letters = world.storage.sender.letters[world.mailbox.mailbox_id]
    assert cancelled.tag not in [letter.tag for letter in letters]
    assert [letter for letter in letters if letter.copy.is_draft] == []


def test_the_sent_copy_is_taken_in_at_once(world: OutboxWorld) -> None:
    world.ask()
    world.work()
    [command] = [command for command, _ in world.storage.queue.sent if isinstance(command, IngestMessages)]
    [letter] = world.storage.sender.letters[world.mailbox.mailbox_id]
    assert command.items == (letter.copy.item,)


def test_files_are_in_the_draft_before_it_leaves(world: OutboxWorld) -> None:
    world.ask(attachments=(PDF,))
    world.work()
    [letter] = world.storage.sender.letters[world.mailbox.mailbox_id]
    assert letter.files == [("plan.pdf", b"x" * 9)]


def test_a_file_that_is_gone_when_the_mail_leaves_fails_it_and_leaves_no_half_draft(
    world: OutboxWorld,
) -> None:
    world.ask(attachments=(PDF,))
    world.storage.attachments.drop(TENANT, PDF.message_key)
    world.work()
    mail = world.mail()
    assert (mail.state, mail.error and mail.error.code) == (State.FAILED, "file_gone")
    assert (world.storage.sender.letters[world.mailbox.mailbox_id], world.left) == ([], [])


def test_mails_leave_in_the_order_in_which_they_were_asked_for(world: OutboxWorld) -> None:
    for number in (1, 2, 3):
        world.ask(number, created_at=world.now + timedelta(seconds=number))
    world.work()
    assert world.left == [f"mail-{number}@contoso.example" for number in (1, 2, 3)]


@pytest.mark.parametrize("said", UNKNOWN, ids=lambda said: said.code)
@pytest.mark.parametrize("keeps_drafts", [True, False])
@pytest.mark.parametrize("arrives", [True, False])
def test_an_answer_to_sending_is_not_the_outcome(
    world: OutboxWorld, said: Outcome, keeps_drafts: bool, arrives: bool
) -> None:
    """The server has sent it all the same, or has not: what lies in the mailbox decides."""
    server = world.storage.sender
    server.keeps_drafts = keeps_drafts
    server.answers = [("send", arrives, said)]
    world.ask()
    world.work()
    assert server.answers == []
    is_known = arrives or keeps_drafts
    assert len(world.left) == int(is_known)
    assert world.mail().state is (State.CONFIRMED if is_known else State.OUTCOME_UNKNOWN)


@pytest.mark.parametrize("said", REFUSALS, ids=lambda said: said.code)
def test_a_refusal_that_proves_it_fails_with_its_code(world: OutboxWorld, said: Outcome) -> None:
    world.storage.sender.answers = [("send", False, said)]
    world.ask()
    world.work()
    mail = world.mail()
    assert (mail.state, mail.error and mail.error.code) == (State.FAILED, said.code)
    assert world.storage.sender.letters[world.mailbox.mailbox_id] == [], "no draft is left behind"
    assert world.left == []


def test_a_refusal_behind_which_a_copy_lies_was_none(world: OutboxWorld) -> None:
    world.storage.sender.answers = [("send", True, REFUSALS[0])]
    world.ask()
    world.work()
    assert (world.mail().state, len(world.left)) == (State.CONFIRMED, 1)


@pytest.mark.parametrize("arrives", [True, False])
def test_a_draft_whose_answer_was_lost_is_taken_for_ours(world: OutboxWorld, arrives: bool) -> None:
    world.storage.sender.answers = [("draft", arrives, UNKNOWN[0])]
    world.ask()
    world.work()
    assert (world.mail().state, len(world.left)) == (State.CONFIRMED, 1)
    assert len(world.storage.sender.letters[world.mailbox.mailbox_id]) == 1


@pytest.mark.parametrize("kill", [False, True])
def test_a_draft_that_was_made_without_its_mark_gets_it_before_it_leaves(
    world: OutboxWorld, kill: bool
) -> None:
    """Else its sent copy, which may have another Message-ID, would be nobody's."""
    server, faults = world.storage.sender, world.storage.faults
    server.renames = True
    world.ask()
    faults.clear()
    if kill:
        faults.kill_before(3)
        assert not world.send_or_die()
        assert faults.writes[-2:] == ["Sender.draft", "Sender.mark"]
    else:
        server.answers = [("mark", False, UNKNOWN[0])]
    world.work()
    assert server.answers == []
    assert (world.mail().state, len(world.left)) == (State.CONFIRMED, 1)
    [letter] = server.letters[world.mailbox.mailbox_id]
    assert letter.tag == world.mail().tag


@pytest.mark.parametrize("error", [Unavailable("busy"), NotFound("gone", "ErrorItemNotFound")])
def test_a_draft_that_cannot_be_marked_does_not_leave(world: OutboxWorld, error: Exception) -> None:
    server = world.storage.sender
    server.answers = [("mark", False, UNKNOWN[0])]
    world.ask()
    world.storage.faults.named["Sender.mark"] = error
    world.send()
    assert world.left == []
    world.storage.faults.named.clear()
    world.work()
    assert (world.mail().state, len(world.left)) == (State.CONFIRMED, 1)


@pytest.mark.parametrize("error", [AccessDenied("No.", "NoConsent"), MailboxUnavailable("No.", "NoMailbox")])
def test_a_mailbox_that_cannot_be_reached_says_so(world: OutboxWorld, error: AccessDenied) -> None:
    world.ask()
    world.storage.faults.named["Sender.copies"] = error
    world.storage.sender.answers = [("draft", False, UNKNOWN[0])]
    world.work()
    mail = world.mail()
    assert (mail.state, mail.error and mail.error.code) == (State.FAILED, error.code)


def test_what_cannot_be_composed_fails_before_anything_is_drafted(
    world: OutboxWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> bytes:
        raise InvalidInput("The name would add a recipient.")

    monkeypatch.setattr("shared.services.sending.making.compose", refuse)
    world.ask()
    world.work()
    mail = world.mail()
    assert mail.error is not None
    assert (mail.state, mail.error.detail) == (State.FAILED, "The name would add a recipient.")
    assert world.storage.sender.letters == {}


@pytest.mark.parametrize("kill", [3, 4, 5])
def test_a_draft_that_its_owner_throws_away_is_an_answer(world: OutboxWorld, kill: int) -> None:
    world.ask()
    world.storage.faults.kill_after(kill)
    world.send_or_die()
    [letter] = world.storage.sender.letters[world.mailbox.mailbox_id]
    letter.copy = replace(letter.copy, is_in_trash=True)
    world.work()
    assert (world.mail().state, world.left) == (State.CANCELLED, [])


@pytest.mark.parametrize(("files", "kill", "state"), [((), 4, State.QUEUED), ((PDF,), 5, State.DRAFTED)])
def test_a_draft_that_its_owner_sends_is_sent(
    world: OutboxWorld, files: tuple[OutboxFile, ...], kill: int, state: State
) -> None:
    world.ask(attachments=files)
    world.storage.faults.kill_after(kill)
    world.send_or_die()
    assert world.mail().state is state
    [letter] = world.storage.sender.letters[world.mailbox.mailbox_id]
    world.storage.sender.open(world.mailbox).send_draft(letter.copy.item)
    world.work()
    assert (world.mail().state, len(world.left)) == (State.CONFIRMED, 1)


def test_a_pause_that_the_server_asks_for_is_kept_by_the_next_mail_alone(world: OutboxWorld) -> None:
    world.storage.sender.waits = [30]
    world.ask(1)
    world.ask(2, created_at=world.now + timedelta(seconds=1))
    world.now += timedelta(seconds=1)
    world.send()
    assert (world.mail(1).state, world.mail(2).state) == (State.SENT, State.HELD)
    assert world.mail(2).not_before == world.now + timedelta(seconds=30)
    world.work()
    assert world.left == ["mail-1@contoso.example", "mail-2@contoso.example"]


def test_of_a_mailbox_that_is_gone_nothing_is_sent(world: OutboxWorld) -> None:
    world.ask()
    world.storage.mailboxes.rows.clear()
    world.work()
    mail = world.mail()
    assert (mail.state, mail.error and mail.error.code) == (State.FAILED, "mailbox_removed")


def test_a_mail_leaves_at_its_time(world: OutboxWorld) -> None:
    world.ask(send_at=world.now + timedelta(hours=1))
    world.work(until=timedelta(minutes=59))
    assert (world.mail().state, world.left) == (State.QUEUED, [])
    world.work()
    assert world.mail().state is State.CONFIRMED


def test_who_finds_the_outbox_held_leaves_and_the_holder_sees_what_came(world: OutboxWorld) -> None:
    world.ask(1)
    lease = world.storage.leases.take(world.mailbox.tenant_id, f"{world.mailbox.mailbox_id}~outbox")
    world.send()
    assert world.left == []
    assert lease is not None
    lease.release()
    world.send()
    assert len(world.left) == 1


@pytest.mark.parametrize(("keeps_drafts", "renames"), [(True, False), (True, True), (False, False)])
@pytest.mark.parametrize("renews_ids", [True, False])
@pytest.mark.parametrize("kills", [1, 2])
def test_a_kill_before_and_after_every_write_sends_nothing_twice_and_loses_nothing(
    keeps_drafts: bool, renames: bool, renews_ids: bool, kills: int
) -> None:
    """Storage and server alike; with a second kill some writes later."""
    runs = 0
    for first in range(1, 17):
        for second in range(first + 1, first + 8) if kills == 2 else (0,):
            for when in ("before", "after"):
                world = a_world()
                world.storage.sender.keeps_drafts = keeps_drafts
                world.storage.sender.renews_ids = renews_ids
                world.storage.sender.renames = renames
                world.ask(attachments=(PDF,) if keeps_drafts else ())
                kill = getattr(world.storage.faults, f"kill_{when}")
                kill(first)
                if second:
                    kill(second)
                world.work()
                runs += 1
                mail = world.mail()
                assert len(world.left) <= 1, (first, second, when)
                is_sure = keeps_drafts or world.left
                expected = State.CONFIRMED if is_sure else State.OUTCOME_UNKNOWN
                assert mail.state is expected, (first, second, when, mail.steps)
    assert runs >= 30
