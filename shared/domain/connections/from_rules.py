"""The addresses that an organisation wants its mail to be sent from, by purpose: `quotation` and others.

Each rule has `from` (an address, or the mailbox of the agent who sends) and, where that gives none, a `fallback`.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from shared.domain.connections.fields import Fields
from shared.domain.errors import InvalidInput

SALES_MAILBOXES: Final = "*sales_mailboxes*"
MOST_PURPOSES: Final = 20
_PURPOSE: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}")


@dataclass(frozen=True, slots=True)
class FromRule:
    """The address for mail with one purpose, or SALES_MAILBOXES; `fallback` is '' where there is none."""

    sender: str
    fallback: str = ""


def rule_for(rules: Mapping[str, object], purpose: str) -> FromRule | None:
    """The stored rule for a purpose; None where there is none, or it is none."""
    rule = readable({purpose: rules.get(purpose)}).get(purpose)
    return FromRule(rule["from"], rule.get("fallback", "")) if rule else None


def addresses_in(rules: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    """Every address that rules name, once."""
    named: dict[str, None] = {}
    for rule in rules.values():
        named |= dict.fromkeys(rule.values())
    return tuple(address for address in named if address != SALES_MAILBOXES)


def from_rules(fields: Fields, stored: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """The rules that were sent, or those that stand. Raises InvalidInput for any other shape."""
    given = fields.mapping("from_rules", stored)
    if given is stored:
        return stored
    present = _present("from_rules", given)
    return {purpose_name(purpose): _rule(rule) for purpose, rule in present.items()}


def readable(rules: Mapping[str, object]) -> dict[str, dict[str, str]]:
    """The stored rules that have the shape of one: an older release stored whatever it was sent."""
    found = {}
    for purpose, rule in rules.items():
        with suppress(InvalidInput):
            found[purpose] = _rule(rule)
    return found


def sender(name: str, fields: Fields) -> str:
    """The address of a field, SALES_MAILBOXES, or '' where it is absent. Raises InvalidInput."""
    return SALES_MAILBOXES if fields.given.get(name) == SALES_MAILBOXES else fields.address(name)


def senders_by_purpose(name: str, fields: Fields) -> tuple[tuple[str, str], ...]:
    """The same by purpose, in their order, of a field that is an object. Raises InvalidInput."""
    by_purpose = Fields(_present(name, fields.mapping(name, {})))
    return tuple((purpose_name(purpose), sender(purpose, by_purpose)) for purpose in sorted(by_purpose.given))


def purpose_name(text: str) -> str:
    """The name of a purpose. Raises InvalidInput for any other text."""
    if not _PURPOSE.fullmatch(text):
        raise InvalidInput("A purpose is 1 to 32 characters of a-z 0-9 _ - and begins with a letter.")
    return text


def _present(name: str, given: Mapping[str, object]) -> dict[str, object]:
    present = {purpose: value for purpose, value in given.items() if value is not None}
    if len(present) > MOST_PURPOSES:
        raise InvalidInput(f"'{name}' may have {MOST_PURPOSES} purposes at most.")
    return present


def _rule(rule: object) -> dict[str, str]:
    if not isinstance(rule, Mapping):
        raise InvalidInput("A rule in 'from_rules' is an object with 'from' and, if you like, 'fallback'.")
    fields = Fields(rule).only(("from", "fallback"))
    address = sender("from", fields)
    if not address:
        raise InvalidInput(f"A rule in 'from_rules' needs 'from': an address or {SALES_MAILBOXES}.")
    fallback = fields.address("fallback")
    return {"from": address, "fallback": fallback} if fallback else {"from": address}
