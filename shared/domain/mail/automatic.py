"""Mail that no person wrote: bounces, complaints, automatic answers, notifications; and mail not to be answered.

Decided on headers, sender and subject alone. RFC 3834 by itself misses half of all bounces, and taking list
headers for automation hits every list mail: so what a mail is, and whether a machine may answer it, are two answers.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.domain.foreign_text import guarded
from shared.domain.mail import subjects

_NAMES: Final = (
    "auto-submitted content-type delivered-to feedback-type mailing-list precedence return-path x-apple-action "
    "x-auto-reply-from x-auto-response-suppress x-autoreply x-autorespond x-autoresponder x-failed-recipients "
    "x-fc-machinegenerated x-hmxmroriginalrecipient x-loop x-mail-autoreply x-ms-exchange-inbox-rules-loop "
    "x-ms-exchange-generated-message-source x-ms-exchange-message-is-ndr x-post-messageclass x-precedence "
    "x-mailing-list x-otrs-loop x-rt-loop-prevention x-znuny-loop"
)
HEADERS: Final = frozenset(_NAMES.split())
"""The headers looked at, in lower case; besides them all that begin with `list-`."""


class Automatic(StrEnum):
    """What kind of machine wrote a mail, if one did."""

    NONE = ""
    BOUNCE = "bounce"
    FEEDBACK = "feedback"
    AUTO_REPLY = "auto_reply"
    AUTOMATIC = "automatic"


@dataclass(frozen=True, slots=True)
class Nature:
    """What a mail is. `is_list`: list or bulk mail, which people may well have written."""

    automatic: Automatic = Automatic.NONE
    is_list: bool = False
    never_answer: bool = False


_Headers = Mapping[str, Sequence[str]]

# What a header says it says early, and the patterns below are tried on every word of it.
_LONGEST: Final = 2_000
_MOST_HEADERS: Final = 500
# Ticket systems mark their own mail, by which another one is to know it.
_LOOPS: Final = frozenset(("x-loop", "x-otrs-loop", "x-rt-loop-prevention", "x-znuny-loop"))
_LISTS: Final = frozenset(("mailing-list", "x-mailing-list"))
_BULK: Final = frozenset(("bulk", "list", "junk"))
_YES: Final = frozenset(("yes", "true", "1"))
_ANSWERING: Final = (
    "x-autoreply",
    "x-autorespond",
    "x-auto-reply-from",
    "x-mail-autoreply",
    "x-autoresponder",
)
# What these say where a vacation program wrote the mail.
_TELLING: Final = {
    "delivered-to": frozenset(("autoresponder",)),
    "precedence": frozenset(("auto_reply",)),
    "x-fc-machinegenerated": _YES,
    "x-precedence": frozenset(("auto_reply",)),
}
_BOUNCE_MARKS: Final = ("x-failed-recipients", "x-ms-exchange-message-is-ndr")
_SUPPRESSED: Final = frozenset(("all", "autoreply", "oof"))

_DAEMON: Final = re.compile(
    r"(?:mail(?:er)?[-_.]?(?:daemon|delivery)|mdaemon|(?:mail|smtp|msn|qmail|mta)?-?postmaster"
    r"|mmdf|mail-?administrator|microsoftexchange[0-9a-f]{10,40}|bounces?|bounce-handler)(?:[.+=-].{0,200})?",
    re.IGNORECASE,
)
_SURE_DAEMON: Final = re.compile(r"mail(?:er)?[-_.]?daemon|microsoftexchange[0-9a-f]{10,40}", re.IGNORECASE)
_NO_REPLY: Final = re.compile(
    r"(?:.{0,60}[._+-])?(?:no|not|non|do[._-]?not|ne[._-]?pas|nicht|keine|nao)"
    r"[._-]?(?:reply|replay|response|answer|repondre|responder|rispondere|antwort(?:en)?)"
    r"(?:[._+=-].{0,200})?|noreply.{0,200}",
    re.IGNORECASE,
)
_BOUNCED: Final = re.compile(
    r"undeliver(?:able|ed)|unzustellbar|non[- ]?(?:delivery|remis|distribu)|not (?:be )?deliver|delivery (?:"
    r"(?:status )?notif|status|fail|problem|report|error|has failed|delay)|deliver(?:y|ed)? (?:fail|unsuccess)"
    r"|fail(?:ed|ure) (?:to deliver|notice|notif|delivery|mail)|mail (?:could not|delivery|system error|failure"
    r"|undeliv)|returned (?:mail|to sender)|return(?:ed)? (?:mail|message)|mail returned|could not send"
    r"|couldn't be delivered|message (?:delayed|not delivered|undeliv|status)|unable to deliver|bounced? (?:mail|"
    r"message|notif)|user unknown|warning: (?:message|could not)|mail error|permanent error|error sending"
    r"|devoluci[oó]n|no se puede entregar|não entreg|niet (?:bezorg|afgelever)|mancata consegna|не доставлен"
    r"|недоставленное|配信|送信できません|退信|undelivered",
    re.IGNORECASE,
)
_COMPLAINT: Final = re.compile(
    r"(?:email )?(?:abuse|feedback) report|complaint about (?:message|mail)", re.IGNORECASE
)
_RECEIPT: Final = re.compile(r"multipart/report\b.*\bdisposition-notification\b", re.IGNORECASE | re.DOTALL)
# A click in a calendar: the answer to an invitation (RFC 5546 section 3.2.3).
_CALENDAR_ANSWER: Final = re.compile(r"text/calendar\b.*\bmethod\s*=\s*\"?reply\b", re.IGNORECASE | re.DOTALL)
_DELIVERY: Final = re.compile(
    r"multipart/report\b.*\bdelivery-status\b|message/(?:global-)?delivery-status\b",
    re.IGNORECASE | re.DOTALL,
)
_FEEDBACK: Final = re.compile(
    r"multipart/report\b.*\bfeedback-report\b|message/feedback-report\b", re.IGNORECASE | re.DOTALL
)


@guarded
def nature_of(headers: Sequence[tuple[str, str]], sender: str, subject: str) -> Nature:
    """Which machine wrote a mail, if any, and whether one may answer it.

    Precedence and `List-*` mean "never answer", not "automatic". X-Auto-Response-Suppress stands on ordinary
    Exchange mail: it too only forbids answers. Subjects count beside other signs, and alone as a last resort.
    Sources: RFC 3834, RFC 3464, RFC 5965, MS-OXCMAIL 2.1.3.2.20.
    """
    held = _by_name(headers)
    sender = sender.strip()[:_LONGEST]
    automatic = _automatic(held, sender, subject[:_LONGEST])
    is_list = _is_list(held)
    never_answer = automatic is not Automatic.NONE or is_list or _wants_no_answer(held, sender)
    return Nature(automatic, is_list, never_answer)


def _is_list(held: _Headers) -> bool:
    return any(name.startswith("list-") for name in held) or not _LISTS.isdisjoint(held) or _is_bulk(held)


def _wants_no_answer(held: _Headers, sender: str) -> bool:
    local_part = sender.partition("@")[0]
    return (
        not sender
        or _NO_REPLY.fullmatch(local_part) is not None
        or _DAEMON.fullmatch(local_part) is not None
        or not _LOOPS.isdisjoint(held)
        or not _SUPPRESSED.isdisjoint(_words(held, "x-auto-response-suppress"))
    )


def _automatic(held: _Headers, sender: str, subject: str) -> Automatic:
    if _is_feedback(held, sender, subject):
        return Automatic.FEEDBACK
    if _is_bounce(held, sender, subject):
        return Automatic.BOUNCE
    # A receipt may say `auto-replied` of itself (RFC 3834 section 3.1.8), and nobody has replied.
    if _has(held, "content-type", _RECEIPT) or _has(held, "content-type", _CALENDAR_ANSWER):
        return Automatic.AUTOMATIC
    if _is_answer(held) or "auto-replied" in _words(held, "auto-submitted"):
        return Automatic.AUTO_REPLY
    return _by_subject(held, subject)


def _by_subject(held: _Headers, subject: str) -> Automatic:
    """What no header calls an answer: a machine's or not, and whether the subject says that somebody is away."""
    submitted = _words(held, "auto-submitted")
    says_away = subjects.kind(subject) == "auto_reply"
    if submitted - {"no"} or _has_null_path(held):
        return Automatic.AUTO_REPLY if says_away else Automatic.AUTOMATIC
    # "AUTO:" is what Notes writes, with a header to prove it; alone it is also how a car dealer begins.
    proves_itself = not subject.strip().casefold().startswith("auto:")
    is_away = says_away and proves_itself and "no" not in submitted
    return Automatic.AUTO_REPLY if is_away else Automatic.NONE


