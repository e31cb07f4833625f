"""The subject that leaves: on one line, with one prefix, at most 255 characters, and one code of ours at its end.

A subject that is too long is shortened in its middle: the other side's number, in front or behind, stays whole.
"""

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from shared.domain.mail import codes, subjects
from shared.domain.mail.codes import Code
from shared.domain.sending.headers import one_line
from shared.domain.sending.outbox import Mode

# Exchange refuses a longer subject, and counts in UTF-16.
LONGEST_SUBJECT: Final = 255
_CUT: Final = "..."
_PREFIXES: Final = {Mode.REPLY: "RE: ", Mode.REPLY_ALL: "RE: ", Mode.FORWARD: "FW: "}
# Numbers of cases, invoices, tickets: `[Case 56664579]`, `#A-1234`, `(ref 2026/118)`, `INV-20261234`.
_NUMBER: Final = re.compile(
    r"\[[^\[\]]{1,80}\]|\([^()]{0,40}\d{3}[^()]{0,40}\)|#[\w/-]{2,40}|[\w./-]{0,20}\d{4}[\w./-]{0,40}"
)


@dataclass(frozen=True, slots=True)
class Signing:
    """What the codes of an organisation are read with: its keys and every prefix that they may bear."""

    keys: tuple[bytes, ...]
    tenant_id: str
    prefixes: tuple[str, ...] = (codes.PREFIX,)

    def code_in(self, subject: str) -> Code | None:
        """The genuine code that a subject carries; of several the last one, since ours stand at the end."""
        found = codes.find(subject, self.keys, self.tenant_id, *self.prefixes).codes
        return found[-1] if found else None


def subject_of(given: str, code: Code, signing: Signing) -> str:
    """A subject as it leaves: as given, with the code at its end and no other one of the organisation.

    What ends a line is a blank.
    """
    longest = LONGEST_SUBJECT - len(code.text) - len(" []")
    ending = codes.ending_in(
        one_line(given[: codes.LONGEST_SUBJECT]), code, signing.keys, signing.tenant_id, *signing.prefixes
    )
    written = ending.removesuffix(f"[{code.text}]").rstrip()
    return f"{shortened(written, longest)} [{code.text}]".lstrip()


def subject_of_answer(answered: str, mode: Mode) -> str:
    """The subject of an answer to a mail, or of its forward: one prefix before what the other side wrote."""
    return _PREFIXES.get(mode, "") + subjects.strip(one_line(answered))


def shortened(text: str, longest: int) -> str:
    """A text of at most so many characters: what is too much is taken out near its middle, but for numbers."""
    cut, width = text, 0
    while (excess := _length(cut) - longest) > 0:
        # An emoji counts twice, so that less than the excess may do.
        width += max(excess // 2, 1) if width else (excess + 1) // 2 + len(_CUT)
        start = _gap(text, width)
        cut = text[:start].rstrip() + _CUT + text[start + width :].lstrip()
    return cut


def _gap(text: str, width: int) -> int:
    """Where so many characters may be taken out, as near to the middle as no number is cut; else in the middle."""
    middle = max((len(text) - width) // 2, 0)
    spans = [(0, 0), *(match.span() for match in _NUMBER.finditer(text)), (len(text), len(text))]
    gaps = ((end, start) for (_, end), (start, _) in pairwise(spans))
    wide = [(first, behind - width) for first, behind in gaps if behind - first >= width]
    places = [min(max(middle, first), last) for first, last in wide]
    return min(places, key=lambda place: abs(place - middle), default=middle)


def _length(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
