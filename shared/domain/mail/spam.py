"""Whether the receiving server takes a mail for spam, though it lies in the inbox.

A machine's answer to such a mail would be sent to somebody who most likely never wrote. Values are in "Anti-spam
message headers" of Microsoft Defender's documentation; others are what SpamAssassin and its like write.
"""

import re
from collections.abc import Sequence
from typing import Final

from shared.domain.foreign_text import guarded

HEADERS: Final = frozenset(
    (
        "x-forefront-antispam-report",
        "x-ms-exchange-organization-scl",
        "x-spam-flag",
        "x-spam-status",
    )
)
"""The headers looked at, in lower case."""

# From this spam confidence level on Exchange takes a mail for spam; -1 and 0 are mail that it lets through.
SPAM_LEVEL: Final = 5
_LONGEST: Final = 2_000
_LEVEL: Final = re.compile(r"\bSCL:\s*(-?\d{1,2})", re.IGNORECASE)
_VERDICT: Final = re.compile(r"\bSFV:\s*(\w{3})", re.IGNORECASE)
_SPAM_VERDICTS: Final = frozenset(("SPM", "SKS", "SKB"))
# Somebody has said that this sender is to be let through.
_LET_THROUGH: Final = frozenset(("SFE", "SKA", "SKN"))


@guarded
def is_marked_spam(headers: Sequence[tuple[str, str]]) -> bool:
    """Whether the first of its headers says so: those below it came with the mail."""
    first: dict[str, str] = {}
    for name, value in headers:
        first.setdefault(name.strip().casefold(), value[:_LONGEST].strip())
    report = first.get("x-forefront-antispam-report", "")
    verdict = _VERDICT.search(report)
    if verdict and verdict[1].upper() in _LET_THROUGH:
        return False
    if verdict and verdict[1].upper() in _SPAM_VERDICTS:
        return True
    return _is_high(report, first.get("x-ms-exchange-organization-scl", "")) or _says_yes(first)


def _is_high(report: str, level: str) -> bool:
    found = _LEVEL.search(report)
    levels = [found[1] if found else "", level[:3]]
    return any(text.lstrip("-").isdecimal() and int(text) >= SPAM_LEVEL for text in levels)


def _says_yes(first: dict[str, str]) -> bool:
    words = (first.get("x-spam-flag", ""), first.get("x-spam-status", ""))
    return any(word.casefold().startswith("yes") for word in words)
