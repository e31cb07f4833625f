"""What a reply proves of a mail: the one place that knows the codes of RFC 5321 and RFC 3463.

| where | reply | then |
|---|---|---|
| greeting, EHLO, any command | 421, or the line is lost | nothing has left: tried again |
| sign-in | 454, 4xx, or words of a moment | tried again |
| | 5xx, or no password is taken | the mailbox's mail waits, told once |
| MAIL FROM | 4xx | tried again |
| | 552, 5.3.4, 5.2.3 | failed: too large |
| | 530, 538 | as a sign-in that is refused |
| | 5.4.5, or words of a limit | the mailbox's mail waits an hour |
| | other 5xx | failed: the sender is refused |
| RCPT TO | 5xx that speaks of the sender | failed: the sender is refused |
| | 5xx for all | failed: the recipients are refused |
| | 4xx for all | tried again |
| | some are taken | goes to these, and the others are told |
| DATA, no octet sent | 4xx, 5xx | tried again; failed |
| behind the last octet | 2xx | taken |
| | 552, 5.3.4, 5.2.3 | failed: too large |
| | other 5xx | failed: the mail, or its sender, is refused |
| | 4xx | tried again, once a look finds no copy |
| | 421, x.4.x, no reply, a broken one | **nobody knows**: looked for, then told to a person |

421 and x.4.x speak of lines: a server in front of another says so when that one's answer was lost.
"""

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from shared.adapters.smtp.wire import Reply
from shared.domain.foreign_text import taken
from shared.domain.sending.outbox import Refusal
from shared.domain.sending.outcomes import Answer, Outcome

# A server that is not there is not there for the mailbox's other mail either.
PAUSE: Final = 60.0
# Providers let a mailbox send so much an hour or a day, and refuse the rest as if for good.
LIMITED_FOR: Final = 3_600.0
SIGN_IN_REFUSED: Final = "SmtpSignInRefused"
_NO_REPLY: Final = "The connection was lost before the mail server said whether it took the mail."
_LONGEST_WORDS: Final = 300
_STATUS: Final = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_TOO_LARGE: Final = ("3.4", "2.3")
_OF_SENDER: Final = ("1.7", "1.8", "7.60")
_SENDER_IN_WORDS: Final = re.compile(r"\bsend(?:er|[- ]as)\b|not owned by|\bfrom address\b", re.IGNORECASE)
_FOR_NOW: Final = re.compile(
    r"too many|temporar|try (?:again )?later|unavailable|busy|internal (?:server )?error", re.IGNORECASE
)
# Many servers say of each wrong password that there are too many, or to try again.
_OF_SERVER: Final = re.compile(r"temporar|unavailable|internal (?:server )?error", re.IGNORECASE)
_OF_A_LIMIT: Final = re.compile(
    r"\b(?:hourly|daily|sending|rate)\b.{0,40}\b(?:quota|limit)|too many (?:messages|mails)", re.IGNORECASE
)


class Stage(StrEnum):
    """How far a submission has come."""

    CONNECTING = "connecting"
    SIGN_IN = "sign_in"
    SENDER = "sender"
    RECIPIENTS = "recipients"
    DATA = "data"
    END = "end"


def outcome_of(reply: Reply, stage: Stage) -> Outcome:
    """What a refusal proves at this stage."""
    words = words_of(reply)
    if reply.code < 500 or (stage is Stage.SIGN_IN and is_passing(reply)):
        return _passing(reply, stage, words)
    if stage in (Stage.CONNECTING, Stage.SIGN_IN) or reply.code in (530, 538):
        return signed_out(words)
    status = _status(reply)
    if status == "4.5" or _OF_A_LIMIT.search(reply.text):
        return Outcome(Answer.NOT_NOW, retry_after=LIMITED_FOR, words=words)
    if status in _TOO_LARGE or (reply.code == 552 and not status.startswith("2.")):
        return Outcome(Answer.TOO_LARGE, words=words)
    if stage is Stage.SENDER or speaks_of_sender(reply):
        return Outcome(Answer.SENDER_REFUSED, words=words)
    return Outcome(Answer.REJECTED, words=words)


def is_passing(reply: Reply) -> bool:
    """Whether a sign-in is refused for now: by the code, or by words, which 5.7.8 (wrong credentials) outweighs."""
    status = _status(reply)
    words = _OF_SERVER if reply.code == 535 and status != "7.0" else _FOR_NOW
    says_so = status != "7.8" and bool(words.search(reply.text))
    return 400 <= reply.code < 500 or (reply.code >= 500 and says_so)


def lost(stage: Stage) -> Outcome:
    """The line was lost: only behind the last octet nobody knows what that means."""
    if stage is Stage.END:
        return Outcome(Answer.UNKNOWN, "no_answer", words=_NO_REPLY)
    return not_reached("The connection to the mail server was lost.")


def not_reached(words: str) -> Outcome:
    """Nothing has left, and nothing would."""
    return Outcome(Answer.NOT_NOW, "not_reached", PAUSE, words)


def signed_out(words: str) -> Outcome:
    """The server lets nobody send by this sign-in."""
    return Outcome(Answer.SIGNED_OUT, SIGN_IN_REFUSED, PAUSE, words)


def of_refused(replies: Sequence[tuple[str, Reply]]) -> Outcome:
    """No recipient is taken: `replies` are those to each."""
    worst = next((reply for _, reply in replies if speaks_of_sender(reply)), None)
    if worst is not None:
        return outcome_of(worst, Stage.SENDER)
    words = " ".join(refusal.words for refusal in refusals(replies))
    passing = all(reply.code < 500 for _, reply in replies)
    return Outcome(Answer.NOT_NOW if passing else Answer.INVALID_RECIPIENTS, words=words)


def refusals(replies: Sequence[tuple[str, Reply]]) -> tuple[Refusal, ...]:
    """Each recipient who is refused, with what was said."""
    return tuple(
        Refusal(address, f"The mail does not go to {address}. {words_of(reply)}")
        for address, reply in replies
        if not reply.is_fine
    )


def speaks_of_sender(reply: Reply) -> bool:
    """Many servers put the refusal of a sender off until a recipient is named."""
    is_about = _status(reply) in _OF_SENDER or bool(_SENDER_IN_WORDS.search(reply.text))
    return reply.code >= 500 and is_about


def words_of(reply: Reply) -> str:
    """A sentence with what the server said, on one line."""
    said = " ".join(taken(reply.text).split())[:_LONGEST_WORDS]
    return f"The mail server said: {reply.code} {said}".rstrip()


def _passing(reply: Reply, stage: Stage, words: str) -> Outcome:
    proves_nothing = reply.code < 400 or reply.code == 421 or _status(reply).startswith("4.")
    if stage is Stage.END and proves_nothing:
        return Outcome(Answer.UNKNOWN, "no_answer", words=words)
    is_of_mailbox = reply.code == 421 or stage in (Stage.CONNECTING, Stage.SIGN_IN)
    return Outcome(Answer.NOT_NOW, retry_after=PAUSE if is_of_mailbox else None, words=words)


def _status(reply: Reply) -> str:
    """The last two numbers of an enhanced status code (RFC 3463), '' where there is none of the reply's class."""
    found = _STATUS.search(reply.text)
    return f"{found[2]}.{found[3]}" if found and found[1] == str(reply.code)[0] else ""
