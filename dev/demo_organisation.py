"""Puts the demo organisation into a running stack: over the real API, with mail from the simulated tenant.

Every wait is bounded; what did not come in time is named. Prints nothing: progress goes to `tell`.
"""

import json
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import requests

from dev.demo_connect import connect, show_tests
from dev.demo_seed import Delivery, Mail, Seed, rounds
from dev.processes import PATIENCE
from dev.simulator.client import Control
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.settings import StorageSettings
from shared.adapters.storage.stores.mailboxes import AzureMailboxes
from shared.adapters.storage.stores.sightings import AzureSightings
from shared.domain.capture.sightings import FILED, SKIPPED, TRIAGE, Sighting

LOOK_EVERY = 0.1
TOKEN_LIFETIME = 3_600

Tell = Callable[[str], None]
Ready = Mapping[str, Any]


class Api:
    """The client API as one caller sees it. Raises RuntimeError with the problem's sentence."""

    def __init__(self, url: str, token: str, *, organisation: str = "") -> None:
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {token}"
        if organisation:
            self._session.headers["Postledger-Organisation"] = organisation

    def call(self, method: str, path: str, body: object = None, *, lines: Iterable[object] = ()) -> Any:
        """Any call; `lines` are sent as NDJSON."""
        ndjson = "\n".join(json.dumps(one, ensure_ascii=False) for one in lines).encode()
        headers = {"Content-Type": "application/x-ndjson"} if ndjson else None
        url = f"{self.url}/{path}"
        answer = self._session.request(
            method, url, json=body, data=ndjson or None, headers=headers, timeout=PATIENCE
        )
        if not answer.ok:
            raise RuntimeError(f"{method} {path} was answered with {answer.status_code}: {_problem(answer)}")
        return answer.json()


@dataclass
class Demo:
    """A demo organisation in a running stack, and what has been delivered to it: by mailbox and Graph id."""

    ready: Ready
    seed: Seed
    tenant_id: str
    mails: list[Mail]
    delivered: dict[tuple[str, str], Mail] = field(default_factory=dict)

    @cached_property
    def control(self) -> Control:
        return Control(self.ready["simulator_url"], self.ready["ca_file"])

    @cached_property
    def api(self) -> Api:
        """The API for the organisation's own admin."""
        return Api(self.ready["api_url"], self.admin_token())

    @cached_property
    def _storage(self) -> Connection:
        return Connection(StorageSettings(connection_string=self.ready["storage_connection_string"]))

    def admin_token(self) -> str:
        """A new one; it lives for an hour, as Entra's do."""
        return self.control.tokens(self.tenant_id, self.seed.admin, expires_in=TOKEN_LIFETIME)

    def operator(self, tenant_id: str = "") -> Api:
        """The API for whoever runs the deployment, acting for a tenant."""
        token = self.control.tokens(
            self.ready["home_tenant_id"], client_id=self.ready["client_id"], roles=["Operator"]
        )
        return Api(self.ready["api_url"], token, organisation=tenant_id)

    def agent_token(self, agent: str) -> str:
        """Likewise, for an agent."""
        return self.control.tokens(self.tenant_id, agent, roles=["Agent"], expires_in=TOKEN_LIFETIME)

    def inbox(self, agent: str) -> list[dict[str, Any]]:
        """What waits for an agent."""
        api = Api(self.ready["api_url"], self.agent_token(agent))
        items: list[dict[str, Any]] = api.call("GET", "inbox")["items"]
        return items

    @cached_property
    def busiest(self) -> str:
        """The agent for whom most waits."""
        agents: list[str] = list(self.seed.organisation["mailboxes"])
        return max(agents, key=lambda agent: len(self.inbox(agent)))

    def timeline(self, record: str) -> list[dict[str, Any]]:
        """The entries of `kind/id`, newest first."""
        entries: list[dict[str, Any]] = self.api.call("GET", f"timelines/{record}?limit=200")["entries"]
        return entries

    def ledger(self) -> dict[tuple[str, str], Sighting]:
        """What became of every copy seen, by mailbox and Graph id. No API shows skipped mail yet."""
        mailboxes, sightings = AzureMailboxes(self._storage), AzureSightings(self._storage)
        first, last = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
        return {
            (mailbox.address, item.item_id): sighting
            for mailbox in mailboxes.of(self.tenant_id)
            for item, sighting in sightings.between(mailbox, first, last).items()
        }

    def missing(self, mails: Collection[Mail]) -> list[str]:
        """What has not become of these mails yet, a line each; empty when all is as it should be."""
        records = {record for mail in mails for record in mail.delivery.records}
        timelines = {record: _kinds(self.timeline(record)) for record in sorted(records)}
        lines = [
            f"{mail.delivery.file} as {mail.delivery.kind} on the timeline of {record}"
            for mail in mails
            for record in mail.delivery.records
            if timelines[record].get(mail.message_id) != mail.delivery.kind
        ]
        return lines or self._unsettled(mails)

    def _unsettled(self, mails: Collection[Mail]) -> list[str]:
        ledger = self.ledger()
        return [
            f"{mail.delivery.file} as {outcome} in the ledger of {address}"
            for (address, graph_id), mail in self.delivered.items()
            if mail in mails and mail.delivery.is_seen
            for outcome in [_outcome(mail.delivery)]
            if (address, graph_id) not in ledger or ledger[address, graph_id].outcome != outcome
        ]


