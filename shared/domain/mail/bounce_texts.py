"""What the text of a delivery report says where no delivery status is attached: failed addresses and SMTP codes.

Careful rather than clever: an address that the text does not put forward as failed is not taken.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from shared.domain.mail.addresses import mailbox_key, normalise

LONGEST_TEXT: Final = 50_000

_ENHANCED: Final = re.compile(r"(?<![\w.])([45]\.[0-7]\.\d{1,3})(?![\w.]*\d)")
_REPLY_CODE: Final = re.compile(r"(?<![\w.:/-])([45][0-7]\d)(?=[\s-])")
_PERMANENT: Final = re.compile(
    r"\bpermanent(?:ly)?\b|\bgiving up\b|\bgiven up\b|\bfatal error", re.IGNORECASE
)
_USER_UNKNOWN: Final = re.compile(
    r"\b(?:user|recipient|mailbox|account|address)\b.{0,40}\b(?:unknown|not found|does(?: not|n't) exist|not exist)"
    r"|\bunknown (?:user|recipient|local)|\bno such (?:user|mailbox|recipient)|\bdoesn't have an?\b.{0,60}\baccount",
    re.IGNORECASE,
)
_MESSAGE_ID: Final = re.compile(r"^message-id:[ \t]*(<[^<>\s]{1,998}>)", re.IGNORECASE | re.MULTILINE)
_NOBODY: Final = frozenset(("postmaster", "mailer-daemon"))
# A line of the returned mail's header, and at least two more: quoted or not.
_HEADER_LINE: Final = (
    r"[> \t]{0,8}[A-Za-z][A-Za-z0-9-]{1,60}:[^\n]{0,2000}\n(?:[ \t>]{1,9}[^\n]{0,2000}\n){0,30}"
)
_RETURNED: Final = re.compile(
    r"(?:^|\n)(?=[> \t]{0,8}(?:Received|Return-Path|Message-ID|From|To|Date|Subject|X-[A-Za-z-]{1,40}|MIME-Version"
    rf"|DKIM-Signature|Delivered-To|Sender|Reply-To):[ \t])(?=(?:{_HEADER_LINE}){{2}})",
    re.IGNORECASE,
)
_ADDRESS: Final = r"[^\s<>\"'(),:;@\[\]]{1,64}@[A-Za-z0-9._-]{1,253}"
_PUT_FORWARD: Final = re.compile(
    # alone on its line, or before a colon, dots or a bracket, perhaps behind a label
    r"^(?![ \t>*-]{0,12}(?:(?:mail )?from\b|sender|reply|by\b|cc\b))[ \t>*-]{0,12}(?:[\w .]{0,30}:[ \t]*)?"
    rf"[<\"']?({_ADDRESS})[>\"']?(?:[ \t]*<mailto:[^>\n]{{1,320}}>)?[ \t]*"
    rf"(?:$|:|\.{{3}}|[(-]|,?[ \t]*<{_ADDRESS}>)"
    # in angle brackets behind a word that says so, or behind an SMTP reply
    rf"|(?:to|for|address|recipient|user|RCPT TO:)[ \t]{{0,4}}<({_ADDRESS})>"
    rf"|\b[45]\d\d[ -][^\n<>]{{0,80}}<({_ADDRESS})>",
    re.MULTILINE | re.IGNORECASE,
)


def decoded(content: bytes, charset: str) -> str:
    """The text of a part; what its charset cannot read, or an unknown charset, is read as UTF-8 with gaps."""
    try:
        return content.decode(charset, "replace")
    except (LookupError, ValueError, TypeError):
        return content.decode("utf-8", "replace")


def parted(text: str) -> tuple[str, str]:
    """What the report says, and the returned mail below it (with the marks of a quotation taken off)."""
    text = text[:LONGEST_TEXT].replace("\r\n", "\n")
    found = _RETURNED.search(text)
    if found is None:
        return text, ""
    return text[: found.start()], re.sub(r"^[> \t]*>[ \t]?", "", text[found.end() :], flags=re.MULTILINE)


def message_id(returned: str) -> str:
    """The Message-ID, without brackets, of a returned mail whose header is too broken to be parsed."""
    found = _MESSAGE_ID.search(returned)
    return found[1][1:-1] if found else ""


def enhanced_status(text: str) -> str:
    """The most telling status code (RFC 3463) in a text, or one made of its SMTP reply code; "" without any."""
    codes = _ENHANCED.findall(text)
    telling = [code for code in codes if not code.endswith(".0.0")]
    if telling or codes:
        return str((telling or codes)[0])
    reply = _REPLY_CODE.search(text)
    return f"{reply[1][0]}.0.0" if reply else ""


def better(stated: str, in_diagnostic: str) -> str:
    """The stated status, unless it says nothing (`5.0.0`) and the diagnostic says more of the same class."""
    if not stated:
        return in_diagnostic
    is_generic = stated.endswith(".0.0")
    return in_diagnostic if is_generic and in_diagnostic[:1] == stated[0] else stated


def told(
    text: str, named: Sequence[str], own: Collection[str], original_to: Sequence[str]
) -> Iterator[tuple[str, str, str]]:
    """(address, status, diagnostic) of each failed recipient.

    `named` are the addresses a header of the report names, `own` those of who wrote and who got the report. Where
    the text puts nobody forward, the one person whom the returned mail was for is the one who was not reached.
    """
    places = _places(text, named, own) or _unplaced(named, own, original_to)
    for address, start in places.items():
        others = [place for place in places.values() if place > start]
        about = text[start : min(others, default=len(text))]
        yield address, _status(about) or _status(text), _first_paragraph(about, address)


def _unplaced(named: Sequence[str], own: Collection[str], original_to: Sequence[str]) -> dict[str, int]:
    """The failed addresses of a text that puts none forward: the whole text is about each."""
    if named:
        return dict.fromkeys(named, 0)
    # Of several recipients nobody can tell which one failed.
    outside = [address for address in original_to if mailbox_key(address) not in own]
    return dict.fromkeys(outside, 0) if len(outside) == 1 else {}


def _places(text: str, named: Sequence[str], own: Collection[str]) -> dict[str, int]:
    """Where each failed address is first put forward."""
    places: dict[str, int] = {}
    for match in _PUT_FORWARD.finditer(text):
        address = normalise(next(filter(None, match.groups())).strip("."))
        # Every report names the daemon that wrote it.
        if not address or address.partition("@")[0] in _NOBODY:
            continue
        if address in named if named else mailbox_key(address) not in own:
            places.setdefault(address, match.start())
    return places


def _status(text: str) -> str:
    return (
        enhanced_status(text)
        or ("5.1.1" if _USER_UNKNOWN.search(text) else "")
        or ("5.0.0" if _PERMANENT.search(text) else "")
    )


def _first_paragraph(text: str, address: str) -> str:
    """The words about an address, up to a blank line, without the address before them."""
    lines = text.lstrip("\n").partition("\n\n")[0].strip()
    head, _, rest = lines.partition("\n")
    return rest if rest and len(head) <= len(address) + 10 else lines
