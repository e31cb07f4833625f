"""Codecs by the number that Windows gives a code page."""

import codecs
from collections.abc import Mapping
from typing import Final

_FALLBACK: Final = "cp1252"
_NAMED: Final[Mapping[int, str]] = {
    **{1200: "utf-16-le", 1201: "utf-16-be", 65000: "utf-7", 65001: "utf-8"},
    **{20127: "latin-1", 20866: "koi8-r", 21866: "koi8-u", 54936: "gb18030"},
    **{50220: "iso2022-jp", 50221: "iso2022-jp", 50225: "iso2022-kr", 51932: "euc-jp", 51949: "euc-kr"},
    **{28590 + number: f"iso8859-{number}" for number in (*range(1, 10), 13, 15)},
}


def codec_of(page: int) -> str:
    """The name of the codec; Western European for a code page that Python does not know."""
    name = _NAMED.get(page, f"cp{page}")
    try:
        return codecs.lookup(name).name
    except LookupError:
        return _FALLBACK
