"""The benchmark of threads in small: it passes, a product that hears less is seen, and a thread costs no more reads."""

import email
import email.policy
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Final

import pytest

from bench.correspondence import Size, correspondence, customer
from bench.threads.run import WAYS, run, written
from bench.threads.story import Letter, Thread, Way, Writer
from bench.threads.truth import truths
from shared.domain.mail.message_ids import message_id, parse_ids
from shared.domain.matching.candidates import ThreadHit
from shared.services.matching import words
from tests.builders import AGENT, NOW, a_record
from tests.unit.services.world import World

SEED: Final = 5
FEW: Final = 25
LENGTH: Final = 6


@pytest.mark.parametrize("way", WAYS)
def test_every_mail_of_a_few_threads_reaches_the_records_of_its_thread(way: str) -> None:
    found = run(written(SEED, FEW), WAYS[way], SEED)
    assert found.amiss == []
    assert found.passes
    assert found.letters > 2 * FEW


def test_a_product_whose_mails_hear_of_the_nearest_alone_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def nearest(parents: Sequence[str], _thread: Sequence[ThreadHit]) -> tuple[str, ...]:
        return tuple(parents[:1])

    monkeypatch.setattr(words, "heard", nearest)
    found = run(written(SEED, 4 * FEW), WAYS["shuffled"], SEED)
    assert not found.passes


def test_threads_are_the_same_for_a_seed_and_have_every_shape() -> None:
    threads = written(SEED, 200)
    assert threads == list(Writer(random.Random(SEED)).threads(200))
    letters = [letter for thread in threads for letter in thread.letters]
    assert {thread.way for thread in threads} == set(Way)
    assert any(letter.is_missing for letter in letters)
    assert any(letter.is_forward for letter in letters)
    assert any(len(letter.agents) > 1 for letter in letters)


def test_an_answer_below_a_forward_belongs_to_the_affair_and_the_forward_to_a_stranger_to_nothing() -> None:
    opening = Letter("a@x.example", 0, 0, (), ("ann@contoso.example",), is_sent=True)
    forward = Letter(
        "b@x.example", 0, 1, (), ("cy@contoso.example",), True, is_forward=True, in_reply_to=("a@x.example",)
    )
    below = Letter(
        "c@x.example", 0, 2, (), ("ann@contoso.example",), False, references=("a@x.example", "b@x.example")
    )
    found = truths(Thread(0, "project/P-1", Way.CODE, 1, (opening, forward, below)))
    assert {name: sorted(truth.must) for name, truth in found.items()} == {
        "a@x.example": ["project/P-1"],
        "c@x.example": ["project/P-1"],
    }


def taken_in(world: World, size: Size, group: int) -> Iterator[tuple[str, ...]]:
    """The Message-IDs that each mail of the corpus of `bench.pipeline` answers, all of them taken in, oldest first."""
    items = []
    for mail in correspondence(size, AGENT, NOW - timedelta(hours=5)):
        parsed = email.message_from_bytes(mail.raw, policy=email.policy.default)
        answers = parse_ids(str(parsed["References"] or ""))
        is_sent = mail.folder == "sentitems"
        items.append(
            world.deliver(
                folder=mail.folder,
                message_id=message_id(str(parsed["Message-ID"])),
                sender=AGENT if is_sent else customer(mail.thread),
                to=(customer(mail.thread),) if is_sent else (AGENT,),
                subject=str(parsed["Subject"]),
                in_reply_to=answers[-1:],
                references=answers,
                sent_at=mail.received,
                received_at=mail.received,
            )
        )
        yield answers
    for start in range(0, len(items), group):
        world.notify(*items[start : start + group])


@pytest.mark.parametrize("group", [1, 20])
def test_no_mail_behind_the_nearest_is_read_in_threads_of_people_with_cards(
    monkeypatch: pytest.MonkeyPatch, group: int
) -> None:
    world = World()
    size = Size(threads=20, length=LENGTH)
    world.records(
        *(a_record(f"contact/C-{number}", addresses=(customer(number),)) for number in range(size.threads))
    )
    asked: list[str] = []
    find = world.storage.messages.find

    def counted(tenant_id: str, ids: Mapping[str, str]) -> Mapping[str, tuple[ThreadHit, ...]]:
        asked.extend(ids.values())
        return find(tenant_id, ids)

    monkeypatch.setattr(world.storage.messages, "find", counted)
    nearest = [answers[-1] for answers in taken_in(world, size, group) if answers]
    assert len(nearest) == size.mails - size.threads
    assert [len(world.timeline(f"contact/C-{number}")) for number in range(size.threads)] == [LENGTH] * 20
    assert set(asked) <= set(nearest)
    assert len(asked) <= len(nearest)
