"""Templates of mails: placeholders, conditions and loops in a language that reaches no Python and ends by itself.

The language is Jinja's, run by MiniJinja with a bounded number of steps. A value that is missing or blank has a
default in the template, or the mail is not made: nobody is greeted with "Dear ,".
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from shared.domain.errors import InvalidInput
from shared.domain.foreign_text import guarded
from shared.domain.mail.addresses import undisguised

if TYPE_CHECKING:
    from minijinja import Environment

# A text, or several to loop over.
TemplateValue: TypeAlias = str | tuple[str, ...]
TemplateValues: TypeAlias = Mapping[str, TemplateValue]

_NO_LINKS: Final[Mapping[str, str]] = MappingProxyType({})
LONGEST_TEMPLATE: Final = 500_000
LONGEST_FILLED: Final = 1_000_000
LONGEST_VALUE: Final = 5_000
LONGEST_VALUES: Final = 20_000
MOST_VALUES: Final = 50
MOST_ITEMS: Final = 100
# A placeholder takes two or three steps: a mail with a thousand of them ends long before.
_STEPS: Final = 10_000
_STATEMENTS: Final = frozenset(("if", "elif", "else", "endif", "for", "endfor"))
_STATEMENT: Final = re.compile(r"\{%[-+]?\s*(\w*)")
_OPENING: Final = re.compile(r"\{#.*?#\}|\{[{%]", re.DOTALL)
_TOKEN: Final = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|%\}|[{}*]", re.DOTALL)
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
# What gives more than text, or text that is not escaped.
_NO_FUNCTIONS: Final = ("range", "dict", "debug", "namespace", "cycler", "joiner", "lipsum")
_NO_FILTERS: Final = ("safe", "tojson", "pprint", "attr", "indent")


class _Missing:
    """Stands for a value that is not there: false in a condition, and noted once it is to be read as text."""

    __slots__ = ("_name", "_read")

    def __init__(self, name: str, read: set[str]) -> None:
        object.__setattr__(self, "_name", name)
        object.__setattr__(self, "_read", read)

    def __getattribute__(self, name: str) -> object:
        # A template asks for attributes; Python's own look-ups of special methods do not come by here.
        raise AttributeError(name)

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        _note(self)
        return ""

    __repr__ = __str__

    def __iter__(self) -> Iterator[str]:
        _note(self)
        return iter(())

    def __len__(self) -> int:
        _note(self)
        return 0


def _note(missing: _Missing) -> None:
    read: set[str] = object.__getattribute__(missing, "_read")
    read.add(object.__getattribute__(missing, "_name"))


@dataclass(frozen=True, slots=True)
class FilledMail:
    """A template with a person's values. `missing` are the names of those that it lacks; then it must not leave."""

    subject: str
    html: str
    text: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MailTemplate:
    """Subject, HTML and text as templates; '' for a body that there is none of."""

    subject: str
    html: str = ""
    text: str = ""

    @property
    def names(self) -> frozenset[str]:
        """The values that it reads.

        Raises InvalidInput, with a sentence and the line, for what the language does not know.
        """
        return frozenset[str]().union(*(_names_in(part, source) for part, source in self._parts()))

    @guarded
    def filled(self, values: TemplateValues, links: Mapping[str, str] = _NO_LINKS) -> FilledMail:
        """The mail with these values, escaped in the HTML; the subject on one line.

        `links` are addresses of ours: they stand in the HTML as they are. Raises InvalidInput for what takes too many
        steps or becomes too long.
        """
        from minijinja import safe

        read: set[str] = set()
        present = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
        context: dict[str, Any] = {name: _Missing(name, read) for name in self.names}
        context |= {name: value for name, value in present.items() if _says_something(value)}
        context |= {name: safe(link) for name, link in links.items()}
        subject, html, text = (_rendered(part, source, context) for part, source in self._parts())
        line = " ".join(undisguised(subject).split())
        return FilledMail(line, html, text, tuple(sorted(read)))

    def _parts(self) -> tuple[tuple[str, str], ...]:
        return ("subject", self.subject), ("html", self.html), ("text", self.text)


