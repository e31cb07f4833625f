"""What is refused before a mail is queued: each reason has a code and a sentence that says what to do.

A mail that is refused at once can be mended by who wrote it; one that is taken and fails in an hour often cannot.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from shared.domain.connections.organisations import is_listed
from shared.domain.mail.addresses import Person, mailbox_key, mailbox_keys, normalise
from shared.domain.records.records import RecordRef
from shared.domain.sending.letters import estimated_size
from shared.domain.sending.outbox import OutboxFile
from shared.domain.sending.own_html import unsafe_in
from shared.domain.sending.replying import Own

MOST_NAMED: Final = 5
_MEGABYTE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a mail is refused. `code` is for programs, `sentence` for people."""

    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What the way out of a mailbox takes, in bytes. `composed` is the largest mail that may be handed over whole.

    Where `adds_files` holds, files go beside it, each of `file` at most; else they are part of it. `message` is the
    largest mail in all.
    """

    recipients: int
    composed: int
    message: int
    file: int
    adds_files: bool


# Of a mail whose mailbox is not known yet no size is refused.
UNLIMITED: Final = Limits(10**9, 10**12, 10**12, 10**12, adds_files=True)


@dataclass(frozen=True, slots=True)
class Asked:
    """A mail as asked for. `html` and `text` are what the agent wrote, pictures taken out; `bodies` what leaves.

    `files` include the pictures, which have Content-IDs.
    """

    to: tuple[Person, ...]
    html: str = ""
    text: str = ""
    cc: tuple[Person, ...] = ()
    bcc: tuple[Person, ...] = ()
    bodies: tuple[str, ...] = ()
    files: tuple[OutboxFile, ...] = ()
    records: tuple[RecordRef, ...] = ()

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(person.address for person in (*self.to, *self.cc, *self.bcc))


@dataclass(frozen=True, slots=True)
class Known:
    """What storage says of those who are named: records that do not exist, and recipients.

    `recipients` are addresses that a record has. `never_log` are addresses and domains; `erased` are the recipients
    whose person was erased.
    """

    own: Own
    recipients: frozenset[str] = frozenset()
    missing_records: tuple[RecordRef, ...] = ()
    missing_files: tuple[str, ...] = ()
    never_log: tuple[str, ...] = ()
    erased: frozenset[str] = frozenset()


def refusals(asked: Asked, known: Known, limits: Limits) -> tuple[Reason, ...]:
    """Every reason for which the mail is refused; empty: it may be queued."""
    return (
        *_of_recipients(asked, known, limits),
        *_of_records(asked, known),
        *_of_content(asked, known),
        *_of_size(asked, limits),
    )


def people_from(name: str, given: Iterable[tuple[str, str]]) -> tuple[tuple[Person, ...], tuple[Reason, ...]]:
    """The persons of a field, given as names and addresses, and a reason for each address that mail cannot leave to."""
    persons: list[Person] = []
    reasons: list[Reason] = []
    for person_name, address in given:
        spelled = normalise(address)
        # Programs that decode first read another address there, so that it is refused once it is composed.
        if spelled is None or "=?" in spelled:
            reasons.append(Reason("no_address", f"'{name}' holds {address!r}, which is no e-mail address."))
        elif not spelled.isascii():
            reasons.append(Reason("address_beyond_ascii", _beyond_ascii(address)))
        else:
            persons.append(Person(person_name, spelled))
    return tuple(persons), tuple(reasons)


def without_repeats(*roles: Iterable[Person]) -> tuple[tuple[Person, ...], ...]:
    """To, Cc and Bcc with everybody once, where they stand first."""
    seen: set[str] = set()
    found = []
    for persons in roles:
        kept = []
        for person in persons:
            key = mailbox_key(person.address)
            if key not in seen:
                seen.add(key)
                kept.append(person)
        found.append(tuple(kept))
    return tuple(found)


def _of_recipients(asked: Asked, known: Known, limits: Limits) -> Iterator[Reason]:
    addresses = asked.addresses
    if not addresses:
        yield Reason("no_recipient", "Nobody would get the mail. Name a recipient in 'to'.")
        return
    if len(addresses) > limits.recipients:
        yield Reason(
            "too_many_recipients",
            f"The mail names {len(addresses):,} recipients; a mail may have {limits.recipients:,}. Send it in parts, "
            "or as a campaign.",
        )
    barred = [address for address in addresses if _is_barred(address, known)]
    if barred:
        yield Reason(
            "recipient_barred",
            f"{_named(barred)} may not be written to: the address is on 'never_log', or its person was erased.",
        )
    if all(known.own.has(address) for address in addresses):
        yield Reason(
            "only_own_people",
            "Every recipient is of the organisation. Mail among colleagues is sent from Outlook.",
        )


def _of_records(asked: Asked, known: Known) -> Iterator[Reason]:
    if known.missing_records:
        named = _named(map(str, known.missing_records))
        yield Reason("no_record", f"There is no record {named}. Load it first, or leave it out.")
    is_known = not mailbox_keys(asked.addresses).isdisjoint(mailbox_keys(known.recipients))
    if not asked.records and not is_known:
        yield Reason(
            "on_no_timeline",
            "The mail would be on no timeline: name a record in 'records', or write to a contact's address.",
        )


def _of_content(asked: Asked, known: Known) -> Iterator[Reason]:
    if not asked.html.strip() and not asked.text.strip():
        yield Reason("empty", "The mail says nothing: give 'html' or 'text'.")
    unsafe = unsafe_in(asked.html)
    if unsafe:
        yield Reason(
            "unsafe_html", f"'html' holds what no mail program shows: {', '.join(unsafe)}. Take it out."
        )
    if known.missing_files:
        yield Reason("no_file", f"There is no complete file {_named(known.missing_files)}. Upload it first.")


def _of_size(asked: Asked, limits: Limits) -> Iterator[Reason]:
    pictures = [file.size for file in asked.files if file.inline]
    attached = [file.size for file in asked.files if not file.inline]
    people = len(asked.addresses)
    whole = estimated_size(asked.bodies, pictures if limits.adds_files else [*pictures, *attached], people)
    if whole > limits.composed:
        yield _too_large(limits, is_of_pictures=limits.adds_files or not attached)
    elif estimated_size(asked.bodies, [*pictures, *attached], people) > limits.message:
        yield Reason(
            "too_large",
            f"The files are larger than a mail of this mailbox may be, {_megabytes(limits.message)}.",
        )
    too_large = [file.name for file in asked.files if not file.inline and file.size > limits.file]
    if too_large and limits.adds_files:
        yield Reason(
            "file_too_large",
            f"{_named(too_large)}: from this mailbox a file may have {_megabytes(limits.file)}. Send a link instead.",
        )


def _too_large(limits: Limits, *, is_of_pictures: bool) -> Reason:
    if is_of_pictures:
        return Reason(
            "picture_too_large",
            f"The text and the pictures in it are too large: they may have {_megabytes(_room(limits))} together. "
            "Shrink the pictures, or attach them.",
        )
    if limits.composed >= limits.message:
        return Reason(
            "too_large",
            f"The files are too large: with all of them a mail of this mailbox may have {_megabytes(_room(limits))}. "
            "Send less, or a link.",
        )
    return Reason(
        "too_large",
        f"The files are too large: without the right to make drafts the largest file has about "
        f"{_megabytes(_room(limits))}. Send less, or have an admin grant the right to read and write mail.",
    )


def _room(limits: Limits) -> int:
    """The largest file beside a short text: base64 makes four bytes of three, and ends lines."""
    return (limits.composed - estimated_size(("", ""), (0,))) * 57 // 78


def _is_barred(address: str, known: Known) -> bool:
    return is_listed(address, known.never_log) or mailbox_key(address) in mailbox_keys(known.erased)


def _beyond_ascii(address: str) -> str:
    return f"Mail cannot be sent to {address!r}: many servers refuse what is not ASCII before the @."


def _named(names: Iterable[str]) -> str:
    found: Sequence[str] = list(dict.fromkeys(names))
    more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    return ", ".join(found[:MOST_NAMED]) + more


def _megabytes(size: int) -> str:
    return f"{size / _MEGABYTE:.1f} MB".replace(".0 MB", " MB")
