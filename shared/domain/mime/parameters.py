"""Content-Type and Content-Disposition: a value and its parameters (RFC 2045, 5.1), however they are encoded.

Continuations and charsets of RFC 2231 are read, and encoded words and raw bytes where programs put them.
"""

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_to_bytes

from shared.domain.mail.charsets import text_in
from shared.domain.mail.encoded_words import decoded

LONGEST: Final = 20_000
_MOST: Final = 200
_PARAMETER: Final = re.compile(
    r";?[\s;]*([^\s=;\"<>@,?]{1,100})\s*=\s*"
    r"(?:\"((?:\\.|[^\"\\])*)(?:\"|\Z)|([^;]*))",
    re.DOTALL,
)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_NUMBERED: Final = re.compile(r"([^*]+)\*(\d{1,3})(\*?)\Z")


@dataclass(frozen=True, slots=True)
class Valued:
    """A field's value in lower case, and its parameters by lower-case name."""

    value: str = ""
    parameters: dict[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str:
        return self.parameters.get(name, "")


def valued(text: str) -> Valued:
    """The value and the parameters that a field gives; of a name that comes twice the first."""
    text = text[:LONGEST]
    # Comments say nothing; a bracket within a quoted name belongs to it.
    bare = re.sub(r"\A([^;\"]*?)\([^)]*\)", r"\1", text)
    value, _, rest = bare.partition(";")
    words = value.split()
    found = [(match[1].casefold(), _plain(match)) for match in _PARAMETER.finditer(rest)][:_MOST]
    return Valued(words[0].casefold() if words else "", _joined(found))


def _plain(match: re.Match[str]) -> str:
    if match[2] is not None:
        # Programs on Windows write a path's backslashes bare.
        return _ESCAPED.sub(lambda found: found[1] if found[1] in '"\\' else found[0], match[2])
    return match[3].strip()


def _joined(found: list[tuple[str, str]]) -> dict[str, str]:
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[bool, str]]] = defaultdict(dict)
    for name, value in found:
        numbered = _NUMBERED.match(name)
        if numbered:
            pieces[numbered[1]].setdefault(int(numbered[2]), (bool(numbered[3]), value))
        elif name.endswith("*"):
            pieces[name[:-1]].setdefault(0, (True, value))
        else:
            plain.setdefault(name, value if "=?" not in value else _words(value))
    extended = {name: _extended(parts) for name, parts in pieces.items()}
    return plain | {name: value for name, value in extended.items() if value}


def _words(value: str) -> str:
    """A value that is an encoded word, which RFC 2047 forbids and half of all programs write."""
    return decoded(re.sub(r"\?=\s+=\?", "?==?", value))


def _extended(parts: dict[int, tuple[bool, str]]) -> str:
    """`charset'language'text` in numbered pieces, each with its own percent signs or none (RFC 2231, 4.1)."""
    charset, data = "", b""
    for number in sorted(parts):
        is_encoded, value = parts[number]
        if is_encoded and number == min(parts) and value.count("'") >= 2:
            charset, _, rest = value.partition("'")
            value = rest.partition("'")[2]
        data += unquote_to_bytes(value) if is_encoded else value.encode("utf-8", "replace")
    return text_in(data, charset)
