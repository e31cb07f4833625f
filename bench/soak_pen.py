"""Draws times and people for the soak's scenes, and delivers a mail to everybody it is addressed to. Pure."""

import random

from bench.soak_script import Mail, Script
from bench.soak_world import COMPANIES, Company, Contact


class Pen:
    """Writes into a script; every random choice comes from the script's dice."""

    def __init__(self, script: Script, seconds: float) -> None:
        self.script = script
        self.dice: random.Random = script.dice
        self.seconds = seconds
        self.gap = max(seconds / 40, 0.2)

    def _time(self) -> float:
        return self.dice.uniform(0.0, self.seconds * 0.8)

    def _company(self) -> Company:
        return self.dice.choice(COMPANIES)

    def _pair(self) -> tuple[Company, str, Contact]:
        company = self._company()
        return company, self.dice.choice(company.agents), self.dice.choice(company.contacts)

    def _stranger(self) -> str:
        return f"someone{self.dice.randrange(10_000)}@stranger{self.dice.randrange(50)}.example"

    def _colleagues(self, company: Company, agent: str, most: int = 3) -> list[str]:
        others = [one for one in company.agents if one != agent]
        return self.dice.sample(others, self.dice.randint(1, most))

    def _one_colleague(self, company: Company, agent: str) -> tuple[str, ...]:
        return tuple(self._colleagues(company, agent, 1)) if self.dice.random() < 0.2 else ()

    def _spread(self, mail: Mail, at: float) -> list[tuple[str, str]]:
        """A copy for every agent it is addressed to, at about the same time; returns copies and their owners."""
        copies = []
        for company in COMPANIES:
            for agent in company.agents:
                if agent in (*mail.to, *mail.cc):
                    moment = at + self.dice.uniform(0, 1)
                    copies.append((self.script.deliver(mail, agent, moment), agent))
        if any(company.is_own(mail.sender) for company in COMPANIES):
            copies.append((self.script.deliver(mail, mail.sender, at, "sentitems"), mail.sender))
        return copies
