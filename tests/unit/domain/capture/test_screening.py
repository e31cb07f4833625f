"""Capture: what is kept, what is not, and why."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.capture.screening import Policy, decide
from shared.domain.mail.messages import Direction
from shared.domain.matching.candidates import Candidates, CodeHit, ThreadHit
from tests.builders import (
    AGENT,
    CONTACT,
    KEY,
    NOW,
    a_folder_state,
    a_head,
    a_mailbox,
    a_ref,
    an_organisation,
)

STRANGER = "stranger@adatum.example"
COLLEAGUE = "colleague@contoso.example"
REF = frozenset({a_ref()})


def candidates(**fields: Any) -> Candidates:
    return Candidates(**{"staff": frozenset({AGENT, COLLEAGUE}), **fields})


KNOWN = candidates(addresses={CONTACT: REF})
FILED_PARENT = ThreadHit(KEY, "parent@fabrikam.example", Direction.OUT, (a_ref(),))


def policy(
    *, organisation: dict[str, Any] | None = None, mailbox: dict[str, Any] | None = None, **folder: Any
) -> Policy:
    return Policy(
        an_organisation(**(organisation or {})),
        a_mailbox(**(mailbox or {})),
        a_folder_state(**folder),
        NOW - timedelta(days=2),
    )


def test_mail_with_a_known_contact_is_kept() -> None:
    verdict = decide(a_head(), KNOWN, policy())
    assert (verdict.keep, verdict.reason) == (True, "known_address")


@pytest.mark.parametrize("role", ["to", "cc", "bcc", "reply_to"])
def test_a_known_address_counts_in_every_role(role: str) -> None:
    head = a_head(**{"sender": STRANGER, "to": (AGENT,), role: (CONTACT,)})
    assert decide(head, KNOWN, policy()).keep


def test_mail_of_an_address_that_an_agent_has_taught_is_kept() -> None:
    taught = candidates(taught={STRANGER: REF})
    assert decide(a_head(sender=STRANGER), taught, policy()).reason == "known_address"


def test_mail_of_strangers_is_skipped() -> None:
    verdict = decide(a_head(sender=STRANGER), candidates(), policy())
    assert (verdict.keep, verdict.reason, verdict.final) == (False, "unknown_people", True)


def test_mail_from_a_clients_domain_is_kept() -> None:
    known = candidates(domains={"fabrikam.example": frozenset({a_ref("client/F")})})
    assert decide(a_head(), known, policy()).reason == "known_domain"


def test_an_answer_to_a_filed_mail_is_kept_whoever_writes() -> None:
    verdict = decide(a_head(sender=STRANGER), candidates(thread=(FILED_PARENT,)), policy())
    assert verdict.reason == "thread"


def test_an_answer_to_an_unfiled_mail_is_not_kept_for_that() -> None:
    parent = replace(FILED_PARENT, links=())
    assert not decide(a_head(sender=STRANGER), candidates(thread=(parent,)), policy()).keep


@pytest.mark.parametrize("listed", [CONTACT, "fabrikam.example"])
@pytest.mark.parametrize("whose", ["organisation", "mailbox"])
def test_never_log_wins_over_every_match(listed: str, whose: str) -> None:
    rules: dict[str, Any] = {whose: {"never_log": (listed,)}}
    known = replace(KNOWN, thread=(FILED_PARENT,), codes=(CodeHit("PL-1", (a_ref(),)),))
    assert decide(a_head(), known, policy(**rules)).reason == "never_log"


def test_never_log_covers_subdomains_but_not_lookalikes() -> None:
    rules = policy(organisation={"never_log": ("kam.example",)})
    assert decide(a_head(), KNOWN, rules).keep
    below = a_head(sender="a@mail.kam.example")
    assert decide(below, KNOWN, rules).reason == "never_log"


def test_mail_between_colleagues_is_never_kept() -> None:
    head = a_head(sender=COLLEAGUE)
    verdict = decide(head, candidates(thread=(FILED_PARENT,)), policy(mailbox={"capture": "everything"}))
    assert verdict.reason == "staff_only"


def test_a_valid_code_lets_mail_between_colleagues_in() -> None:
    known = candidates(codes=(CodeHit("PL-1", (a_ref(),)),))
    assert decide(a_head(sender=COLLEAGUE), known, policy()).reason == "code"


def test_mail_between_colleagues_reaches_an_intake_mailbox() -> None:
    assert decide(
        a_head(sender=COLLEAGUE), candidates(to_intake=True), policy(mailbox={"kind": "intake"})
    ).keep


def test_mail_without_any_participant_is_not_called_internal() -> None:
    head = a_head(sender="", to=())
    assert decide(head, candidates(), policy()).reason == "unknown_people"


@pytest.mark.parametrize("kind", ["junkemail", "deleteditems", "IPF.Task"])
def test_excluded_folders_are_named_and_never_final(kind: str) -> None:
    verdict = decide(a_head(), KNOWN, policy(kind=kind, captured=False))
    assert (verdict.keep, verdict.reason, verdict.final) == (False, f"folder:{kind}", False)


def test_a_draft_is_never_kept_and_never_final() -> None:
    verdict = decide(a_head(is_draft=True), KNOWN, policy())
    assert (verdict.reason, verdict.final) == ("folder:drafts", False)


def test_a_verdict_in_an_excluded_folder_is_not_final_whatever_its_reason() -> None:
    verdict = decide(a_head(sender=COLLEAGUE), candidates(), policy(kind="junkemail", captured=False))
    assert (verdict.reason, verdict.final) == ("staff_only", False)


def test_sent_items_may_be_switched_off() -> None:
    rules = policy(mailbox={"sent_items": False}, kind="sentitems")
    assert decide(a_head(), KNOWN, rules).reason == "sent_items_off"


def test_mail_before_the_window_is_skipped() -> None:
    old = a_head(received_at=NOW - timedelta(days=2, seconds=1))
    assert decide(old, KNOWN, policy()).reason == "before_window"


def test_a_backfill_lifts_the_window() -> None:
    old = a_head(received_at=NOW - timedelta(days=900))
    assert decide(old, KNOWN, replace(policy(), since=None)).keep


@pytest.mark.parametrize("sensitivity", [2, 3])
def test_private_mail_is_kept_for_its_thread_only(sensitivity: int) -> None:
    head = a_head(sensitivity=sensitivity)
    verdict = decide(head, KNOWN, policy(mailbox={"capture": "everything"}))
    assert (verdict.keep, verdict.reason) == (False, "private")
    assert decide(head, replace(KNOWN, thread=(FILED_PARENT,)), policy()).reason == "thread"


def test_an_organisation_may_ignore_sensitivity() -> None:
    assert decide(a_head(sensitivity=2), KNOWN, policy(organisation={"sensitivity": False})).keep


def test_personal_sensitivity_is_not_private() -> None:
    assert decide(a_head(sensitivity=1), KNOWN, policy()).keep


def test_a_mailbox_may_capture_everything() -> None:
    rules = policy(mailbox={"capture": "everything"})
    assert decide(a_head(sender=STRANGER), candidates(), rules).reason == "everything"


def test_mail_of_an_erased_person_is_never_kept_whatever_else_speaks_for_it() -> None:
    known = candidates(
        addresses={CONTACT: REF},
        thread=(FILED_PARENT,),
        erased=frozenset({CONTACT}),
        codes=(CodeHit("PL-1", (a_ref(),)),),
    )
    verdict = decide(a_head(), known, policy(mailbox={"capture": "everything"}))
    assert (verdict.keep, verdict.reason, verdict.final) == (False, "erased", True)
