"""Threads end in the same rows in whatever order and company their mails are taken in, and whenever a person files."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared.domain.commands.commands import MAX_IDS
from shared.domain.mail.items import ItemRef
from shared.domain.privacy.callers import AGENT as AGENT_ROLE
from shared.domain.privacy.callers import Caller
from shared.domain.records.records import RecordRef
from shared.services.capture.scopes import hasher_of
from tests.builders import AGENT, HASH_KEY, NOW, TENANT, a_record
from tests.unit.services.world import World

SECOND: Final = "second@contoso.example"
BOXES: Final = (AGENT, SECOND)
# Two contacts, one of them of a client, and two whom nobody knows.
PEOPLE: Final = ("li@adatum.example", "bo@fabrikam.example", "x@tail.example", "y@tail.example")
RECORDS: Final = (
    a_record("contact/C-1", addresses=(PEOPLE[0],)),
    a_record("contact/C-2", addresses=(PEOPLE[1],), client="K-1"),
    a_record("client/K-1", domains=()),
    a_record("opportunity/O-1"),
    a_record("property/P-1"),
)
AFFAIRS: Final = (RecordRef("opportunity", "O-1"), RecordRef("property", "P-1"))
MOST: Final = 8


@dataclass(frozen=True)
class Letter:
    """A mail that answers one of the earlier ones; `parent` is counted back from it, beyond the first it opens anew.

    `box`: whose mailbox it lies in; None = nobody's. `is_short`: it names only the mail that it answers.
    """

    parent: int = 1
    person: int = 0
    box: int | None = 0
    is_sent: bool = False
    is_forward: bool = False
    is_short: bool = False


@dataclass(frozen=True)
class ByHand:
    """A person puts a mail on an affair once so many groups have been taken in, or at the end where it comes later."""

    letter: int
    affair: RecordRef
    after: int = 0


LETTER: Final = st.builds(
    Letter,
    parent=st.integers(1, 3),
    person=st.integers(0, len(PEOPLE) - 1),
    box=st.sampled_from((0, 0, 0, 1, 1, None)),
    is_sent=st.booleans(),
    is_forward=st.sampled_from((False, False, False, True)),
    is_short=st.sampled_from((False, False, True)),
)
BY_HAND: Final = st.builds(
    ByHand, letter=st.integers(0, MOST), affair=st.sampled_from(AFFAIRS), after=st.integers(0, MOST)
)


class Stage(World):
    """Two mailboxes, of which the second one keeps what nobody is known on, too; the letters lie in them."""

    def __init__(self, letters: Sequence[Letter]) -> None:
        super().__init__()
        self.boxes_by_number = (self.mailbox, self.connect(SECOND, capture="everything"))
        for box in self.boxes_by_number:
            self.storage.index.put_staff(TENANT, box.mailbox_id, [box.address])
        self.records(*RECORDS)
        self.items: dict[int, ItemRef] = {}
        references: list[tuple[str, ...]] = []
        for number, letter in enumerate(letters):
            parent = number - letter.parent
            named = (*references[parent], id_of(parent)) if parent >= 0 else ()
            references.append(named)
            if letter.box is not None:
                self.items[number] = self._lay(number, letter, named)

    def _lay(self, number: int, letter: Letter, named: tuple[str, ...]) -> ItemRef:
        box, person = BOXES[letter.box or 0], PEOPLE[letter.person]
        at = NOW - timedelta(minutes=30) + timedelta(minutes=number)
        return self.deliver(
            box,
            "sentitems" if letter.is_sent else "inbox",
            message_id=id_of(number),
            sender=box if letter.is_sent else person,
            to=(person,) if letter.is_sent else (box,),
            subject="Fwd: Keys" if letter.is_forward else "Keys",
            in_reply_to=named[-1:],
            references=() if letter.is_short else named,
            sent_at=at,
            received_at=at,
        )

    def take_in(self, numbers: Sequence[int], letters: Sequence[Letter]) -> None:
        """These letters by a command for each mailbox; what follows from it is done before the next group."""
        for place, box in enumerate(self.boxes_by_number):
            own = [self.items[number] for number in numbers if letters[number].box == place]
            if own:
                self.notify(*own, mailbox=box)
        self.work()

    def put(self, wanted: ByHand) -> bool:
        """Whether the mail was there to be put anywhere."""
        stored = self.storage.messages.get(TENANT, key_of(wanted.letter))
        if stored is None:
            return False
        [copy, *_] = self.storage.messages.copies(TENANT, stored.key)
        [box] = [box for box in self.boxes_by_number if box.mailbox_id == copy.mailbox_id]
        caller = Caller(TENANT, frozenset({AGENT_ROLE}), oid="agent", address=box.agent)
        self.link_message(caller, stored.key, wanted.affair)
        self.work()
        return True

    def ends_in(self) -> dict[str, Any]:
        """Where each mail stands, and whether it waits; the mails that led it there are not compared."""
        found = {}
        for row in self.storage.messages.rows.values():
            if row.message is not None:
                refs = frozenset(map(str, row.message.refs))
                found[row.message.message_id] = (row.message.decision.disposition, refs, row.message.state)
        return {
            "messages": found,
            "timelines": {
                str(ref): {entry.internet_message_id for entry in entries.values()}
                for (_, ref), entries in self.storage.timeline.rows.items()
                if entries
            },
            "inbox": {
                agent: {item.message_key for item in rows.values()}
                for (_, agent), rows in self.storage.inbox.rows.items()
                if rows
            },
        }


def id_of(number: int) -> str:
    return f"letter-{number}@adatum.example"


def key_of(number: int) -> str:
    return hasher_of(HASH_KEY, TENANT).message_id(id_of(number))


def played(letters: Sequence[Letter], groups: Sequence[Sequence[int]], by_hand: Sequence[ByHand]) -> Stage:
    stage = Stage(letters)
    waiting = list(by_hand)
    for count, group in enumerate(groups):
        stage.take_in(group, letters)
        waiting = [wanted for wanted in waiting if wanted.after > count or not stage.put(wanted)]
    for wanted in waiting:
        stage.put(wanted)
    return stage


def in_order(letters: Sequence[Letter], by_hand: Sequence[ByHand]) -> dict[str, Any]:
    numbers = [number for number, letter in enumerate(letters) if letter.box is not None]
    return played(letters, [[number] for number in numbers], by_hand).ends_in()


@dataclass(frozen=True)
class Case:
    """Letters as they are written, the groups in which they are taken in, and what a person files in between."""

    letters: Sequence[Letter]
    groups: Sequence[Sequence[int]]
    by_hand: Sequence[ByHand] = ()


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """The letters in any order, cut into groups of one size."""
    letters = draw(st.lists(LETTER, min_size=2, max_size=MOST))
    numbers = [number for number, letter in enumerate(letters) if letter.box is not None]
    mixed = draw(st.permutations(numbers))
    size = draw(st.integers(1, MAX_IDS))
    groups = [mixed[start : start + size] for start in range(0, len(mixed), size)]
    return Case(letters, groups, draw(st.lists(BY_HAND, max_size=2)))


OPENING: Final = Letter(parent=9, person=1)
ELSEWHERE: Final = Letter(box=None)
# The mail that it answers is nobody's, and the one behind that comes later.
LATE: Final = Case([OPENING, ELSEWHERE, Letter()], [[2], [0]])
# A mail comes between two others, and answers another one than they do.
BETWEEN: Final = Case(
    [OPENING, ELSEWHERE, ELSEWHERE, Letter(box=1, is_short=True), Letter()], [[0], [4], [3]]
)
# It has a deal by hand and is forwarded, and the forward is answered before both are taken in.
FORWARDED: Final = Case(
    [OPENING, Letter(is_sent=True, is_forward=True), Letter()], [[2], [1], [0]], [ByHand(0, AFFAIRS[0])]
)
# A person puts a forward on a property once its answer is there: what that had from behind the forward goes.
HIDING: Final = Case(
    [OPENING, Letter(person=1), Letter(is_sent=True, is_forward=True), Letter()],
    [[0], [1], [3], [2]],
    [ByHand(2, AFFAIRS[1])],
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(case=LATE)
@example(case=BETWEEN)
@example(case=FORWARDED)
@example(case=HIDING)
@given(case=cases())
def test_any_order_in_any_groups_ends_as_one_by_one(case: Case) -> None:
    found = played(case.letters, case.groups, case.by_hand).ends_in()
    assert found == in_order(case.letters, case.by_hand)
