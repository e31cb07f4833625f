"""Delivery reports: who was not reached, why, whether for good, and which mail it was.

Reads the report's MIME, never raises and never believes more than it is told; who may be told of it, and whether
the mail was ours, is decided elsewhere.
"""

import email
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email import policy
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import getaddresses
from itertools import chain
from typing import Final

from shared.domain.foreign_text import or_else
from shared.domain.mail import bounce_texts
from shared.domain.mail.addresses import mailbox_keys, normalise
from shared.domain.mail.bounce_texts import enhanced_status
from shared.domain.mail.message_ids import message_id, names_one_mail, parse_ids

LARGEST: Final = 500_000
MOST_RECIPIENTS: Final = 50
LONGEST_DIAGNOSTIC: Final = 500
# The email package recurses into parts: some hundred levels end in a RecursionError, and cost seconds before.
_MOST_PARTS: Final = 100
_MOST_NESTED: Final = 30
_MOST_GROUPS: Final = 200
_LONGEST_FIELD: Final = 10_000
# Some thousand addresses; behind them a header has been made to cost something.
_LONGEST_LIST: Final = 50_000

_NESTING: Final = re.compile(rb"boundary\s*=|content-type:\s*message/", re.IGNORECASE)
_STATUS_TYPES: Final = frozenset(("message/delivery-status", "message/global-delivery-status"))
_ORIGINAL_TYPES: Final = frozenset(("message/rfc822", "message/global", "message/partial"))
_HEADER_TYPES: Final = frozenset(("text/rfc822-headers", "message/rfc822-headers", "message/global-headers"))
_RETURNED_TYPES: Final = _ORIGINAL_TYPES | _HEADER_TYPES
# RFC 3464 section 2.3.3: the mail has arrived, was passed on, or is still on its way.
_NOT_FAILED: Final = frozenset(("delivered", "relayed", "expanded", "delayed"))
_ORIGINAL_ID_FIELDS: Final = ("x-original-message-id", "original-message-id")
_RECIPIENT_FIELDS: Final = ("original-recipient", "final-recipient", "x-actual-recipient")


