"""A Bcc, and whatever rests on it alone, is there for those only in whose own mailbox a copy shows it."""

from typing import Any

import pytest

from shared.domain.connections.mailboxes import Mailbox
from shared.domain.filing.copies import Copy
from shared.domain.filing.visibility import (
    NO_SIGHT,
    Sight,
    is_copy_visible,
    is_open_to_all,
    needs_sight,
    sight_of,
    visible,
    visible_entry,
    visible_links,
)
from shared.domain.mail.addresses import Person
from shared.domain.matching.decisions import Disposition
from shared.domain.privacy.callers import ADMIN, AGENT, SERVICE, Caller
from tests.builders import TENANT, a_copy, a_decision, a_link, a_mailbox, a_stored_message, an_entry

SECRET, OTHER = "secret@adatum.example", "other@adatum.example"
BLIND = a_link("contact/C-9", evidence=f"bcc {SECRET}")
SECOND_ID = "22" * 16
SECOND = a_mailbox(mailbox_id=SECOND_ID, address="second@contoso.example")
ANN = Caller(TENANT, frozenset({AGENT}), oid="ann", address="agent@contoso.example")
BEN = Caller(TENANT, frozenset({AGENT}), oid="ben", address="second@contoso.example")
SEES = Sight((Person("", SECRET),))


def copies(**more: Any) -> list[tuple[Copy, Mailbox | None]]:
    """The agent's sent copy shows a Bcc; a colleague received the mail."""
    sent = a_copy(bcc=(SECRET,))
    return [(sent, a_mailbox(**more)), (a_copy(mailbox_id=SECOND_ID), SECOND)]


def test_a_bcc_is_seen_by_the_agent_of_a_mailbox_whose_copy_shows_it() -> None:
    sight = sight_of(ANN, copies())
    assert [person.address for person in sight.bcc] == [SECRET]
    assert sight.hidden == frozenset()
    assert visible(BLIND, sight)


@pytest.mark.parametrize(
    "caller",
    [
        BEN,
        Caller(TENANT, frozenset({ADMIN}), oid="admin", address="admin@contoso.example"),
        Caller(TENANT, frozenset({SERVICE}), client_id="crm", app_only=True),
    ],
)
def test_nobody_else_sees_it_whatever_the_role(caller: Caller) -> None:
    sight = sight_of(caller, copies())
    assert sight == Sight(hidden=frozenset({SECRET}))
    assert not visible(BLIND, sight)


def test_a_copy_in_a_mailbox_that_is_gone_shows_nobody_its_bcc() -> None:
    gone: list[tuple[Copy, Mailbox | None]] = [(a_copy(bcc=(SECRET,)), None)]
    assert sight_of(ANN, gone).hidden == {SECRET}


def test_one_who_sees_another_bcc_does_not_see_this_one() -> None:
    both = [(a_copy(bcc=(SECRET,)), a_mailbox()), (a_copy(mailbox_id=SECOND_ID, bcc=(OTHER,)), SECOND)]
    sight = sight_of(BEN, both)
    assert (visible(BLIND, sight), sight.hidden) == (False, {SECRET})


def test_links_that_rest_on_anything_else_are_for_all_to_see() -> None:
    links = (a_link(), BLIND, a_link("client/K-1", evidence="cc li@fabrikam.example"))
    assert visible_links(links, NO_SIGHT) == (links[0], links[2])
    assert visible_links(links, SEES) == links


@pytest.mark.parametrize(("links", "is_open"), [((BLIND,), False), ((BLIND, a_link()), True), ((), False)])
def test_a_mail_is_open_to_all_where_it_is_on_a_record_for_all_to_see(links: Any, is_open: bool) -> None:
    decision = a_decision(disposition=Disposition.FILED, links=links)
    assert is_open_to_all(a_stored_message(decision=decision)) is is_open


@pytest.mark.parametrize(
    ("entry", "needs"),
    [(an_entry(), False), (an_entry(link=BLIND), True), (an_entry(bounced=(OTHER,)), True)],
)
def test_only_entries_that_may_give_a_bcc_away_cost_a_look(entry: Any, needs: bool) -> None:
    assert needs_sight(entry) is needs


def test_an_entry_that_rests_on_a_hidden_bcc_is_left_out() -> None:
    assert visible_entry(an_entry(link=BLIND), NO_SIGHT) is None
    assert visible_entry(an_entry(link=BLIND), SEES) == an_entry(link=BLIND)


def test_an_entry_does_not_tell_that_a_mail_failed_to_reach_a_hidden_bcc() -> None:
    shown = visible_entry(an_entry(bounced=(SECRET, OTHER)), Sight(hidden=frozenset({SECRET})))
    assert shown == an_entry(bounced=(OTHER,))


def test_a_copy_that_only_a_hidden_bcc_explains_is_told_to_its_own_agent() -> None:
    hidden = frozenset({"second@contoso.example"})
    assert is_copy_visible(SECOND, BEN, hidden)
    assert not is_copy_visible(SECOND, ANN, hidden)
    assert is_copy_visible(SECOND, ANN, frozenset())
