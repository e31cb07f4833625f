"""The addresses that an organisation wants its mail to be sent from, by purpose: `quotation` and others.

Each rule has `from` (an address, or the mailbox of the agent who sends) and, where that gives none, a `fallback`.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from shared.domain.connections.fields import Fields
from shared.domain.errors import InvalidInput

SALES_MAILBOXES: Final = "*sales_mailboxes*"
MOST_PURPOSES: Final = 20
_PURPOSE: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}")


def from_rules(fields: Fields, stored: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """The rules that were sent, or those that stand. Raises InvalidInput for any other shape."""
    given = fields.mapping("from_rules", stored)
    if given is stored:
        return stored
    present = {purpose: rule for purpose, rule in given.items() if rule is not None}
    if len(present) > MOST_PURPOSES:
        raise InvalidInput(f"'from_rules' may have {MOST_PURPOSES} purposes at most.")
    return {_purpose(purpose): _rule(rule) for purpose, rule in present.items()}


def readable(rules: Mapping[str, object]) -> dict[str, dict[str, str]]:
    """The stored rules that have the shape of one: an older release stored whatever it was sent."""
    found = {}
    for purpose, rule in rules.items():
        with suppress(InvalidInput):
            found[purpose] = _rule(rule)
    return found


def _purpose(name: str) -> str:
    if not _PURPOSE.fullmatch(name):
        raise InvalidInput("A purpose in 'from_rules' is 1 to 32 of a-z 0-9 _ - and begins with a letter.")
    return name


def _rule(rule: object) -> dict[str, str]:
    if not isinstance(rule, Mapping):
        raise InvalidInput("A rule in 'from_rules' is an object with 'from' and, if you like, 'fallback'.")
    fields = Fields(rule).only(("from", "fallback"))
    sender = SALES_MAILBOXES if rule.get("from") == SALES_MAILBOXES else fields.address("from")
    if not sender:
        raise InvalidInput(f"A rule in 'from_rules' needs 'from': an address or {SALES_MAILBOXES}.")
    fallback = fields.address("fallback")
    return {"from": sender, "fallback": fallback} if fallback else {"from": sender}
