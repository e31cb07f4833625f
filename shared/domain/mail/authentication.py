"""Whether the receiving server vouches for the domain in From: the DMARC verdict of Authentication-Results.

Only the topmost such header counts: Exchange Online writes it, all others came with the mail and may be forged.
"""

import re
from collections.abc import Sequence
from typing import Final, Literal

from shared.domain.foreign_text import guarded

Verdict = Literal["", "pass", "fail"]

HEADER: Final = "authentication-results"
_LONGEST: Final = 10_000

_RESULT: Final = re.compile(
    r"\s*(?:[\w.-]+\s+)?(dmarc|compauth)\s*(?:/\s*\d+\s*)?=\s*([a-z]+)", re.IGNORECASE
)
_FAILED: Final = re.compile(r"\bdmarc\s*=\s*fail\b", re.IGNORECASE)


@guarded
def dmarc_of(headers: Sequence[tuple[str, str]]) -> Verdict:
    """What DMARC says of the From domain: "" when it says nothing (no policy, an error, no such header).

    A failure that Exchange's composite authentication overrides (`compauth=pass`: a trusted forwarder, say) is
    a pass. Where one header gives several results, a failure wins. Syntax of RFC 8601 read loosely: Exchange
    leaves the server's name out. Where a bracket or quote never closes, only a failure is believed. The values
    are in "Anti-spam message headers" of Microsoft Defender's documentation.
    """
    topmost = next((value for name, value in headers if name.strip().casefold() == HEADER), "")
    found: dict[str, set[str]] = {"dmarc": set(), "compauth": set()}
    plain = _plain(topmost[:_LONGEST])
    if plain is None:
        return "fail" if _FAILED.search(topmost[:_LONGEST]) else ""
    for statement in plain.split(";"):
        if result := _RESULT.match(statement):
            found[result[1].lower()].add(result[2].lower())
    if "fail" in found["dmarc"]:
        return "pass" if found["compauth"] == {"pass"} else "fail"
    return "pass" if found["dmarc"] == {"pass"} else ""


def fails_dmarc(headers: Sequence[tuple[str, str]]) -> bool:
    """Whether the From domain has a policy that this mail does not meet, and nothing overrides that."""
    return dmarc_of(headers) == "fail"


def _plain(value: str) -> str | None:
    """Without comments (they nest) and quoted strings, which may hold what a sender chose; None if one is open."""
    plain: list[str] = []
    depth = 0
    is_quoted = is_escaped = False
    for char in value:
        if is_escaped or char == "\\":
            is_escaped = not is_escaped
        elif char == '"' and not depth:
            is_quoted = not is_quoted
        elif char == "(" and not is_quoted:
            depth += 1
        elif char == ")" and depth:
            depth -= 1
        elif not depth and not is_quoted:
            plain.append(char)
    return None if depth or is_quoted else "".join(plain)
