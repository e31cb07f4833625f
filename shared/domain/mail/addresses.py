"""Mail addresses: one spelling for comparing, and who a mailbox text really names.

The address is found before anything is decoded, and always in the last angle brackets, so a display name can
never pass for the address (CVE-2023-27043). Knows nothing of records, staff or free-mail domains.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import idna

from shared.domain.foreign_text import guarded
from shared.domain.mail.encoded_words import decoded

LONGEST_ADDRESS: Final = 320  # RFC 3696 erratum 1690: 64 for the local part, "@", 255 for the domain
LONGEST_LOCAL_PART: Final = 64
LONGEST_DOMAIN: Final = 253
LONGEST_MAILBOX_TEXT: Final = 4_000

_PLAIN_DOMAIN: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
_QUOTED_LOCAL: Final = re.compile(r'"(?:[^"\\]|\\.)+"')
_ESCAPED: Final = re.compile(r"\\(.)")
_NOT_IN_LOCAL: Final = re.compile(r'[\s"(),:;<>@\[\\\]]')
_ANGLE: Final = re.compile(r"<([^<>]*)>")
_COMMENT: Final = re.compile(r"\(([^()]*)\)")
_TRAILING_COMMENT: Final = re.compile(r"\([^()]*\)\Z")
# Overrides of the direction of writing: `gpj.exe` reads `exe.jpg` behind one.
_DIRECTIONS: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Both are the same mailboxes' domain; the first one is in their keys.
GOOGLE: Final = ("gmail.com", "googlemail.com")
_WRAPPERS: Final = (("<", ">"), ('"', '"'), ("'", "'"))


@dataclass(frozen=True, slots=True)
class Person:
    """One participant of a mail: display name ("" when none) and normalised address ("" when none)."""

    name: str
    address: str


@guarded
def normalise(address: str) -> str | None:
    """The spelling of an SMTP address by which addresses are compared, or None when it is not one.

    Lower case throughout, domain in ASCII (UTS 46), no blanks, angle brackets, quotes or `mailto:` around it, and no
    quotes around a local part that needs none: `"bo"@x` and `bo@x` are one mailbox.
    Refused: X.500 names (`/O=...`), no `@`, a second `@` outside quotes, blanks or control characters inside,
    address literals (`a@[192.0.2.1]`), more than 320 characters. RFC 5321 section 4.1.2, RFC 6531.
    """
    bare = _unwrapped(address[: LONGEST_MAILBOX_TEXT + 1])
    if not _may_be_address(bare):
        return None
    local, at, domain = bare.rpartition("@")
    ascii_domain = _ascii_domain(domain)
    folded = _unquoted(_lower(local))
    if not at or ascii_domain is None or not _is_local_part(folded):
        return None
    spelled = f"{folded}@{ascii_domain}"
    return spelled if len(spelled) <= LONGEST_ADDRESS else None


def _may_be_address(bare: str) -> bool:
    return 0 < len(bare) <= LONGEST_ADDRESS and not _is_x500(bare) and not _has_blank(bare)


def mailbox_key(address: str) -> str:
    """The one spelling of a normalised address under which a mailbox of Google's is known; others as they are.

    Google delivers both of its domains, with dots anywhere and with any `+tag`, to the same person ("Dots don't
    matter in Gmail addresses"). Of other providers' mailboxes nobody outside can tell. Whoever asks whether two
    addresses are one mailbox compares these.
    """
    local, _, domain = address.rpartition("@")
    if domain not in GOOGLE:
        return address
    bare = local.partition("+")[0].replace(".", "")
    return f"{bare}@{mailbox_domain(domain)}" if bare else address


def mailbox_keys(addresses: Iterable[str]) -> frozenset[str]:
    return frozenset(map(mailbox_key, addresses))


def mailbox_domain(domain: str) -> str:
    """The one spelling of a domain under which its mailboxes are known."""
    return GOOGLE[0] if domain in GOOGLE else domain


def domain_of(address: str) -> str:
    """The domain of a normalised address; "" when it has none."""
    return address.rpartition("@")[2] if "@" in address else ""


@guarded
def parse_mailbox(text: str) -> Person | None:
    """The person a single mailbox text names (RFC 5322 section 3.4), or None when it names nobody.

    The last `<...>` that holds an address is the address; everything before it is only a name, whatever it
    looks like. Encoded-words (RFC 2047) are decoded after that. A name without SMTP address (some senders
    inside Exchange) is a person with address "". Groups (`undisclosed-recipients:;`) name nobody.
    """
    text = text[:LONGEST_MAILBOX_TEXT].strip()
    within = _in_angles(text)
    if within is not None:
        return within
    outside = _COMMENT.sub(" ", text)
    address = normalise(outside)
    if address is not None:
        comment = _COMMENT.search(text)
        return Person(_name(comment[1]) if comment else "", address)
    if outside.rstrip().endswith(";") or _is_x500(outside):
        return None
    name = _name(_ANGLE.sub(" ", text))
    return Person(name, "") if name else None


def _in_angles(text: str) -> Person | None:
    subject = text
    while (shorter := _TRAILING_COMMENT.sub("", subject).rstrip()) != subject and shorter.endswith(">"):
        subject = shorter
    for angle in reversed(list(_ANGLE.finditer(subject))):
        address = normalise(angle[1])
        if address is not None:
            return Person(_name(subject[: angle.start()]), address)
    return None


def _unwrapped(address: str) -> str:
    """Without what people and programs put around it, in any order and number: `<mailto:'bo@...'>`."""
    bare = address.strip()
    while (shorter := _less_wrapped(bare)) != bare:
        bare = shorter
    return bare


def _less_wrapped(bare: str) -> str:
    if bare[:7].casefold() == "mailto:":
        bare = bare[7:].partition("?")[0].strip()
    for start, end in _WRAPPERS:
        if len(bare) > 1 and bare.startswith(start) and bare.endswith(end):
            bare = bare[1:-1].strip()
    return bare


def _has_blank(text: str) -> bool:
    # The same for ASCII, which nearly all addresses are.
    if text.isascii():
        return " " in text or not text.isprintable()
    return any(char.isspace() or unicodedata.category(char) in {"Cc", "Cf", "Cs", "Cn"} for char in text)


def _lower(text: str) -> str:
    # Lower case may be composed anew and have a lower case of its own; equal addresses must end up equal.
    previous = ""
    while text != previous:
        previous, text = text, unicodedata.normalize("NFC", text).lower()
    return text


def _unquoted(local: str) -> str:
    """A local part without its quotes, where it says the same without them (RFC 5321, 4.1.2)."""
    if _QUOTED_LOCAL.fullmatch(local) is None:
        return local
    bare = _ESCAPED.sub(r"\1", local[1:-1])
    return local if _NOT_IN_LOCAL.search(bare) else bare


def _is_local_part(local: str) -> bool:
    if len(local.encode()) > LONGEST_LOCAL_PART:
        return False
    if local.startswith('"'):
        return _QUOTED_LOCAL.fullmatch(local) is not None
    return bool(local) and _NOT_IN_LOCAL.search(local) is None


def _ascii_domain(domain: str) -> str | None:
    name = domain.lower()
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True, transitional=False).decode("ascii")
        except UnicodeError:  # idna.IDNAError is one
            return None
    name = name.lower().removesuffix(".")
    if len(name) > LONGEST_DOMAIN or _PLAIN_DOMAIN.fullmatch(name) is None:
        return None
    return name


def _is_x500(text: str) -> bool:
    return text.strip(" <>\"'")[:3].casefold() == "/o="


def _name(raw: str) -> str:
    name = raw.strip().strip(",").strip()
    if len(name) > 1 and name.startswith('"') and name.endswith('"'):
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    readable = "".join(" " if is_disguising(char) else char for char in decoded(name))
    return " ".join(readable.split())


def is_disguising(char: str) -> bool:
    """Control, line-breaking and direction-changing characters, which let a name disguise itself."""
    return unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} or char in _DIRECTIONS


@guarded
def undisguised(text: str) -> str:
    """A subject or a file name as it is to be read: in one direction, on one line."""
    if not any(map(is_disguising, text)):
        return text
    straight = "".join(char for char in text if char not in _DIRECTIONS)
    return "".join(" " if is_disguising(char) else char for char in straight)
