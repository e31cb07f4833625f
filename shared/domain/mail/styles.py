"""Inline styles of a mail made safe, with their meaning kept: a colour that goes leaves its text unreadable."""

import re
from html import escape
from typing import Final

# What is no allow-listed value: escapes, braces, functions other than colours, negative lengths (they leave the box).
_BAD: Final = re.compile(r"[\\@({}]|(?<![\w.])-\s*[\d.]")
_COLOUR_FUNCTION: Final = re.compile(r"\b(?:rgb|rgba|hsl|hsla)\(([\d\s.,%/]*)\)", re.IGNORECASE)
_COMMENT: Final = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_LOADED: Final = re.compile(r"[\w-]+\((?:[^()]|\([^()]*\))*\)")
_HEX: Final = re.compile(r"#[0-9a-f]{3,8}\b", re.IGNORECASE)
_WORD: Final = re.compile(r"(?<![\w#.-])[a-z]{3,30}(?![\w-])", re.IGNORECASE)
_NO_COLOUR: Final = re.compile(
    r"none|transparent|inherit|initial|unset|repeat|round|space|fixed|scroll|local|left|right|center|top|bottom|cover"
    r"|contain|auto|important",
    re.IGNORECASE,
)
_BODY: Final = re.compile(r"<body\b([^<>]{1,4000})>", re.IGNORECASE)
_ATTRIBUTE: Final = re.compile(r"""\b(bgcolor|text|style)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.I)
_COLOURING: Final = ("background-color", "color")


def safe_style(style: str) -> str | None:
    """The style without what loads, escapes or leaves its box; None where nothing is left.

    Of the `background` shorthand its colour stays, and of a property beside a comment the property.
    """
    parts = (part.strip() for part in _COMMENT.sub(" ", style).split(";"))
    kept = [part for part in map(_plain, parts) if not _BAD.search(_COLOUR_FUNCTION.sub("", part))]
    return ";".join(filter(None, kept)).lower() or None


def body_opening(html: str) -> str:
    """A `div` with the colours of the mail's `body`, which is not shown itself; "" where it has none."""
    body = _BODY.search(html)
    given = _ATTRIBUTE.findall(body[1]) if body else []
    values = {name.casefold(): next(filter(None, written), "") for name, *written in given}
    stated = [
        f"background-color:{values.get('bgcolor', '')}",
        f"color:{values.get('text', '')}",
        *_COMMENT.sub(" ", values.get("style", "")).split(";"),
    ]
    colours = [part for part in map(_plain, stated) if _is_colour(part)]
    style = safe_style(";".join(colours))
    return f'<div style="{escape(style)}">' if style else ""


def _plain(part: str) -> str:
    """A declaration; of a `background` only its colour."""
    name, _, value = part.partition(":")
    if name.strip().casefold() != "background":
        return part
    colour = _colour_in(value)
    return f"background-color:{colour}" if colour else ""


def _colour_in(value: str) -> str:
    function = _COLOUR_FUNCTION.search(value)
    bare = _LOADED.sub(" ", value)
    found = function or _HEX.search(bare)
    if found:
        return found[0]
    words = (word for word in _WORD.findall(bare) if not _NO_COLOUR.fullmatch(word))
    return next(words, "")


def _is_colour(part: str) -> bool:
    name, _, value = part.partition(":")
    return name.strip().casefold() in _COLOURING and bool(value.strip())
