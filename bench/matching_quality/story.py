"""The story as it is told: posts mails, settles the truth about each from who wrote about what, and delivers copies."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from bench.matching_quality.mail import Delivery, Mail, Origin, Threading
from bench.matching_quality.truth import DROPPED, NOWHERE, Outcome, Refs, Truth
from bench.matching_quality.words import answering, forwarding, sentences, topic
from bench.matching_quality.world import OWN, SISTER, Agent, Person, Settling, World

START: Final = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
DAYS: Final = 60
NUMBER_BITS: Final = 30


@dataclass(frozen=True, slots=True)
class Codes:
    """Writes reference codes: the organisation's own, and those of another one with the same prefix."""

    own: Callable[[int], str]
    others: Callable[[int], str]


@dataclass(slots=True)
class Story:
    """What has been told so far. `issued` are the codes that the organisation gave out, with their records."""

    chance: random.Random
    codes: Codes
    settling: Settling
    mails: list[Mail] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    issued: dict[int, Refs] = field(default_factory=dict)
    closings: list[tuple[datetime, str]] = field(default_factory=list)

    @property
    def world(self) -> World:
        return self.settling.world

    def moment(self) -> datetime:
        """Some moment of the story, with room for what follows from it."""
        return START + timedelta(seconds=self.chance.randrange(DAYS * 86_400))

    def later(self, mail: Mail) -> datetime:
        """When an answer is written: soon, or days later."""
        return mail.at + timedelta(
            minutes=self.chance.choice((3, 20, 90, 600, 3_000)) + self.chance.randrange(60)
        )

    def long_after(self, mail: Mail) -> datetime:
        """Later than any copy of the mail can be late."""
        return mail.at + timedelta(days=2, minutes=self.chance.randrange(600))

    def topic(self) -> str:
        return topic(self.chance)

    def answering(self, mail: Mail) -> str:
        """The subject of an answer; programs do not pile their words up for ever."""
        return answering(self.chance, mail.subject) if len(mail.subject) < 120 else mail.subject

    def forwarding(self, mail: Mail) -> str:
        return forwarding(self.chance, mail.subject)

    def issue(self, *refs: Refs) -> str:
        """A code of ours, as sent mail carries it, for these records."""
        number = self.chance.getrandbits(NUMBER_BITS)
        self.issued[number] = frozenset().union(*refs)
        return self.codes.own(number)

    def post(self, mail: Mail) -> Mail:
        """Send it: number, Message-ID and truth are settled, and its copies lie in the mailboxes."""
        number = len(self.mails) + 1
        sender = mail.sender.address.rpartition("@")[2]
        message_id = (
            f"{number}.{self.chance.getrandbits(48):x}@{sender}"
            if mail.message_id is None
            else mail.message_id
        )
        body = mail.body or sentences(self.chance)
        html = not mail.lost and self.chance.random() < 0.4
        numbered = replace(mail, number=number, message_id=message_id, body=body, html=html)
        posted = replace(numbered, truth=mail.truth or truth_of(numbered))
        self.mails.append(posted)
        self.deliveries += self._copies(posted)
        return posted

    def _copies(self, mail: Mail) -> list[Delivery]:
        """Sent items of its writer, and the folder it reached at each recipient's, by alias or list as well."""
        writer = None if mail.feigned else self._agent(mail.sender)
        readers = [one for person in (*mail.to, *mail.cc, *mail.bcc) for one in self._reached(person)]
        outside = mail.feigned or mail.lost or not (writer or is_own(mail.sender))
        origin: Origin = "inbound" if outside else "internal"
        copies = [Delivery(mail.number, writer.person.address, "sentitems", "sent")] if writer else []
        for address in dict.fromkeys(one.person.address for one in readers):
            hidden = any(one.address == address for one in mail.bcc)
            copies.append(Delivery(mail.number, address, mail.folder, origin, mail.listed and hidden))
        return copies

    def _agent(self, person: Person) -> Agent | None:
        return next((one for one in self.world.agents if person.address in one.addresses), None)

    def _reached(self, person: Person) -> tuple[Agent, ...]:
        agent = self._agent(person)
        return (agent,) if agent else self.world.lists.get(person.address, ())


def is_own(person: Person) -> bool:
    return person.address.endswith((f"@{OWN}", f"@{SISTER}"))


def truth_of(mail: Mail) -> Truth:
    """Where its people, what it answers and what it is about put it; nowhere: nobody would keep it."""
    refs = mail.about.union(*(one.records for one in mail.people), inherited(mail))
    return Truth(Outcome.FILED, refs) if refs else DROPPED


def inherited(mail: Mail) -> Refs:
    """An answer belongs where the nearest mail it answers stands that stands anywhere."""
    if mail.threading is Threading.NONE:
        return NOWHERE
    return next((refs for one in mail.chain if one.truth and (refs := one.truth.hands_down())), NOWHERE)
