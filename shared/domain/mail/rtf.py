"""Rich text as Outlook sends it within TNEF: the HTML that it was made of (MS-OXRTFEX), or its plain words."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from shared.domain.foreign_text import guarded
from shared.domain.mail.code_pages import codec_of

_TOKEN: Final = re.compile(
    r"\\(?P<word>[a-zA-Z]{1,32})(?P<number>-?[0-9]{1,6})? ?|\\'(?P<byte>[0-9a-fA-F]{2})"
    r"|\\(?P<sign>[^a-zA-Z])|(?P<brace>[{}])|[\r\n]+|(?P<text>[^\\{}\r\n]+)"
)
# Groups that are no part of the text, even without `\*` in front of them.
_HIDDEN: Final = frozenset(
    (
        "fonttbl",
        "colortbl",
        "stylesheet",
        "info",
        "pict",
        "header",
        "footer",
        "footnote",
        "object",
        "mhtmltag",
    )
)
_WORDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("par", "line", "sect", "page", "row"), "\r\n"),
    **dict.fromkeys(("tab", "cell", "nestcell"), "\t"),
    **{"lquote": "‘", "rquote": "’", "ldblquote": "“", "rdblquote": "”"},
    **{"bullet": "•", "endash": "–", "emdash": "—"},
}
_SIGNS: Final[Mapping[str, str]] = {"~": "\xa0", "_": "\u2011", "{": "{", "}": "}", "\\": "\\"}
# Code pages by \fcharset; for others the document's own stands.
_CHARSETS: Final[Mapping[int, int]] = {
    **{128: 932, 129: 949, 134: 936, 136: 950, 161: 1253, 162: 1254, 163: 1258},
    **{177: 1255, 178: 1256, 186: 1257, 204: 1251, 222: 874, 238: 1250},
}
# It is read sign by sign: no mail that people write is longer.
LONGEST: Final = 300_000
_BEGINNING: Final = 2_000
_DEEPEST: Final = 1_000


@dataclass(frozen=True, slots=True)
class _Group:
    """What holds within a pair of braces. `skipped` signs follow each `\\u` for readers that know no Unicode."""

    is_hidden: bool = False
    is_for_rtf: bool = False
    is_tag: bool = False
    is_fonts: bool = False
    font: int = -1
    skipped: int = 1


@dataclass(slots=True)
class _Reader:
    is_html: bool
    out: list[str] = field(default_factory=list)
    group: _Group = field(default_factory=_Group)
    outer: list[_Group] = field(default_factory=list)
    fonts: dict[int, str] = field(default_factory=dict)
    codec: str = "cp1252"
    raw: bytearray = field(default_factory=bytearray)
    to_skip: int = 0
    is_starred: bool = False

    def read(self, rtf: str) -> str:
        for token in _TOKEN.finditer(rtf):
            kind = token.lastgroup
            if kind == "byte":
                self._byte(token["byte"])
                continue
            self._flush()
            if token["word"]:
                self._word(token["word"], int(token["number"]) if token["number"] else None)
            elif kind is not None:
                {"brace": self._brace, "sign": self._sign, "text": self._text}[kind](token[kind])
        self._flush()
        return "".join(self.out)

    def _show(self, text: str) -> None:
        group = self.group
        is_shown = group.is_tag or not (group.is_hidden or (self.is_html and group.is_for_rtf))
        if is_shown:
            self.out.append(text)

    def _byte(self, digits: str) -> None:
        # Two of them may be one character.
        if self.to_skip:
            self.to_skip -= 1
        else:
            self.raw.append(int(digits, 16))

    def _flush(self) -> None:
        if self.raw:
            codec = self.fonts.get(self.group.font, self.codec)
            self._show(self.raw.decode(codec, "replace"))
            self.raw.clear()

    def _brace(self, brace: str) -> None:
        self.to_skip = 0
        if brace == "}":
            self.group = self.outer.pop() if self.outer else self.group
        elif len(self.outer) < _DEEPEST:
            self.outer.append(self.group)
        else:
            raise ValueError("the rich text is nested too deep")

    def _sign(self, sign: str) -> None:
        if sign == "*":
            self.is_starred = True
        else:
            self._show(_SIGNS.get(sign, ""))

    def _text(self, text: str) -> None:
        skipped = min(self.to_skip, len(text))
        self.to_skip -= skipped
        self._show(text[skipped:])

    def _word(self, word: str, number: int | None) -> None:
        starred, self.is_starred, self.to_skip = self.is_starred, False, 0
        if word == "htmltag" and starred:
            self.group = replace(self.group, is_tag=self.is_html, is_hidden=True)
        elif word == "fonttbl":
            self.group = replace(self.group, is_fonts=True, is_hidden=True)
        elif starred or word in _HIDDEN:
            self.group = replace(self.group, is_tag=False, is_hidden=True)
        elif word == "htmlrtf":
            self.group = replace(self.group, is_for_rtf=number != 0)
        elif word in _WORDS:
            self._show(_WORDS[word])
        elif number is not None:
            self._numbered(word, number)

    def _numbered(self, word: str, number: int) -> None:
        if word == "u":
            # Half a character may stand here; the other half follows.
            self._show(chr(number % 0x10000))
            self.to_skip = self.group.skipped
        elif word == "uc":
            self.group = replace(self.group, skipped=number)
        elif word == "f":
            self.group = replace(self.group, font=number)
        elif word == "ansicpg":
            self.codec = codec_of(number)
        elif word == "fcharset" and self.group.is_fonts and number in _CHARSETS:
            self.fonts[self.group.font] = codec_of(_CHARSETS[number])


@guarded
def html_and_text(rtf: bytes) -> tuple[str, str]:
    """(HTML, ''), or ('', text) of rich text that was not made of HTML. Raises Unreadable."""
    source = rtf[:LONGEST].decode("latin-1")
    is_html = "\\fromhtml" in source[:_BEGINNING]
    read = _Reader(is_html).read(source)
    # Joins the halves of characters beyond 0xffff.
    whole = read.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return (whole, "") if is_html else ("", whole.strip())
