"""Explanations: a new reason, rule or outcome cannot be forgotten; nothing is said of people."""

import re
from pathlib import Path

import pytest

import shared.domain.capture.screening
import shared.domain.matching.matching
import shared.domain.matching.rules
from shared.domain.capture import sightings
from shared.domain.capture.folders import CAPTURED, Role
from shared.domain.commands.advice import ADVICE, GENERAL, advice
from shared.domain.filing import explanations
from shared.domain.filing.explanations import (
    KEPT,
    LISTED,
    NOT_KEPT,
    NOT_MATCHED,
    RULES,
    capture_sentence,
    copy_step,
)
from shared.domain.filing.filing import DONE, PENDING, Bounced
from shared.domain.filing.links import UNLINKED
from shared.domain.filing.person_decisions import BY_HAND, LINK, OPENED, PersonDecision
from shared.domain.mail.messages import Direction
from shared.domain.matching.decisions import Disposition
from shared.domain.matching.matching import OLD_MAIL, TOO_MANY, TRIAGE_REASONS
from tests.builders import KEY, NOW, a_decision, a_link, a_stored_message

OUTCOMES = (sightings.QUEUED, sightings.SKIPPED, sightings.FILED, sightings.TRIAGE, sightings.FAILED)


def source(module: object) -> str:
    return Path(str(module.__file__)).read_text("utf-8")  # type: ignore[attr-defined]


def test_every_reason_of_capture_has_a_sentence() -> None:
    """Whatever a function of capture returns as a word is a reason."""
    given = set(
        re.findall(r'(?:return|else|if \w+ else) "([a-z_]+)"', source(shared.domain.capture.screening))
    )
    given |= set(re.findall(r'return Capture\(\w+, "([a-z_]+)"', source(shared.domain.capture.screening)))
    given |= set(re.findall(r'return "([a-z_]+)" if', source(shared.domain.capture.screening)))
    given |= set(re.findall(r'Capture\(False, "([a-z_]+)" if', source(shared.domain.capture.screening)))
    assert len(given) > 10
    assert given <= set(KEPT) | set(NOT_KEPT)
    assert not set(KEPT) & set(NOT_KEPT)


def test_every_rule_and_every_reason_of_matching_has_a_sentence() -> None:
    rules = set(re.findall(r'(?:Link|_lent)\([^"\n]*"([a-z_]+)"', source(shared.domain.matching.rules)))
    assert rules | {BY_HAND, OPENED} == set(RULES)
    reasons = set(re.findall(r'(?:return|or|else) "([a-z_]+)"', source(shared.domain.matching.matching)))
    reasons |= {OLD_MAIL, TOO_MANY}
    assert reasons | {UNLINKED} == set(NOT_MATCHED) | set(LISTED)
    assert {*TRIAGE_REASONS, UNLINKED} == set(NOT_MATCHED)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_outcome_of_the_ledger_has_a_sentence(outcome: str) -> None:
    said = copy_step("ann@contoso.example, inbox", outcome, "a_reason", final=True)
    assert said.startswith("ann@contoso.example, inbox: ")
    assert "a_reason" in said
    assert said != f"ann@contoso.example, inbox: {outcome} (a_reason).", "it says no more than its words"
    assert explanations.outcome_of(outcome) in explanations.ORDER


def test_every_disposition_is_an_outcome() -> None:
    assert {one.value for one in Disposition} <= set(explanations.ORDER)


@pytest.mark.parametrize("kind", [*sorted(set(Role) - CAPTURED), "IPF.Appointment"])
def test_every_folder_has_a_sentence(kind: str) -> None:
    assert capture_sentence(f"folder:{kind}").startswith("it is ")


def test_a_reason_of_another_version_is_told_by_its_word() -> None:
    assert capture_sentence("made_up") == "of the rule 'made_up'"


def test_what_is_not_final_says_so() -> None:
    assert "not final" in copy_step("x", "skipped", "folder:junkemail", final=False)
    assert "not final" not in copy_step("x", "skipped", "unknown_people", final=True)


def test_a_filed_mail_is_told_record_by_record() -> None:
    link = a_link(closed=True)
    message = a_stored_message(state=DONE, decision=a_decision("contact/C-1"))
    steps = explanations.message_steps(message, (link,), ())
    assert len(steps) == 2
    assert "contact/C-1" in steps[1]
    assert "closed" in steps[1]
    assert len(explanations.message_steps(a_stored_message(state=PENDING), (link,), ())) == 3


def test_a_copy_is_said_to_wait_only_where_it_waits_now() -> None:
    assert "waits in My Inbox" in copy_step("x", "triage", "no_match", waits=True)
    assert "My Inbox" not in copy_step("x", "triage", "no_match")


def test_what_a_person_has_decided_is_not_told_as_a_rule_s_doing() -> None:
    decision = PersonDecision(LINK, "ann", NOW, a_decision(disposition=Disposition.TRIAGE))
    decided = a_stored_message(state=DONE, decision=a_decision(listed="matching_off"), decided=decision)
    [first, *others] = explanations.message_steps(decided, (a_link(rule="by_hand"),), ())
    assert first == "A person has decided on it in My Inbox; it is on 1 record(s)."
    assert len(others) == 1, "and it is no longer listed there"


def test_a_mail_that_is_filed_out_of_sight_is_said_to_be_on_no_number_of_records() -> None:
    [step] = explanations.message_steps(a_stored_message(state=DONE), (), ())
    assert step.endswith("filed it on what is not for you to see.")


@pytest.mark.parametrize(
    ("direction", "says"),
    [(Direction.IN, "would wait in My Inbox"), (Direction.OUT, "would be on no timeline")],
)
def test_a_preview_lets_no_sent_mail_wait(direction: Direction, says: str) -> None:
    assert says in explanations.preview_sentence("everything", "triage", "no_match", direction)
    assert explanations.preview_sentence("intake", "filed", "taught", direction).startswith("Kept, because")


@pytest.mark.parametrize("code", [*ADVICE, "SomethingNew"])
def test_advice_is_one_sentence(code: str) -> None:
    said = advice(code)
    assert said.endswith(".")
    assert 30 < len(said) < 160
    assert ". " not in said
    assert (said == GENERAL) == (code not in ADVICE)


def test_every_code_of_our_own_has_advice() -> None:
    """Codes that are spelled out where an error is made; all others are Microsoft's."""
    given = set()
    for path in Path(shared.domain.capture.screening.__file__).parents[2].rglob("*.py"):
        text = path.read_text("utf-8")
        given |= set(re.findall(r'(?:PermanentError|Rejected)\([^()]*?", "([A-Za-z_]+)"', text))
    assert {"reused_id", "NoDate"} <= given
    assert given <= set(ADVICE)


def test_a_mail_that_is_listed_although_it_is_filed_says_why() -> None:
    message = a_stored_message(state=DONE, decision=a_decision("contact/C-1"))
    assert explanations.message_steps(message, (), ["no_record_of_kind"])[-1] == (
        "It is in My Inbox as well, because it reached no open record of the kind that the mailbox is matched to "
        "(no_record_of_kind)."
    )


def test_a_mail_that_did_not_arrive_says_so_without_the_address() -> None:
    bounced = Bounced("gone@fabrikam.example", "5.1.1", permanent=True, at=NOW, message_key=KEY)
    message = a_stored_message(state=DONE, bounces=(bounced,))
    assert explanations.message_steps(message, (), ())[-1] == (
        "It did not reach 1 address(es): reports have come back."
    )
