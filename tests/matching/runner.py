"""Plays a labelled case: its records and mails through capture, gathering, matching and filing, over fakes."""

import hashlib
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from shared.domain.connections.mailboxes import Mailbox
from shared.domain.filing.filing import StoredMessage
from shared.domain.mail import codes
from shared.domain.mail.addresses import Person, domain_of, parse_mailbox
from shared.domain.mail.public_domains import is_shared
from shared.domain.records.records import RecordRef
from tests.builders import AGENT, CODE_KEYS, NOW, TENANT, a_record, rewrite
from tests.unit.services.world import World

HERE = Path(__file__).parent
FOREIGN_TENANT = "99999999-2222-4333-8444-555555555555"
_PEOPLE = ("to", "cc", "bcc", "reply_to")
_KNOWN = {
    "case": {"name", "why", "records", "organisation", "mailbox", "mailboxes", "codes", "taught"}
    | {"before", "mail", "expect"},
    "mail": {"id", "in", "folder", "from", "sender", *_PEOPLE, "subject", "text", "answers", "references"}
    | {"conversation", "headers", "private", "report"},
    "expect": {"filed", "triage", "skipped", "kept", "closed", "inbox", "suggested", "kind", "automatic"}
    | {"unauthenticated"},
}


@dataclass(frozen=True)
class Case:
    """One labelled mail."""

    theme: str
    said: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.theme}: {self.said['name']}"


def cases() -> Iterator[Case]:
    """Every case of every theme, in order."""
    for path in sorted((HERE / "cases").glob("*.yaml")):
        for said in yaml.safe_load(path.read_text("utf-8")):
            yield Case(path.stem, said)


