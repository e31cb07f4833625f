"""An outbox over fakes: one mailbox, a server to send from, and workers that may be killed anywhere."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage

from shared.domain.commands.commands import SendMail
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.sending import transitions
from shared.domain.sending.outbox import OutboxFile, OutboxMail
from shared.ports.sending import OutgoingFile
from shared.services.sending.change_mail import ChangeMail
from shared.services.sending.departing import SendOne
from shared.services.sending.send_due import SendDue, outbox_lease
from tests.builders import AGENT, NOW, TENANT, a_mailbox, an_outbox_mail
from tests.fakes import FakePorts
from tests.fakes.faults import Killed

# What cannot be found out is given up after a day.
LONG = timedelta(days=2)


def mime_of(mail: OutboxMail) -> bytes:
    message = EmailMessage()
    message["From"], message["To"] = mail.sender.address, mail.to[0].address
    message["Subject"], message["Message-ID"] = mail.subject, f"<{mail.message_id}>"
    message.set_content(mail.text)
    return message.as_bytes()


def file_of(_: OutboxMail, file: OutboxFile) -> OutgoingFile:
    return OutgoingFile(file.name, file.content_type, file.size, iter([b"x" * file.size]))


@dataclass
class OutboxWorld:
    """`work` lets workers come until nothing is due for long; a killed one leaves its lease behind."""

    ports: FakePorts = field(default_factory=FakePorts)
    now: datetime = NOW

    def __post_init__(self) -> None:
        # Kills are counted over storage and the server alike.
        self.ports.sender.faults = self.ports.faults
        self.mailbox: Mailbox = self.ports.mailboxes.save(a_mailbox(address=AGENT, agent=AGENT))
        self.ports.faults.clear()

    def ask(self, number: int = 1, **changes: object) -> OutboxMail:
        named = {"id": f"{number:032x}", "key_hash": f"key {number}", "tag": f"tag {number}"}
        mail = an_outbox_mail(
            mailbox_id=self.mailbox.mailbox_id,
            **{**named, "message_id": f"mail-{number}@contoso.example", "created_at": self.now, **changes},
        )
        return self.ports.outbox.add(transitions.asked_for(mail))

    def clock(self) -> datetime:
        return self.now

    def process(self) -> SendDue:
        ports, change = self.ports, ChangeMail(self.ports.outbox)
        one = SendOne(ports.sender, change, ports.queue, mime_of, file_of, self.clock)  # type: ignore[arg-type]
        return SendDue(ports.outbox, ports.mailboxes, ports.leases, one, change, ports.queue, self.clock)

    def send(self) -> None:
        box = self.mailbox
        self.process()(SendMail(tenant_id=TENANT, mailbox_id=box.mailbox_id, first_at=self.now))

    def send_or_die(self) -> bool:
        """Whether the worker lived. What a dead one held ends by itself."""
        try:
            self.send()
        except Killed:
            self.ports.leases.held.discard((TENANT, outbox_lease(self.mailbox.mailbox_id)))
            return False
        return True

    def work(self, *, until: timedelta = LONG) -> None:
        """As the tick wakes it: each time that something is due."""
        end = self.now + until
        while self.now < end and self.ports.outbox.rows:
            self.send_or_die()
            if all(mail.has_ended for mail in self.ports.outbox.rows.values()):
                return
            self.now += timedelta(seconds=20)

    def mail(self, number: int = 1) -> OutboxMail:
        found = self.ports.outbox.get(TENANT, f"{number:032x}")
        assert found is not None
        return found

    @property
    def left(self) -> list[str]:
        """The Message-IDs under which mails left."""
        headers = (mime.decode().partition("\n\n")[0] for mime in self.ports.sender.outbound)
        return [text.partition("Message-ID: <")[2].partition(">")[0] for text in headers]
