"""Header lines as they leave: addresses, ids, subjects and file names, spelled so that nothing has to refold them.

The standard library's folding takes quotes off long names, encodes ids and addresses, and differs by version. Here a
line breaks only between words, and whatever is no plain word is an encoded-word (RFC 2047) or a parameter by RFC 2231.
"""

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import quote

from shared.domain.errors import InvalidInput
from shared.domain.mail.addresses import Person, undisguised

# RFC 2047 section 2: 75 characters an encoded-word, 76 a line that holds one. RFC 5322 section 2.1.1: 998 any line.
LONGEST_LINE: Final = 76
LONGEST_WORD: Final = 900
_BYTES_IN_ENCODED_WORD: Final = 45
LONGEST_NAME: Final = 256
_LONGEST_PLAIN_NAME: Final = 60
_LONGEST_SEGMENT: Final = 60

_ATOMS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_PRINTABLE: Final = re.compile(r"[\x20-\x7e]+")
_PLAIN_WORD: Final = re.compile(r"[\x21-\x7e]+")
_ID: Final = re.compile(r"[\x21-\x3b\x3d\x3f-\x7e]+")
_PLAIN_FILE_NAME: Final = re.compile(r"[A-Za-z0-9 ._()+-]{1,60}")
_FURTHER: Final = re.compile(r"X-[A-Za-z0-9-]{1,60}|List-Unsubscribe(?:-Post)?|Auto-Submitted")
_SAFE_IN_2231: Final = "!#$&+-.^_`|~"


def line(name: str, words: Iterable[str]) -> str:
    """The value of a header: its words, with a line break before each that would make the line too long."""
    lines = [""]
    used = len(name) + 2
    for word in words:
        if lines[-1] and used + 1 + len(word) > LONGEST_LINE:
            lines.append(word)
            used = 1 + len(word)
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
            used += 1 + len(word)
    return "\r\n ".join(lines)


def people(persons: Sequence[Person]) -> list[str]:
    """The words of an address list (RFC 5322 section 3.4). Raises InvalidInput for an address that has no spelling."""
    words: list[str] = []
    for person in persons:
        words += _mailbox(person)
        words[-1] += ","
    if words:
        words[-1] = words[-1][:-1]
    return words


def ids(message_ids: Iterable[str]) -> list[str]:
    """The ids that a header can hold, in their brackets, and no other: never encoded, never broken."""
    return [f"<{given}>" for given in message_ids if _ID.fullmatch(given) and len(given) <= LONGEST_WORD]


def unstructured(text: str) -> list[str]:
    """The words of a subject. What lies between the first and the last word that is not plain is encoded as one."""
    words = text.split(" ")
    odd = [place for place, word in enumerate(words) if not _is_plain(word)]
    if not odd:
        return words
    # Two blanks leave an empty word between them: it goes with its neighbours, since a line of blanks ends a header.
    first = odd[0] - (not words[odd[0]])
    last = odd[-1] + 1 + (not words[odd[-1]])
    return [*words[: max(first, 0)], *encoded_words(" ".join(words[max(first, 0) : last])), *words[last:]]


def encoded_words(text: str) -> list[str]:
    """The text as encoded-words in base64 of UTF-8, each with whole characters."""
    pieces: list[bytes] = [b""]
    for char in text:
        data = char.encode("utf-8", "replace")
        if len(pieces[-1]) + len(data) > _BYTES_IN_ENCODED_WORD:
            pieces.append(b"")
        pieces[-1] += data
    return [f"=?utf-8?b?{b64encode(piece).decode()}?=" for piece in pieces]


def plain(name: str, value: str) -> list[str]:
    """The words of a further header, which holds plain text such as a list of URLs. Raises InvalidInput."""
    words = value.split(" ")
    is_plain = all(_PLAIN_WORD.fullmatch(word) and len(word) <= LONGEST_WORD for word in words)
    if not is_plain or not _FURTHER.fullmatch(name):
        raise InvalidInput(f"The mail cannot have the header {name!r} with this value.")
    return words


def file_name(parameter: str, name: str) -> list[str]:
    """The words of a parameter with a file name, each with its semicolon but the last (RFC 2231 sections 3 and 4)."""
    if _PLAIN_FILE_NAME.fullmatch(name):
        return [f'{parameter}="{name}"']
    segments = _segments(quote(name, safe=_SAFE_IN_2231))
    if len(segments) == 1:
        return [f"{parameter}*=utf-8''{segments[0]}"]
    numbered = [f"{parameter}*{number}*={segment}" for number, segment in enumerate(segments)]
    numbered[0] = numbered[0].replace("*=", "*=utf-8''", 1)
    return [*(f"{word};" for word in numbered[:-1]), numbered[-1]]


def old_file_name(name: str) -> list[str]:
    """The words of a `name` for programs that do not know RFC 2231: old Outlook reads encoded-words there."""
    if _PLAIN_FILE_NAME.fullmatch(name):
        return [f'name="{name}"']
    words = encoded_words(name)
    words[0] = f'name="{words[0]}'
    words[-1] += '"'
    return words


def one_line(text: str) -> str:
    """A text without what ends a line or hides (CR, LF, NUL, U+0085, U+2028 ...): blanks stand in its place."""
    return undisguised(text).strip()


def display_name(name: str) -> str:
    """A name as it leaves. What makes an address of a name for programs that decode first is taken out."""
    bare = one_line(name[:LONGEST_NAME]).replace("@", " at ")
    return " ".join(re.sub(r"[<>]", " ", bare).split())


def _mailbox(person: Person) -> list[str]:
    address = person.address
    if not _PLAIN_WORD.fullmatch(address) or "@" not in address:
        raise InvalidInput(f"Mail cannot be sent to {address!r}: the part before the @ must be ASCII.")
    name = display_name(person.name)
    return [*_phrase(name), f"<{address}>"] if name else [address]


def _phrase(name: str) -> list[str]:
    if len(name) > _LONGEST_PLAIN_NAME or "=?" in name or not _PRINTABLE.fullmatch(name):
        return encoded_words(name)
    if _ATOMS.fullmatch(name):
        return name.split(" ")
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return [f'"{escaped}"']


def _is_plain(word: str) -> bool:
    return _PLAIN_WORD.fullmatch(word) is not None and "=?" not in word and len(word) <= LONGEST_WORD


def _segments(encoded: str) -> list[str]:
    """Pieces of a percent-encoded text, none of which breaks a `%C3`."""
    segments = []
    while len(encoded) > _LONGEST_SEGMENT:
        end = _LONGEST_SEGMENT
        while "%" in encoded[end - 2 : end]:
            end -= 1
        segments.append(encoded[:end])
        encoded = encoded[end:]
    return [*segments, encoded]
