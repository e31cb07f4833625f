"""One organisation on a running stack: made, enabled and connected over the real API, for tests and benchmarks."""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, TypeVar

import requests

from dev.agenda import Agenda
from dev.processes import PATIENCE
from dev.simulator.client import Control
from shared.domain.commands.agenda import Item

T = TypeVar("T")


class ApiError(Exception):
    """The API refused; the text says what it answered."""


@dataclass
class Api:
    """A client of the product's API with one token."""

    url: str
    token: str = ""
    organisation: str = ""
    session: requests.Session = field(default_factory=requests.Session)

    def raw(self, method: str, path: str, **options: Any) -> requests.Response:
        """The answer, whatever its status."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if self.organisation:
            headers["Postledger-Organisation"] = self.organisation
        headers.update(options.pop("headers", {}))
        self.session.trust_env = False
        return self.session.request(
            method, f"{self.url}/{path}", headers=headers, timeout=PATIENCE, **options
        )

    def call(self, method: str, path: str, **options: Any) -> Any:
        """The answer's JSON. Raises ApiError for anything but success."""
        answer = self.raw(method, path, **options)
        if not answer.ok:
            raise ApiError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None


def eventually(probe: Callable[[], T | None], *, seconds: float = PATIENCE, what: str = "it") -> T:
    """The first answer of `probe` that is neither None nor False nor empty. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {seconds} s")
        time.sleep(0.05)


def a_mail(
    sender: str,
    to: str | Sequence[str],
    subject: str = "Hello",
    *,
    text: str = "Good morning.",
    headers: Mapping[str, str] | None = None,
    message_id: str = "",
) -> EmailMessage:
    """A plain mail with a Message-ID of its own."""
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = to if isinstance(to, str) else ", ".join(to)
    mail["Subject"] = subject
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = message_id or f"<{uuid.uuid4().hex}@{sender.rpartition('@')[2]}>"
    for name, value in (headers or {}).items():
        mail[name] = value
    mail.set_content(text)
    return mail


@dataclass
class Tenant:
    """An organisation of `domain` with its agents' mailboxes and its records."""

    ready: Mapping[str, Any]
    domain: str = "contoso.example"
    tenant_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def __post_init__(self) -> None:
        self.control = Control(self.ready["simulator_url"], self.ready["ca_file"])
        self.control.organisations(self.tenant_id, self.domain)
        self.operator = Api(self.ready["api_url"], self._app_token(["Operator"]), self.tenant_id)
        self.operator.call("PUT", "organisation", json={"enabled": True, "name": self.domain})
        admin = f"admin@{self.domain}"
        self.control.users(self.tenant_id, admin, "Admin", roles=["Admin"], mailbox=False)
        self.admin = self.api_of(admin, "Admin")
        self.admin.call("PUT", "organisation", json={"own_domains": [self.domain]})

    def _app_token(self, roles: Sequence[str]) -> str:
        return self.control.tokens(
            self.ready["home_tenant_id"], client_id=str(uuid.uuid4()), roles=list(roles)
        )

    def api_of(self, address: str, *roles: str) -> Api:
        """The API as a user of this organisation."""
        token = self.control.tokens(self.tenant_id, address, roles=list(roles or ("Agent",)))
        return Api(self.ready["api_url"], token)

    def agent(self, name: str, **user: Any) -> str:
        """A user with a mailbox that is not captured yet; returns the address."""
        address = f"{name}@{self.domain}"
        self.control.users(self.tenant_id, address, name.title(), **user)
        return address

    def connect(self, *addresses: str, wait: bool = True, **settings: Any) -> None:
        """Capture mailboxes; waits until each is subscribed and walked once."""
        for address in addresses:
            body = {"kind": "personal", "agent": address, **settings}
            self.admin.call("PUT", f"mailboxes/{address}", json=body)
        for address in addresses if wait else ():
            eventually(lambda address=address: self._walked(address), what=f"the first walk of {address}")  # type: ignore[misc]

    def _walked(self, address: str) -> bool:
        return self.admin.call("GET", f"mailboxes/{address}")["last_sync"] is not None

    def contact(self, record_id: str, *addresses: str, **fields: Any) -> None:
        """A contact card."""
        body = {"name": record_id, "addresses": list(addresses), **fields}
        self.admin.call("PUT", f"records/contact/{record_id}", json=body)

    def deliver(self, address: str, mail: EmailMessage | bytes, folder: str = "inbox", **more: Any) -> str:
        """Into the mailbox, as if it had just come; returns its immutable id."""
        raw = mail if isinstance(mail, bytes) else mail.as_bytes()
        return str(self.control.deliver(address, raw, folder, **more)["id"])

    def timeline(self, ref: str, **query: Any) -> list[dict[str, Any]]:
        """The entries of `kind/id`, newest first, first page."""
        entries: list[dict[str, Any]] = self.admin.call("GET", f"timelines/{ref}", params=query)["entries"]
        return entries

    def entry(self, ref: str, mail: EmailMessage, *, seconds: float = PATIENCE) -> dict[str, Any]:
        """The entry of a mail on a timeline, waited for."""
        message_id = str(mail["Message-ID"])

        def probe() -> dict[str, Any] | None:
            return next((o for o in self.timeline(ref) if o["internet_message_id"] == message_id), None)

        return eventually(probe, seconds=seconds, what=f"{mail['Subject']!r} on {ref}")

    def graph_calls(self) -> dict[str, int]:
        """What the app has asked Graph of this organisation since the simulator began to count, by endpoint."""
        made: dict[str, int] = self.control.stats()["graph"]["by_tenant"].get(self.tenant_id, {})
        return made

    def poll(self) -> None:
        """Queue a walk of each mailbox that is due."""
        self.do(Item.POLL)

    def do(self, item: Item) -> None:
        """Do an item of the agenda at once."""
        Agenda(self.ready).do(item)
