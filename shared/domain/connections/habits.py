"""Habits of a mail provider: questions that its documents leave open, and that each tenant answers with yes or no.

Says what an answer means to an admin; how it is found out, and in which words, is the adapter's affair.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final


class Habit(StrEnum):
    """What a provider does, or does not do, in one tenant. Capture works either way."""

    CHANGES_WITH_PROPERTIES = "changes_with_properties"
    MAIL_WITH_ATTACHMENTS = "mail_with_attachments"
    MAIL_WITH_CONTENT_IDS = "mail_with_content_ids"
    MAIL_WITH_PROPERTIES = "mail_with_properties"
    LISTS_OF_PREFERRED_SIZE = "lists_of_preferred_size"
    LISTS_WITH_WHOLE_TEXTS = "lists_with_whole_texts"
    ADDRESSES_IN_ANY_CASE = "addresses_in_any_case"
    CHANGES_WITH_HEADERS = "changes_with_headers"
    CHANGES_OF_PREFERRED_SIZE = "changes_of_preferred_size"
    LISTS_WITH_PROPERTIES = "lists_with_properties"
    LISTS_IN_ORDER = "lists_in_order"
    ATTACHMENTS_WITH_CONTENT_IDS = "attachments_with_content_ids"
    FOLDERS_WITH_CLASSES = "folders_with_classes"
    COPIES_WITH_HEADERS = "copies_with_headers"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What each answer comes to. `unknown`: why a test could not tell; '' for what no test tries."""

    yes: str
    no: str
    unknown: str = ""


_NO_MAIL: Final = "Not known: the inbox holds no mail to try this with."

MEANINGS: Final[Mapping[Habit, Meaning]] = {
    Habit.CHANGES_WITH_PROPERTIES: Meaning(
        "Changes of a folder show what sent and internal mail answers, and whether it is private: a walk reads such "
        "mail without further requests.",
        "Changes of a folder do not show what sent and internal mail answers: the headers of such mail are read by "
        "its id, twenty to a request.",
        _NO_MAIL,
    ),
    Habit.MAIL_WITH_ATTACHMENTS: Meaning(
        "A mail is read together with the list of its attachments.",
        "A mail is not given together with the list of its attachments: the list is read in a further request.",
        _NO_MAIL,
    ),
    Habit.MAIL_WITH_CONTENT_IDS: Meaning(
        "The list of attachments that comes with a mail says which of them the text shows as pictures.",
        "The list of attachments that comes with a mail does not say which of them the text shows: it is read again "
        "where a text has pictures.",
        _NO_MAIL,
    ),
    Habit.MAIL_WITH_PROPERTIES: Meaning(
        "A mail is read together with the properties that say what it answers and whether it is private.",
        "A mail's properties cannot be read: sent and internal mail finds its thread by its conversation alone, and "
        "counts as private.",
        _NO_MAIL,
    ),
    Habit.LISTS_OF_PREFERRED_SIZE: Meaning(
        "Lists keep to a preferred length of pages. Nothing depends on it: each request names the length itself.",
        "Lists ignore a preferred length of pages. Nothing depends on it: each request names the length itself.",
        "Not known: the inbox holds fewer than two mails.",
    ),
    Habit.LISTS_WITH_WHOLE_TEXTS: Meaning(
        "Lists show long chains of parents whole. Nothing depends on it: where a chain may be cut, the mail is read "
        "by its id.",
        "Lists cut long chains of parents: such mail is read by its id.",
        "Not known: none of the newest mails in the inbox has a long chain of parents.",
    ),
    Habit.ADDRESSES_IN_ANY_CASE: Meaning(
        "The directory finds an address whether it is marked as the main one or not. Nothing depends on it: it is "
        "asked for both.",
        "The directory tells main addresses from others. Nothing depends on it: it is asked for both.",
        "Not known: the directory may not be read, or does not show the main address.",
    ),
    Habit.CHANGES_WITH_HEADERS: Meaning(
        "Changes of a folder show the headers that mail came with.",
        "Changes of a folder do not show headers: they are read by each mail's id, twenty to a request.",
    ),
    Habit.CHANGES_OF_PREFERRED_SIZE: Meaning(
        "Changes of a folder keep to a preferred length of pages.",
        "Changes of a folder refuse a preferred length: pages are as long as Microsoft 365 likes.",
    ),
    Habit.LISTS_WITH_PROPERTIES: Meaning(
        "Lists show what sent and internal mail answers.",
        "Lists do not show what sent and internal mail answers: its headers are read by its id.",
    ),
    Habit.LISTS_IN_ORDER: Meaning(
        "Lists come in the order of receipt.",
        "Lists do not come in the order of receipt: they are read whole and put in order here.",
    ),
    Habit.ATTACHMENTS_WITH_CONTENT_IDS: Meaning(
        "A list of attachments says which of them the text shows as pictures.",
        "A list of attachments does not say which of them the text shows: such pictures are not shown in their place.",
    ),
    Habit.FOLDERS_WITH_CLASSES: Meaning(
        "Folders say what kind of items they hold.",
        "Folders do not say what kind of items they hold: each counts as one of mail.",
    ),
    Habit.COPIES_WITH_HEADERS: Meaning(
        "Sent mail keeps the header that marks it as Postledger's: a draft is made in one request.",
        "Sent mail does not keep the header that marks it as Postledger's: each draft is marked in a further request.",
    ),
}
# The mailbox test tries these; the others are learnt at work.
TRIED: Final = tuple(habit for habit, meaning in MEANINGS.items() if meaning.unknown)


@dataclass(frozen=True, slots=True)
class Learnt:
    """The answer that a tenant gave, and when."""

    habit: Habit
    holds: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Shown:
    """A habit as an admin sees it; `holds` and `at` are None where it is not known."""

    habit: Habit
    holds: bool | None
    at: datetime | None

    @property
    def sentence(self) -> str:
        meaning = MEANINGS[self.habit]
        if self.holds is None:
            return meaning.unknown
        return meaning.yes if self.holds else meaning.no


def shown(known: Mapping[Habit, Learnt]) -> tuple[Shown, ...]:
    """What is known of a tenant, and of what a test tries also that it is not known."""
    listed = (habit for habit in Habit if habit in known or habit in TRIED)
    return tuple(_shown(habit, known.get(habit)) for habit in listed)


def _shown(habit: Habit, learnt: Learnt | None) -> Shown:
    return Shown(habit, learnt.holds if learnt else None, learnt.at if learnt else None)
