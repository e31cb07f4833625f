"""The author of mail that a list passed on under its own address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.mail.addresses import Person
from shared.domain.mail.senders import author_of, list_addresses

LIST = "letters@lists.example"
MUNGED = Person("Bo Ek via Letters", LIST)
BO = Person("Bo Ek", "bo@fabrikam.example")
LI = Person("Li Wu", "li@fabrikam.example")
AGENT = Person("Agent", "agent@contoso.example")
POST = ("List-Post", f"<mailto:{LIST}>")


@pytest.mark.parametrize(
    "header",
    [
        ("X-Original-From", "Bo Ek <bo@fabrikam.example>"),
        ("x-original-from", "bo@fabrikam.example"),
        ("X-Original-Sender", "bo@fabrikam.example"),
    ],
)
def test_the_list_says_who_wrote(header: tuple[str, str]) -> None:
    assert author_of(MUNGED, [LI], [AGENT], [POST, header]) == BO


def test_the_author_is_the_one_in_reply_to_who_is_not_the_list() -> None:
    assert author_of(MUNGED, [Person("", LIST), BO], [], [POST]) == BO
    assert author_of(MUNGED, [Person("", BO.address)], [], [POST]) == BO
    assert author_of(MUNGED, [LI, BO], [], [POST]) == BO


@pytest.mark.parametrize(
    "bo",
    [BO, Person("Ek, Bo", BO.address), Person("BO EK", BO.address), Person("", "bo.ek@fabrikam.example")],
)
def test_the_author_is_in_cc_under_the_same_name(bo: Person) -> None:
    found = author_of(MUNGED, [Person("", LIST)], [AGENT, bo, LI], [POST])
    assert found == Person(bo.name or "Bo Ek", bo.address)


def test_a_stranger_in_cc_is_not_the_author() -> None:
    assert author_of(MUNGED, [], [LI], [POST]) is None
    assert author_of(MUNGED, [], [], [POST]) is None


def test_several_possible_authors_are_none() -> None:
    assert author_of(MUNGED, [LI, AGENT], [], [POST]) is None
    assert author_of(MUNGED, [], [BO, Person("Bo Ek", "other@fabrikam.example")], [POST]) is None


def test_via_in_the_name_is_enough() -> None:
    assert author_of(Person("'Bo Ek' via Sales", "sales@contoso.example"), [BO], [], []) == BO
    assert author_of(Person("Bo Ek über Briefe", "briefe@lists.example"), [BO], [], []) == BO


def test_the_list_s_address_is_enough() -> None:
    assert (
        author_of(Person("Bo Ek", LIST), [], [BO, AGENT], [("List-Id", "Letters <letters.lists.example>")])
        == BO
    )


@pytest.mark.parametrize(
    ("sender", "headers"),
    [
        (BO, [POST, ("X-Original-From", "li@fabrikam.example")]),
        (BO, []),
        (BO, [("X-Original-From", "li@fabrikam.example")]),
        (Person("Via Roma Estates", "info@roma.example"), []),
        (Person("Olivia Ek", "olivia@fabrikam.example"), []),
        (Person("Bo Ek via Letters", ""), [POST]),
        (Person("", ""), []),
    ],
)
def test_where_from_was_not_rewritten_nobody_else_is_believed(
    sender: Person, headers: list[tuple[str, str]]
) -> None:
    assert author_of(sender, [LI], [LI], headers) is None


@pytest.mark.parametrize(
    ("header", "addresses"),
    [
        (("List-Post", "<mailto:Letters@Lists.Example>"), {LIST}),
        (("LIST-POST", "<https://lists.example/post>, <mailto:letters@lists.example?subject=x>"), {LIST}),
        (("List-Post", "NO"), set()),
        (("List-Id", "About letters <letters.lists.example>"), {LIST}),
        (("List-Id", "letters.lists.example"), {LIST}),
        (("List-Id", "<17>"), set()),
        (("X-BeenThere", "letters@lists.example"), {LIST}),
        (("Mailing-List", "list letters@lists.example; contact letters+owners@lists.example"), {LIST}),
        (("List-Unsubscribe", "<mailto:letters-leave@lists.example>"), set()),
        (("List-Owner", "<mailto:li@fabrikam.example>"), set()),
    ],
)
def test_list_addresses(header: tuple[str, str], addresses: set[str]) -> None:
    assert list_addresses([header]) == addresses


_NAMES = (
    st.sampled_from(["List-Id", "List-Post", "X-Original-From", "Mailing-List", "X-BeenThere"]) | st.text()
)
_PEOPLE = st.builds(
    Person,
    st.sampled_from(["Bo Ek via Letters", "Bo Ek"]) | st.text(),
    st.sampled_from([LIST, BO.address, ""]),
)


@given(
    _PEOPLE,
    st.lists(_PEOPLE, max_size=4),
    st.lists(_PEOPLE, max_size=4),
    st.lists(st.tuples(_NAMES, st.text())),
)
def test_no_mail_makes_it_fail_and_the_author_is_never_the_list(
    sender: Person, reply_to: list[Person], cc: list[Person], headers: list[tuple[str, str]]
) -> None:
    found = author_of(sender, reply_to, cc, headers)
    assert found is None or (found.address not in list_addresses(headers) and found.address != sender.address)


def test_huge_headers_take_no_time() -> None:
    headers = [
        ("List-Id", "a." * 100_000),
        ("List-Post", "<mailto:" * 100_000),
        ("X-Original-From", "<" * 99_999),
    ]
    assert author_of(Person("x " * 100_000, LIST), [], [], headers * 100) is None
