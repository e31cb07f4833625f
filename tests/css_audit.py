"""Reads a `style` attribute token by token (CSS Syntax, section 4) and says what could load or leave its box."""

from collections.abc import Iterator
from typing import Final

# Functions that give a colour and do nothing else.
COLOURS: Final = ("rgb", "rgba", "hsl", "hsla")
# Properties that take a box out of its place, or what it shows from elsewhere.
_DANGEROUS_NAMES: Final = """
    all animation animation-name backdrop-filter background background-image behavior behaviour
    border-image border-image-source bottom clip clip-path contain content counter-increment cursor
    filter inset inset-block inset-inline left list-style list-style-image mask mask-image offset-path
    order outline-offset perspective pointer-events position right rotate scale scrollbar-color
    shape-outside src top transform transition translate view-transition-name will-change z-index zoom
"""
DANGEROUS: Final = frozenset(_DANGEROUS_NAMES.split())
NAME: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


def css_faults(style: str) -> Iterator[str]:
    """Escapes, comments, at-rules, functions but for colours, negative lengths, dangerous properties."""
    for forbidden in ("\\", "/*", "@", "{", "}", "<!--"):
        if forbidden in style:
            yield f"{forbidden} in {style!r}"
    for declaration in _declarations(style):
        name, _, value = declaration.partition(":")
        name = name.strip().lower()
        if name in DANGEROUS or name.startswith("-"):
            yield f"property {name}"
        yield from _faults_of_value(name, value)


def _declarations(style: str) -> Iterator[str]:
    """Parts between semicolons that stand in no string and no parentheses."""
    start = depth = 0
    quote = ""
    for index, one in enumerate(style):
        if quote:
            quote = "" if one in (quote, "\n") else quote
        elif one in "\"'":
            quote = one
        elif one in "()":
            depth = max(0, depth + (1 if one == "(" else -1))
        elif one == ";" and depth == 0:
            yield style[start:index]
            start = index + 1
    yield style[start:]


def _faults_of_value(name: str, value: str) -> Iterator[str]:
    quote = word = ""
    for index, one in enumerate(value):
        if quote:
            quote = "" if one in (quote, "\n") else quote
        elif one in "\"'":
            quote, word = one, ""
        elif one in NAME or ord(one) > 127:
            word += one
        else:
            if one == "(" and word.lower() not in COLOURS:
                yield f"function {word}() in {name}"
            yield from _negative(name, word, value, index)
            word = ""
    yield from _negative(name, word, value, len(value))


def _negative(name: str, word: str, value: str, end: int) -> Iterator[str]:
    after = value[end : end + 2]
    if word.startswith("-") and (word[1:2].isdigit() or (word == "-" and after[:1] == ".")):
        yield f"negative {word} in {name}"