def checked_values(given: Mapping[str, object]) -> dict[str, TemplateValue]:
    """Values as somebody sent them: texts, numbers, or lists of these. Raises InvalidInput with a sentence."""
    if len(given) > MOST_VALUES:
        raise InvalidInput(f"'values' holds {len(given)} values; a recipient may have {MOST_VALUES}.")
    values = {_checked_name(name): _checked(name, value) for name, value in given.items()}
    if sum(len("".join(value)) for value in values.values()) > LONGEST_VALUES:
        raise InvalidInput(
            f"The values of a recipient have more than {LONGEST_VALUES:,} characters together."
        )
    return values


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"A value may not be called {name[:80]!r}: its name is a letter, then letters, digits and _."
        )
    return name


def _checked(name: str, value: object) -> TemplateValue:
    if isinstance(value, (list, tuple)):
        if len(value) > MOST_ITEMS:
            raise InvalidInput(f"'{name}' holds {len(value)} items; a list may have {MOST_ITEMS}.")
        return tuple(filter(str.strip, (_text_of(name, item) for item in value)))
    return _text_of(name, value)


def _text_of(name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise InvalidInput(f"'{name}' must be a text, a number, or a list of these.")
    if len(text := str(value)) > LONGEST_VALUE:
        raise InvalidInput(f"'{name}' has {len(text):,} characters; a value may have {LONGEST_VALUE:,}.")
    return text


def _says_something(value: object) -> bool:
    return bool(value.strip()) if isinstance(value, str) else bool(value)


@lru_cache(maxsize=8)
@guarded
def _names_in(part: str, source: str) -> frozenset[str]:
    """The names that a template reads."""
    if len(source) > LONGEST_TEMPLATE:
        raise InvalidInput(f"'{part}' has {len(source):,} characters; it may have {LONGEST_TEMPLATE:,}.")
    for statement in _STATEMENT.finditer(source):
        if statement[1] not in _STATEMENTS:
            raise InvalidInput(
                f"'{part}' holds the statement {statement[1][:40]!r}; a template knows if, elif, else and for."
            )
    from minijinja import TemplateError

    try:
        names = frozenset[str](_environment().undeclared_variables_in_str(source))
    except TemplateError as error:
        raise InvalidInput(_sentence(part, error)) from error
    # A list times a hundred million is one step, and half a gigabyte once it is written.
    if _multiplies(source):
        raise InvalidInput(f"'{part}' multiplies; a template does not reckon with '*'.")
    return names


def _multiplies(source: str) -> bool:
    """Whether an expression holds a `*`, in a template whose syntax is right; texts and comments may."""
    place = 0
    while opening := _OPENING.search(source, place):
        place = opening.end()
        if opening[0].startswith("{#"):
            continue
        depth = 0
        for token in _TOKEN.finditer(source, place):
            if token[0] == "*":
                return True
            depth += {"{": 1, "}": -1}.get(token[0], 0)
            if depth < 0 or token[0] == "%}":
                place = token.end()
                break
    return False


def _rendered(part: str, source: str, context: Mapping[str, Any]) -> str:
    from minijinja import TemplateError

    name = "mail.html" if part == "html" else "mail.txt"
    try:
        made = _environment().render_str(source, name, **context)
    except TemplateError as error:
        raise InvalidInput(_sentence(part, error)) from error
    except TypeError as error:
        # What is not in the language counts as a missing value, and is no function.
        raise InvalidInput(
            f"'{part}' calls what is no function. A template knows values and filters."
        ) from error
    if len(made) > LONGEST_FILLED:
        raise InvalidInput(f"'{part}' becomes longer than {LONGEST_FILLED:,} characters with its values.")
    return made


def _sentence(part: str, error: Any) -> str:
    detail = str(error.detail or error.kind)[:200]
    return f"'{part}' cannot be filled, line {error.line or 1}: {detail}. See 'Templates' in the documents."


@cache
def _environment() -> "Environment":
    # Loaded by whoever fills a template: most processes never do.
    from minijinja import Environment

    made = Environment(fuel=_STEPS, debug=False, undefined_behavior="strict", pycompat=False)
    made.keep_trailing_newline = True
    for name in _NO_FUNCTIONS:
        made.remove_global(name)
    for name in _NO_FILTERS:
        made.remove_filter(name)
    for name in ("default", "d"):
        made.add_filter(name, _default)
    made.add_test("defined", lambda value: not isinstance(value, _Missing))
    made.add_test("undefined", lambda value: isinstance(value, _Missing))
    return made


def _default(value: object, other: object = "", *_: object) -> object:
    """The value, or another one in the place of one that is missing or blank."""
    return other if value is None or isinstance(value, _Missing) else value
