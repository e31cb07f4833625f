"""Subjects: what stays of one when reply, forward, auto-reply and gateway words are taken off.

The rule is the table in `subject_prefixes`, not "any short word with a colon" (Exchange's rule, MS-OXCMAIL
2.2.3.2.6.1), which also eats `REG:` and `uhd:`. Look for reference codes in the whole subject, before this.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final, Literal

from shared.domain.foreign_text import guarded
from shared.domain.mail.subject_prefixes import (
    ANSWER_STEMS,
    AUTO_REPLIES,
    AUTOMATIC_STEMS,
    COLONS,
    FORWARDS,
    GATEWAY_WORDS,
    MOST_WORDS_SAYING_SO,
    REPLIES,
)

SubjectKind = Literal["reply", "forward", "auto_reply", "new"]

LONGEST_SUBJECT: Final = 4_000
# Those of some groups of mails; a megabyte at most.
_REMEMBERED: Final = 128
# The longest word of the table with its counter; a colon behind more text is the writer's own.
_LONGEST_HEAD: Final = 40

_HEAD: Final = re.compile(rf"([^{COLONS}]{{1,{_LONGEST_HEAD}}})[{COLONS}]\s*")
_COUNTER: Final = re.compile(r"\s*(?:\[\d{1,3}\]|\(\d{1,3}\)|[\^*]\d{1,3})\s*\Z")
_GATEWAY_TAG: Final = re.compile(r"(?:\[([^\[\]]{1,30})\]|\{([^{}]{1,30})\}|\*{1,3}([^*]{1,30})\*{1,3})\s*")
_TAGS_BEHIND: Final = re.compile(r"(?: \[[^\[\]]{1,80}\]){1,9}\Z")
_TAG: Final = re.compile(r"(\[[^\[\]]{1,80}\])\s*")


@guarded
def strip(subject: str) -> str:
    """The subject without leading reply, forward, auto-reply and gateway words, however many there are.

    Counters (`Re[2]:`), full-width colons and blanks before the colon are understood. A tag in brackets (a
    mailing list's, a ticket's) is looked behind and stays, once: `[list] Re: [list] Hi` -> `[list] Hi`; only
    gateway warnings such as `[EXTERNAL]` are taken off. Idempotent.
    """
    tags, rest, _ = _parted(subject)
    return " ".join([*tags, rest]).strip()


@guarded
def normalise(subject: str) -> str:
    """The stripped subject in the form by which subjects are compared.

    NFKC, case folded (both Turkish i as i), white space folded, invisible characters gone. Idempotent, and
    the same with and without any prefix of the table before it.
    """
    return _normalised(subject[:LONGEST_SUBJECT])


@guarded
def spellings(subject: str) -> tuple[str, ...]:
    """The forms under which a subject is looked for: normalised, and without tags in brackets before and behind it.

    `[Letters] Loft [#4711]` is a mailing list's, or a ticket system's, way of saying `Loft`. None of an empty subject.
    """
    whole = normalise(subject)
    bare = whole
    while (shorter := _TAGS_BEHIND.sub("", _parted(bare)[1])) != bare:
        bare = shorter
    return tuple(dict.fromkeys(filter(None, (whole, bare))))


@guarded
def kind(subject: str) -> SubjectKind:
    """What the outermost prefix says the mail is; tags and gateway warnings before it do not count.

    `VS:` is a reply in Finnish and a forward in Danish and Norwegian: it counts as a reply, because an answer
    that is not recognised is missed, whereas a forward taken for an answer is still filed, and shown whole
    when it has no text of its own.
    """
    return _parted(subject)[2]


@guarded
def folded(text: str) -> str:
    """Any text in the form by which subjects are compared, prefixes included."""
    return _folded(text)


# A mail's subject is asked for again and again while the mail is screened, matched and stored.
@lru_cache(maxsize=_REMEMBERED)
def _normalised(subject: str) -> str:
    text = _folded(subject)
    while (shorter := _folded(strip(text))) != text:
        text = shorter
    return text


def _parted(subject: str) -> tuple[tuple[str, ...], str, SubjectKind]:
    """The tags, what follows every prefix, and the kind."""
    return _parts(subject[:LONGEST_SUBJECT])


@lru_cache(maxsize=_REMEMBERED)
def _parts(subject: str) -> tuple[tuple[str, ...], str, SubjectKind]:
    rest = subject.strip()
    tags: dict[str, str] = {}
    outermost: SubjectKind = "new"
    while rest:
        if (after := _after_gateway_word(rest)) is not None:
            rest = after
        elif prefix := _prefix(rest):
            found, rest = prefix
            outermost = found if outermost == "new" else outermost
        elif tag := _TAG.match(rest):
            tags.setdefault(_folded(tag[1]), tag[1])
            rest = rest[tag.end() :]
        else:
            break
    return tuple(tags.values()), rest, outermost


def _prefix(text: str) -> tuple[SubjectKind, str] | None:
    head = _HEAD.match(text)
    if head is None:
        return None
    word = _folded(_COUNTER.sub("", head[1])).rstrip(".")
    found = _KINDS.get(word) or ("auto_reply" if _says_automatic_answer(word) else None)
    return None if found is None else (found, text[head.end() :])


def _says_automatic_answer(word: str) -> bool:
    """`automatische Antwort`, in whatever language a program speaks."""
    if word.count(" ") >= MOST_WORDS_SAYING_SO:
        return False
    return _AUTOMATIC.search(word) is not None and _ANSWER.search(word) is not None


def _after_gateway_word(text: str) -> str | None:
    for match in (_GATEWAY_TAG.match(text), _HEAD.match(text)):
        if match is not None and _folded(next(filter(None, match.groups()))) in _GATEWAY_WORDS:
            return text[match.end() :]
    return None


def _folded(text: str) -> str:
    # Most subjects are ASCII, of which only case and blanks fold, both for good.
    if text.isascii():
        return " ".join(text.lower().split())
    # Folding once may leave something that folds again, and keys made of subjects must not depend on how often.
    previous = None
    while text != previous:
        previous = text
        text = unicodedata.normalize("NFKC", text).casefold().replace("\u0307", "").replace("ı", "i")
        text = "".join(char for char in text if unicodedata.category(char) not in {"Cf", "Cs"})
        text = " ".join(text.split())
    return text


def _any_of(stems: str) -> str:
    # Folding takes the blank that ends a word; a subject's own words are folded with it inside.
    return "|".join(re.escape(_folded(stem) + " " * stem.endswith(" ")) for stem in stems.split(","))


def _kinds() -> dict[str, SubjectKind]:
    kinds: dict[str, SubjectKind] = {}
    kinds.update({_folded(word): "auto_reply" for word in AUTO_REPLIES})
    kinds.update({_folded(word): "forward" for word in FORWARDS})
    kinds.update({_folded(word): "reply" for word in REPLIES})
    return kinds


_KINDS: Final = _kinds()
_AUTOMATIC: Final = re.compile(_any_of(AUTOMATIC_STEMS))
_ANSWER: Final = re.compile(_any_of(ANSWER_STEMS))
_GATEWAY_WORDS: Final = frozenset(_folded(word) for word in GATEWAY_WORDS)
