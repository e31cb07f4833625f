"""Which entries of a timeline a search finds: each of its words stands somewhere in the entry, in any order.

Both are folded as subjects are, so that it does not matter on which machine, or with which keyboard, they were typed.
"""

from shared.domain.filing.entries import Entry
from shared.domain.mail.subjects import folded


def words_of(text: str) -> tuple[str, ...]:
    """The words of a search, each once."""
    return tuple(dict.fromkeys(folded(text).split()))


def text_of(entry: Entry) -> str:
    """What a search looks at: subject, preview, names of attachments, and everybody's name and address."""
    people = (entry.sender, *entry.to, *entry.cc)
    named = (f"{person.name}\n{person.address}" for person in people)
    return "\n".join((entry.subject, entry.preview, *entry.attachments, *named))


def says(text: str, words: tuple[str, ...]) -> bool:
    """Whether every word stands in a text, be it as a part of a longer one."""
    looked_at = folded(text)
    return all(word in looked_at for word in words)
