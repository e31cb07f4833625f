"""An outbox over fakes: one mailbox, a server to send from, and workers that may be killed anywhere."""

from dataclasses import dataclass
from datetime import timedelta

from shared.domain.commands.commands import SendMail
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.sending import transitions
from shared.domain.sending.outbox import OutboxMail
from shared.services.sending.send_due import outbox_lease
from tests.builders import AGENT, TENANT, a_mailbox, an_organisation, an_outbox_mail
from tests.composed import Composed
from tests.fakes.faults import Killed

# What cannot be found out is given up after a day.
LONG = timedelta(days=2)


@dataclass
class OutboxWorld(Composed):
    """`work` lets workers come until nothing is due for long; a killed one leaves its lease behind."""

    def __post_init__(self) -> None:
        super().__post_init__()
        # Kills are counted over storage and the server alike.
        self.storage.sender.faults = self.storage.faults
        self.storage.organisations.put(an_organisation())
        self.mailbox: Mailbox = self.storage.mailboxes.save(a_mailbox(address=AGENT, agent=AGENT))
        self.storage.faults.clear()

    def ask(self, number: int = 1, **changes: object) -> OutboxMail:
        named = {"id": f"{number:032x}", "key_hash": f"key {number}", "tag": f"tag {number}"}
        mail = an_outbox_mail(
            mailbox_id=self.mailbox.mailbox_id,
            **{**named, "message_id": f"mail-{number}@contoso.example", "created_at": self.now, **changes},
        )
        return self.storage.outbox.add(transitions.asked_for(mail))

    def send(self) -> None:
        """A worker of its own process."""
        self.restart()
        box = self.mailbox
        self.use_cases.send_due(SendMail(tenant_id=TENANT, mailbox_id=box.mailbox_id, first_at=self.now))

    def send_or_die(self) -> bool:
        """Whether the worker lived. What a dead one held ends by itself."""
        try:
            self.send()
        except Killed:
            self.storage.leases.held.discard((TENANT, outbox_lease(self.mailbox.mailbox_id)))
            return False
        return True

    def work(self, *, until: timedelta = LONG) -> None:
        """As the tick wakes it: each time that something is due."""
        end = self.now + until
        while self.now < end and self.storage.outbox.rows:
            self.send_or_die()
            if all(mail.has_ended for mail in self.storage.outbox.rows.values()):
                return
            self.now += timedelta(seconds=20)

    def mail(self, number: int = 1) -> OutboxMail:  # type: ignore[override]
        found = self.storage.outbox.get(TENANT, f"{number:032x}")
        assert found is not None
        return found

    @property
    def left(self) -> list[str]:
        """The Message-IDs under which mails left."""
        headers = (mime.decode().partition("\r\n\r\n")[0] for mime in self.storage.sender.outbound)
        return [text.partition("Message-ID: <")[2].partition(">")[0] for text in headers]
