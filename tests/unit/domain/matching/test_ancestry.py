"""What a thread lends a mail, what is asked behind the nearest of it, and whom the mail has to hear from."""

from typing import Any, Final

import pytest

from shared.domain.mail.messages import Direction
from shared.domain.matching.ancestry import ancestors_to_ask, heard, lenders
from shared.domain.matching.candidates import ThreadHit
from tests.builders import a_ref

NEAR, FAR, FIRST = PARENTS = ("near@x.example", "far@x.example", "first@x.example")
DEAL: Final = "opportunity/O-1"


def a_mail(message_id: str, *refs: str, blind: str = "", refused: str = "", **more: Any) -> ThreadHit:
    return ThreadHit(
        f"key of {message_id}",
        message_id,
        Direction.IN,
        tuple(map(a_ref, refs)),
        blind=frozenset({a_ref(blind)} if blind else ()),
        refused=frozenset({a_ref(refused)} if refused else ()),
        **more,
    )


def lent(*thread: ThreadHit) -> dict[str, list[str]]:
    return {hit.evidence: sorted(map(str, hit.lent)) for hit in lenders(thread)}


@pytest.mark.parametrize(
    ("thread", "asked"),
    [
        ((), PARENTS[1:]),
        ((a_mail(NEAR),), PARENTS[1:]),
        ((a_mail(NEAR, follows=True),), PARENTS[1:]),
        ((a_mail(NEAR, "contact/C-1", follows=True),), ()),
        ((a_mail(NEAR, "contact/C-1", blind="contact/C-1", follows=True),), ()),
        ((a_mail(NEAR), a_mail(NEAR, "property/P-1", follows=True)), ()),
        ((a_mail(NEAR, "contact/C-1"),), PARENTS[1:]),
        ((a_mail(NEAR, "contact/C-1", "case/1"),), ()),
        ((a_mail(NEAR, is_apart=True),), ()),
    ],
    ids=[
        "not stored",
        "waits in My Inbox",
        "an answer that waits",
        "an answer",
        "an answer, filed by a Bcc alone",
        "a namesake of it is filed",
        "a forward, on a contact",
        "a forward, on a case",
        "taken out of its thread",
    ],
)
def test_ancestors_are_asked_for_where_the_nearest_mail_does_not_lend_what_they_could(
    thread: tuple[ThreadHit, ...], asked: tuple[str, ...]
) -> None:
    assert ancestors_to_ask(PARENTS, thread) == asked


def test_a_mail_that_answers_one_mail_has_no_ancestors_to_ask_for() -> None:
    assert ancestors_to_ask(PARENTS[:1], ()) == ()


@pytest.mark.parametrize("person", ["contact/C-1", "client/K-1"])
def test_the_nearest_filed_mail_lends_all_and_those_behind_it_affairs_that_are_missing(person: str) -> None:
    behind = a_mail(FAR, "contact/C-2", "client/K-2", DEAL), a_mail(FIRST, "client/K-3", "property/P-1")
    assert lent(a_mail(NEAR, person), *behind) == {NEAR: [person], FAR: [DEAL]}


def test_the_people_of_mail_behind_one_that_is_filed_nowhere_are_lent() -> None:
    assert lent(a_mail(NEAR), a_mail(FAR, "contact/C-2", "client/K-2")) == {
        FAR: ["client/K-2", "contact/C-2"]
    }


def test_nothing_is_lent_from_behind_a_mail_with_an_affair_of_its_own() -> None:
    assert lent(a_mail(NEAR, "property/P-1"), a_mail(FAR, DEAL)) == {NEAR: ["property/P-1"]}


def test_of_a_nearer_deal_and_one_behind_it_only_the_nearer_is_lent() -> None:
    thread = (a_mail(NEAR), a_mail(FAR, DEAL), a_mail(FIRST, "opportunity/O-2"))
    assert lent(*thread) == {FAR: [DEAL]}


def test_a_bcc_is_not_given_away_and_its_kind_does_not_come_from_behind() -> None:
    hidden = a_mail(NEAR, "contact/C-1", blind="contact/C-1")
    assert lent(hidden, a_mail(FAR, "contact/C-2", DEAL)) == {FAR: [DEAL]}


@pytest.mark.parametrize("stands_on", [(), ("contact/C-1",)])
def test_what_a_person_took_from_a_mail_does_not_come_back_from_behind_it(stands_on: tuple[str, ...]) -> None:
    near = a_mail(NEAR, *stands_on, refused=DEAL)
    assert lent(near, a_mail(FAR, DEAL, "property/P-1")).get(FAR) == ["property/P-1"]
    assert FAR not in lent(near, a_mail(FAR, DEAL), a_mail(FIRST, "opportunity/O-2"))


def test_nothing_comes_from_behind_a_mail_that_a_person_took_out_of_its_thread() -> None:
    assert lent(a_mail(NEAR, is_apart=True), a_mail(FAR, DEAL)) == {}


@pytest.mark.parametrize(
    ("thread", "names"),
    [
        ((), PARENTS),
        ((a_mail(NEAR, "contact/C-1", follows=True),), (NEAR,)),
        ((a_mail(NEAR, follows=True), a_mail(FIRST)), (NEAR,)),
        ((a_mail(NEAR, follows=True), a_mail(FIRST, DEAL)), (NEAR, FIRST)),
        ((a_mail(NEAR, "contact/C-1"), a_mail(FAR, "contact/C-1", follows=True)), (NEAR, FAR)),
        ((a_mail(NEAR, DEAL),), (NEAR,)),
        ((a_mail(FAR, DEAL, follows=True),), (NEAR, FAR)),
        ((a_mail(NEAR, is_apart=True),), (NEAR,)),
    ],
    ids=[
        "nobody is there",
        "an answer",
        "an answer that waits",
        "one behind it lends",
        "a forward",
        "a deal",
        "missing",
        "apart",
    ],
)
def test_a_mail_hears_from_each_up_to_the_first_that_hears_of_those_behind_it(
    thread: tuple[ThreadHit, ...], names: tuple[str, ...]
) -> None:
    assert heard(PARENTS, thread) == names
