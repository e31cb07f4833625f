"""Reference codes: signed numbers in subjects (`[PL-7K3Q9X-F2MX]`) that say to which mail an answer belongs.

Issues, finds and checks codes. Which mail a number stands for, and whether a sender may use it, is not known here.
"""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Final

from shared.domain.foreign_text import guarded

PREFIX: Final = "PL"
NUMBER_BITS: Final = 30
LONGEST_TEXT: Final = 200_000
LONGEST_SUBJECT: Final = 4_000
MOST_CANDIDATES: Final = 200

# Taking a code out may bring the halves of another one together.
_MOST_ROUNDS: Final = 5
_DIGITS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no I, L, O, U
_NUMBER_LENGTH: Final = 6
_MAC_LENGTH: Final = 4
_ALIASES: Final = str.maketrans("OIL", "011")
_CHAR: Final = "[0-9A-TV-Za-tv-z]"

# What passes for a dash (soft hyphen, hyphen bullet, minus sign), and every dash of Unicode (category Pd).
_DASHES: Final = (
    "\u00ad\u2043\u2212\\-\u058a\u05be\u1400\u1806\u2010-\u2015\u2e17\u2e1a\u2e3a\u2e3b\u2e40"
    "\u2e5d\u301c\u3030\u30a0\ufe31\ufe32\ufe58\ufe63\uff0d\U00010ead"
)
# Blanks, line ends, the marks of quoted lines, and characters of no width.
_BLANKS: Final = r"\s>\u200b-\u200f\u2060\ufeff"
_DASH: Final = re.compile(f"[{_DASHES}]")
_BLANK: Final = re.compile(f"[{_BLANKS}]")
_OPENING: Final = r"\[({<\u3010\u3014\u300a\u3008\u300c\u300e"
_CLOSING: Final = r"\])}>\u3011\u3015\u300b\u3009\u300d\u300f"


@dataclass(frozen=True, slots=True)
class Code:
    """A number of 30 bits and its canonical text with check characters, without brackets: `PL-7K3Q9X-F2MX`."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a text holds: genuine codes in order, each number once, and how many different ones were forged."""

    codes: tuple[Code, ...] = ()
    forged: int = 0


def issue(number: int, keys: Sequence[bytes], tenant_id: str, prefix: str = PREFIX) -> Code:
    """The code of a number, signed with the newest key, `keys[0]`.

    Raises ValueError when the number has more than 30 bits or no key is given.
    """
    if not keys or not 0 <= number < 1 << NUMBER_BITS:
        raise ValueError("a reference code needs a key and a number of at most 30 bits")
    return _code(_spelled(number, _NUMBER_LENGTH), _mac(number, keys[0], tenant_id), prefix)


@guarded
def find(text: str, keys: Sequence[bytes], tenant_id: str, *prefixes: str) -> Found:
    """The codes in a subject or in the plain text of a body; any of the keys makes a code genuine.

    `prefixes` are those that codes may begin with; without any it is `PREFIX`. A code's text has the one it has here.

    Read loosely: any case, O for 0, I and L for 1, any dash, other brackets, blanks and line wraps within brackets.
    Dashes may be missing within square brackets only: `(PL5252344078)` is a tax number. Whatever would have
    been taken with the right check counts as forged with a wrong one, so nobody can guess unseen.
    Looks at the first 200,000 characters and at 200 different candidates at most.
    """
    genuine: dict[int, Code] = {}
    forged = 0
    seen: set[tuple[str, str]] = set()
    for prefix, digits, check in _candidates(text, prefixes or (PREFIX,)):
        if (digits, check) in seen:
            continue
        if len(seen) == MOST_CANDIDATES:
            break
        seen.add((digits, check))
        if _is_genuine(digits, check, keys, tenant_id):
            genuine.setdefault(_number(digits), _code(digits, check, prefix))
        else:
            forged += 1
    return Found(tuple(genuine.values()), forged)


@guarded
def added_to(subject: str, code: Code) -> str:
    """The subject with the code in brackets at its end; as it is when it holds that code in any spelling."""
    prefix = code.text[: -(_NUMBER_LENGTH + _MAC_LENGTH + 2)]
    held = {_code(digits, check, prefix).text for _, digits, check in _candidates(subject, (prefix,))}
    return subject if code.text in held else f"{subject.rstrip()} [{code.text}]".lstrip()


@guarded
def ending_in(subject: str, code: Code, keys: Sequence[bytes], tenant_id: str, *prefixes: str) -> str:
    """The subject with the code in brackets at its end, and no other genuine code of the organisation.

    Codes of others stay, and so do forged ones: they may be the number by which the other side finds its case. Of a
    subject the first 4,000 characters are kept.
    """
    bare = subject[:LONGEST_SUBJECT]
    for _ in range(_MOST_ROUNDS):
        shorter = _without_genuine(bare, keys, tenant_id, prefixes or (PREFIX,))
        if shorter == bare:
            break
        bare = shorter
    return f"{bare.rstrip()} [{code.text}]".lstrip()


