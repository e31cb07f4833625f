"""What comes to the soak's intake and IMAP mailboxes, each mail with what must come of it. Pure.

Strangers ask, machines write, one mail comes twice or to an agent as well; contacts write to mailboxes outside.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from bench.soak_doors import Door
from bench.soak_plan import Plan
from bench.soak_script import Expected, Mail, Script
from bench.soak_world import COMPANIES, Company

FIRST: Final = 70_000
ASKED: Final = "enquiry"
MACHINE: Final = "machine"
CASE: Final = "case"
# A row of the message may be there, waiting in My Inbox.
WAITING: Final = "waiting"
# Of so many mails of the correspondence as many come to each of these mailboxes.
SHARE: Final = 12
_FEWEST: Final = 8
_MACHINES: Final = (
    {"Auto-Submitted": "auto-replied"},
    {"Auto-Submitted": "auto-generated"},
    {"List-Id": "<news.lists.example>", "Precedence": "list"},
)


class Letters:
    """Writes into one script; copies for agents at Microsoft stand in the steps as well."""

    def __init__(self, seed: int, mails: int, seconds: float, start: datetime) -> None:
        self.script = Script(seed, start, FIRST)
        self._dice = self.script.dice
        self._count, self._seconds = max(mails // SHARE, _FEWEST), seconds

    def to(self, doors: Sequence[Door]) -> Plan:
        """In order of time. Each kind of mail comes once at least."""
        for door in doors:
            scenes, weights = zip(*self._scenes(door), strict=True)
            drawn = [*scenes, *self._dice.choices(scenes, weights, k=self._count)][: self._count]
            for number, scene in enumerate(drawn):
                scene(door, self._seconds * 0.9 * (number + self._dice.random()) / self._count)
        return Plan(tuple(sorted(self.script.steps, key=lambda step: step.at)), self.script.truth)

    def answer(self, door: Door, to: Mail, *, is_machine: bool) -> Mail:
        """Of a person who was acknowledged, or of her program; it belongs to her case."""
        topic = "Automatic reply" if is_machine else "Re"
        mail = self.script.mail(
            "out of office" if is_machine else "goes on", to.sender, [door.address], topic=topic
        )
        place = (door.domain, CASE)
        expected = self.script.truth[mail.token]
        if is_machine:
            expected.may = {place, (door.domain, WAITING)}
        else:
            expected.must = {place: 1}
        return mail

    def _scenes(self, door: Door) -> list[tuple[Callable[[Door, float], object], int]]:
        if door.is_intake:
            beside = [] if door.is_outside else [(self._asked_beside, 3)]
            return [(self._asked, 12), (self._asked_twice, 3), (self._machine, 4), *beside]
        if door.keeps_nothing:
            return [(self._stranger, 1)]
        return [(self._known, 12), (self._sent, 3), (self._known_beside, 3), (self._stranger, 4)]

    def _asked(self, door: Door, at: float) -> Mail:
        mail = self.script.mail(ASKED, self._somebody(), [door.address])
        self._belongs(mail, {(door.domain, CASE)})
        self.script.deliver(mail, door.address, at)
        return mail

    def _asked_twice(self, door: Door, at: float) -> None:
        """Through an alias and a list of one's own: two copies in one inbox."""
        mail = self._asked(door, at)
        self.script.deliver(mail, door.address, at + self._dice.choice((0.1, 3.0, 10.0)))

    def _asked_beside(self, door: Door, at: float) -> None:
        agent = self._dice.choice(_company(door).agents)
        mail = self.script.mail(ASKED, self._somebody(), [door.address], cc=(agent,))
        self._belongs(mail, {(door.domain, CASE)})
        for address in self._dice.sample((door.address, agent), 2):
            self.script.deliver(mail, address, at)

    def _machine(self, door: Door, at: float) -> None:
        mail = self.script.mail(MACHINE, self._somebody(), [door.address], topic="Out of office")
        mail.headers = self._dice.choice(_MACHINES)
        self.script.truth[mail.token].may = {(door.domain, WAITING)}
        self.script.deliver(mail, door.address, at)

    def _known(self, door: Door, at: float) -> None:
        contact = self._dice.choice(_company(door).contacts)
        mail = self.script.mail("to a server outside", contact.address, [door.address])
        self._belongs(mail, _places(door, contact.address))
        self.script.deliver(mail, door.address, at)

    def _known_beside(self, door: Door, at: float) -> None:
        """One copy at Microsoft and one outside: one mail."""
        company = _company(door)
        contact, agent = self._dice.choice(company.contacts), self._dice.choice(company.agents)
        mail = self.script.mail("outside and inside", contact.address, [door.address, agent])
        self._belongs(mail, _places(door, contact.address))
        for address in self._dice.sample((door.address, agent), 2):
            self.script.deliver(mail, address, at)

    def _sent(self, door: Door, at: float) -> None:
        contact = self._dice.choice(_company(door).contacts)
        mail = self.script.mail("sent outside", door.address, [contact.address])
        self._belongs(mail, _places(door, contact.address))
        self.script.deliver(mail, door.address, at, "sentitems")

    def _stranger(self, door: Door, at: float) -> None:
        mail = self.script.mail("stranger outside", self._somebody(), [door.address])
        self.script.deliver(mail, door.address, at)

    def _belongs(self, mail: Mail, places: set[tuple[str, str]]) -> None:
        self.script.truth[mail.token].must = dict.fromkeys(places, 1)

    def _somebody(self) -> str:
        """Nobody writes twice: one sender is acknowledged once a day."""
        number = len(self.script.truth)
        return f"asker{number}@people{number % 50}.example"


def asks(expected: Expected) -> bool:
    """Whether a case of its own must be opened by it."""
    return expected.category == ASKED


def _company(door: Door) -> Company:
    return next(company for company in COMPANIES if company.domain == door.domain)


def _places(door: Door, *addresses: str) -> set[tuple[str, str]]:
    return {(door.domain, record) for record in _company(door).records(addresses)}
