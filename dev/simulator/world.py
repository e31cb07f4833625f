"""Everything the simulator holds: the directory, faults, counters and the mail that left."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dev.simulator.directory import Directory, Organisation
from dev.simulator.faults import FaultInjector
from dev.simulator.habits import Habits
from dev.simulator.mailbox import Change, Mailbox
from dev.simulator.mime import read_mail
from dev.simulator.partial_files import Upload
from dev.simulator.people import People
from dev.simulator.rendering import Renderer
from dev.simulator.send_script import SendScript
from dev.simulator.sending_limits import Sent
from dev.simulator.stats import Stats

if TYPE_CHECKING:
    from dev.dovecot import Dovecot
    from dev.simulator.smtp_sink import Sink


@dataclass(frozen=True, slots=True)
class AppRegistration:
    """The one application that may ask for Graph tokens. `certificate` is PEM, the public part is enough.

    `redirect_uris` are those that people may be sent back to; none: all are.
    """

    client_id: str
    secret: str
    home_tenant_id: str
    certificate: str | None = None
    redirect_uris: tuple[str, ...] = ()

    def may_return_to(self, address: str) -> bool:
        """Letter by letter, but for the port of this machine, which Entra does not compare."""
        wanted = _without_local_port(address)
        return not self.redirect_uris or wanted in map(_without_local_port, self.redirect_uris)


def _without_local_port(address: str) -> str:
    parts = urlsplit(address)
    is_local = parts.hostname in ("localhost", "127.0.0.1")
    return parts._replace(netloc=str(parts.hostname)).geturl() if is_local else address


@dataclass(frozen=True, slots=True)
class ClientApplication:
    """An application of the home tenant that calls our API: a CRM's back end, or the operator's."""

    client_id: str
    secret: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Departure:
    """A mail that left through Graph, as it went on the wire (no Bcc)."""

    at: str
    mailbox: str
    recipients: tuple[str, ...]
    internet_message_id: str
    subject: str
    raw: bytes


@dataclass
class World:
    """The state of one simulator. `url` is set once the port is known; `imap` and `smtp` are servers beside it."""

    app: AppRegistration
    url: str = ""
    directory: Directory = field(default_factory=Directory)
    faults: FaultInjector = field(default_factory=FaultInjector)
    stats: Stats = field(default_factory=Stats)
    outbound: list[Departure] = field(default_factory=list)
    listeners: list[Callable[[Change], None]] = field(default_factory=list)
    people: People = field(default_factory=People)
    script: SendScript = field(default_factory=SendScript)
    sent: dict[str, Sent] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    clients: dict[str, ClientApplication] = field(default_factory=dict)
    imap: "Dovecot | None" = None
    smtp: "Sink | None" = None

    def __post_init__(self) -> None:
        self.renderer = Renderer(self.stats, Habits())
        home = Organisation(self.app.home_tenant_id, {"operator.example"}, consented=True)
        self.directory.add_organisation(home)

    @property
    def habits(self) -> Habits:
        return self.renderer.habits

    def reset_stats(self) -> None:
        self.stats = Stats()
        self.renderer.stats = self.stats
        self.faults.struck.clear()

    def announce(self, change: Change) -> None:
        """Told by every mailbox of every change."""
        for listener in self.listeners:
            listener(change)

    def deliver_internally(self, sender: Mailbox, raw: bytes, recipients: tuple[str, ...]) -> None:
        """Hands a sent mail to those of its recipients that have a simulated mailbox."""
        now = datetime.now(UTC)
        own = next((user for user in self.directory.users.values() if user.mailbox is sender), None)
        for recipient in dict.fromkeys(address.lower() for address in recipients):
            user = self.directory.by_address(recipient)
            if user and user.mailbox:
                inside = own is not None and own.tenant_id == user.tenant_id
                inbox = user.mailbox.well_known["inbox"]
                user.mailbox.add(
                    read_mail(raw), inbox, received=now, origin="internal" if inside else "inbound", now=now
                )
