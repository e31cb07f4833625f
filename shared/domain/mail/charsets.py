"""Bytes as text: in the charset that a mail names, where it is one and fits, else in the one that they look like."""

import codecs
import re
from typing import Final

# What programs write, and what they mean by it (WHATWG Encoding Standard; code pages that contain the named sets).
_MEANT: Final = {
    "ascii": "utf-8",
    "us-ascii": "utf-8",
    "ansi_x3.4-1968": "utf-8",
    "utf8": "utf-8",
    "unicode-1-1-utf-7": "utf-7",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "latin1": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "gb2312": "gb18030",
    "gb2312-80": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "iso-2022-jp": "iso2022_jp_ext",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "x-euc-kr": "cp949",
    "big5": "big5hkscs",
    "x-mac-cyrillic": "mac_cyrillic",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
    "x-unknown": "utf-8",
    "unknown-8bit": "utf-8",
    "cp-850": "cp850",
}
# Codecs of Python that are no charsets of mail; decoding a long text as a domain name costs its square.
_NO_CHARSETS: Final = frozenset(
    ("idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem")
)
# What else is meant where bytes do not fit.
_KIN: Final = {"iso2022_jp_ext": ("euc_jp", "cp932")}
_LONGEST_NAME: Final = 60
_WINDOWS_NAME: Final = re.compile(r"(?:windows|cp|ibm|x-cp)[-_ ]?(\d{3,4})\Z")
_META: Final = re.compile(rb"<meta[^>]{1,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]{1,40})", re.IGNORECASE)
_META_STANDS_WITHIN: Final = 4_096


def known(charset: str) -> str:
    """Python's name of a charset; '' where it is none that mail is written in."""
    named = charset[:_LONGEST_NAME].strip().strip("\"'").casefold().removeprefix("charset=")
    windows = _WINDOWS_NAME.match(named)
    meant = _MEANT.get(named) or (f"cp{windows[1]}" if windows else named)
    try:
        found = codecs.lookup(meant)
    except (LookupError, ValueError):
        return ""
    is_text = found._is_text_encoding and found.name not in _NO_CHARSETS
    return found.name if is_text else ""


def text_in(data: bytes, charset: str = "") -> str:
    """The text of bytes: a charset that does not fit gives way to UTF-8, and that to Windows-1252.

    What is nearly in the charset that is named keeps it, with a sign of replacement for each byte that is not.
    """
    named = known(charset)
    for candidate in dict.fromkeys((named or "utf-8", "utf-8", *_KIN.get(named, ()))):
        try:
            return _decoded(data, candidate)
        except ValueError:
            continue
    if named and named != "utf-8":
        return data.decode(named, "replace")
    return _nearest(data)


def html_in(data: bytes, charset: str) -> str:
    """The same of an HTML text, which may name its charset itself where its part does not."""
    if not known(charset) and (found := _META.search(data[:_META_STANDS_WITHIN])):
        charset = found[1].decode("ascii")
    return text_in(data, charset)


def _decoded(data: bytes, charset: str) -> str:
    # A mark of byte order is no character of the text.
    return data.decode(charset).removeprefix("\ufeff")


def _nearest(data: bytes) -> str:
    """UTF-8 with some bytes broken, or Windows-1252 throughout: whichever more of the bytes speak for."""
    as_utf8 = data.decode("utf-8", "replace")
    broken = as_utf8.count("\ufffd")
    whole = sum(character > "\x7f" for character in as_utf8) - broken
    return as_utf8 if whole > broken else data.decode("cp1252", "replace")
