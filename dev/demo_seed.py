"""Reads what the demo begins with: an estate agency, its records, and its mail as raw RFC 822 files.

Times in the files are relative to now, so that the demo never goes stale. Knows nothing of processes or HTTP.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime
from functools import cached_property
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "seed"
# {{date}} is the mail's own time; {{sent FILE FORMAT}} that of another one, as a quoted chain names it.
_PLACE = re.compile(r"\{\{(date|sent ([\w-]+) ([^{}]+))\}\}")


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of somebody's mailbox."""

    address: str
    folder: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One mail, where its copies go and what should become of it.

    `connected` is whether it arrives after the mailboxes were connected. `kind` is what it is on the timelines
    of `records`; `skipped` the reason for which it is not kept, `waits` the one for which it is in My Inbox. None of
    them: it is never looked at.
    """

    file: str
    minutes_ago: int
    connected: bool
    places: tuple[Place, ...]
    kind: str
    records: tuple[str, ...]
    skipped: str
    waits: str = ""

    @property
    def is_filed(self) -> bool:
        return bool(self.records)

    @property
    def is_seen(self) -> bool:
        """Whether it leaves a row in the ledger at all."""
        return self.is_filed or bool(self.skipped or self.waits)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "Delivery":
        return cls(
            given["file"],
            given["minutes_ago"],
            given["connected"],
            tuple(Place(one["address"], one["folder"]) for one in given["copies"]),
            given.get("kind", ""),
            tuple(given.get("records", ())),
            given.get("skipped", ""),
            given.get("waits", ""),
        )


@dataclass(frozen=True)
class Mail:
    """A delivery with its raw mail, timed."""

    delivery: Delivery
    raw: bytes
    at: datetime

    @cached_property
    def parsed(self) -> EmailMessage:
        return message_from_bytes(self.raw, policy=policy.default)

    @property
    def message_id(self) -> str:
        return str(self.parsed["Message-ID"])

    @property
    def answers(self) -> str:
        """The Message-ID of the mail it answers, or ''."""
        return str(self.parsed["In-Reply-To"] or "")

    @property
    def subject(self) -> str:
        return str(self.parsed["Subject"])


@dataclass(frozen=True)
class Seed:
    """The demo organisation, as its files have it."""

    organisation: Mapping[str, Any]
    records: list[dict[str, Any]]
    deliveries: tuple[Delivery, ...]
    folder: Path

    @classmethod
    def load(cls, folder: Path = FOLDER) -> "Seed":
        deliveries = _json(folder / "deliveries.json")
        return cls(
            _json(folder / "organisation.json"),
            _json(folder / "records.json"),
            tuple(Delivery.of(one) for one in deliveries),
            folder,
        )

    @property
    def admin(self) -> str:
        """The address of the user who may do everything."""
        return next(str(one["address"]) for one in self.organisation["users"] if "Admin" in one["roles"])

    def mails(self, now: datetime) -> list[Mail]:
        """Every mail, oldest first, with its times put in."""
        times = {
            Path(one.file).stem: now.replace(microsecond=0) - timedelta(minutes=one.minutes_ago)
            for one in self.deliveries
        }
        mails = [self._mail(one, times) for one in self.deliveries]
        return sorted(mails, key=lambda one: one.at)

    def _mail(self, delivery: Delivery, times: Mapping[str, datetime]) -> Mail:
        own = times[Path(delivery.file).stem]

        def time(place: re.Match[str]) -> str:
            return times[place[2]].strftime(place[3]) if place[2] else format_datetime(own)

        text = _PLACE.sub(time, (self.folder / delivery.file).read_text("ascii"))
        return Mail(delivery, text.replace("\n", "\r\n").encode("ascii"), own)


def rounds(mails: list[Mail]) -> list[list[Mail]]:
    """The mails in groups, in order: no mail stands in one group with the mail it answers."""
    groups: list[list[Mail]] = []
    for mail in mails:
        if not groups or mail.answers in {one.message_id for one in groups[-1]}:
            groups.append([])
        groups[-1].append(mail)
    return groups


def _json(file: Path) -> Any:
    return json.loads(file.read_text("utf-8"))