@dataclass(frozen=True, slots=True)
class Bounce:
    """One recipient who was not reached. `status` as in RFC 3463 ("" when not told); 4.x.x is not `permanent`."""

    address: str
    status: str
    permanent: bool
    diagnostic: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a delivery report says, and of which mail: its Message-ID without brackets, its To addresses.

    Where it `tells_of_no_failure`, it names its recipients and says of each that nothing has failed.
    """

    bounces: tuple[Bounce, ...] = ()
    original_message_id: str = ""
    original_to: tuple[str, ...] = ()
    tells_of_no_failure: bool = False


@dataclass(slots=True)
class _Parts:
    """What the parts of a report hold, those of the returned mail left out."""

    statuses: list[Message]
    texts: list[str]
    original: Message | None = None


@or_else(Report())
def read_report(mime: bytes) -> Report:
    """Read a delivery report (RFC 3464), or what the text of one that follows no standard says.

    For mail that is a bounce: in the text of an ordinary mail it would see addresses that nobody failed to reach.
    Only the first 500,000 bytes are read. Recipients whose mail was delivered, passed on or delayed are no bounces.
    Where a generic status (5.0.0) stands beside a diagnostic with a better one, the better one counts.
    """
    mail = _parsed(mime[:LARGEST])
    parts = _Parts([], [])
    _gather(mail, parts, 0)
    whole = "\n".join(parts.texts)
    text, returned = bounce_texts.parted(whole)
    # What no MIME part holds, the text may: servers without standard paste both into it.
    original = parts.original or _header(returned)
    blocks = parts.statuses or _groups(whole)
    original_to = _addresses(_field(original, "to"))
    unique: dict[str, Bounce] = {}
    is_stated = any(map(_recipient, blocks))
    for bounce in _stated(blocks) if is_stated else _told(mail, text, original_to):
        unique.setdefault(bounce.address, bounce)
    found = _message_id(original, blocks, returned)
    return Report(
        tuple(unique.values())[:MOST_RECIPIENTS],
        found or _answered(mail),
        original_to,
        tells_of_no_failure=is_stated and not unique,
    )


def _parsed(mime: bytes) -> Message:
    """The mail as the email package reads it, as plain text when it nests deep enough to cost too much."""
    if sum(1 for _ in _NESTING.finditer(mime)) > _MOST_NESTED:
        return BytesHeaderParser(policy=policy.compat32).parsebytes(mime)
    return email.message_from_bytes(mime, policy=policy.compat32)


def _header(text: str) -> Message:
    return BytesHeaderParser(policy=policy.compat32).parsebytes(text.lstrip().encode("utf-8", "replace"))


def _gather(part: Message, found: _Parts, depth: int) -> None:
    kind = part.get_content_type()
    inner = part.get_payload()
    if kind in _STATUS_TYPES:
        found.statuses += _blocks(part)
    elif kind in _RETURNED_TYPES:
        found.original = found.original or _returned(part)
    elif isinstance(inner, list):
        for inside in _messages(inner[:_MOST_PARTS]):
            _gather(inside, found, depth + 1)
    elif kind == "text/plain" or depth == 0:
        found.texts.append(_text(part))


def _returned(part: Message) -> Message | None:
    """The returned mail of a part: whole where the email package took it for a mail, else what its header says."""
    inner = part.get_payload()
    if part.get_content_type() in _ORIGINAL_TYPES and isinstance(inner, list):
        return next(_messages(inner), None)
    return _header(_text(part))


def _messages(payload: Iterable[object]) -> Iterator[Message]:
    return (part for part in payload if isinstance(part, Message))


def _blocks(part: Message) -> list[Message]:
    """The groups of fields of a delivery status: one for the mail, one for each recipient."""
    inner = part.get_payload()
    if not isinstance(inner, list):
        return _groups(_text(part))
    blocks = list(_messages(inner))[:_MOST_GROUPS]
    # The email package takes a global status (RFC 6533) for one mail: its recipients stand in the body.
    bodies = (_encoded_as(part, block) for block in blocks if not block.is_multipart())
    return [*blocks, *chain.from_iterable(map(_groups, bodies))][:_MOST_GROUPS]


def _encoded_as(part: Message, block: Message) -> str:
    """The body of a block, decoded as the part says that holds it."""
    body = Message()
    body["Content-Transfer-Encoding"] = str(part.get("content-transfer-encoding", ""))
    body["Content-Type"] = 'text/plain; charset="utf-8"'
    body.set_payload(block.get_payload())
    return _text(body)


def _groups(text: str) -> list[Message]:
    """The groups of fields in a text that stands for a delivery status, or has one pasted into it."""
    blocks = re.split(r"\r?\n[ \t]*\r?\n", text[: bounce_texts.LONGEST_TEXT], maxsplit=_MOST_GROUPS)
    stating = [block for block in blocks if "final-recipient:" in block.casefold()]
    return [_header(block) for block in stating]


@or_else("")
def _text(part: Message) -> str:
    """The decoded text of a part; "" where its encoding, or the name of its charset, cannot be made sense of."""
    content, charset = part.get_payload(decode=True), part.get_content_charset()
    return bounce_texts.decoded(content, charset or "utf-8") if isinstance(content, bytes) else ""


def _field(mail: Message, name: str) -> str:
    """Unfolded, with nothing that cannot be stored as UTF-8."""
    value = str(mail.get(name) or "")[:_LONGEST_FIELD]
    return " ".join(value.encode("utf-8", "replace").decode("utf-8").split())


def _stated(blocks: Iterable[Message]) -> Iterator[Bounce]:
    """RFC 3464 section 2.3: who was not reached, from the groups of fields that name a recipient."""
    for block in blocks:
        address = _recipient(block)
        action = _field(block, "action").partition(" ")[0].casefold()
        if not address or action in _NOT_FAILED:
            continue
        diagnostic = _field(block, "diagnostic-code")
        status = bounce_texts.better(enhanced_status(_field(block, "status")), enhanced_status(diagnostic))
        yield _bounce(address, status, diagnostic.partition(";")[2].strip() or diagnostic)


def _recipient(block: Message) -> str:
    """As the sender wrote it where the report tells (`Original-Recipient`), else where the mail ended up."""
    for name in _RECIPIENT_FIELDS:
        kind, _, written = _field(block, name).rpartition(";")
        if kind.strip().casefold() in ("", "rfc822", "utf-8") and (found := normalise(written)):
            return found
    return ""


def _told(mail: Message, text: str, original_to: tuple[str, ...]) -> Iterator[Bounce]:
    """Reports without delivery status: the recipients that Exim names in a header, or that the text names."""
    named = _addresses(_field(mail, "x-failed-recipients"))
    own = mailbox_keys((*_addresses(_field(mail, "to")), *_addresses(_field(mail, "from"))))
    for address, status, diagnostic in bounce_texts.told(text, named, own, original_to):
        yield _bounce(address, status, diagnostic)


def _bounce(address: str, status: str, diagnostic: str) -> Bounce:
    permanent = status.startswith("5")
    return Bounce(address, status, permanent, " ".join(diagnostic.split())[:LONGEST_DIAGNOSTIC])


def failed_recipients(headers: Iterable[tuple[str, str]]) -> frozenset[str]:
    """The addresses that a report names before it is opened, in X-Failed-Recipients (Exim, Gmail)."""
    found: set[str] = set()
    for name, value in headers:
        if name.casefold() == "x-failed-recipients":
            found.update(_addresses(value[:_LONGEST_LIST]))
    return frozenset(found)


@or_else(())
def _addresses(header: str) -> tuple[str, ...]:
    """The addresses in a list of mailboxes, each once; none where comments nest too deep for the email package."""
    addresses = (normalise(address) for _, address in getaddresses([header]))
    return tuple(dict.fromkeys(filter(None, addresses)))


def _message_id(original: Message, blocks: Iterable[Message], returned: str) -> str:
    fields = [_field(original, "message-id")]
    for block in blocks:
        fields += [_field(block, name) for name in _ORIGINAL_ID_FIELDS]
    ids = (*map(message_id, fields), bounce_texts.message_id(returned))
    return next(filter(names_one_mail, ids), "")


def _answered(mail: Message) -> str:
    """What the report itself says that it answers: Exchange sets In-Reply-To and References."""
    answered = parse_ids(_field(mail, "in-reply-to")) or parse_ids(_field(mail, "references"))[-1:]
    return answered[0] if answered else ""
