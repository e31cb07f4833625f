"""The made-up organisation: its agents and their mailboxes, its clients, their people and their affairs."""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from bench.matching_quality.truth import NOWHERE, Refs
from bench.matching_quality.words import Names
from shared.domain.records.records import Record, RecordRef

OWN: Final = "hearthside.example"
SISTER: Final = "hearthside-lettings.example"
# Not a domain of the organisation: only the one address is known to be an agent's.
FORMER: Final = "old-hearth.example"
FREE_MAIL: Final = (
    "gmail.com",
    "outlook.com",
    "yahoo.com",
    "gmx.de",
    "web.de",
    "icloud.com",
    "qq.com",
    "orange.fr",
)
ARCHIVED: Final = "archived"
UNWANTED: Final = "noise.example"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who writes. `records` is where mail with them belongs, for who they are; contacts have a `contact`."""

    name: str
    address: str
    records: Refs = NOWHERE
    contact: str = ""


@dataclass(frozen=True, slots=True)
class Agent:
    """A colleague with a captured mailbox and its settings. `others` are further addresses that mean it."""

    role: str
    person: Person
    others: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def addresses(self) -> tuple[str, ...]:
        return (self.person.address, *self.others)


@dataclass(frozen=True, slots=True)
class Company:
    """A client. `free` writes from a free mail address, `loose` stands on a card that names no client.

    `second` is one of the people by the other address on the card.
    """

    ref: str
    domain: str
    people: tuple[Person, ...]
    free: Person
    loose: Person
    second: Person

    @property
    def records(self) -> Refs:
        return frozenset({self.ref})


@dataclass(frozen=True, slots=True)
class Deal:
    """An opportunity or project with the contacts that stand on it."""

    ref: str
    summary: str
    company: Company
    contacts: tuple[Person, ...]

    @property
    def records(self) -> Refs:
        return frozenset({self.ref})


@dataclass(slots=True)
class World:
    """Who there is. Companies stand apart by what is open with them, so that each story knows what may hit.

    `plain` have no deal; `opportunities` and `shut` are of
    some, `projects` of some with one open project each, `several` have more, and `twins` are called alike.
    """

    agents: list[Agent] = field(default_factory=list)
    lists: dict[str, tuple[Agent, ...]] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    plain: list[Company] = field(default_factory=list)
    opportunities: list[Deal] = field(default_factory=list)
    shut: list[Deal] = field(default_factory=list)
    projects: list[Deal] = field(default_factory=list)
    several: list[Company] = field(default_factory=list)
    twins: list[Deal] = field(default_factory=list)
    solos: list[Person] = field(default_factory=list)
    closed: list[Person] = field(default_factory=list)
    gone: list[Company] = field(default_factory=list)
    branches: list[Company] = field(default_factory=list)
    foreign: list[Company] = field(default_factory=list)
    taught: list[tuple[Person, Refs]] = field(default_factory=list)
    never: list[Person] = field(default_factory=list)
    discreet: list[Person] = field(default_factory=list)

    def of(self, role: str) -> list[Agent]:
        return [one for one in self.agents if one.role == role]


class Settling:
    """Makes a world. Sizes follow the number of mails, so that each company has a few dozen."""

    def __init__(self, chance: random.Random, mails: int) -> None:
        self.chance = chance
        self.size = max(4, mails // 250)
        self.names = Names(chance)
        self.world = World()
        self.discreet = self.solo()

    def settle(self) -> World:
        self._agents()
        world = self.world
        world.discreet = [self.discreet]
        world.plain = [self.company() for _ in range(3 * self.size)]
        for _ in range(2 * self.size):
            self._with_opportunities(self.company())
            self._with_project(self.company())
        world.several = [self._with_projects(self.company()) for _ in range(self.size)]
        world.twins = [one for _ in range(self.size) for one in self._twins(self.company())]
        world.solos = [self.solo() for _ in range(2 * self.size)]
        world.closed = [self._unmatched(number) for number in range(self.size)]
        world.gone = [self.company(status="closed") for _ in range(self.size)]
        world.branches = [self.company(branch="sales.") for _ in range(self.size)]
        world.foreign = [self.company(branch="büro-") for _ in range(self.size)]
        world.taught = [self._taught() for _ in range(self.size)]
        world.never = [
            self.solo(),
            self.person(UNWANTED, self.add("contact", addresses=(f"list@{UNWANTED}",))),
        ]
        return world

    def stranger(self, domain: str = "") -> Person:
        """Somebody of whom nothing is known."""
        return self.person(domain or f"{self.names.word().lower()}.example")

    def colleague_of(self, company: Company) -> Person:
        """Somebody at a client's domain who stands on no card."""
        return self.person(company.domain, company.ref)

    def person(self, domain: str, *records: str, contact: str = "") -> Person:
        local = f"{self.names.word().lower()}{self.chance.choice(('', '.x', '7', '_k', '+crm'))}"
        return Person(self.names.person(), f"{local}@{domain}", frozenset(records), contact)

    def add(self, kind: str, **fields: Any) -> str:
        """A record of the CRM; returns its `kind/id`."""
        ref = RecordRef(kind, f"{kind[:2].upper()}-{len(self.world.records) + 1}")
        self.world.records.append(Record(ref, **{"name": str(ref), **fields}))
        return str(ref)

    def contact(self, domain: str, *records: str, other: str = "", **fields: Any) -> Person:
        """A person with a card, on which the `other` address may stand too; mail belongs on `records` besides."""
        person = self.person(domain)
        addresses = (person.address, other) if other else (person.address,)
        ref = self.add("contact", name=person.name, addresses=addresses, **fields)
        return Person(person.name, person.address, frozenset({ref, *records}), ref.partition("/")[2])

    def company(self, branch: str = "", status: str = "open") -> Company:
        """A client with people at its domain, one at a free mail domain, and one whose card names no client.

        A closed one has no mail: only its contacts have.
        """
        domain = f"{branch}{self.names.word().lower()}.example".encode("idna").decode()
        ref = self.add("client", name=self.names.company(), domains=(domain,), status=status)
        client = ref.partition("/")[2]
        belongs = (ref,) if status == "open" else ()
        people = [self.contact(domain, *belongs, client=client) for _ in range(self.chance.randrange(2, 5))]
        other = f"{self.names.word().lower()}@{self.chance.choice(FREE_MAIL)}"
        people.append(self.contact(domain, *belongs, other=other, client=client))
        free = self.contact(self.chance.choice(FREE_MAIL), *belongs, client=client)
        self.add("property", client=client, contacts=(free.contact,))
        second = replace(people[-1], address=other)
        return Company(ref, domain, tuple(people), free, self.contact(domain, *belongs), second)

    def solo(self) -> Person:
        """A contact without client, at a free mail domain."""
        return self.contact(self.chance.choice(FREE_MAIL))

    def deal(self, kind: str, company: Company, contacts: Iterable[Person], **fields: Any) -> Deal:
        named = tuple(contacts)
        summary = fields.pop("summary", "") or self.names.deal()
        ids = tuple(one.contact for one in named)
        client = company.ref.partition("/")[2]
        ref = self.add(kind, summary=summary, client=client, contacts=ids, **fields)
        return Deal(ref, summary, company, named)

    def _agents(self) -> None:
        plain = [self._agent("plain") for _ in range(5)]
        self._agent("discreet", never_log=(self.discreet.address,))
        plain.append(self._agent("plain", others=(f"{self.names.word().lower()}@{FORMER}",)))
        self._agent("subject", matched_to="opportunity")
        self._agent("domain", matched_to="project", matching_type="domain")
        self._agent("everything", capture="everything")
        self._agent("off", capture="everything", matching=False)
        self._agent("opener", capture="everything", matched_to="opportunity", unmatched="new")
        self._agent("intake", kind="intake", unmatched="new")
        self.world.lists = {f"team@{OWN}": tuple(plain[:2]), f"everybody@{SISTER}": tuple(plain)}

    def _agent(self, role: str, others: tuple[str, ...] = (), **settings: Any) -> Agent:
        person = self.person(OWN)
        alias = f"{self.names.word().lower()}@{self.chance.choice((OWN, SISTER))}"
        agent = Agent(role, person, (alias, *others), settings)
        self.world.agents.append(agent)
        return agent

    def _with_opportunities(self, company: Company) -> None:
        """One that is open, a closed one, and a project of the same name: only the first may be hit."""
        opened = self.deal("opportunity", company, company.people[:2])
        self.world.opportunities.append(opened)
        self.deal("project", company, company.people[:2], summary=opened.summary)
        self.world.shut.append(self.deal("opportunity", company, company.people[:2], status="closed"))
        if len(self.world.opportunities) % 2 == 0:  # the same summary at another client
            self.world.opportunities.append(
                self.deal(
                    "opportunity",
                    self.world.plain[-1],
                    self.world.plain[-1].people[:1],
                    summary=opened.summary,
                )
            )

    def _with_project(self, company: Company) -> None:
        """One that is open; a closed one and one of an excluded type do not count."""
        self.world.projects.append(self.deal("project", company, (*company.people[:1], company.free)))
        self.deal("project", company, company.people, status="closed")
        self.deal("project", company, company.people, type=ARCHIVED)
        self.deal("opportunity", company, company.people)

    def _with_projects(self, company: Company) -> Company:
        for _ in range(self.chance.randrange(2, 4)):
            self.deal("project", company, company.people[:1])
        return company

    def _twins(self, company: Company) -> tuple[Deal, Deal]:
        first = self.deal("opportunity", company, company.people)
        return first, self.deal("opportunity", company, company.people, summary=first.summary)

    def _unmatched(self, number: int) -> Person:
        """On a card that rules about people pass over."""
        fields = {"status": "closed"} if number % 2 else {"type": ARCHIVED}
        known = self.contact(self.chance.choice(FREE_MAIL), **fields)
        return Person(known.name, known.address, contact=known.contact)

    def _taught(self) -> tuple[Person, Refs]:
        company = self.chance.choice(self.world.plain)
        return self.stranger(self.chance.choice(FREE_MAIL)), company.people[0].records
