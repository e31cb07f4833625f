"""What an answer proves: nobody gets a mail twice, and none is lost without a word."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.sending import transitions
from shared.domain.sending.outbox import OutboxMail, Problem
from shared.domain.sending.outcomes import (
    MOST_PUT_BACKS,
    MOST_TRIES,
    NO_ANSWER,
    SENTENCES,
    Answer,
    Do,
    Found,
    Next,
    Outcome,
    next_step,
)
from shared.domain.sending.states import State
from shared.domain.sending.waits import Waits
from tests.builders import NOW, an_outbox_mail

REFUSALS = (*SENTENCES, Answer.TOO_LARGE)
MINUTE = timedelta(minutes=1)


def sending(minutes: float, *, draft: str = "draft-1", tries: int = 1) -> OutboxMail:
    """A mail that was handed over so many minutes ago."""
    at = NOW - timedelta(minutes=minutes)
    return an_outbox_mail(state=State.SENDING, draft_id=draft, sending_at=at, tries=tries)


def said(answer: Answer, code: str = "", retry_after: float | None = None) -> Outcome:
    return Outcome(answer, code, retry_after)


def do(mail: OutboxMail, outcome: Outcome | None, found: Found | None = None) -> Do:
    return next_step(mail, outcome, found, NOW).do


def test_taken_is_taken_also_with_a_wish_to_wait() -> None:
    """What asks to wait speaks of the next mail of the mailbox."""
    for answer in (said(Answer.TAKEN), said(Answer.TAKEN, retry_after=30)):
        assert next_step(sending(0), answer, None, NOW) == Next(Do.TAKE, 2 * MINUTE)


@pytest.mark.parametrize("draft", ["draft-1", ""])
def test_what_proves_nothing_is_looked_for_first(draft: str) -> None:
    for outcome in (None, NO_ANSWER, said(Answer.UNKNOWN, "429"), said(Answer.UNKNOWN, "UnknownError")):
        assert do(sending(0, draft=draft), outcome) is Do.LOOK


def test_a_look_waits_for_as_long_as_the_server_asked() -> None:
    assert next_step(sending(0), said(Answer.UNKNOWN, "429", 30), None, NOW) == Next(
        Do.WAIT, timedelta(seconds=30)
    )


@pytest.mark.parametrize("draft", ["draft-1", ""])
@pytest.mark.parametrize("answer", REFUSALS)
def test_a_refusal_fails_once_no_copy_is_found(answer: Answer, draft: str) -> None:
    refused = said(answer, "ErrorFromServer")
    mail = sending(0, draft=draft)
    assert do(mail, refused, Found.COPY) is Do.CONFIRM
    assert do(mail, refused) is (Do.FAIL if answer is Answer.TOO_LARGE else Do.LOOK)
    for found in (Found.DRAFT, Found.NOTHING):
        failed = next_step(mail, refused, found, NOW)
        assert failed.do is Do.FAIL
        assert failed.problem is not None
        assert failed.problem.code == "ErrorFromServer"
        assert failed.problem.detail.endswith(".")


def test_a_sign_in_that_was_refused_is_tried_again_and_given_up_in_the_end() -> None:
    mail = sending(0)
    assert next_step(mail, said(Answer.SIGNED_OUT), None, NOW) == Next(Do.PUT_BACK, MINUTE)
    tired = an_outbox_mail(state=State.SENDING, put_backs=MOST_PUT_BACKS)
    assert do(tired, said(Answer.SIGNED_OUT)) is Do.FAIL


def test_only_what_is_still_a_draft_after_ten_minutes_is_sent_again() -> None:
    assert next_step(sending(9), None, Found.DRAFT, NOW) == Next(Do.WAIT, MINUTE)
    assert do(sending(10), None, Found.DRAFT) is Do.SEND
    assert do(sending(10), None, Found.NOTHING) is Do.WAIT
    assert do(sending(10, tries=MOST_TRIES), said(Answer.UNKNOWN, "500"), Found.DRAFT) is Do.FAIL


def test_a_draft_that_the_list_still_shows_was_not_sent() -> None:
    assert do(sending(0), said(Answer.NO_DRAFT, "404"), Found.DRAFT) is Do.PUT_BACK


def test_a_draft_that_has_disappeared_proves_nothing_by_itself() -> None:
    assert do(sending(1), said(Answer.NO_DRAFT), Found.NOTHING) is Do.WAIT
    assert do(sending(10), said(Answer.NO_DRAFT), Found.NOTHING) is Do.FAIL


def test_a_draft_that_the_person_deleted_is_an_answer() -> None:
    for outcome in (None, said(Answer.NO_DRAFT), said(Answer.UNKNOWN)):
        assert do(sending(0), outcome, Found.DELETED) is Do.CANCEL
    drafted = an_outbox_mail(state=State.DRAFTED, draft_id="draft-1")
    assert do(drafted, None, Found.DELETED) is Do.CANCEL
    assert do(drafted, None, Found.NOTHING) is Do.CANCEL
    assert do(drafted, None) is Do.SEND
    assert do(drafted, None, Found.COPY) is Do.CONFIRM


def test_without_drafts_a_lost_answer_is_left_to_a_person_after_ten_minutes() -> None:
    assert do(sending(9, draft=""), said(Answer.UNKNOWN, "429"), Found.NOTHING) is Do.WAIT
    open_ = next_step(sending(10, draft=""), said(Answer.UNKNOWN, "429"), Found.NOTHING, NOW)
    assert open_.do is Do.LEAVE_OPEN
    assert open_.problem is not None
    assert open_.problem.code == "429"
    # With a draft, its copy is waited for.
    assert do(sending(11), None, Found.NOTHING) is Do.WAIT
    assert do(sending(24 * 60), None, Found.NOTHING) is Do.LEAVE_OPEN


def test_what_was_taken_is_confirmed_by_its_copy_or_told_after_a_day() -> None:
    def sent(minutes: float) -> OutboxMail:
        return an_outbox_mail(state=State.SENT, sending_at=NOW - timedelta(minutes=minutes), draft_id="d")

    assert next_step(sent(0), said(Answer.TAKEN), None, NOW) == Next(Do.WAIT, 2 * MINUTE)
    assert do(sent(2), None) is Do.LOOK
    assert do(sent(2), None, Found.COPY) is Do.CONFIRM
    assert do(sent(2), None, Found.DRAFT) is Do.WAIT
    assert do(sent(10), None, Found.DRAFT) is Do.SEND
    assert do(sent(60), None, Found.NOTHING) is Do.WAIT
    assert do(sent(24 * 60), None, Found.NOTHING) is Do.LEAVE_OPEN


def test_a_draft_that_was_made_unseen_is_taken_and_else_made_anew() -> None:
    queued = an_outbox_mail()
    assert do(queued, None) is Do.LOOK
    assert do(queued, None, Found.DRAFT) is Do.ADOPT
    assert do(queued, None, Found.DELETED) is Do.CANCEL
    assert next_step(queued, None, Found.NOTHING, NOW) == Next(Do.PUT_BACK, MINUTE)
    assert do(queued, said(Answer.SIGNED_OUT)) is Do.PUT_BACK
    assert do(queued, said(Answer.NO_ACCESS)) is Do.FAIL
    assert do(an_outbox_mail(put_backs=MOST_PUT_BACKS), None, Found.NOTHING) is Do.FAIL


def test_pauses_grow_to_an_hour() -> None:
    pauses = [
        next_step(an_outbox_mail(put_backs=count), said(Answer.SIGNED_OUT), None, NOW).after // MINUTE
        for count in range(MOST_PUT_BACKS)
    ]
    assert pauses[:8] == [1, 2, 4, 8, 16, 32, 60, 60]
    asked = next_step(an_outbox_mail(), said(Answer.SIGNED_OUT, retry_after=300), None, NOW)
    assert asked.after == timedelta(minutes=5)


def test_a_change_of_the_row_follows_from_what_is_to_be_done() -> None:
    assert Next(Do.LOOK).transition(NOW) is None
    adopt = Next(Do.ADOPT).transition(NOW, "draft-9")
    assert adopt is not None
    assert adopt(an_outbox_mail()).draft_id == "draft-9"
    back = Next(Do.PUT_BACK, MINUTE).transition(NOW, "draft-9")
    assert back is not None
    again = back(sending(0))
    assert (again.state, again.draft_id, again.not_before) == (State.QUEUED, "draft-9", NOW + MINUTE)


@dataclass
class Server:
    """A mailbox, and a server that answers as it likes, but sends what it took within some minutes.

    `plans` has for each hand-over: whether it is carried out, the answer, and whether the answer gets lost.
    """

    now: datetime
    plans: Iterator[tuple[bool, Answer, bool]]
    copy_after: timedelta
    drafts: bool
    draft: bool = False
    deleted: bool = False
    left_at: list[datetime] = field(default_factory=list)

    def send(self) -> Outcome | None:
        carried_out, answer, lost = next(self.plans)
        if self.drafts and not self.draft:
            return None if lost else Outcome(Answer.NO_DRAFT)
        if carried_out:
            self._leave()
            answer = answer if answer is Answer.TAKEN else Answer.UNKNOWN
        # Without a draft nothing could tell that the server lied.
        elif answer is Answer.TAKEN and not self.drafts:
            answer = Answer.UNKNOWN
        return None if lost else Outcome(answer)

    def _leave(self) -> None:
        self.left_at.append(self.now)
        self.draft = False

    def person(self, does: str) -> None:
        if self.draft and does == "sends":
            self._leave()
        if self.draft and does == "deletes":
            self.draft, self.deleted = False, True

    def look(self) -> Found:
        if any(left + self.copy_after <= self.now for left in self.left_at):
            return Found.COPY
        if self.draft:
            return Found.DRAFT
        return Found.DELETED if self.deleted else Found.NOTHING


PLAN = st.tuples(st.booleans(), st.sampled_from([*Answer]), st.booleans())


@given(
    st.lists(PLAN, min_size=40, max_size=40),
    st.integers(0, 9),
    st.booleans(),
    st.lists(st.sampled_from(["", "sends", "deletes"]), max_size=6),
)
def test_whatever_the_server_says_a_mail_leaves_once_and_its_row_tells_the_truth(
    plans: list[tuple[bool, Answer, bool]], copy_minutes: int, drafts: bool, persons: list[str]
) -> None:
    server = Server(NOW, iter(plans), timedelta(minutes=copy_minutes), drafts)
    mail = run(server, iter(persons))
    assert len(server.left_at) <= 1
    assert mail.has_ended
    if mail.state is State.CONFIRMED:
        assert len(server.left_at) == 1
    elif mail.state is State.OUTCOME_UNKNOWN:
        assert not drafts
    else:
        assert mail.state in (State.FAILED, State.CANCELLED)
        assert not server.left_at


def run(server: Server, persons: Iterator[str]) -> OutboxMail:
    """A mail's way to its end; a step is as a process would take it, also one that was killed before."""
    mail = an_outbox_mail()
    for _ in range(400):
        if mail.has_ended:
            break
        if not mail.is_due(server.now):
            server.now += timedelta(seconds=30) if mail.not_before is None else mail.not_before - server.now
        outcome: Outcome | None = None
        server.person(next(persons, ""))
        if mail.state in (State.QUEUED, State.DRAFTED):
            if server.drafts and not mail.draft_id:
                server.draft = True
                mail = transitions.drafted(server.now, "draft-1")(mail)
                continue
            mail = transitions.sending(server.now)(mail)
            outcome = server.send()
        step = next_step(mail, outcome, None, server.now)
        if step.do is Do.LOOK:
            step = next_step(mail, outcome, server.look(), server.now)
        change = step.transition(server.now)
        assert change is not None
        mail = change(mail)
        if step.do is Do.SEND:
            follow_up = next_step(mail, server.send(), None, server.now)
            change = follow_up.transition(server.now)
            mail = change(mail) if change else mail
    return mail


