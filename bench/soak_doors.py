"""The soak's other mailboxes: an intake mailbox of each organisation, by Graph and by IMAP, and two personal ones on
the same IMAP server, one of them with nothing to keep.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bench.soak_verify import ACKNOWLEDGES
from bench.soak_world import COMPANIES
from dev.tenant import Api, Tenant, eventually

PASSWORD: Final = "soak, before"
CHANGED_PASSWORD: Final = "soak, after"
_CONNECTED: Final = 180.0
_ACKNOWLEDGEMENT: Final = {
    "templates": [
        {"language": "en", "subject": f"{ACKNOWLEDGES} {{subject}}", "text": "Your case is {case_id}."}
    ]
}


@dataclass(frozen=True, slots=True)
class Door:
    """A mailbox of the organisation of `domain`: an intake mailbox or a personal one, at Microsoft or outside."""

    address: str
    domain: str
    agent: str
    is_intake: bool = False
    is_outside: bool = False
    keeps_nothing: bool = False


SERVICE: Final = Door("service@contoso.example", "contoso.example", "keeper@contoso.example", is_intake=True)
REPAIRS: Final = Door(
    "repairs@mail.northwind.example",
    "northwind.example",
    "keeper@northwind.example",
    is_intake=True,
    is_outside=True,
)
OUTSIDE: Final = Door(
    "outside@mail.contoso.example", "contoso.example", "outside@contoso.example", is_outside=True
)
UNKNOWN: Final = Door(
    "unknown@mail.northwind.example",
    "northwind.example",
    "outside@northwind.example",
    is_outside=True,
    keeps_nothing=True,
)


def doors_of(ready: Mapping[str, Any]) -> tuple[Door, ...]:
    """Without an IMAP server those at Microsoft."""
    return (SERVICE, REPAIRS, OUTSIDE, UNKNOWN) if ready.get("imap") else (SERVICE,)


@dataclass(frozen=True, slots=True)
class House:
    """The mailboxes on a running stack."""

    ready: Mapping[str, Any]
    tenants: Mapping[str, Tenant]

    @classmethod
    def of(cls, ready: Mapping[str, Any], tenants: Sequence[Tenant]) -> "House":
        return cls(ready, {tenant.domain: tenant for tenant in tenants})

    @property
    def doors(self) -> tuple[Door, ...]:
        return doors_of(self.ready)

    def connect(self) -> None:
        """Each of them, with what intake mailboxes answer; waits until all have been walked."""
        for door in self.doors:
            self._connect(door)
        for door in self.doors:
            eventually(
                lambda door=door: self.state(door)["last_sync"],  # type: ignore[misc]
                seconds=_CONNECTED,
                what=f"the first walk of {door.address}",
            )

    def state(self, door: Door) -> dict[str, Any]:
        shown: dict[str, Any] = self._tenant(door).admin.call("GET", f"mailboxes/{door.address}")
        return shown

    def sync(self, door: Door) -> None:
        self._tenant(door).admin.call("POST", f"mailboxes/{door.address}/sync")

    def save_password(self, door: Door, password: str) -> None:
        """As whoever may: the owner of a personal mailbox, an admin for an intake mailbox."""
        server = self.ready["imap"]
        account = {"user_name": door.address, "password": password}
        account |= {"host": server["host"], "port": server["port"]}
        api = self.admin(door) if door.is_intake else self._tenant(door).api_of(door.agent)
        api.call("PUT", f"mailboxes/{door.address}/credentials", json={**account, "smtp": self.ready["smtp"]})

    def admin(self, door: Door) -> Api:
        return self._tenant(door).admin

    def cases(self) -> dict[str, list[dict[str, Any]]]:
        """What intake mailboxes have opened, by organisation."""
        query = {"kind": "case", "origin": "postledger"}
        return {
            company.domain: pages_of(self.tenants[company.domain].admin, "records", "records", query)
            for company in COMPANIES
        }

    def acknowledgements(self) -> list[dict[str, Any]]:
        """Their rows of the outbox, of all organisations."""
        rows = [
            row
            for tenant in self.tenants.values()
            for row in pages_of(tenant.admin, "outbox", "items", {"limit": 100})
        ]
        return [row for row in rows if row["purpose"] == "acknowledgement"]

    def _connect(self, door: Door) -> None:
        tenant = self._tenant(door)
        tenant.agent(door.agent.partition("@")[0])
        body: dict[str, Any] = {"kind": "personal", "agent": door.agent, "poll_minutes": 1}
        if door.is_intake:
            body = {"kind": "intake", "agents": [door.agent]}
        if door.is_outside:
            tenant.control.imap_users(door.address, PASSWORD)
            body["connection"] = "imap"
        else:
            tenant.agent(door.address.partition("@")[0], purpose="shared")
        tenant.admin.call("PUT", f"mailboxes/{door.address}", json=body)
        if door.is_intake:
            path = f"mailboxes/{door.address}/acknowledgement"
            tenant.admin.call("PUT", path, json=_ACKNOWLEDGEMENT)
        if door.is_outside:
            self.save_password(door, PASSWORD)

    def _tenant(self, door: Door) -> Tenant:
        return self.tenants[door.domain]


def pages_of(api: Api, path: str, name: str, query: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What stands under `name` on every page of a list."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, Any] = {}
    while True:
        page = api.call("GET", path, params={**query, **cursor})
        found += page[name]
        if not page.get("cursor"):
            return found
        cursor = {"cursor": page["cursor"]}
