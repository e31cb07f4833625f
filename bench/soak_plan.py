"""The soak's correspondence: scenes that mail goes through, drawn by weight, each with what must come of it. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bench.soak_pen import Pen
from bench.soak_script import Expected, Mail, Script, Step, by_people
from bench.soak_world import COMPANIES, CUSTOM_FOLDER, NEVER_LOGGED, Company, Contact

_FAR = 3_600.0  # seconds by which two mails of one Message-ID lie apart


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in order of time, and the truth by token."""

    steps: tuple[Step, ...]
    truth: dict[str, Expected]

    def and_then(self, other: "Plan") -> "Plan":
        return Plan((*self.steps, *other.steps), self.truth | other.truth)


def make_plan(seed: int, mails: int, seconds: float, start: datetime, *, first: int = 0) -> Plan:
    """At least `mails` different mails within `seconds`, numbered from `first`.

    The same arguments give the same plan.
    """
    script = Script(seed, start, first)
    author = Author(script, seconds)
    scenes, weights = zip(*author.scenes, strict=True)
    for scene in scenes:
        scene()
    while len(script.truth) < mails:
        script.dice.choices(scenes, weights)[0]()
    return Plan(tuple(sorted(script.steps, key=lambda one: one.at)), script.truth)


class Author(Pen):
    """The scenes, and how often each is drawn."""

    def __init__(self, script: Script, seconds: float) -> None:
        super().__init__(script, seconds)
        self.scenes: list[tuple[Callable[[], None], int]] = [
            (self.thread, 30),
            (self.stranger_in_thread, 10),
            (self.widened_thread, 3),
            (self.to_several, 16),
            (self.through_list, 8),
            (self.reused_id, 6),
            (self.without_id, 5),
            (self.moved, 8),
            (self.junk, 8),
            (self.deleted_early, 5),
            (self.deleted_late, 3),
            (self.sent_from_outlook, 8),
            (self.bcc, 2),
            (self.to_oneself, 2),
            (self.stranger, 16),
            (self.colleagues, 6),
            (self.never_logged, 5),
            (self.too_old, 5),
            (self.draft, 2),
        ]

    def _thread(self, at: float, length: int) -> tuple[Company, str, Contact, list[Mail]]:
        """Contact and agent in turn, each naming all mails before; now and then a reply is there before its parent."""
        company, agent, contact = self._pair()
        mails: list[Mail] = []
        times = [at + number * self.gap for number in range(length)]
        if self.dice.random() < 0.25:
            self.dice.shuffle(times)
        topic = self.dice.choice(("Garden flat", "Boundary", "Deposit", "Inspection"))
        for number, moment in enumerate(times):
            people = (contact.address, agent) if number % 2 == 0 else (agent, contact.address)
            mail = self.script.mail(
                "thread",
                people[0],
                [people[1]],
                cc=self._one_colleague(company, agent),
                topic=f"Re: {topic}" if number else topic,
                answers=tuple(one.message_id for one in mails),
            )
            self.script.expect(mail)
            self.script.truth[mail.token].is_reply = number > 0 and number % 2 == 0
            self._spread(mail, moment)
            mails.append(mail)
        return company, agent, contact, mails

    def thread(self) -> None:
        self._thread(self._time(), self.dice.randint(2, 5))

    def stranger_in_thread(self) -> None:
        """A stranger answers a filed mail, and his own answer again: both belong where the thread is."""
        at = self._time()
        _, agent, _, mails = self._thread(at, 2)
        links = by_people(mails[0])
        stranger, before = self._stranger(), mails
        early = self.dice.random() < 0.4
        for number in range(self.dice.randint(1, 2)):
            mail = self.script.mail(
                "stranger's reply",
                stranger,
                [agent],
                topic="Re: as discussed",
                answers=tuple(one.message_id for one in before),
            )
            self.script.expect(mail, links)
            self._spread(mail, max(at - 2 - number, 0) if early else at + (3 + number) * self.gap)
            before = [*before, mail]

    def widened_thread(self) -> None:
        """A second contact is copied in once: the answer to that mail belongs there too, whichever came first."""
        at = self._time()
        company, agent, contact, mails = self._thread(at, 2)
        second = self.dice.choice([one for one in company.contacts if one != contact])
        answers = tuple(one.message_id for one in mails)
        wide = self.script.mail(
            "widened",
            contact.address,
            [agent],
            cc=(second.address,),
            topic="Re: and my wife",
            answers=answers,
        )
        self.script.expect(wide)
        self._spread(wide, at + 3 * self.gap)
        last = self.script.mail(
            "widened", contact.address, [agent], topic="Re: thanks", answers=(*answers, wide.message_id)
        )
        self.script.expect(last, by_people(wide))
        self._spread(last, at + self.dice.choice((2, 4)) * self.gap)

    def to_several(self) -> None:
        """One mail to several agents, now and then of both organisations, and to further contacts."""
        company, agent, contact = self._pair()
        others = self._colleagues(company, agent)
        if self.dice.random() < 0.3:
            other = next(one for one in COMPANIES if one is not company)
            others.append(self.dice.choice(other.agents))
        cc = [self.dice.choice(company.contacts).address] if self.dice.random() < 0.4 else []
        sender = "shared@fabrikam.example" if self.dice.random() < 0.2 else contact.address
        mail = self.script.mail("several", sender, [agent], cc=(*others, *cc))
        self.script.expect(mail)
        self._spread(mail, self._time())

    def through_list(self) -> None:
        """A copy of its own and one through a list, with a tag, under the list's address, or both: one mail."""
        company, agent, contact = self._pair()
        colleague = self._colleagues(company, agent, 1)[0]
        tag, resent = self.dice.choice([(True, False), (False, True), (True, True)])
        mail = self.script.mail("list", contact.address, [agent, colleague])
        self.script.expect(mail)
        copy = Mail(mail.token, mail.sender, mail.to, subject=mail.subject, message_id=mail.message_id)
        copy.sent = at = self._time()
        mail.sent = at
        copy.headers = {"Reply-To": contact.address, "List-Id": "<owners.lists.example>"}
        copy.subject = f"[owners] {mail.subject}" if tag else mail.subject
        copy.sender = "owners@lists.example" if resent else mail.sender
        times = [at, at + self.dice.uniform(0, 3)]
        self.dice.shuffle(times)
        self.script.deliver(mail, agent, times[0])
        self.script.deliver(copy, colleague, times[1])

    def reused_id(self) -> None:
        """A program that gives each of its mails the same Message-ID."""
        company, agent, contact = self._pair()
        first = self.script.mail("reused id", contact.address, [agent])
        first.sent = at = self._time()
        others = [contact, self.dice.choice(company.contacts)][: self.dice.randint(1, 2)]
        self.script.expect(first)
        self._spread(first, at)
        for number, sender in enumerate(others, start=1):
            mail = self.script.mail("reused id", sender.address, [agent], message_id=first.message_id)
            mail.sent = at - number * _FAR
            self.script.expect(mail)
            self._spread(mail, at + self.dice.uniform(-1, 2))

    def without_id(self) -> None:
        company, agent, contact = self._pair()
        others = self._colleagues(company, agent, 2) if self.dice.random() < 0.6 else []
        mail = self.script.mail("no id", contact.address, [agent, *others], message_id="none")
        self.script.truth[mail.token].message_ids.clear()
        self.script.expect(mail)
        self._spread(mail, self._time())

    def moved(self) -> None:
        """From the inbox to a folder that people made, at once or later."""
        _, agent, contact = self._pair()
        mail, at = self.script.mail("moved", contact.address, [agent]), self._time()
        self.script.expect(mail)
        for copy, owner in self._spread(mail, at):
            self.script.move(mail, copy, owner, at + 1.1 + self.dice.choice((0, 1, 5)), CUSTOM_FOLDER)

    def junk(self) -> None:
        """Junk stays unread by us; moved to the inbox it has arrived."""
        _, agent, contact = self._pair()
        rescued, at = self.dice.random() < 0.7, self._time()
        mail = self.script.mail("junk to inbox" if rescued else "junk", contact.address, [agent])
        copy = self.script.deliver(mail, agent, at, "junkemail")
        if rescued:
            self.script.expect(mail)
            self.script.move(mail, copy, agent, at + self.dice.uniform(0.2, 2 * self.gap), "inbox")

    def deleted_early(self) -> None:
        _, agent, contact = self._pair()
        mail, at = self.script.mail("deleted early", contact.address, [agent]), self._time()
        self.script.expect(mail)
        self.script.excuse(mail)
        for copy, owner in self._spread(mail, at):
            self.script.delete(mail, copy, owner, at + 1 + self.dice.choice((0.05, 0.5, 3.0)))

    def deleted_late(self) -> None:
        """Deleted once it is filed: it stays on its timelines."""
        _, agent, contact = self._pair()
        mail = self.script.mail("deleted late", contact.address, [agent])
        self.script.expect(mail)
        self.script.truth[mail.token].late_delete = True
        self._spread(mail, self._time())

    def sent_from_outlook(self) -> None:
        """The sent copy with its writer, the received ones with colleagues."""
        company, agent, contact = self._pair()
        mail = self.script.mail("sent", agent, [contact.address], cc=tuple(self._colleagues(company, agent)))
        self.script.expect(mail)
        self._spread(mail, self._time())

    def bcc(self) -> None:
        """Only the sent copy shows the contact; to the colleague it is a mail among colleagues."""
        company, agent, contact = self._pair()
        mail = self.script.mail("bcc", agent, self._colleagues(company, agent, 1), bcc=(contact.address,))
        self.script.expect(mail)
        self._spread(mail, self._time())

    def to_oneself(self) -> None:
        _, agent, contact = self._pair()
        mail = self.script.mail("self-sent", agent, [agent], cc=(contact.address,))
        self.script.expect(mail)
        self._spread(mail, self._time())

    def stranger(self) -> None:
        """Nobody known, alone or as an answer to another stranger's mail."""
        company = self._company()
        agent, stranger, at = self.dice.choice(company.agents), self._stranger(), self._time()
        mail = self.script.mail("stranger", stranger, [agent])
        self._spread(mail, at)
        if self.dice.random() < 0.3:
            reply = self.script.mail("stranger", agent, [stranger], answers=(mail.message_id,))
            self._spread(reply, at + self.gap)

    def colleagues(self) -> None:
        company = self._company()
        agent = self.dice.choice(company.agents)
        self._spread(self.script.mail("colleagues", agent, self._colleagues(company, agent)), self._time())

    def never_logged(self) -> None:
        """A never-log address takes the mail out, and a stranger's answer to it has nothing to go to."""
        _, agent, contact = self._pair()
        mail, at = self.script.mail("never log", contact.address, [agent], cc=(NEVER_LOGGED,)), self._time()
        self._spread(mail, at)
        if self.dice.random() < 0.3:
            answers = (mail.message_id,)
            self._spread(
                self.script.mail("never log", self._stranger(), [agent], answers=answers), at + self.gap
            )

    def too_old(self) -> None:
        """Imported or moved in with an old date: from before the window."""
        _, agent, contact = self._pair()
        mail = self.script.mail("too old", contact.address, [agent])
        self.script.deliver_old(mail, agent, self._time())

    def draft(self) -> None:
        _, agent, contact = self._pair()
        mail = self.script.mail("draft", agent, [contact.address])
        self.script.deliver(mail, agent, self._time(), "drafts")