def _is_feedback(held: _Headers, sender: str, subject: str) -> bool:
    return (
        _has(held, "content-type", _FEEDBACK)
        or "feedback-type" in held
        or ("x-hmxmroriginalrecipient" in held and _COMPLAINT.match(subject.strip()) is not None)
        or (
            sender.casefold().startswith(("feedback@", "fbl@", "staff@"))
            and _COMPLAINT.search(subject) is not None
        )
    )


def _is_bounce(held: _Headers, sender: str, subject: str) -> bool:
    local_part = sender.partition("@")[0]
    if not held.keys().isdisjoint(_BOUNCE_MARKS) or _has(held, "content-type", _DELIVERY):
        return True
    if _SURE_DAEMON.match(local_part) is not None:
        return not _is_answer(held)
    return _may_bounce(held, sender, subject) and _BOUNCED.search(subject) is not None


def _may_bounce(held: _Headers, sender: str, subject: str) -> bool:
    local_part = sender.partition("@")[0]
    if not sender or _DAEMON.fullmatch(local_part) is not None:
        return True
    # "Automatic reply: Undeliverable: ..." with an empty return path answers a bounce and is none.
    return _has_null_path(held) and subjects.kind(subject) != "auto_reply"


def _is_answer(held: _Headers) -> bool:
    """Signs of vacation programs and of rules in mailboxes."""
    return (
        any(_words(held, name) - {"no"} for name in _ANSWERING)
        or any(not words.isdisjoint(_words(held, name)) for name, words in _TELLING.items())
        or _is_of_a_program(held)
        or _is_of_a_rule(held)
    )


