"""Whether the receiving server vouches for the domain in From: the DMARC verdict of Authentication-Results.

Only the topmost such header counts: Exchange Online writes it, all others came with the mail and may be forged.
"""

import re
from collections.abc import Sequence
from typing import Final, Literal

from shared.domain.foreign_text import guarded

Verdict = Literal["", "pass", "unauthenticated", "fail"]

HEADER: Final = "authentication-results"
_LONGEST: Final = 10_000

_RESULT: Final = re.compile(
    r"\s*(?:[\w.-]+\s+)?(dmarc|compauth)\s*(?:/\s*\d+\s*)?=\s*([a-z]+)", re.IGNORECASE
)
# A back-slash takes the meaning from whatever follows it (RFC 5322 section 3.2.1), brackets and quotes too.
_OPENING: Final = re.compile(r'\\.?|["(]', re.DOTALL)
_CLOSING_QUOTE: Final = re.compile(r'(?:[^"\\]|\\.)*"', re.DOTALL)
_IN_COMMENT: Final = re.compile(r"\\.?|[()]", re.DOTALL)
_STEPS: Final = {"(": 1, ")": -1}
_FAILED: Final = re.compile(r"\bdmarc\s*=\s*fail\b", re.IGNORECASE)
# Google and others write the domain's policy into the comment behind the result, some into a property.
_JUDGED: Final = re.compile(r"\bdmarc\s*(?:/\s*\d+\s*)?=\s*fail\s*$", re.IGNORECASE)
_ASKS_NOTHING: Final = re.compile(
    r"\(\s*p\s*=\s*none\b(?!.*\bdis\s*=\s*(?:quarantine|reject))", re.IGNORECASE
)
_NO_POLICY: Final = re.compile(r"\bpolicy\.published-domain-policy\s*=\s*none\b", re.IGNORECASE)
_NO_ACTION: Final = re.compile(r"\baction\s*=\s*none\b", re.IGNORECASE)
_POLICY: Final = " policy.published-domain-policy=none"


@guarded
def dmarc_of(headers: Sequence[tuple[str, str]]) -> Verdict:
    """What DMARC says of the From domain: "" when it says nothing (no policy, an error, no such header).

    A failure that Exchange's composite authentication overrides (`compauth=pass`: a trusted forwarder, say) is
    a pass, and `compauth=fail` is a failure whatever DMARC says. A failure of a domain whose policy is `p=none` is
    `unauthenticated`: that domain asks for nothing, and its people's mail fails wherever a list passes it on. Exchange
    does not write the policy; `action=none` stands for it where its composite authentication finds no fault either.
    Where one header gives several results, a failure wins. Syntax of RFC 8601 read loosely: Exchange
    leaves the server's name out. Where a bracket or quote never closes, only a failure is believed. The values
    are in "Anti-spam message headers" of Microsoft Defender's documentation.
    """
    topmost = next((value for name, value in headers if name.strip().casefold() == HEADER), "")
    found: dict[str, set[str]] = {"dmarc": set(), "compauth": set()}
    policies: set[str] = set()
    plain = _plain(topmost[:_LONGEST])
    if plain is None:
        return "fail" if _FAILED.search(topmost[:_LONGEST]) else ""
    for statement in plain.split(";"):
        if (result := _RESULT.match(statement)) is None:
            continue
        method, verdict = result[1].lower(), result[2].lower()
        found[method].add(verdict)
        if (method, verdict) == ("dmarc", "fail"):
            policies.add(_policy_of(statement))
    return _verdict(found["dmarc"], found["compauth"], policies)


def _policy_of(statement: str) -> str:
    """What a failed result says of the domain's wishes: `none`, `no action` of the server's, or ''."""
    if _NO_POLICY.search(statement):
        return "none"
    return "no action" if _NO_ACTION.search(statement) else ""


def _verdict(dmarc: set[str], compauth: set[str], policies: set[str]) -> Verdict:
    if "fail" in compauth:
        return "fail"
    if "fail" in dmarc:
        return "pass" if compauth == {"pass"} else _failure(compauth, policies)
    return "pass" if dmarc == {"pass"} else ""


def _failure(compauth: set[str], policies: set[str]) -> Verdict:
    # No action alone may be a server's own leniency towards a domain that asked for more.
    lenient = {"none", "no action"} if compauth else {"none"}
    return "unauthenticated" if policies <= lenient else "fail"


def fails_dmarc(headers: Sequence[tuple[str, str]]) -> bool:
    """Whether the mail does not meet the policy of the From domain, however mild, and nothing overrides that."""
    return dmarc_of(headers) in ("fail", "unauthenticated")


def is_disowned(headers: Sequence[tuple[str, str]]) -> bool:
    """Whether the From domain asks receivers to keep such mail out, or Exchange takes it for forged."""
    return dmarc_of(headers) == "fail"


def is_unauthenticated(headers: Sequence[tuple[str, str]]) -> bool:
    """Whether nothing proves the From domain, and the domain asks for nothing to be done about that."""
    return dmarc_of(headers) == "unauthenticated"


def _plain(value: str) -> str | None:
    """Without comments (they nest) and quoted strings, which may hold what a sender chose; None if one is open."""
    plain: list[str] = []
    position = 0
    while opening := _OPENING.search(value, position):
        plain.append(value[position : opening.start()])
        end = _end_of(value, opening)
        if end is None:
            return None
        # Only behind the result itself: any other comment may hold what the sender chose.
        if _JUDGED.search(plain[-1]) and _ASKS_NOTHING.match(value[opening.start() : end]):
            plain.append(_POLICY)
        position = end
    return "".join([*plain, value[position:]])


def _end_of(value: str, opening: re.Match[str]) -> int | None:
    """Where the comment, quoted string or escaped character ends that begins here; None if it never does."""
    if opening[0] == "(":
        return _end_of_comment(value, opening.end())
    if opening[0] == '"':
        closing = _CLOSING_QUOTE.match(value, opening.end())
        return closing.end() if closing else None
    return opening.end()


def _end_of_comment(value: str, start: int) -> int | None:
    depth = 1
    for sign in _IN_COMMENT.finditer(value, start):
        depth += _STEPS.get(sign[0], 0)
        if depth == 0:
            return sign.end()
    return None
