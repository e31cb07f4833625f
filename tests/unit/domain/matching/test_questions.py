"""What is asked about a mail: whom it names from outside, which domains, which thread; never more than is bounded."""

from base64 import b64encode
from typing import Any

import pytest

from shared.domain.mail import codes
from shared.domain.mail.messages import Direction
from shared.domain.matching.candidates import Candidates, KnownAddress, ThreadHit
from shared.domain.matching.decisions import MatchPolicy
from shared.domain.matching.questions import (
    MOST_RECIPIENTS,
    MOST_REPLY_TO,
    QuestionPolicy,
    Questions,
    codes_in_body,
    contacts_to_ask,
    domains_to_ask,
    lent_records,
    questions,
    related_records,
    thread_questions,
)
from shared.domain.records.records import Card
from tests.builders import (
    AGENT,
    CODE_KEYS,
    CONTACT,
    TENANT,
    a_head,
    a_mailbox,
    a_record,
    a_ref,
    an_organisation,
)

START = b64encode(b"\x01" + bytes(21)).decode()
ANSWER = b64encode(b"\x01" + bytes(26)).decode()
GUID = "00" * 16
COLLEAGUE = "colleague@contoso.example"
ALIAS = "agent@elsewhere.example"
LI = "li@fabrikam.example"
MANY = tuple(f"guest-{number}@adatum.example" for number in range(MOST_RECIPIENTS + 7))


def a_policy(**mailbox: Any) -> QuestionPolicy:
    organisation, made = an_organisation(), a_mailbox(aliases=(ALIAS,), **mailbox)
    return QuestionPolicy(organisation, made, MatchPolicy.of(organisation, made), CODE_KEYS)


def asked_of(policy: QuestionPolicy | None = None, **head: Any) -> Questions:
    return questions(a_head(**head), policy or a_policy())


def with_client(client: str = "K-1") -> KnownAddress:
    return KnownAddress(frozenset({Card(a_ref("contact/C-1"), client)}))


def test_everyone_from_outside_is_looked_up_and_nobody_of_the_organisation() -> None:
    asked = asked_of(to=(AGENT, COLLEAGUE), cc=(LI, ALIAS), reply_to=("desk@tailspin.example",))
    assert asked.addresses == {CONTACT, LI, "desk@tailspin.example"}
    assert asked.own == {AGENT, COLLEAGUE, ALIAS}
    assert asked.people == asked.addresses | asked.own


def test_whom_a_bounce_names_in_its_headers_is_looked_up_as_well() -> None:
    asked = asked_of(headers=(("x-failed-recipients", f"{LI}, {COLLEAGUE}"),))
    assert asked.addresses == {CONTACT, LI}
    assert COLLEAGUE in asked.own


def test_the_first_recipients_are_looked_up_with_sender_and_reply_to_and_no_more() -> None:
    asked = asked_of(to=MANY[:300], cc=MANY[300:], bcc=(LI,), reply_to=("desk@tailspin.example",))
    assert asked.addresses == {CONTACT, "desk@tailspin.example", *MANY[:MOST_RECIPIENTS]}
    assert asked.people > set(MANY), "never-log lists and erased people are told by everybody on the mail"


def test_colleagues_take_no_place_among_those_looked_up() -> None:
    colleagues = tuple(f"c{number}@contoso.example" for number in range(MOST_RECIPIENTS))
    assert asked_of(to=colleagues, cc=(LI,)).addresses == {CONTACT, LI}


@pytest.mark.parametrize(
    ("head", "most"),
    [
        ({"reply_to": MANY}, MOST_REPLY_TO),
        ({"headers": (("x-failed-recipients", ", ".join(MANY)),)}, MOST_RECIPIENTS),
    ],
)
def test_no_header_of_a_stranger_makes_more_look_ups(head: dict[str, Any], most: int) -> None:
    assert len(asked_of(to=(AGENT,), **head).addresses) == most + 1


def test_codes_of_the_subject_are_asked_for_and_forged_ones_are_counted() -> None:
    code = codes.issue(5, CODE_KEYS, TENANT).text
    forged = code[:-1] + ("0" if code[-1] != "0" else "1")
    asked = asked_of(subject=f"[{code}] and [{forged}]")
    assert ([found.text for found in asked.codes.codes], asked.codes.forged) == ([code], 1)


@pytest.mark.parametrize(("subject", "count"), [("Hello", 1), ("Fwd: Hello", 0)])
def test_a_body_is_asked_for_codes_unless_it_is_forwarded(subject: str, count: int) -> None:
    code = codes.issue(5, CODE_KEYS, TENANT).text
    assert len(codes_in_body(a_head(subject=subject), f"See [{code}].", a_policy()).codes) == count


