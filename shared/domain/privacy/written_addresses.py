"""How an address is written in texts, markup and names of files, so that all of it is found. Knows no storage."""

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Final

import idna

from shared.domain.mail.addresses import GOOGLE, domain_of, mailbox_key

_AT: Final = "(?:@|%40|=40|&#0*64;|&#x0*40;|&commat;)"
# What Google lets stand within a local part, and behind it.
_DOT: Final = r"(?:\.|%2e|&#0*46;)?"
_TAG: Final = r"(?:(?:\+|%2b|&#0*43;)[\w.+-]*)?"
# Whatever may stand before it: a mark, a bracket, or a percent-encoded byte such as the "<" in "%3Cbo%40...".
_BEFORE: Final = r"(?:(?<![\w.+%-])|(?<=%[0-9a-f]{2}))"
# Not a part of a longer domain: bo@fabrikam.example.org is somebody else.
_BEHIND: Final = r"(?![\w-])(?!\.\w)"
# Names of files join words by these, and go on behind the address: offer_bo@fabrikam.example-2.pdf.
_BEFORE_IN_FILE: Final = r"(?<![^\W_])(?<![.+%])"
_BEHIND_IN_FILE: Final = r"(?=[_-]|\Z|[^\w.]|\.\W|\.(?:tar\.)?\w{0,5}\Z)"
# What a reader does not see: tags, and characters without a width, as themselves or as HTML writes them.
_UNSEEN: Final = re.compile(
    r"<[^<>]*>|&(?:shy|zwn?j|#0*(?:173|820[3-7]|8288|65279)|#x0*(?:ad|200[b-f]|2060|feff));"
    "|[\u00ad\u200b-\u200f\u2060\ufeff]",
    re.I,
)


@dataclass(frozen=True)
class WrittenAddress:
    """An address in any case, percent-encoded (`%40`), as HTML entities, with its domain in Unicode, split by markup,
    and in every spelling of a mailbox of Google's.
    """

    address: str

    def around(self, text: str) -> list[str]:
        """What stands around its occurrences: the text alone if there is none.

        The markup that splits an occurrence stands behind it.
        """
        # Most texts name nobody at the domain, and looking for it costs far less than the pattern.
        if self._has_domain(text) or self._has_domain(_UNSEEN.sub("", text)):
            return self._pattern.split(self._joined(text))
        return [text]

    def replaced_in_file_name(self, name: str, placeholder: str) -> str:
        """The name of a file with the placeholder in its place."""
        return self._in_file_name.sub(placeholder, name)

    def _has_domain(self, text: str) -> bool:
        folded = text.casefold()
        return any(domain in folded for domain in self._domains)

    def _joined(self, text: str) -> str:
        """The text with those occurrences whole that markup splits."""
        cuts, parts = _UNSEEN.findall(text), _UNSEEN.split(text)
        # Where each cut stands in what is seen; one within an occurrence moves to its end.
        places = list(accumulate(map(len, parts)))[:-1]
        seen = "".join(parts)
        for found in self._bare_pattern.finditer(seen):
            if self._stands_alone(seen, found, places):
                first, last = bisect_right(places, found.start()), bisect_left(places, found.end())
                places[first:last] = [found.end()] * (last - first)
        pieces = zip([0, *places], places, cuts, strict=False)
        return (
            "".join(seen[start:end] + cut for start, end, cut in pieces) + seen[places[-1] if places else 0 :]
        )

    @staticmethod
    def _stands_alone(seen: str, found: re.Match[str], places: list[int]) -> bool:
        """Whether a cut, or what may stand beside an address, is at both ends."""
        start, end = found.span()
        return (_is_in(places, start) or bool(_MAY_BEGIN.match(seen, start))) and (
            _is_in(places, end) or bool(_MAY_END.match(seen, end))
        )

    @cached_property
    def _domains(self) -> tuple[str, ...]:
        domain = domain_of(self.address)
        if domain in GOOGLE:
            return GOOGLE
        try:
            readable = idna.decode(domain)
        except UnicodeError:
            readable = domain
        return tuple(dict.fromkeys((domain, readable)))

    @cached_property
    def _spelling(self) -> str:
        chars = map(_spelled, mailbox_key(self.address).rpartition("@")[0])
        local = f"{_DOT}{_DOT.join(chars)}{_DOT}{_TAG}" if self._domains == GOOGLE else "".join(chars)
        return f"{local}{_AT}(?:{'|'.join(map(re.escape, self._domains))})"

    @cached_property
    def _bare_pattern(self) -> re.Pattern[str]:
        return re.compile(self._spelling, re.I)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(f"{_BEFORE}{self._spelling}{_BEHIND}", re.I)

    @cached_property
    def _in_file_name(self) -> re.Pattern[str]:
        return re.compile(f"{_BEFORE_IN_FILE}{self._spelling}{_BEHIND_IN_FILE}", re.I)


_MAY_BEGIN: Final = re.compile(_BEFORE, re.I)
_MAY_END: Final = re.compile(_BEHIND)


def _is_in(places: list[int], place: int) -> bool:
    """Whether a sorted list has this place."""
    number = bisect_left(places, place)
    return number < len(places) and places[number] == place


def _spelled(char: str) -> str:
    """A character of a local part, as itself or in the ways that links and HTML write it."""
    if char.isalnum() or char in "._-":
        return re.escape(char)
    return f"(?:{re.escape(char)}|%{ord(char):02x}|&#0*{ord(char)};)" if ord(char) < 128 else re.escape(char)
