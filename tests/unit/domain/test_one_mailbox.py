"""Wherever two addresses are asked to be one mailbox, every spelling of a mailbox of Google's is."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from shared.domain.connections.organisations import is_listed
from shared.domain.filing.inbox import is_of_thread
from shared.domain.filing.visibility import Sight, is_copy_visible, sight_of, visible, visible_entry
from shared.domain.mail.addresses import Person
from shared.domain.mail.bounces import read_report
from shared.domain.mail.identity import Hasher
from shared.domain.matching.candidates import ThreadHit
from shared.domain.matching.decisions import MatchPolicy
from shared.domain.matching.questions import QuestionPolicy, questions
from shared.domain.matching.rematching import concerns
from shared.domain.privacy.callers import AGENT, Caller
from shared.domain.privacy.erasure import PLACEHOLDER, Eraser, is_on, names_of, suppression
from tests.builders import (
    TENANT,
    a_copy,
    a_document,
    a_head,
    a_link,
    a_mailbox,
    a_record,
    a_stored_message,
    an_entry,
    an_inbox_item,
    an_organisation,
)

BO, SPELLED = "bo.larsen@googlemail.com", "bolarsen+flat@gmail.com"
HASHER = Hasher(b"k" * 32)
ANN = Caller(TENANT, frozenset({AGENT}), oid="ann", address="ann@contoso.example")


def a_hit(address: str) -> ThreadHit:
    return a_stored_message(participants=frozenset({address})).as_thread_hit("thread")


def is_own(own: str, address: str) -> bool:
    policy = QuestionPolicy(an_organisation(), a_mailbox(aliases=(own,)), MatchPolicy(), ())
    return address in questions(a_head(sender=address), policy).own


def is_inquirer(reply_to: str, recipient: str) -> bool:
    policy = QuestionPolicy(an_organisation(own_domains=("contoso.example",)), a_mailbox(), MatchPolicy(), ())
    head = a_head(sender="form@contoso.example", reply_to=(reply_to,), to=(recipient,))
    return bool(questions(head, policy).inquirers)


def is_told_of(bcc: str, bounced: str) -> bool:
    sight = sight_of(ANN, [(a_copy(bcc=(bcc,)), a_mailbox())])
    shown = visible_entry(an_entry(bounced=(bounced,)), sight)
    return shown is not None and shown.bounced == ()


def is_agent_s_own(agent: str, named: str) -> bool:
    report = (
        f"To: {agent}\r\nFrom: MAILER-DAEMON@mx.contoso.example\r\n\r\n<{named}>: 550 5.1.1 no such user\r\n"
    )
    return read_report(report.encode()).bounces == ()


QUESTIONS: dict[str, Callable[[str, str], bool]] = {
    "a never-log list": lambda one, other: is_listed(other, (one,)),
    "suppression": lambda one, other: suppression(HASHER, one) == suppression(HASHER, other),
    "a mail's people": lambda one, other: is_on(
        one, a_stored_message(participants=frozenset({other})), None, ()
    ),
    "a document's people": lambda one, other: is_on(one, a_stored_message(), a_document(cc=(other,)), ()),
    "a copy's Bcc": lambda one, other: is_on(one, a_stored_message(), None, (a_copy(bcc=(other,)),)),
    "an erased text": lambda one, other: (
        Eraser(one).text(f"Ask {other}, please") == f"Ask {PLACEHOLDER}, please"
    ),
    "an erased person": lambda one, other: Eraser(one).value(Person("Bo", other)) == Person("", PLACEHOLDER),
    "an erased person in JSON": lambda one, other: Eraser(one).names_person([{"name": "", "address": other}]),
    "an erased card": lambda one, other: Eraser(one).record(a_record(addresses=(other,))).addresses == (),
    "an erased name": lambda one, other: (
        names_of(one, a_document(sender=Person("Bo Larsen", other)), ()) == {"Bo Larsen"}
    ),
    "My Inbox": lambda one, other: is_of_thread(
        an_inbox_item(conversation="c", sender=other, message_key="a" * 32),
        a_stored_message(conversation="c", participants=frozenset({one})),
        (),
    ),
    "a conversation": lambda one, other: a_hit(one).among((other,)) == {other},
    "a record's mail": lambda one, other: concerns(
        a_stored_message(
            participants=frozenset({one}), decision=replace(a_stored_message().decision, links=())
        ),
        a_record(addresses=(other,)),
    ),
    "an agent's own": is_own,
    "a web form's inquirer": is_inquirer,
    "a blind link": lambda one, other: visible(a_link(evidence=f"bcc {one}"), Sight((Person("", other),))),
    "a blind copy": lambda one, other: (
        not is_copy_visible(
            a_mailbox(aliases=(one,)), ANN, sight_of(ANN, [(a_copy(bcc=(other,)), a_mailbox())]).hidden
        )
    ),
    "a report on a blind copy": is_told_of,
    "a report's reader": is_agent_s_own,
}


@pytest.mark.parametrize(("one", "other"), [(BO, SPELLED), (SPELLED, BO), (BO, BO)])
@pytest.mark.parametrize("question", QUESTIONS)
def test_every_spelling_is_the_same_mailbox(question: str, one: str, other: str) -> None:
    assert QUESTIONS[question](one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [(BO, "bo.larsen@gmail.example"), ("bo.larsen@adatum.example", "bolarsen@adatum.example")],
)
@pytest.mark.parametrize("question", QUESTIONS)
def test_of_other_providers_each_spelling_is_a_mailbox_of_its_own(
    question: str, one: str, other: str
) -> None:
    assert not QUESTIONS[question](one, other)


@pytest.mark.parametrize(
    "text",
    [
        "mailto:bo.larsen%40gmail.com",
        "BoLarsen@GoogleMail.com",
        "b.o.larsen%2Bflat@gmail.com",
        "bo&#46;larsen&#64;gmail.com",
    ],
)
def test_a_mailbox_of_googles_is_erased_however_it_is_written(text: str) -> None:
    assert Eraser(BO).text(text).removeprefix("mailto:") == PLACEHOLDER


def test_another_mailbox_of_googles_stays() -> None:
    assert (
        Eraser(BO).text("jobolarsen@gmail.com bolarsens@gmail.com")
        == "jobolarsen@gmail.com bolarsens@gmail.com"
    )
    assert not is_listed("li@gmail.com", (BO,))


@pytest.mark.parametrize("listed", ["gmail.com", "googlemail.com"])
def test_a_listed_domain_of_googles_covers_its_mailboxes(listed: str) -> None:
    assert is_listed(BO, (listed,))
    assert is_listed(SPELLED, (listed,))