@pytest.mark.parametrize(
    ("known", "domains"),
    [
        (KnownAddress(), {"fabrikam.example"}),
        (with_client(""), {"fabrikam.example"}),
        (with_client(), set()),
        (KnownAddress(is_staff=True), set()),
    ],
)
def test_a_domain_is_asked_where_no_contact_with_a_client_answers(
    known: KnownAddress, domains: set[str]
) -> None:
    assert domains_to_ask(asked_of(), {CONTACT: known}) == domains


def test_a_mailbox_that_matches_by_domain_asks_for_the_domain_all_the_same() -> None:
    policy = a_policy(matched_to="opportunity", matching_type="domain")
    assert domains_to_ask(asked_of(policy), {CONTACT: with_client()}) == {"fabrikam.example"}


@pytest.mark.parametrize(
    ("sender", "headers"),
    [
        ("li@gmail.com", ()),
        ("li@localhost", ()),
        ("news@fabrikam.example", (("list-post", "<mailto:news@fabrikam.example>"),)),
    ],
)
def test_shared_domains_and_those_of_lists_are_not_asked(
    sender: str, headers: tuple[tuple[str, str], ...]
) -> None:
    asked = asked_of(sender=sender, headers=headers)
    assert domains_to_ask(asked, dict.fromkeys(asked.addresses, KnownAddress())) == set()


def test_a_thread_is_asked_by_what_the_mail_answers_nearest_first() -> None:
    head = a_head(in_reply_to=("near@x.example",), references=("far@x.example", "near@x.example"))
    assert thread_questions(head, MatchPolicy()).parents == ("near@x.example", "far@x.example")


@pytest.mark.parametrize(
    ("subject", "index", "goes_on"),
    [("Hello", START, False), ("Re: Hello", START, True), ("Hello", ANSWER, True), ("Fwd: x", ANSWER, False)],
)
def test_a_conversation_is_asked_where_the_mail_goes_on_with_it(
    subject: str, index: str, goes_on: bool
) -> None:
    head = a_head(subject=subject, conversation_index=index)
    asked = thread_questions(head, MatchPolicy())
    whole_second = head.received_at.replace(microsecond=999_999)
    assert (asked.conversation, asked.goes_on, asked.until) == (GUID, goes_on, whole_second)


@pytest.mark.parametrize(
    ("policy", "subject"),
    [
        (MatchPolicy(matched_to="opportunity"), "Offer 7"),
        (MatchPolicy(matched_to="opportunity", matching=False), ""),
        (MatchPolicy(matched_to="opportunity", matching_type="domain"), ""),
        (MatchPolicy(), ""),
    ],
)
def test_a_subject_is_asked_in_mailboxes_that_match_by_it(policy: MatchPolicy, subject: str) -> None:
    asked = thread_questions(a_head(subject="Re: Offer 7"), policy)
    assert asked.subject.casefold() == subject.casefold()


def a_hit(ref: str) -> ThreadHit:
    return ThreadHit("k" * 32, "id", direction=Direction.OUT, links=(a_ref(ref),))


def test_cards_are_read_of_all_records_that_a_mail_may_lend_or_lead_to() -> None:
    contact = Card(a_ref("contact/C-1"), client="K-1")
    candidates = Candidates(
        cards={contact.ref: contact},
        taught={CONTACT: frozenset({a_ref("project/P-1")})},
        thread=(a_hit("opportunity/O-1"), a_hit("opportunity/far")),
        conversation=(a_hit("case/K-1"),),
        bounced=a_hit("property/A-1"),
    )
    assert set(map(str, lent_records(candidates))) == {"opportunity/O-1", "case/K-1", "property/A-1"}
    assert set(map(str, related_records(candidates))) == {"client/K-1", "project/P-1"}


@pytest.mark.parametrize(
    ("matched_to", "thread", "asked"),
    [
        ("opportunity", (), {"C-1"}),
        ("opportunity", ("opportunity/O-1",), set()),
        ("project", ("opportunity/O-1",), {"C-1"}),
        (None, (), set()),
    ],
)
def test_what_lists_a_contact_is_asked_where_nothing_better_reaches_a_record_of_the_kind(
    matched_to: str | None, thread: tuple[str, ...], asked: set[str]
) -> None:
    deal = a_record("opportunity/O-1").card
    candidates = Candidates(
        addresses={CONTACT: frozenset({a_ref("contact/C-1"), a_ref("client/K-1")})},
        cards={deal.ref: deal},
        thread=tuple(map(a_hit, thread)),
    )
    found = contacts_to_ask(a_head(), candidates, MatchPolicy(matched_to=matched_to))
    assert found.keys() == asked