def _is_of_a_program(held: _Headers) -> bool:
    """Of a gateway that numbers kinds of mail ("9; Autoresponder"), or of Apple Mail."""
    classes = (value.strip() for value in held.get("x-post-messageclass", ()))
    actions = _words(held, "x-apple-action")
    return any(value.startswith("9;") for value in classes) or any(
        word.startswith("vacation") for word in actions
    )


def _is_of_a_rule(held: _Headers) -> bool:
    """Of one in a mailbox of Exchange, which names its agent or leaves a mark against loops."""
    sources = " ".join(held.get("x-ms-exchange-generated-message-source", ()))
    return "x-ms-exchange-inbox-rules-loop" in held or "mailbox rules agent" in sources.casefold()


def _is_bulk(held: _Headers) -> bool:
    return not _BULK.isdisjoint(_words(held, "precedence") | _words(held, "x-precedence"))


def _has_null_path(held: _Headers) -> bool:
    """An empty return path is a daemon's (RFC 5321 section 4.5.5), or a vacation program's (RFC 3834)."""
    paths = ["".join(value.split()) for value in held.get("return-path", ())]
    return bool(paths) and all(path in ("<>", "<MAILER-DAEMON>") for path in paths)


def _words(held: _Headers, name: str) -> set[str]:
    """The words of a header without its parameters and comments: `auto-replied (vacation); x=y`."""
    # Nearly all of the headers asked for are on no mail but a machine's.
    if name not in held:
        return set()
    values = (re.split(r"[;(]", value, maxsplit=1)[0] for value in held[name])
    return set(re.split(r"[\s,]+", " ".join(values).casefold())) - {""}


def _has(held: _Headers, name: str, pattern: re.Pattern[str]) -> bool:
    return any(pattern.match(value.strip()) is not None for value in held.get(name, ()))


def _by_name(headers: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    held: dict[str, list[str]] = {}
    for name, value in headers[:_MOST_HEADERS]:
        held.setdefault(name.strip().casefold(), []).append(value[:_LONGEST])
    return held