def test_the_times_are_those_of_the_rule() -> None:
    waits = Waits()
    assert waits.settled_after == timedelta(minutes=10)
    assert waits.given_up_after == timedelta(days=1)
    looks = (waits.soonest_look, waits.soonest_look_if_taken)
    assert looks == (timedelta(seconds=15), timedelta(minutes=2))
    assert (waits.shortest_pause, waits.longest_pause) == (MINUTE, timedelta(hours=1))
    assert (waits.try_again, waits.look_again) == (timedelta(seconds=30), timedelta(seconds=20))


def test_who_has_less_patience_waits_less_for_everything() -> None:
    hasty = Waits(timedelta(minutes=1))
    found = next_step(sending(0.5), None, Found.DRAFT, NOW, waits=hasty)
    assert found == Next(Do.WAIT, timedelta(seconds=30))
    assert next_step(sending(1), None, Found.DRAFT, NOW, waits=hasty).do is Do.SEND
    lost = next_step(sending(144), None, Found.NOTHING, NOW, waits=hasty)
    assert lost.do is Do.LEAVE_OPEN
    back = next_step(an_outbox_mail(), said(Answer.SIGNED_OUT), None, NOW, waits=hasty)
    assert back == Next(Do.PUT_BACK, timedelta(seconds=6))