def seed(ready: Ready, tell: Tell = lambda _: None) -> Demo:
    """Make the demo organisation and deliver its mail; returns once all of it can be read.

    Raises RuntimeError, naming what is missing, when it does not come in time.
    """
    loaded = Seed.load()
    demo = Demo(ready, loaded, str(uuid.uuid4()), loaded.mails(datetime.now(UTC)))
    _pause_earlier(demo)
    _make_tenant(demo, tell)
    old = [one for one in demo.mails if not one.delivery.connected]
    _deliver(demo, old)
    tell(f"{len(old)} mails lie in the mailboxes; connecting them")
    _connect(demo)
    _wait(lambda: demo.missing(old), "what was there before", ready)
    new = [one for one in demo.mails if one.delivery.connected]
    tell(f"the first mail: {_first_entry(demo)}")
    tell(f"found what was there; {len(new)} more mails arrive")
    for group in rounds(new):
        _deliver(demo, group)
        _wait(lambda group=group: demo.missing(group), "mail that has just arrived", ready)  # type: ignore[misc]
    return demo


def _first_entry(demo: Demo) -> str:
    """A line about the newest mail on the first timeline that has one."""
    for record in demo.seed.records:
        path = f"{record['kind']}/{record['id']}"
        for entry in demo.timeline(path):
            return f"'{entry['subject']}' is on the timeline of {path}"
    raise RuntimeError("no timeline has an entry")


def _pause_earlier(demo: Demo) -> None:
    """Durable storage may hold the organisation of an earlier run, whose mailboxes went with the simulator."""
    operator = demo.operator()
    for one in operator.call("GET", "organisations?limit=200")["organisations"]:
        if one["name"] == demo.seed.organisation["name"] and one["enabled"]:
            demo.control.organisations(one["tenant_id"], f"{one['tenant_id'][:8]}.example")
            demo.operator(one["tenant_id"]).call("PUT", "organisation", {"enabled": False})


def _make_tenant(demo: Demo, tell: Tell) -> None:
    organisation = demo.seed.organisation
    demo.control.organisations(demo.tenant_id, organisation["domain"], consented=False, roles=[])
    for user in organisation["users"]:
        demo.control.users(
            demo.tenant_id, user["address"], user["name"], roles=user["roles"], mailbox=user["mailbox"]
        )
    settings = {"name": organisation["name"], "enabled": True}
    demo.operator(demo.tenant_id).call("PUT", "organisation", settings)
    tell(f"the operator enables {organisation['name']}: PUT organisation")
    mailboxes = list(organisation["mailboxes"])
    ca_file = demo.ready["ca_file"]
    connect(demo.api, demo.control, demo.tenant_id, mailboxes[0], ca_file=ca_file, tell=tell)
    show_tests(demo.api, mailboxes, organisation["users"][0]["address"], tell)
    written = demo.api.call("POST", "records", lines=demo.seed.records)
    if written["refused"]:
        raise RuntimeError(f"records were refused: {written['results']}")


def _connect(demo: Demo) -> None:
    mailboxes: dict[str, dict[str, Any]] = demo.seed.organisation["mailboxes"]
    for address, settings in mailboxes.items():
        demo.api.call("PUT", f"mailboxes/{address}", settings)

    def unready() -> list[str]:
        subscribed = {one["address"] for one in demo.control.subscriptions()}
        found = {one["address"]: one for one in demo.api.call("GET", "mailboxes")["mailboxes"]}
        return [
            f"{one}: state '{found[one]['state']}', {'' if one in subscribed else 'not '}subscribed, "
            f"last error '{found[one]['last_error']}'"
            for one in mailboxes
            if found[one]["state"] != "ok" or one not in subscribed
        ]

    _wait(unready, "mailboxes to be subscribed to and walked", demo.ready)


def _deliver(demo: Demo, mails: Iterable[Mail]) -> None:
    for mail in mails:
        for place in mail.delivery.places:
            answer = demo.control.deliver(place.address, mail.raw, place.folder, received=mail.at)
            demo.delivered[place.address, str(answer["id"])] = mail


def _wait(missing: Callable[[], list[str]], what: str, ready: Ready) -> None:
    deadline = time.monotonic() + PATIENCE
    while lines := missing():
        if time.monotonic() > deadline:
            listed = "\n  ".join(lines)
            raise RuntimeError(
                f"waited {PATIENCE:g} s for {what}; missing:\n  {listed}\nsee {ready['log_dir']}"
            )
        time.sleep(LOOK_EVERY)


def _problem(answer: requests.Response) -> str:
    """The sentence of a problem and what to look for in the log."""
    try:
        problem = answer.json()
        return f"{problem['detail']} (correlation id {problem['correlation_id']})"
    except (ValueError, KeyError, TypeError):
        return answer.text[:200]


def _kinds(entries: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {str(one["internet_message_id"]): str(one["kind"]) for one in entries}


def _outcome(delivery: Delivery) -> str:
    if delivery.waits:
        return TRIAGE
    return FILED if delivery.is_filed else SKIPPED
