"""A labelled set of mails: threads between a customer and an agent, received and sent in turn, with HTML and quotes.

Deterministic for a seed. Knows nothing of stacks.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime

TEXT = (
    "the flat lease viewing offer survey keys boiler garden parking tenant deposit solicitor contract Tuesday "
    "agreed please thank regarding estate kitchen invoice amount repair window completion mortgage valuation"
)
WORDS = TEXT.split()
APART = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class ThreadMail:
    """A mail of thread number `thread`; `place` 0 opens it, even places come from the customer."""

    raw: bytes
    thread: int
    place: int
    message_id: str
    received: datetime
    is_duplicate: bool = False

    @property
    def folder(self) -> str:
        return "sentitems" if self.place % 2 else "inbox"


@dataclass(frozen=True, slots=True)
class Size:
    """How many threads, mails in each, and second copies of any of them."""

    threads: int
    length: int
    duplicates: int = 0

    @property
    def mails(self) -> int:
        return self.threads * self.length


def customer(thread: int) -> str:
    """Another person at another domain for each thread."""
    return f"customer{thread}@customer{thread}.example"


def correspondence(
    size: Size, agent: str, start: datetime, *, first: int = 0, seed: int = 7
) -> list[ThreadMail]:
    """Threads numbered from `first`, parents first, threads interleaved, duplicates last."""
    dice = random.Random(seed)
    written = [_Thread(number, agent, seed, dice) for number in range(first, first + size.threads)]
    rounds = [thread for _ in range(size.length) for thread in written]
    mails = [thread.next_mail(start + APART * number) for number, thread in enumerate(rounds)]
    copies = dice.choices(mails, k=size.duplicates)
    return mails + [replace(mail, is_duplicate=True) for mail in copies]


def wanted(mails: Iterable[ThreadMail]) -> dict[int, set[str]]:
    """The Message-IDs that each thread's timeline must show."""
    found: dict[int, set[str]] = {}
    for mail in mails:
        found.setdefault(mail.thread, set()).add(mail.message_id)
    return found


class _Thread:
    """Writes the mails of one thread, each answering the one before and quoting it whole."""

    def __init__(self, number: int, agent: str, seed: int, dice: random.Random) -> None:
        self._number, self._agent, self._seed, self._dice = number, agent, seed, dice
        self._subject = f"Letter {number}: {dice.choice(WORDS)} {dice.choice(WORDS)}"
        self._text = ""
        self._ids: list[str] = []

    def next_mail(self, received: datetime) -> ThreadMail:
        place = len(self._ids)
        mail = EmailMessage()
        people = (customer(self._number), self._agent)
        mail["From"], mail["To"] = people if place % 2 == 0 else people[::-1]
        mail["Subject"] = f"Re: {self._subject}" if place else self._subject
        mail["Date"] = format_datetime(received)
        message_id = f"<t{self._number}.{place}.{self._seed}@{people[place % 2].partition('@')[2]}>"
        mail["Message-ID"] = message_id
        if place:
            mail["In-Reply-To"] = self._ids[-1]
            mail["References"] = " ".join(self._ids)
        self._write(mail, received)
        self._ids.append(message_id)
        return ThreadMail(mail.as_bytes(), self._number, place, message_id, received)

    def _write(self, mail: EmailMessage, received: datetime) -> None:
        own = " ".join(self._dice.choices(WORDS, k=60)) + "."
        quote = _quoted(self._text.splitlines(), received) if self._text else ""
        mail.set_content(f"{own}{quote}\n")
        shown = f"<blockquote type='cite'>{quote.replace('>', '&gt;')}</blockquote>" if quote else ""
        mail.add_alternative(f"<html><body><p>{own}</p>{shown}</body></html>", subtype="html")
        mail.set_boundary(f"part-{self._number}-{len(self._ids)}")  # else a random one
        self._text = own + quote


def _quoted(lines: Sequence[str], received: datetime) -> str:
    said = "\n".join(f"> {line}" for line in lines)
    return f"\n\nOn {format_datetime(received)}, the other side wrote:\n{said}"
