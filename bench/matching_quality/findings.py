"""What became of each mail, read from the rows that the product has written, beside the truth about it."""

from collections import defaultdict
from dataclasses import dataclass, field

from bench.matching_quality.house import House
from bench.matching_quality.mail import Mail
from bench.matching_quality.truth import DROPPED, Found, Verdict, judge
from tests.builders import TENANT

OPENED = "opened"


@dataclass(frozen=True, slots=True)
class Finding:
    """One mail: what was found and how it compares. `rules` maps each record it stands on to the rule."""

    mail: Mail
    found: Found
    verdict: Verdict
    rules: dict[str, str] = field(default_factory=dict)


def findings(house: House) -> list[Finding]:
    """Every mail of the story, in its order."""
    return _Reader(house).read()


class _Reader:
    def __init__(self, house: House) -> None:
        self._house = house
        storage = house.product.storage
        self._rules: dict[str, dict[str, str]] = defaultdict(dict)
        for (_, ref), entries in storage.timeline.rows.items():
            for entry in entries.values():
                self._rules[entry.message_key][str(ref)] = entry.link.rule
        self._waiting = {one.message_key for items in storage.inbox.rows.values() for one in items.values()}
        self._keys: dict[int, set[str]] = defaultdict(set)
        self._read: set[int] = set()
        self._gather()
        self._new = self._opened()

    def read(self) -> list[Finding]:
        return [self._finding(mail) for mail in self._house.story.mails]

    def _gather(self) -> None:
        product = self._house.product
        sightings = {
            address: product.storage.sightings.all(mailbox)
            for address, mailbox in self._house.mailboxes.items()
        }
        for delivery, item in self._house.items.items():
            sighting = sightings[delivery.mailbox].get(item)
            if sighting is not None and product.storage.messages.get(TENANT, sighting.message_key):
                self._keys[delivery.mail].add(sighting.message_key)
            if product.mail.bodies_read[item]:
                self._read.add(delivery.mail)

    def _opened(self) -> dict[str, str]:
        """Records that the product has opened, as the story calls them: after the mail that each was opened for."""
        return {
            ref: f"new:{number}"
            for number, keys in self._keys.items()
            for key in keys
            for ref, rule in self._rules[key].items()
            if rule == OPENED
        }

    def _finding(self, mail: Mail) -> Finding:
        keys = self._keys[mail.number]
        rules = {self._new.get(ref, ref): rule for key in keys for ref, rule in self._rules[key].items()}
        found = Found(frozenset(rules), bool(keys & self._waiting), mail.number in self._read, len(keys))
        return Finding(mail, found, judge(mail.truth or DROPPED, found), rules)
