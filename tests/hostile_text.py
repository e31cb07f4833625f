"""Text as a stranger might write it to break a parser: made of what parsers know, by a seeded die."""

from random import Random
from typing import Any, Final

_SIGNS: Final = (
    *("(", ")", "((", "<", ">", '"', "\\", ",", ";", ":", "@", ".", "[", "]", "{", "}", "&", "=", "?", "*"),
    *(" ", "\t", "\n", "\r\n", "\r\n ", "\n\n", "\x00", "\x0b", "\x1f", "\x85", "\u2028"),
)
_CHARACTERS: Final = (
    *("\ud800", "\udfff", "\ufeff", "\u202e", "\u200b", "\u00ad", "é", "e\u0301", "\u0301", "İ", "ß", "ﬃ"),
    *("²", "٣", "𝟙", "＠", "。", "．", "：", "–", "好", "\U0001f600", "\U0010ffff"),
)
_ADDRESSES: Final = (
    *("a", "b.example", "bo@fabrikam.example", "<bo@fabrikam.example>", "mailto:", "rfc822;", "/O=", "xn--"),
    *(
        "xn--zzzzzz",
        "a@[192.0.2.1]",
        "undisclosed-recipients:;",
        " via ",
        "list ",
        "<letters.fabrikam.example>",
    ),
)
_ENCODED: Final = (
    *("=?", "?=", "=?utf-8?q?x?=", "=?utf-8?b?!!!?=", "=?utf-8?b?YQ?=", "=?none?q?=ff?=", "=?rot13?q?abc?="),
    *(
        "=?hex?b?abc?=",
        "=?\x00?q?a?=",
        "=?utf-7?q?+AAA-?=",
        "=?unicode_escape?q?=5Cu?=",
        "=?punycode?q?a-b?=",
    ),
    *("=?idna?q?xn--zz?=", "=?utf-16?b?2AA=?=", "=?undefined?q?a?=", "=?utf-8*en?q?a?="),
)
_HEADERS: Final = (
    *("dmarc=fail", "dmarc=pass", "compauth=pass", "spf=", "vacation", "auto-replied", "9;", "no"),
    *(
        "Re:",
        "AW:",
        "Re[2]:",
        "[EXT]",
        "[list]",
        "{Spam?}",
        "***SPAM***",
        "VS:",
        "PL-7K3Q9X-F2MX",
        "[PL",
        "[PL-",
    ),
)
_MIME: Final = (
    *("Content-Type: ", "multipart/mixed; boundary=", "message/rfc822", "message/delivery-status", "\n--x\n"),
    *("--x--", "text/plain; charset=", "unknown-8bit", "rot13", "undefined", "charset*=utf-8''%ff", "x''%"),
    *("charset*0*=x''%", "name*0=a; name*1*=b", "Content-Transfer-Encoding: base64\n", "begin 644 a\n"),
    *("Content-Transfer-Encoding: x-uuencode\n", "Final-Recipient: ", "Status: 5.1.1\n", "Action: failed\n"),
)
_MARKUP: Final = (
    *(
        "<div>",
        "</div>",
        "<table>",
        "<tr>",
        "<td>",
        "<blockquote type=cite>",
        "<!--",
        "-->",
        "<style>",
        "<svg>",
    ),
    *(
        "<![CDATA[",
        "<b>",
        "<p ",
        "<a href=",
        "<font ",
        "<select>",
        "<li>",
        "&#x110000;",
        "&#xd800;",
        "&nbsp;",
    ),
    *("style='", "width:calc(", "javascript:", "cid:", "src=", "data:image/png;base64,", "class=gmail_quote"),
    *("<a href='http://[::1'>", '<img src="cid:%ff%">', "<!-- converted from text -->", "<?", "<math>"),
)
_QUOTES: Final = (
    "On ",
    "wrote:",
    "From:",
    "To: ",
    "Sent: ",
    "Od: ",
    "-- ",
    "> ",
    ">>",
    "_____",
    "Le ",
    "a écrit :",
)
_NUMBERS: Final = ("9" * 30, "-1", "0x", "1e999", "Mon, 1 Jan 2026 00:00:00 +9999")

ATOMS: Final = (
    *_SIGNS,
    *_CHARACTERS,
    *_ADDRESSES,
    *_ENCODED,
    *_HEADERS,
    *_MIME,
    *_MARKUP,
    *_QUOTES,
    *_NUMBERS,
)
_TIMES: Final = (1, 2, 3, 10, 60, 494, 2_000, 20_000)
DATES: Final = (
    "2026-03-02T08:59:04Z",
    "9999-12-31T23:59:59-12:00",
    "9999-12-31T23:59:59Z",
    "1970-01-01T00:00:00+23:59",
    "0001-01-01T00:00:00Z",
    "2026-W01-1",
)
NAMES: Final = (
    *("authentication-results", "auto-submitted", "content-type", "delivered-to", "feedback-type", "list-id"),
    *("list-post", "mailing-list", "precedence", "return-path", "sensitivity", "thread-index", "x-beenthere"),
    *("x-failed-recipients", "x-original-from", "x-post-messageclass", "in-reply-to", "references", "x-loop"),
)


