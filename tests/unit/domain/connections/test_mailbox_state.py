"""States of a mailbox: what each transition changes, and the two states that are not left by chance."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.connections.mailbox_state import (
    NO_ACCESS,
    REMOVING,
    STATES,
    MailboxState,
    Transition,
    access_lost,
    access_returned,
    blocked,
    examined,
    failing,
    follow,
    next_polled,
    offered,
    paused,
    polled,
    reconciled,
    removing,
    resumed,
    subscribed,
    walked,
)
from tests.builders import NOW, a_mailbox

LATER = NOW + timedelta(hours=1)
TRANSITIONS: dict[str, Transition] = {
    "walked": walked(LATER),
    "failing": failing("Entra ID refuses."),
    "access_lost": access_lost("No consent.", LATER),
    "access_returned": access_returned,
    "subscribed": subscribed,
    "polled": polled("Not reachable."),
    "blocked": blocked(LATER),
    "next_polled": next_polled(LATER),
    "paused": paused(LATER),
    "resumed": resumed,
    "reconciled": reconciled("{}"),
    "examined": examined(is_answered=True),
    "untested": examined(is_answered=False),
    "offered": offered("new.name@contoso.example"),
    "removing": removing,
}
states = st.builds(
    MailboxState,
    name=st.sampled_from(STATES),
    last_error=st.sampled_from(("", "Before.")),
    lost_at=st.sampled_from((None, NOW)),
    paused_at=st.sampled_from((None, NOW)),
)
names = st.sampled_from(sorted(TRANSITIONS))


@given(states, st.lists(names))
def test_removing_absorbs_whatever_follows(state: MailboxState, following: list[str]) -> None:
    removed = after = follow(state, removing)
    for name in following:
        after = follow(after, TRANSITIONS[name])
    assert (after, after.name) == (removed, REMOVING)


@given(states, names)
def test_only_a_proof_of_access_or_a_removal_leads_out_of_no_access(state: MailboxState, name: str) -> None:
    lost = replace(state, name=NO_ACCESS)
    after = follow(lost, TRANSITIONS[name])
    assert (after.name == NO_ACCESS) == (name not in ("access_returned", "removing"))
    if after.name == NO_ACCESS:
        assert (after.lost_at, after.last_error) == (lost.lost_at, lost.last_error)


@given(states, names)
def test_a_transition_that_is_applied_again_changes_nothing(state: MailboxState, name: str) -> None:
    once = follow(state, TRANSITIONS[name])
    assert follow(once, TRANSITIONS[name]) == once


@pytest.mark.parametrize(
    ("before", "name", "after"),
    [
        ("new", "walked", ("ok", "")),
        ("failing", "walked", ("ok", "")),
        ("polling", "walked", ("polling", "Before.")),
        ("no_access", "walked", ("no_access", "Before.")),
        ("ok", "failing", ("failing", "Entra ID refuses.")),
        ("failing", "access_lost", ("no_access", "No consent.")),
        ("no_access", "access_lost", ("no_access", "Before.")),
        ("no_access", "access_returned", ("ok", "")),
        ("failing", "access_returned", ("failing", "Before.")),
        ("polling", "subscribed", ("ok", "")),
        ("failing", "subscribed", ("failing", "Before.")),
        ("ok", "polled", ("polling", "Not reachable.")),
        ("ok", "paused", ("ok", "Before.")),
        ("ok", "removing", ("removing", "Before.")),
    ],
)
def test_a_state_leads_to_the_next(before: str, name: str, after: tuple[str, str]) -> None:
    state = follow(MailboxState(before, "Before."), TRANSITIONS[name])
    assert (state.name, state.last_error) == after


def test_the_first_to_notice_dates_a_loss_and_a_pause() -> None:
    lost = follow(follow(MailboxState(), access_lost("No consent.", NOW)), TRANSITIONS["access_lost"])
    gone = follow(follow(MailboxState(), paused(NOW)), TRANSITIONS["paused"])
    assert (lost.lost_at, gone.paused_at) == (NOW, NOW)
    assert follow(lost, access_returned).lost_at is None
    assert follow(gone, resumed).paused_at is None


def test_a_mailbox_is_the_same_but_for_its_state() -> None:
    mailbox = a_mailbox(never_log=("hr.example",), etag="1")
    assert replace(mailbox.after(walked(NOW)), state=mailbox.state) == mailbox
    assert mailbox.after(resumed) is mailbox
