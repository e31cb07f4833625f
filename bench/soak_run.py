"""Carries a plan out on a running stack: organisations, deliveries, moves, deletions, and the wait for quiet."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from bench.soak_ledger import Ledger
from bench.soak_plan import Plan
from bench.soak_script import Step
from bench.soak_world import COMPANIES, CUSTOM_FOLDER, NEVER_LOGGED, Company
from dev.simulator.client import Control
from dev.tenant import Tenant, eventually

STILL = 4.0  # seconds without work or change that count as quiet
STUCK = 180.0  # so many that count as an end though messages are pending
LOOK = 1.0
FIRST_WALKS = 180.0


def prepare(ready: Mapping[str, Any], *, poll_minutes: int = 1) -> list[Tenant]:
    """Both organisations with their records, every agent's mailbox connected and walked."""
    tenants = [_tenant(ready, one) for one in COMPANIES]
    for tenant, company in zip(tenants, COMPANIES, strict=True):
        tenant.connect(*company.agents, wait=False, poll_minutes=poll_minutes)
    for tenant, company in zip(tenants, COMPANIES, strict=True):
        for agent in company.agents:
            eventually(
                partial(_walked, tenant, agent), seconds=FIRST_WALKS, what=f"the first walk of {agent}"
            )
    return tenants


def _walked(tenant: Tenant, agent: str) -> bool:
    return bool(tenant.admin.call("GET", f"mailboxes/{agent}")["last_sync"])


def _tenant(ready: Mapping[str, Any], company: Company) -> Tenant:
    tenant = Tenant(ready, company.domain)
    settings = {"own_domains": [company.domain], "never_log": [NEVER_LOGGED]}
    tenant.admin.call("PUT", "organisation", json=settings)
    for name, domain in company.clients.items():
        body = {"name": name, "domains": [domain]}
        tenant.admin.call("PUT", f"records/client/{name}", json=body)
    for contact in company.contacts:
        more = {"client": contact.client} if contact.client else {}
        tenant.contact(contact.id, contact.address, **more)
    for agent in company.agents:
        tenant.agent(agent.partition("@")[0])
    return tenant


@dataclass
class Post:
    """Does what the steps say, in time, and remembers where each copy must lie."""

    control: Control
    plan: Plan
    ids: dict[str, str] = field(default_factory=dict)
    lies: dict[str, dict[str, tuple[str, bool]]] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    late: float = 0.0

    def __post_init__(self) -> None:
        self._acts = {"deliver": self._deliver, "move": self._move, "delete": self._delete}

    def apply_decision(self, steps: Sequence[Step]) -> float:
        """All of these steps; returns the seconds it took. `late` is how far it fell behind at worst."""
        started = time.monotonic()
        for step in steps:
            ahead = step.at - (time.monotonic() - started)
            self.late = max(self.late, -ahead)
            time.sleep(max(ahead, 0.0))
            self._acts[step.kind](step)
        return time.monotonic() - started

    def delete_late(self, filed: Collection[str]) -> int:
        """Delete the copies of mail that is to be deleted once it is filed, as far as it is; says how many."""
        late = {one.token for one in self.plan.truth.values() if one.late_delete and one.token in filed}
        copies = [one for one in self.plan.steps if one.kind == "deliver" and one.token in late]
        for one in copies:
            self._delete(one)
        return len(copies)

    def touched(self) -> list[str]:
        """Mailboxes in which something lies elsewhere, is read, is gone or was added by anybody else."""
        found = []
        for address, expected in self.lies.items():
            lying = {one["id"]: (one["folder"], one["isRead"]) for one in self.control.messages(address)}
            wrong = sum(1 for key in lying.keys() | expected.keys() if lying.get(key) != expected.get(key))
            found += [f"{address}: {wrong} items"] if wrong else []
        return found

    def _deliver(self, step: Step) -> None:
        received = datetime.now(UTC) - timedelta(seconds=step.age) if step.age else None
        shown = self.control.deliver(step.address, step.raw, step.folder, received=received)
        self.ids[step.copy] = shown["id"]
        self.plan.truth[step.token].message_ids.add(shown["internetMessageId"])
        self._lies(step, shown["folder"], shown["isRead"])

    def _move(self, step: Step) -> None:
        if step.folder == CUSTOM_FOLDER and step.address not in self.folders:
            self.control.folders(step.address, CUSTOM_FOLDER)
            self.folders.add(step.address)
        shown = self.control.move(step.address, self.ids[step.copy], step.folder)
        self._lies(step, shown["folder"], shown["isRead"])

    def _delete(self, step: Step) -> None:
        self.control.delete(step.address, self.ids[step.copy])
        _, is_read = self.lies[step.address][self.ids[step.copy]]
        self._lies(step, "deleteditems", is_read)

    def _lies(self, step: Step, folder: str, is_read: bool) -> None:
        self.lies.setdefault(step.address, {})[self.ids[step.copy]] = (folder, is_read)


def quiet(ledger: Ledger, *, seconds: float) -> float | None:
    """Wait until no command is queued, none in poison, no message pending and nothing changes; how long it took.

    None when that did not happen within `seconds`, or when messages stay pending and nobody works on them.
    """
    started = still_since = changed_at = time.monotonic()
    last: object = None
    while time.monotonic() - started < seconds:
        if ledger.queued():
            still_since = time.monotonic()
            time.sleep(LOOK)
            continue
        pending = ledger.pending()
        if (now := (pending, ledger.standing())) != last:
            last, still_since, changed_at = now, time.monotonic(), time.monotonic()
        elif pending and time.monotonic() - changed_at >= STUCK:
            return None
        elif not pending and time.monotonic() - still_since >= STILL:
            return time.monotonic() - started
        time.sleep(LOOK)
    return None


def mailboxes_of(tenants: Sequence[Tenant]) -> list[tuple[Tenant, str]]:
    """Every agent's mailbox, with its organisation."""
    return [
        (tenant, agent)
        for tenant, company in zip(tenants, COMPANIES, strict=True)
        for agent in company.agents
    ]


def reconcile(mailboxes: Sequence[tuple[Tenant, str]]) -> None:
    """Have each mailbox walked and compared with the ledger now, as an admin would."""
    for tenant, address in mailboxes:
        tenant.admin.call("POST", f"mailboxes/{address}/sync")


def repaired(mailboxes: Sequence[tuple[Tenant, str]]) -> int:
    """What the last reconciliation of each mailbox says that it repaired."""
    shown = [
        tenant.admin.call("GET", f"mailboxes/{address}")["reconciliation"] or {}
        for tenant, address in mailboxes
    ]
    return sum(int(one.get("repaired") or 0) for one in shown)