def text(die: Random, longest: int = 100_000) -> str:
    """Some pieces: one atom many times over, two around a third, or a few in a row."""
    pieces: list[str] = []
    for _ in range(die.randint(1, 8)):
        pieces.append(_piece(die))
        if sum(map(len, pieces)) > longest:
            break
    return "".join(pieces)[:longest]


def _piece(die: Random) -> str:
    first, second, third = die.choices(ATOMS, k=3)
    match die.randrange(4):
        case 0:
            return first * die.choice(_TIMES)
        case 1:
            times = die.choice(_TIMES[:-1])
            return first * times + second + third * times
        case 2:
            return (first + second) * die.choice(_TIMES[:-1])
    return "".join(die.choices(ATOMS, k=die.randint(1, 12)))


def headers(die: Random) -> list[tuple[str, str]]:
    return [(die.choice(NAMES), text(die, 20_000)) for _ in range(die.randint(1, 6))]


def mime(die: Random) -> bytes:
    """A delivery report with hostile fields; or one that nests deep; or a hostile text."""
    match die.randrange(4):
        case 0:
            return text(die).encode("utf-8", "replace")
        case 1:
            return _nested(die)
    return _report(die)


def _nested(die: Random) -> bytes:
    times = die.choice((5, 29, 31, 100, 2_000))
    layers = [
        f'Content-Type: multipart/mixed; boundary="b{number}"\n\n--b{number}\n' for number in range(times)
    ]
    if die.randrange(2):
        layers = ["Content-Type: message/rfc822\n\n"] * times
    return ("".join(layers) + text(die, 1_000)).encode("utf-8", "replace")


def _report(die: Random) -> bytes:
    written = [text(die, 3_000).replace("\n", " ") for _ in range(4)]
    start = "From: {}\nTo: {}\nX-Failed-Recipients: {}\nContent-Type: multipart/report; boundary=x; {}\n\n".format(
        *written
    )
    return (start + "".join(_part(die) for _ in range(3)) + "--x--").encode("utf-8", "surrogatepass")


def _part(die: Random) -> str:
    kinds = ("message/delivery-status", "message/rfc822", "text/rfc822-headers", "text/plain; charset=", "")
    encodings = ("base64", "quoted-printable", "x-uuencode", text(die, 50))
    status = f"Final-Recipient: rfc822;{text(die, 200)}\nStatus: {text(die, 20)}\nDiagnostic-Code: x;{text(die, 2_000)}"
    kind, encoding = die.choice(kinds) + text(die, 100), die.choice(encodings)
    body = die.choice((status, text(die, 5_000)))
    return f"--x\nContent-Type: {kind}\nContent-Transfer-Encoding: {encoding}\n\n{body}\n"


def message(die: Random, *, odd: float = 0.0) -> dict[str, Any]:
    """A message as Graph gives it; each field holds something else, with the probability `odd`."""
    whole = {
        "internetMessageId": text(die, 3_000),
        "subject": text(die, 8_000),
        "from": _recipient(die),
        "sender": _recipient(die),
        "toRecipients": [_recipient(die), _recipient(die)],
        "ccRecipients": [_recipient(die)],
        "bccRecipients": [],
        "replyTo": [_recipient(die)],
        "sentDateTime": die.choice(DATES),
        "receivedDateTime": die.choice(DATES),
        "parentFolderId": "inbox",
        "conversationIndex": text(die, 2_000),
        "isDraft": False,
        "internetMessageHeaders": [{"name": name, "value": value} for name, value in headers(die)],
        "singleValueExtendedProperties": [_property(die) for _ in range(2)],
        "body": {"contentType": die.choice(("html", "text")), "content": text(die, 20_000)},
        "attachments": [{"id": "a", "name": text(die, 1_000), "contentType": text(die, 200), "size": 1}],
    }
    return {"id": "AAMk="} | {
        name: _junk(die) if die.random() < odd else value for name, value in whole.items()
    }


def _recipient(die: Random) -> dict[str, Any]:
    return {"emailAddress": {"name": text(die, 5_000), "address": text(die, 1_000)}}


def _property(die: Random) -> dict[str, Any]:
    name = die.choice(("Integer 0x36", "String 0x1042", "String 0x1039", text(die, 200)))
    return {"id": name, "value": die.choice((text(die, 2_000), "²", "٣", "9" * 5_000))}


def _junk(die: Random) -> Any:
    return die.choice(
        (None, 0, -1, 2**70, 1.5, True, [], {}, "", text(die, 500), [text(die, 50)], {"name": []})
    )
