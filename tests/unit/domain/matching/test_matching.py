"""The cascade: which records a mail belongs to, and what it says about why."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.mail.messages import Direction
from shared.domain.matching.candidates import Candidates, CodeHit, ThreadHit
from shared.domain.matching.decisions import Decision, Disposition, Link, MatchPolicy
from shared.domain.matching.evidence import Evidence, of_person
from shared.domain.matching.matching import match, merge
from tests.builders import AGENT, CONTACT, KEY, a_head, a_record, a_ref

POLICY = MatchPolicy()
PERSON = a_record(client="F")
CLIENT = a_record("client/F")
PROPERTY = a_record("property/P-1")


def known(*, thread: tuple[ThreadHit, ...] = (), **records: Any) -> Candidates:
    everyone = (PERSON, CLIENT, PROPERTY)
    fields: dict[str, Any] = {
        "addresses": {CONTACT: frozenset({PERSON.ref})},
        "records": {one.ref: one for one in everyone},
        "staff": frozenset({AGENT}),
        "thread": thread,
        **records,
    }
    fields["cards"] = {ref: one.card for ref, one in fields.pop("records").items()}
    return Candidates(**fields)


def parent(*refs: str) -> ThreadHit:
    return ThreadHit(KEY, "parent@contoso.example", Direction.OUT, tuple(a_ref(one) for one in refs))


def links(decision: Decision) -> dict[str, tuple[str, str]]:
    return {str(one.ref): (one.rule, one.evidence.text) for one in decision.links}


def test_a_contacts_address_files_on_the_contact_and_its_client() -> None:
    decision = match(a_head(), known(), POLICY)
    assert decision.disposition is Disposition.FILED
    assert links(decision) == {
        "contact/C-1": ("contact_address", f"from {CONTACT}"),
        "client/F": ("contact_address", f"from {CONTACT} of contact/C-1"),
    }


def test_every_contact_on_a_mail_gets_it() -> None:
    other = a_record("contact/C-2", addresses=("second@fabrikam.example",))
    people = known(
        addresses={CONTACT: frozenset({PERSON.ref}), "second@fabrikam.example": frozenset({other.ref})},
        records={PERSON.ref: PERSON, other.ref: other},
    )
    decision = match(a_head(cc=("second@fabrikam.example",)), people, POLICY)
    assert links(decision)["contact/C-2"] == ("contact_address", "cc second@fabrikam.example")


def test_an_answer_is_filed_where_its_parent_is() -> None:
    decision = match(a_head(sender="x@adatum.example"), known(thread=(parent("property/P-1"),)), POLICY)
    assert links(decision) == {"property/P-1": ("thread", "parent@contoso.example")}


def test_the_nearest_filed_parent_lends_its_links() -> None:
    thread = (parent(), parent("property/P-1"), parent("client/F"))
    decision = match(a_head(sender="x@adatum.example"), known(thread=thread), POLICY)
    assert list(links(decision)) == ["property/P-1"]


def test_thread_and_contact_add_up_with_the_surer_first() -> None:
    decision = match(a_head(), known(thread=(parent("contact/C-1", "property/P-1"),)), POLICY)
    assert [(str(one.ref), one.rule) for one in decision.links] == [
        ("contact/C-1", "thread"),
        ("property/P-1", "thread"),
        ("client/F", "contact_address"),
    ]


def test_a_thread_reaches_a_closed_record_and_says_so() -> None:
    closed = replace(PROPERTY, status="closed")
    candidates = known(thread=(parent("property/P-1"),), records={PROPERTY.ref: closed})
    assert [one.closed for one in match(a_head(), candidates, POLICY).links] == [True]


def test_people_never_reach_a_closed_record_or_an_excluded_type() -> None:
    closed = known(records={PERSON.ref: replace(PERSON, status="closed")})
    excluded = known(records={PERSON.ref: replace(PERSON, type="supplier")})
    policy = MatchPolicy(excluded_types=frozenset({"supplier"}))
    assert match(a_head(), closed, POLICY).disposition is Disposition.TRIAGE
    assert match(a_head(), excluded, policy).disposition is Disposition.TRIAGE


def test_an_address_alone_never_reaches_a_property_or_an_opportunity() -> None:
    listed = a_record("opportunity/O-1", addresses=(CONTACT,))
    people = known(
        addresses={CONTACT: frozenset({listed.ref, PROPERTY.ref})},
        records={listed.ref: listed, PROPERTY.ref: PROPERTY},
    )
    assert match(a_head(), people, POLICY).links == ()


def test_a_clients_domain_files_on_the_client() -> None:
    people = known(addresses={}, domains={"fabrikam.example": frozenset({CLIENT.ref})})
    assert links(match(a_head(), people, POLICY)) == {"client/F": ("domain", f"from {CONTACT}")}


def test_nothing_known_means_triage() -> None:
    decision = match(a_head(), Candidates(), POLICY)
    assert (decision.disposition, decision.reason, decision.links) == (Disposition.TRIAGE, "no_match", ())


def test_switched_off_matching_still_follows_threads() -> None:
    policy = MatchPolicy(matching=False)
    assert match(a_head(), known(), policy).disposition is Disposition.TRIAGE
    assert links(match(a_head(), known(thread=(parent("property/P-1"),)), policy)) == {
        "property/P-1": ("thread", "parent@contoso.example")
    }


REFS = st.sampled_from([f"{kind}/{number}" for kind in ("contact", "client") for number in range(4)])


@given(st.lists(REFS, min_size=1, max_size=6, unique=True), st.randoms())
def test_the_order_of_candidates_does_not_matter(refs: list[str], random: Any) -> None:
    cards = {a_ref(one): a_record(one, client="1" if one.startswith("contact/") else "").card for one in refs}
    shuffled = list(cards.items())
    random.shuffle(shuffled)
    addresses = {CONTACT: frozenset(cards), "second@fabrikam.example": frozenset(cards)}
    head = a_head(cc=("second@fabrikam.example",))
    one = match(head, Candidates(addresses=addresses, cards=cards), POLICY)
    backwards = dict(reversed(addresses.items()))
    other = match(head, Candidates(addresses=backwards, cards=dict(shuffled)), POLICY)
    assert one == other


SHUFFLED = (
    a_record("contact/C-1", client="F", contacts=()),
    a_record("contact/C-2", addresses=("second@fabrikam.example",)),
    a_record("client/F"),
    a_record("client/G", status="closed"),
    a_record("opportunity/O-1", summary="Viewing on Thursday", client="F", contacts=("C-1",)),
    a_record("opportunity/O-2", summary="Viewing on Thursday", client="F", contacts=("C-1", "C-2")),
    a_record("project/P-1", client="G", status="closed"),
)


@given(
    st.sets(st.sampled_from([one.ref for one in SHUFFLED])),
    st.sampled_from(["opportunity", "project"]),
    st.data(),
)
def test_the_order_of_everything_that_is_known_does_not_matter(known_refs: Any, kind: str, data: Any) -> None:
    refs = frozenset(known_refs)
    some = tuple(sorted(refs))[:2]

    def shuffled(values: Any) -> list[Any]:
        return list(data.draw(st.permutations(list(values))))

    def candidates() -> Candidates:
        hits = [
            replace(parent(*map(str, some)), key=f"{n}", participants=frozenset({CONTACT})) for n in range(2)
        ]
        return Candidates(
            addresses=dict(shuffled({CONTACT: refs, "second@fabrikam.example": refs}.items())),
            domains=dict(shuffled({"fabrikam.example": refs, "adatum.example": refs}.items())),
            cards=dict(shuffled({one.ref: one.card for one in SHUFFLED}.items())),
            conversation=tuple(shuffled(hits)),
            codes=tuple(shuffled([CodeHit("PL-1", tuple(shuffled(some))), CodeHit("PL-2", some)])),
            subjects={"viewing on thursday": frozenset(shuffled(refs))},
            taught=dict(shuffled({CONTACT: refs, "x@adatum.example": refs}.items())),
            listing_contact=dict.fromkeys(shuffled(refs), refs),
            staff=frozenset({AGENT}),
        )

    head = a_head(cc=("second@fabrikam.example", "x@adatum.example"))
    for how in ("address_and_subject", "domain"):
        policy = MatchPolicy(matched_to=kind, matching_type=how, unmatched="new")
        assert match(head, candidates(), policy) == match(head, candidates(), policy)


def a_link(ref: str, score: int, by: str = "postledger") -> Link:
    return Link(a_ref(ref), "rule", Evidence(text=f"evidence {score}"), score, by=by)


LINKS = st.lists(
    st.builds(a_link, REFS, st.sampled_from([60, 80, 90])), max_size=4, unique_by=lambda one: one.ref
)
DECISIONS = LINKS.map(
    lambda given_links: (
        Decision(Disposition.FILED, tuple(given_links), "rule")
        if given_links
        else Decision(Disposition.TRIAGE)
    )
)


@given(DECISIONS, DECISIONS)
def test_merged_decisions_agree_in_either_order(one: Decision, other: Decision) -> None:
    def best(decision: Decision) -> set[tuple[str, int]]:
        return {(str(link.ref), link.score) for link in decision.links}

    assert best(merge(one, other)) == best(merge(other, one))
    assert merge(one, other).disposition is merge(other, one).disposition


@given(DECISIONS, DECISIONS)
def test_merged_decisions_have_the_same_links_in_either_order(one: Decision, other: Decision) -> None:
    assert set(merge(one, other).links) == set(merge(other, one).links)


def test_of_two_doubts_the_graver_one_is_told_whichever_came_first() -> None:
    doubts = [Decision(Disposition.TRIAGE, reason=one) for one in ("no_match", "claims_code")]
    assert merge(*doubts).reason == merge(*reversed(doubts)).reason == "claims_code"


@given(DECISIONS)
def test_merging_the_same_again_changes_nothing(decision: Decision) -> None:
    assert merge(decision, decision) == decision


def test_filed_beats_triage() -> None:
    filed = Decision(Disposition.FILED, (a_link("contact/1", 80),), "rule")
    assert merge(Decision(Disposition.TRIAGE), filed) == filed
    assert merge(filed, Decision(Disposition.TRIAGE)) == filed


def test_a_link_made_by_a_person_stays_as_it_is() -> None:
    change_by_person = Decision(Disposition.FILED, (a_link("contact/1", 50, by="agent"),), "by_hand")
    ruled = Decision(Disposition.FILED, (a_link("contact/1", 90),), "rule")
    assert merge(change_by_person, ruled).links == change_by_person.links


BLIND = Link(a_ref("client/F"), "contact_address", of_person("bcc", "x@fabrikam.example"), 80)
OPEN = Link(a_ref("client/F"), "domain", of_person("to", CONTACT), 60)


@given(st.permutations([BLIND, OPEN]))
def test_what_all_may_see_stands_before_a_bcc_however_sure_that_is(found: list[Link]) -> None:
    one, other = (Decision(Disposition.FILED, (link,), link.rule) for link in found)
    assert merge(one, other).links == (OPEN,)


def test_a_thread_does_not_lend_what_nothing_but_a_bcc_led_to() -> None:
    hit = replace(parent("contact/C-1", "property/P-1"), blind=frozenset({a_ref("property/P-1")}))
    head = a_head(sender="x@adatum.example")
    assert list(links(match(head, known(thread=(hit,)), POLICY))) == ["contact/C-1"]
    alone = replace(hit, links=(a_ref("property/P-1"),))
    assert match(head, known(thread=(alone,)), POLICY).reason == "no_match"


def test_records_that_were_merged_are_lent_where_one_of_them_was_for_all_to_see() -> None:
    hit = replace(parent("contact/C-1", "contact/C-2"), blind=frozenset({a_ref("contact/C-1")}))
    moved = hit.moved({a_ref("contact/C-1"): a_ref("contact/C-2")})
    assert (moved.links, moved.lent) == ((a_ref("contact/C-2"),), (a_ref("contact/C-2"),))
