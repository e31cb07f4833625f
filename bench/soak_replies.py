"""Answers of people who were acknowledged by the soak's intake mailboxes, and of programs that answer for them."""

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email import message_from_string
from email.policy import default
from typing import Any, Final

import requests

from bench.soak_doors import Door, House
from bench.soak_letters import Letters, asks
from bench.soak_script import Mail
from bench.soak_verify import ACKNOWLEDGES, token_of
from dev.simulator.client import Control, ControlError
from dev.tenant import ApiError, a_mail

# What ends a script in the middle: it is counted.
BREAKS: Final = (requests.RequestException, ControlError, ApiError, LookupError, ValueError)
PERSON: Final = "a person"
NOBODY: Final = "nobody"
MACHINE: Final = "a machine"
_WAYS: Final = (MACHINE, "a machine without its mark", PERSON, NOBODY)
_PAUSE: Final = 3.0
_CODE: Final = re.compile(r"\[[A-Z]{2,6}-[0-9A-Z]{6}-[0-9A-Z]{4}\]")


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """An acknowledgement that left. `token` is of the mail that it answers."""

    token: str
    recipients: tuple[str, ...]
    message_id: str
    subject: str


@dataclass
class Replies:
    """One run: looks at what left, and answers in turn in each way. `answered`: the way, by token.

    Answered is what the product has seen among its sent mail: an answer that is read before that, names a Message-ID
    which the server has put in, and has no code, answers nothing that anybody knows, and opens a case.
    """

    house: House
    control: Control
    letters: Letters
    answered: dict[str, str] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._answer_all, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def finish(self) -> None:
        """Answers the rest."""
        self._over.set()
        self._thread.join()
        self._answer()

    def left(self) -> list[Acknowledged]:
        """Every acknowledgement that left, by Graph and by SMTP."""
        raws = [str(left["raw"]) for left in self.control.outbound()]
        if self.house.ready.get("imap"):
            raws += [str(left["raw"]) for left in self.control.smtp_outbound()]
        return list(_acknowledged(raws))

    def _answer_all(self) -> None:
        while not self._over.wait(_PAUSE):
            self._answer()

    def _answer(self) -> None:
        try:
            left = [one for one in self.left() if one.token not in self.answered]
            if not left:
                return
            confirmed = {str(row["subject"]) for row in self.house.acknowledgements() if _is_seen(row)}
            for acknowledged in left:
                if acknowledged.subject in confirmed:
                    self._take(acknowledged)
        except BREAKS as error:
            self.failed.append(repr(error))

    def _take(self, acknowledged: Acknowledged) -> None:
        truth = self.letters.script.truth.get(acknowledged.token)
        if truth is None or not asks(truth) or acknowledged.token in self.answered:
            return
        way = _WAYS[len(self.answered) % len(_WAYS)]
        self.answered[acknowledged.token] = way
        [(domain, _)] = truth.must
        if way != NOBODY:
            self._write(
                next(d for d in self.house.doors if d.is_intake and d.domain == domain), acknowledged, way
            )

    def _write(self, door: Door, acknowledged: Acknowledged, way: str) -> None:
        [asker] = acknowledged.recipients
        to = Mail(acknowledged.token, asker, (door.address,))
        written = self.letters.answer(door, to, is_machine=way != PERSON)
        headers = {"Auto-Submitted": "auto-replied"} if way == MACHINE else {}
        subject = written.subject
        # Every other person writes a mail of her own that has the code alone.
        if way == PERSON and len(self.answered) % (2 * len(_WAYS)) < len(_WAYS):
            subject = f"{subject} {_CODE.findall(acknowledged.subject)[0].lower()}"
        else:
            headers |= {"In-Reply-To": acknowledged.message_id, "References": acknowledged.message_id}
        mail = a_mail(asker, door.address, subject, headers=headers, message_id=written.message_id)
        if door.is_outside:
            self.control.imap_deliver(door.address, mail.as_bytes())
        else:
            self.control.deliver(door.address, mail.as_bytes())


def _is_seen(row: Mapping[str, Any]) -> bool:
    return row["state"] == "confirmed" and bool(row["message_id"])


def _acknowledged(raws: Sequence[str]) -> Iterator[Acknowledged]:
    for raw in raws:
        mail: Any = message_from_string(raw, policy=default)
        subject = str(mail["Subject"] or "")
        if subject.startswith(ACKNOWLEDGES):
            recipients = tuple(address.addr_spec for address in mail["To"].addresses)
            yield Acknowledged(token_of(subject), recipients, str(mail["Message-ID"]), subject)