def _without_genuine(text: str, keys: Sequence[bytes], tenant_id: str, prefixes: tuple[str, ...]) -> str:
    # Character by character, so that a place in the compared text is one in the text itself.
    compared = [unicodedata.normalize("NFKC", char) for char in text]
    places = list(chain.from_iterable([place] * len(spelled) for place, spelled in enumerate(compared)))
    kept = []
    behind = 0
    for match, _, digits, check in _matches("".join(compared), prefixes):
        if _is_genuine(digits, check, keys, tenant_id):
            kept.append(text[behind : places[match.start()]].strip())
            behind = places[match.end() - 1] + 1
    return " ".join(filter(None, [*kept, text[behind:].strip()])) if behind else text


def _candidates(text: str, prefixes: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    """Prefix, number and check characters, in upper case and without aliases, of all that is shaped like a code."""
    text = text[:LONGEST_TEXT]
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)[:LONGEST_TEXT]
    for _, name, digits, check in _matches(text, prefixes):
        yield name, digits, check


def _matches(text: str, prefixes: tuple[str, ...]) -> Iterator[tuple[re.Match[str], str, str, str]]:
    """The same with their places."""
    for match in _pattern(prefixes).finditer(text):
        if not match["digits"]:
            yield match, match["bare_name"].upper(), _plain(match["bare_digits"]), _plain(match["bare_check"])
        elif _is_bracketed_code(match):
            yield match, match["name"].upper(), _plain(match["digits"]), _plain(match["check"])


def _is_bracketed_code(match: re.Match[str]) -> bool:
    """With both dashes, or in square brackets without a blank: else it may be a number of another kind."""
    if _DASH.search(match["first"]) and _DASH.search(match["second"]):
        return True
    return match[0].startswith("[") and not _BLANK.search(match["digits"] + match["check"])


def _plain(written: str) -> str:
    return _BLANK.sub("", written).upper().translate(_ALIASES)


@lru_cache(maxsize=64)
def _pattern(prefixes: tuple[str, ...]) -> re.Pattern[str]:
    """Every repetition is bounded and neighbours share no character, so the work is linear in the text."""
    # The longest first, since one prefix may begin another.
    names = "|".join(map(_spelling, sorted(set(prefixes), key=lambda prefix: (-len(prefix), prefix))))
    blanks, between = f"[{_BLANKS}]{{0,8}}", f"[{_BLANKS}{_DASHES}]{{0,12}}"
    digits = f"(?:{_CHAR}{blanks}){{{_NUMBER_LENGTH - 1}}}{_CHAR}"
    check = f"(?:{_CHAR}{blanks}){{{_MAC_LENGTH - 1}}}{_CHAR}"
    dash = rf"[{_DASHES}](?:\r?\n[ \t>]{{0,8}})?"
    return re.compile(
        f"[{_OPENING}]{blanks}(?P<name>{names})(?P<first>{between})(?P<digits>{digits})"
        f"(?P<second>{between})(?P<check>{check}){blanks}[{_CLOSING}]"
        rf"|(?<![^\W_])(?<![{_DASHES}])(?P<bare_name>{names}){dash}(?P<bare_digits>{_CHAR}{{{_NUMBER_LENGTH}}}){dash}"
        rf"(?P<bare_check>{_CHAR}{{{_MAC_LENGTH}}})(?![^\W_])"
    )


def _spelling(prefix: str) -> str:
    """In any case."""
    return "".join(f"[{re.escape(char.upper())}{re.escape(char.lower())}]" for char in prefix)


def _is_genuine(digits: str, check: str, keys: Sequence[bytes], tenant_id: str) -> bool:
    number = _number(digits)
    return any(hmac.compare_digest(_mac(number, key, tenant_id), check) for key in keys)


def _mac(number: int, key: bytes, tenant_id: str) -> str:
    """Bound to the organisation: another one's code is worth nothing here, even under the same key."""
    data = b"code:" + tenant_id.encode("utf-8", "surrogatepass") + b":" + number.to_bytes(4, "big")
    digest = hmac.new(key, data, hashlib.sha256).digest()
    return _spelled(int.from_bytes(digest[:4], "big") >> (32 - 5 * _MAC_LENGTH), _MAC_LENGTH)


def number_of(text: str) -> int:
    """The number behind a code's canonical text."""
    return _number(text[-(_NUMBER_LENGTH + _MAC_LENGTH + 1) : -(_MAC_LENGTH + 1)])


def _code(digits: str, check: str, prefix: str) -> Code:
    return Code(_number(digits), f"{prefix.upper()}-{digits}-{check}")


def _spelled(number: int, length: int) -> str:
    return "".join(_DIGITS[number >> 5 * place & 31] for place in reversed(range(length)))


def _number(digits: str) -> int:
    number = 0
    for digit in digits:
        number = number << 5 | _DIGITS.index(digit)
    return number
