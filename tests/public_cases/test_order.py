"""What was received in one second stands in the order in which it was written."""

from itertools import permutations

import pytest

from tests.builders import NOW
from tests.public_cases.office import AGENT, Office, a_mail, reported

CLIENT = "ada@client-a.example"
AUTOMATIC = {"auto_submitted": "auto-replied"}


def asked(number: int, **headers: str) -> bytes:
    return a_mail(AGENT, CLIENT, f"Question {number}", message_id=f"<q{number}@harbour.example>", **headers)


def answered(number: int, **headers: str) -> bytes:
    named = {"in_reply_to": f"<q{number}@harbour.example>", **headers}
    return a_mail(
        CLIENT, AGENT, f"Re: Question {number}", message_id=f"<a{number}@client-a.example>", **named
    )


EARLIER = {"references": "<one@client-a.example> <two@harbour.example> <three@client-a.example>"}
PAIRS = [
    *((asked(number), answered(number, **AUTOMATIC)) for number in range(8)),
    # Programs that answer for somebody name the nearest mail alone.
    *((asked(number, **EARLIER), answered(number, **AUTOMATIC)) for number in range(8, 12)),
    *zip(reported("50-")[::2], reported("50-")[1::2], strict=True),
]


@pytest.mark.parametrize(("question", "answer"), PAIRS)
def test_an_answer_stands_behind_the_mail_of_its_second_that_it_answers(
    question: bytes, answer: bytes
) -> None:
    office = Office()
    office.connect()
    office.contacts(CLIENT, "jane50@client50.example")

    office.receive(question, folder="sentitems", at=NOW)
    office.receive(answer, at=NOW)

    shown = office.timeline("contact/C-2") or office.timeline()
    assert [entry.direction.value for entry in shown] == ["out", "in"]
    assert shown[0].id > shown[1].id
    assert [entry.kind for entry in shown] == ["synced", "reply"]


CHAIN = [
    asked(0),
    answered(0, references="<q0@harbour.example>"),
    a_mail(
        AGENT,
        CLIENT,
        "Re: Question 0",
        in_reply_to="<a0@client-a.example>",
        references="<q0@harbour.example> <a0@client-a.example>",
    ),
]


@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_a_thread_of_one_second_is_in_order_whatever_is_filed_first(order: tuple[int, ...]) -> None:
    office = Office()
    office.connect()
    office.contacts(CLIENT)

    for number in order:
        office.receive(CHAIN[number], folder="inbox" if number == 1 else "sentitems", at=NOW)

    ids = [entry.id for entry in office.timeline()]
    assert ids == sorted(ids, reverse=True)
    assert [entry.direction.value for entry in office.timeline()] == ["out", "in", "out"]
    assert {entry.at.replace(microsecond=0) for entry in office.timeline()} == {NOW}
