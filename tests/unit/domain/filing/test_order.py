"""The order in which the mails of a group are filed."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.filing.order import in_order
from shared.domain.mail.messages import MessageHead
from tests.builders import NOW, a_head, an_item


def a_mail(name: str, minute: int = 0, answers: tuple[str, ...] = ()) -> MessageHead:
    at = NOW + timedelta(minutes=minute)
    return a_head(item=an_item(name), message_id=name, in_reply_to=answers, received_at=at)


def names(*mails: MessageHead) -> list[str]:
    return [mail.item.item_id for mail in in_order(mails)]


def test_the_oldest_comes_first() -> None:
    assert names(a_mail("b", 2), a_mail("a", 1), a_mail("c", 3)) == ["a", "b", "c"]


def test_an_answer_whose_clock_is_ahead_comes_behind_the_mail_that_it_answers() -> None:
    assert names(a_mail("answer", 1, ("first",)), a_mail("other", 2), a_mail("first", 3)) == [
        "first",
        "answer",
        "other",
    ]


def test_mails_that_answer_each_other_come_once_each() -> None:
    assert sorted(names(a_mail("a", 1, ("b",)), a_mail("b", 2, ("a",)))) == ["a", "b"]


def test_a_mail_that_answers_itself_comes_once() -> None:
    assert names(a_mail("a", 1, ("a",))) == ["a"]


def test_copies_of_one_mail_all_come() -> None:
    copies = [a_head(item=an_item(name), message_id="same") for name in ("one", "two")]
    assert names(*copies) == ["one", "two"]


@given(st.permutations(range(6)), st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12))
def test_none_is_lost_and_the_order_in_which_they_are_given_does_not_matter(
    order: list[int], answers: list[tuple[int, int]]
) -> None:
    mails = [
        a_mail(str(number), number, tuple(str(to) for mail, to in answers if mail == number))
        for number in range(6)
    ]
    found = names(*mails)
    assert sorted(found) == [str(number) for number in range(6)]
    assert names(*(mails[number] for number in order)) == found
