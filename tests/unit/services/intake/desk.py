"""An organisation in memory with intake mailboxes: raw mail comes in, and cases stand."""

import re
from collections.abc import Mapping
from typing import Any, Final

from shared.domain.connections.fields import Fields
from shared.domain.connections.mailboxes import INTAKE
from shared.domain.filing.filing import StoredMessage
from shared.domain.filing.inbox import InboxItem
from shared.domain.filing.person_decisions import OPEN
from shared.domain.intake.settings import Intake
from shared.domain.mail.items import ItemRef
from shared.domain.privacy.callers import AGENT as AGENT_ROLE
from shared.domain.privacy.callers import Caller
from shared.domain.records.records import Record, RecordRef
from shared.services.filing.inbox import Wanted
from shared.services.filing.read_inbox import InboxFilter, WaitingMail
from tests.builders import TENANT
from tests.public_cases.office import AGENT, OWN, Office, a_mail

SERVICE: Final = f"service@{OWN}"
BILLING: Final = f"billing@{OWN}"
CHIEF: Final = f"chief@{OWN}"


def desk_of(settings: Mapping[str, Any] | None = None) -> Intake:
    """Intake settings as a request gives them."""
    return Intake().changed(Fields(settings or {}))


class DeskOffice(Office):
    """The office with `service@` as an intake mailbox of the agent; further ones on request."""

    def __init__(self, intake: Mapping[str, Any] | None = None, **settings: Any) -> None:
        super().__init__()
        self.connect(AGENT)
        self.open_desk(SERVICE, intake, **settings)

    def open_desk(self, address: str, intake: Mapping[str, Any] | None = None, **settings: Any) -> None:
        self.connect(
            address,
            **{"agent": AGENT, "kind": INTAKE, "unmatched": "new", "intake": desk_of(intake), **settings},
        )

    def enquire(
        self,
        sender: str = "Kim Lee <kim@client.example>",
        to: str = SERVICE,
        *,
        in_box: str = SERVICE,
        **mail: Any,
    ) -> ItemRef:
        """A mail to the intake mailbox."""
        return self.receive(a_mail(sender, to, **mail), in_box)

    def cases(self, kind: str = "case") -> list[Record]:
        """The records that were opened, oldest first."""
        found = [
            record
            for record in self.world.storage.records.rows.values()
            if record.ref.kind == kind and record.origin == "postledger" and not record.merged_into
        ]
        return sorted(found, key=lambda record: (record.opened_at, record.ref))

    @property
    def case(self) -> Record:
        """The only case."""
        [found] = self.cases()
        return found

    def mail_of(self, record: Record) -> StoredMessage:
        """The mail for which a case was opened."""
        first = self.timeline(str(record.ref))[0]
        found = self.world.storage.messages.get(TENANT, first.message_key)
        assert found is not None
        return found

    def close(self, record: Record) -> None:
        self.world.records(*[_closed(self.world.storage.records.rows[TENANT, record.ref])])

    def status(self, record: Record) -> str:
        return str(self.world.storage.records.rows[TENANT, record.ref].status)

    def subjects(self, record: Record) -> list[str]:
        """The subjects on a case's timeline, oldest first."""
        return [entry.subject for entry in self.timeline(str(record.ref))]

    def waiting(self, desk: str = SERVICE) -> list[str]:
        """Why mail waits with an intake mailbox's agents."""
        return [item.reason for item in self.inbox(self._mailboxes[desk].inbox)]

    def desk_items(self, desk: str = SERVICE) -> list[InboxItem]:
        """What waits with an intake mailbox's agents, newest first."""
        return self.inbox(self._mailboxes[desk].inbox)

    def lines(self, agent: str, *, reason: str = "") -> list[WaitingMail]:
        """My Inbox as an agent reads it."""
        wanted = InboxFilter(reason=reason)
        return list(self.world.read_inbox(caller_of(agent), wanted, limit=100, cursor="").mails)

    def open_by_hand(self, key: str, agent: str = AGENT) -> None:
        """An agent opens a case for a mail that waits."""
        self.world.decide(caller_of(agent), key, Wanted(OPEN, kind="case"))
        self.world.work()

    def inbox_of(self, agent: str) -> list[str]:
        """The subjects that an agent sees in My Inbox."""
        return [mail.item.subject for mail in self.lines(agent)]


def caller_of(agent: str) -> Caller:
    """An agent who asks."""
    return Caller(TENANT, frozenset({AGENT_ROLE}), oid=agent, address=agent)


def _closed(record: Record) -> Record:
    from dataclasses import replace

    return replace(record, status="closed")


def message_id_of(raw: bytes) -> str:
    """The Message-ID of a raw mail, without its brackets."""
    found = re.search(rb"^Message-ID:\s*<([^>]+)>", raw, re.IGNORECASE | re.MULTILINE)
    assert found is not None
    return found[1].decode()


__all__ = ["AGENT", "BILLING", "CHIEF", "OWN", "SERVICE", "DeskOffice", "RecordRef", "a_mail", "desk_of"]