def submitted(seconds: float, state: State = State.SENT) -> OutboxMail:
    """A mail that a server which lays no copies took so long ago."""
    at = NOW - timedelta(seconds=seconds)
    return an_outbox_mail(state=state, sending_at=at, tries=1)


def next_without_copies(mail: OutboxMail, outcome: Outcome | None, found: Found | None) -> Next:
    return next_step(mail, outcome, found, NOW, lays_copies=False)


def test_where_the_server_lays_no_copy_ours_follows_a_look_behind_half_a_minute() -> None:
    half = timedelta(seconds=30)
    taken = submitted(0, State.SENDING)
    assert next_without_copies(taken, said(Answer.TAKEN), None) == Next(Do.TAKE, half)
    assert next_without_copies(submitted(10), None, None) == Next(Do.WAIT, timedelta(seconds=20))
    assert next_without_copies(submitted(30), None, None).do is Do.LOOK
    assert next_without_copies(submitted(30), None, Found.NOTHING).do is Do.LAY_COPY
    assert next_without_copies(submitted(30), None, Found.COPY).do is Do.CONFIRM


def test_what_is_put_off_is_tried_again_for_most_of_a_day_and_then_fails() -> None:
    put_off = Outcome(Answer.NOT_NOW, words="The mail server said: 451 later")
    queued = an_outbox_mail()
    again = next_step(queued, put_off, None, NOW)
    assert (again.do, again.after) == (Do.PUT_BACK, MINUTE)
    transition = again.transition(NOW)
    assert transition is not None
    assert transition(queued).steps[-1].detail.endswith("The mail server said: 451 later")
    tired = next_step(an_outbox_mail(put_backs=MOST_PUT_BACKS), put_off, None, NOW)
    assert tired.do is Do.FAIL
    assert tired.problem is not None
    assert "451 later" in tired.problem.detail


def test_what_was_put_off_behind_its_last_octet_is_looked_for_first() -> None:
    mail, put_off = submitted(0, State.SENDING), said(Answer.NOT_NOW, "451")
    assert next_without_copies(mail, put_off, None).do is Do.LOOK
    assert next_without_copies(mail, put_off, Found.COPY).do is Do.CONFIRM
    assert next_without_copies(mail, put_off, Found.NOTHING).do is Do.PUT_BACK


def test_a_submission_of_which_nobody_knows_is_never_sent_again() -> None:
    for minutes in range(0, 60, 5):
        mail = submitted(60 * minutes, State.SENDING)
        step = next_without_copies(mail, NO_ANSWER, Found.NOTHING)
        assert step.do is (Do.WAIT if minutes < 10 else Do.LEAVE_OPEN)


def test_a_mail_whose_copy_could_not_be_kept_has_ended_and_its_copy_still_confirms_it() -> None:
    problem = Problem("no_copy_kept", "The mail has left.")
    ended = transitions.without_copy(NOW, problem)(submitted(30))
    assert (ended.has_ended, ended.state, ended.error) == (True, State.SENT, problem)
    assert transitions.confirmed(NOW)(ended).error is None
    assert not submitted(30).has_ended