class Play:
    """The world of one case after its mail has been taken in."""

    def __init__(self, case: Case) -> None:
        said = case.said
        _check("case", said)
        self.world = World()
        self.issued: dict[str, str] = {}
        self._number = 0
        self.world.configure(own_domains=("contoso.example",), **_settings(said.get("organisation")))
        self._connect(said)
        self._load(said)
        for mail in said.get("before", ()):
            self._receive(mail)
        self.mailbox, self.item = self._receive(said["mail"])
        self.world.work()

    @property
    def outcome(self) -> tuple[str, str]:
        return self.world.outcome(self.item, self.mailbox)

    @property
    def stored(self) -> StoredMessage | None:
        key = self.world.storage.sightings.all(self.mailbox)[self.item].message_key
        return self.world.storage.messages.get(TENANT, key)

    def seen(self) -> dict[str, Any]:
        """All that a case may expect."""
        outcome, reason = self.outcome
        if outcome == "skipped":
            return {"skipped": reason}
        stored = self.stored
        assert stored is not None
        links = stored.decision.links
        own = self.world.storage.inbox.of(TENANT, self.mailbox.inbox)
        row = next((one for one in own if one.message_key == stored.key), None)
        filed = {_named(one.ref): one.rule for one in links}
        return {
            **({"filed": filed} if outcome == "filed" else {"triage": reason}),
            "closed": sorted(_named(one.ref) for one in links if one.closed),
            "inbox": row.reason if row else None,
            "suggested": [_named(one.ref) for one in row.suggestions] if row else [],
            "kind": stored.kind,
            "automatic": stored.automatic,
            "unauthenticated": stored.unauthenticated,
            "kept": self._captured(),
        }

    def _captured(self) -> str:
        """Why capture keeps it: asked of a walk that only looks."""
        state = self.world.storage.folder_states.get(self.mailbox, self._folder)
        scope = self.world.scope(self.mailbox)
        [head] = self.world.mail.open(self.mailbox).heads([self.item]).values()
        assert state is not None
        [screened] = self.world.screen(scope, [head], {state.folder_id: state})
        return screened.verdict.reason

    def _connect(self, said: Mapping[str, Any]) -> None:
        boxes = self.world.storage.mailboxes
        if "mailbox" in said:
            self.world.mailbox = rewrite(boxes, self.world.mailbox, **_settings(said["mailbox"]))
        self.boxes: dict[str, Mailbox] = {AGENT: self.world.mailbox}
        for address, settings in (said.get("mailboxes") or {}).items():
            self.boxes[address] = self.world.connect(address, **_settings(settings))
        for address, box in self.boxes.items():
            self.world.storage.index.put_staff(TENANT, box.mailbox_id, [address, *box.aliases])

    def _load(self, said: Mapping[str, Any]) -> None:
        given = yaml.safe_load((HERE / "records.yaml").read_text("utf-8"))
        for ref, changes in (said.get("records") or {}).items():
            given[ref] = None if changes is None else {**(given.get(ref) or {}), **changes}
        records = {
            ref: a_record(ref, **{"addresses": (), "domains": (), **_settings(fields)})
            for ref, fields in given.items()
            if fields is not None
        }
        for ref, record in records.items():
            people = [records[f"contact/{one}"] for one in record.contacts if f"contact/{one}" in records]
            at = {domain_of(address) for one in people for address in one.addresses}
            shown = tuple(sorted(one for one in at if not is_shared(one)))
            records[ref] = replace(record, contact_domains=shown if record.is_deal else ())
        self.world.records(*records.values())
        for address, refs in (said.get("taught") or {}).items():
            self.world.storage.index.teach(TENANT, address, map(RecordRef.parse, refs))
        for number, (name, refs) in enumerate((said.get("codes") or {}).items(), start=1_000):
            self.issued[name] = codes.issue(number, CODE_KEYS, TENANT).text
            self.world.storage.codes.claim(TENANT, number, list(map(RecordRef.parse, refs)), name)

    def _receive(self, mail: Mapping[str, Any]) -> tuple[Mailbox, str]:
        _check("mail", mail)
        self._number += 1
        box = self.boxes[mail.get("in", AGENT)]
        outgoing = mail.get("folder") == "sentitems"
        fields: dict[str, Any] = {
            "message_id": mail.get("id", f"mail-{self._number}@example.org"),
            "sender": _person(mail["from"]),
            "on_behalf_of": _person(mail["sender"]) if "sender" in mail else None,
            "subject": self._filled(mail.get("subject", "Hello")),
            "text": self._filled(mail.get("text", "Hello.")),
            "to": () if outgoing else (Person("", box.address),),
            "in_reply_to": tuple(mail.get("answers", ())),
            "references": tuple(mail.get("references", ())),
            "conversation_index": _index(mail.get("conversation", "")),
            "headers": tuple((name, self._filled(value)) for name, value in mail.get("headers", ())),
            "sensitivity": 2 if mail.get("private") else 0,
            "received_at": NOW - timedelta(minutes=30) + timedelta(minutes=self._number),
            "sent_at": NOW - timedelta(minutes=30) + timedelta(minutes=self._number),
            "mime": self._filled(mail.get("report", "")).encode(),
        }
        if fields["conversation_index"] and not outgoing:
            fields["headers"] += (("thread-index", fields["conversation_index"]),)
        fields |= {name: tuple(map(_person, mail[name])) for name in _PEOPLE if name in mail}
        folder = mail.get("folder", "inbox")
        self._folder = f"{folder}-folder"
        item = self.world.deliver(box.address, folder, html="", **fields)
        self.world.notify(item, mailbox=box)
        return box, item

    def _filled(self, text: str) -> str:
        """`{code:name}` is a code that was issued, `{forged}` one with a wrong signature, `{foreign}` another's."""
        for name, code in self.issued.items():
            text = text.replace(f"{{code:{name}}}", code)
            text = text.replace(f"{{loose:{name}}}", code.lower().replace("-", " \u2013 "))
        genuine = codes.issue(77, CODE_KEYS, TENANT).text
        wrong = genuine[:-1] + ("0" if genuine[-1] != "0" else "1")
        old = codes.issue(1_000, CODE_KEYS[1:], TENANT).text
        foreign = codes.issue(1_000, CODE_KEYS, FOREIGN_TENANT).text
        for name, code in (("forged", wrong), ("foreign", foreign), ("unknown", genuine), ("older", old)):
            text = text.replace(f"{{{name}}}", code)
        return text


def _named(ref: RecordRef) -> str:
    """Records of ours have ids made of the mail's key: cases call them `new`."""
    return f"{ref.kind}/new" if ref.id.startswith("pl-") else str(ref)


def _person(text: str) -> Person:
    found = parse_mailbox(text)
    assert found is not None, text
    return found


def _index(name: str) -> str:
    """A conversation index; with `+` behind the name that of an answer in it."""
    if not name:
        return ""
    start = b"\x01" + bytes(5) + hashlib.md5(name.rstrip("+").encode()).digest()
    return b64encode(start + bytes(5) * name.count("+")).decode()


def _settings(given: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in (given or {}).items()}


def _check(what: str, said: Mapping[str, Any]) -> None:
    unknown = set(said) - _KNOWN[what]
    assert not unknown, f"a {what} has no {', '.join(sorted(unknown))}"


def check_expectation(said: Mapping[str, Any]) -> None:
    """Whether a case expects things that can be looked at."""
    _check("expect", said)
    assert len({"filed", "triage", "skipped"} & set(said)) == 1, "filed, triage or skipped"
