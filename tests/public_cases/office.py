"""An organisation in memory that gets raw mail: read as Graph shows it, then captured, matched and filed."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

from dev.simulator.call import Preferences
from dev.simulator.habits import Habits
from dev.simulator.items import Origin
from dev.simulator.mailbox import Mailbox as SimulatedMailbox
from dev.simulator.mime import read_mail
from dev.simulator.rendering import Renderer
from dev.simulator.stats import Stats
from dev.simulator.view import View
from shared.adapters.graph.parsing import whole
from shared.adapters.graph.selections import WHOLE
from shared.api.models.filing import MessageModel
from shared.api.shapes.filing import message
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.filing.entries import Entry, kinds_of
from shared.domain.filing.filing import StoredMessage
from shared.domain.filing.inbox import InboxItem
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import Document
from shared.domain.privacy.callers import ADMIN, Caller
from shared.domain.privacy.callers import AGENT as AGENT_ROLE
from shared.domain.records.records import RecordRef
from shared.ports.stores.filing import EntryFilter
from shared.services.filing.explain import Explanation
from tests.builders import TENANT, a_record
from tests.unit.services.world import World

CASES: Final = Path(__file__).parents[3] / "shared" / "cases"
OWN: Final = "harbour.example"
AGENT: Final = f"agent@{OWN}"


def reported(name: str) -> list[bytes]:
    """The mails of a public report, in order; none where the reports are not here."""
    paths = sorted(CASES.glob(f"{name}*.eml"), key=lambda path: (len(path.name), path.name))
    return [path.read_bytes() for path in paths]


def a_mail(
    sender: str, to: str, subject: str = "Hello", text: str = "Good morning.", **headers: str
) -> bytes:
    """A plain mail; `reply_to="..."` is the header Reply-To."""
    lines = {"From": sender, "To": to, "Subject": subject, "Date": "Mon, 30 Nov 2026 08:01:17 +0000"}
    lines |= {name.replace("_", "-").title(): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    kind = "" if "Content-Type" in lines else "Content-Type: text/plain; charset=utf-8\r\n"
    return f"{head}MIME-Version: 1.0\r\n{kind}\r\n{text}".encode()


class Office:
    """One organisation; each mail is received a minute after the one before."""

    def __init__(self) -> None:
        self.world = World()
        self.world.configure(own_domains=(OWN,))
        self._simulated: dict[str, SimulatedMailbox] = {}
        self._mailboxes: dict[str, Mailbox] = {}
        self._renderer = Renderer(Stats(), Habits())
        asked = parse_qs(WHOLE.options(WHOLE.parts).removeprefix("?"))
        self._view = View.parse(asked["$select"][0], asked["$expand"][0], Preferences(immutable_ids=True))

    def connect(self, address: str = AGENT, **settings: Any) -> None:
        mailbox = self.world.connect(address, **{"agent": address, **settings})
        self.world.storage.index.put_staff(TENANT, mailbox.mailbox_id, mailbox.own_addresses)
        self._mailboxes[address] = mailbox
        self._simulated[address] = SimulatedMailbox(mailbox.mailbox_id, address, lambda _change: None)

    def contacts(self, *addresses: str) -> None:
        """Contact cards C-1, C-2, ... in this order."""
        cards = (a_record(f"contact/C-{n}", addresses=(given,)) for n, given in enumerate(addresses, start=1))
        self.world.records(*cards)

    def receive(
        self, raw: bytes, address: str = AGENT, folder: str = "inbox", *, at: datetime | None = None
    ) -> ItemRef:
        """Lay a mail into a folder, received at a time of its own or now, and file it."""
        self.world.now += timedelta(minutes=1)
        box, at = self._simulated[address], at or self.world.now - timedelta(seconds=20)
        origin: Origin = "sent" if folder == "sentitems" else "inbound"
        stored = box.add(read_mail(raw), box.folder(folder), received=at, origin=origin, now=at)
        shown = whole(self._renderer.message(box, stored, self._view))
        item = self.world.mail.deliver(address, shown, folder=f"{folder}-folder", mime=raw)
        self.world.notify(item, mailbox=self._mailboxes[address])
        self.world.work()
        return item

    def receive_all(self, mails: Iterable[bytes], address: str = AGENT) -> list[ItemRef]:
        return [self.receive(raw, address) for raw in mails]

    def outcome(self, item: ItemRef, address: str = AGENT) -> tuple[str, str]:
        """What the ledger says: outcome and reason."""
        return self.world.outcome(item, self._mailboxes[address])

    def timeline(self, ref: str = "contact/C-1") -> list[Entry]:
        """Oldest first."""
        return sorted(self.world.timeline(ref), key=lambda entry: entry.at)

    def stored(self, item: ItemRef, address: str = AGENT) -> StoredMessage:
        row = self.world.storage.sightings.all(self._mailboxes[address])[item]
        found = self.world.storage.messages.get(TENANT, row.message_key)
        assert found is not None
        return found

    def document(self, item: ItemRef, address: str = AGENT) -> Document:
        found = self.world.storage.messages.document(TENANT, self.stored(item, address).key)
        assert found is not None
        return found

    def read(self, item: ItemRef, address: str = AGENT) -> MessageModel:
        """The mail as the API shows it to an agent."""
        caller = Caller(TENANT, frozenset({AGENT_ROLE}), oid=address, address=address)
        view = self.world.read_message(caller, self.stored(item, address).key)
        return message(view, "attachments", remote_images=False)

    def found(self, words: str, ref: str = "contact/C-1") -> list[str]:
        """The subjects that a search of a timeline finds, newest first."""
        return self._page(ref, EntryFilter(kinds_of(["all"]), text=words), limit=50, cursor="")[0]

    def page(self, *, limit: int, cursor: str = "", ref: str = "contact/C-1") -> tuple[list[str], str]:
        """The subjects of a page of a timeline, newest first, and the cursor of the next one."""
        return self._page(ref, EntryFilter(kinds_of(["all"])), limit=limit, cursor=cursor)

    def _page(self, ref: str, wanted: EntryFilter, *, limit: int, cursor: str) -> tuple[list[str], str]:
        caller = Caller(TENANT, frozenset({AGENT_ROLE}), oid="agent", address=AGENT)
        page = self.world.read_timeline(caller, RecordRef.parse(ref), wanted, limit=limit, cursor=cursor)
        return [entry.subject for entry in page.entries], page.cursor or ""

    def explained(self, message_id: str) -> Explanation:
        """What an admin is told of a mail."""
        caller = Caller(TENANT, frozenset({ADMIN}), oid="admin", address=f"admin@{OWN}")
        found: Explanation = self.world.explain(caller, message_id)
        return found

    def inbox(self, agent: str = AGENT) -> list[InboxItem]:
        """What waits in an agent's My Inbox, newest first."""
        return self.world.storage.inbox.of(TENANT, agent)
