"""A mail on its way out: the table of its states, and that nothing leaves it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors import WrongState
from shared.domain.sending import transitions
from shared.domain.sending.outbox import OutboxMail, Problem
from shared.domain.sending.states import CANCELLABLE, ENDED, SENTENCES, TABLE, Event, State, follow, may
from shared.domain.sending.transitions import MOST_STEPS, Transition
from tests.builders import an_outbox_mail

AT = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
LATER = AT + timedelta(minutes=10)
REFUSED = Problem("ErrorInvalidRecipients", "An address is refused.")
BY_EVENT: dict[Event, Transition] = {
    Event.DRAFT: transitions.drafted(AT, "draft-1"),
    Event.START: transitions.sending(AT),
    Event.AGAIN: transitions.sending_again(AT),
    Event.TAKE: transitions.taken(AT),
    Event.HOLD: transitions.held(AT, LATER, "The mailbox may send 30 mails a minute."),
    Event.RELEASE: transitions.released(AT),
    Event.PUT_BACK: transitions.put_back(AT, LATER, "The server was busy."),
    Event.FAIL: transitions.failed(AT, REFUSED),
    Event.DOUBT: transitions.left_open(AT, REFUSED),
    Event.CANCEL: transitions.cancelled(AT),
    Event.DELETED: transitions.deleted(AT),
    Event.COPY: transitions.confirmed(AT),
    Event.BOUNCE: transitions.bounced(AT, ("buyer@fabrikam.example",), "It did not arrive."),
    Event.RETRY: transitions.retried(AT, "tag-2", "agent@contoso.example"),
}
EVENTS = st.lists(st.sampled_from(Event), max_size=12)
# What no step of the sender is: proof from the mailbox, reports, and a person's wish.
FROM_OUTSIDE = {Event.COPY, Event.BOUNCE, Event.RETRY}


def in_state(state: State, **changes: Any) -> OutboxMail:
    return an_outbox_mail(state=state, **changes)


def after(mail: OutboxMail, events: list[Event]) -> OutboxMail:
    """The row after those of the events that the table has."""
    for event in events:
        if may(mail.state, event):
            mail = BY_EVENT[event](mail)
    return mail


def test_every_state_has_a_sentence_and_every_event_a_transition() -> None:
    assert set(SENTENCES) == set(State)
    assert set(BY_EVENT) == set(Event)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_a_transition_does_what_the_table_says_and_nothing_else(state: State, event: Event) -> None:
    mail = in_state(state)
    if (state, event) in TABLE:
        assert BY_EVENT[event](mail).state is TABLE[state, event] is follow(state, event)
    elif event is not Event.COPY:
        with pytest.raises(WrongState, match=f"In the state '{state}' it cannot be {event}"):
            BY_EVENT[event](mail)


@given(EVENTS, st.sampled_from(Event))
def test_no_sequence_of_events_leaves_the_table(events: list[Event], last: Event) -> None:
    mail = after(in_state(State.QUEUED), events)
    assert mail.state in State
    before = mail.state
    if not may(before, last):
        with pytest.raises(WrongState):
            follow(before, last)
    elif last is not Event.COPY or before is not State.CONFIRMED:
        changed = BY_EVENT[last](mail)
        assert changed.state is TABLE[before, last]
        assert changed.steps[-1].what == changed.state or changed is mail


@given(EVENTS)
def test_no_step_of_the_sender_leads_out_of_an_end(events: list[Event]) -> None:
    for state in ENDED:
        steps = [event for event in events if event not in FROM_OUTSIDE]
        assert after(in_state(state), steps) == in_state(state)


@given(EVENTS)
def test_what_has_been_taken_is_never_cancelled_failed_or_put_back(events: list[Event]) -> None:
    for state in (State.SENT, State.CONFIRMED, State.BOUNCED):
        unasked = [event for event in events if event not in (Event.RETRY, Event.AGAIN)]
        assert after(in_state(state), unasked).state not in (State.CANCELLED, State.FAILED, State.QUEUED)


@given(EVENTS)
def test_from_every_state_a_copy_confirms(events: list[Event]) -> None:
    mail = after(in_state(State.QUEUED), events)
    assert transitions.confirmed(AT)(mail).state in (State.CONFIRMED, State.BOUNCED)


@pytest.mark.parametrize("state", State)
def test_a_request_to_cancel_passes_only_before_the_mail_is_handed_over(state: State) -> None:
    assert may(state, Event.CANCEL) is (state in CANCELLABLE)
    assert may(state, Event.CANCEL) is (state in (State.QUEUED, State.HELD, State.DRAFTED))


def test_the_way_of_a_mail_is_told_step_by_step() -> None:
    mail = transitions.asked_for(an_outbox_mail(created_at=AT))
    for step in (
        transitions.held(AT, LATER, "The mailbox may send 30 mails a minute."),
        transitions.released(LATER),
        transitions.drafted(LATER, "draft-1"),
        transitions.sending(LATER),
        transitions.taken(LATER),
        transitions.confirmed(LATER, "It left as ann@contoso.example."),
    ):
        mail = step(mail)
    words = [step.what for step in mail.steps]
    assert words == ["queued", "held", "queued", "drafted", "sending", "sent", "confirmed"]
    assert mail.steps[1].detail == (
        "It waits until 2026-12-01 09:10:00 UTC. The mailbox may send 30 mails a minute."
    )
    assert mail.steps[-1].detail == "It left as ann@contoso.example."
    assert (mail.draft_id, mail.drafted_at, mail.sending_at, mail.tries) == ("draft-1", LATER, LATER, 1)


def test_a_mail_that_waits_for_its_time_says_so() -> None:
    assert transitions.asked_for(an_outbox_mail(send_at=LATER)).steps[0].detail == (
        "It is sent at 2026-12-01 09:10:00 UTC or later."
    )


def test_a_mail_is_due_once_neither_its_time_nor_a_limit_holds_it() -> None:
    assert in_state(State.QUEUED).is_due(AT)
    assert not in_state(State.QUEUED, send_at=LATER).is_due(AT)
    assert not in_state(State.HELD, not_before=LATER).is_due(AT)
    assert not in_state(State.QUEUED, send_at=AT, not_before=LATER).is_due(AT)
    assert in_state(State.HELD, not_before=LATER).is_due(LATER)
    assert not transitions.postponed(LATER)(in_state(State.SENDING)).is_due(AT)
    assert not any(in_state(state).is_due(AT) for state in ENDED)


def test_a_retry_begins_anew_under_another_tag_and_the_same_ids() -> None:
    failed = after(in_state(State.QUEUED), [Event.DRAFT, Event.START, Event.FAIL])
    assert failed.error == REFUSED
    again = BY_EVENT[Event.RETRY](failed)
    assert (again.state, again.tag, again.error) == (State.QUEUED, "tag-2", None)
    assert (again.draft_id, again.tries, again.sending_at, again.drafted_at) == ("", 0, None, None)
    assert (again.message_id, again.code) == (failed.message_id, failed.code)
    assert again.steps[-1].detail == "Retried by agent@contoso.example."


def test_what_is_put_back_keeps_its_draft_unless_that_is_lost() -> None:
    drafted = after(in_state(State.QUEUED), [Event.DRAFT])
    back = transitions.put_back(AT, LATER, "The server was busy.")(drafted)
    assert (back.draft_id, back.not_before) == ("draft-1", LATER)
    lost = transitions.draft_lost(AT, "The draft is gone.")(drafted)
    assert (lost.state, lost.draft_id, lost.drafted_at) == (State.QUEUED, "", None)


def test_the_same_copy_and_the_same_report_change_nothing_twice() -> None:
    sent = after(in_state(State.QUEUED), [Event.START, Event.TAKE, Event.COPY])
    assert transitions.confirmed(LATER)(sent) is sent
    bounced = BY_EVENT[Event.BOUNCE](sent)
    assert BY_EVENT[Event.BOUNCE](bounced) is bounced
    more = transitions.bounced(LATER, ("buyer@fabrikam.example", "ann@fabrikam.example"), "Nor there.")(
        bounced
    )
    assert more.rejected == ("buyer@fabrikam.example", "ann@fabrikam.example")
    assert transitions.confirmed(LATER)(more) is more


def test_a_row_that_is_retried_for_weeks_keeps_its_beginning_and_its_end() -> None:
    mail = transitions.asked_for(an_outbox_mail(created_at=AT))
    for _ in range(MOST_STEPS):
        mail = after(mail, [Event.START, Event.FAIL, Event.RETRY])
    assert len(mail.steps) == MOST_STEPS
    assert mail.steps[0].at == AT
    assert mail.steps[-1].detail == "Retried by agent@contoso.example."
