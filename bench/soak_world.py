"""The two organisations of the soak: agents, contacts, clients, and which records a mail's people lead to.

States the rules a second time and plainly, from the documents and not from the product's code.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

NEVER_LOGGED = "solicitor@privy.example"
CUSTOM_FOLDER = "Customers"
CLIENTS = 8
CONTACTS = 16
AGENTS = 6


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact card: record id, address, and the id of its client or ''."""

    id: str
    address: str
    client: str = ""


@dataclass(frozen=True, slots=True)
class Company:
    """One organisation. `clients` maps client ids to their e-mail domain."""

    domain: str
    agents: tuple[str, ...]
    contacts: tuple[Contact, ...]
    clients: dict[str, str] = field(hash=False)

    def is_own(self, address: str) -> bool:
        return address.endswith(f"@{self.domain}")

    def records(self, addresses: Iterable[str]) -> frozenset[str]:
        """The records (`kind/id`) that mail with these people belongs to, by people alone."""
        found: set[str] = set()
        for address in addresses:
            if not self.is_own(address):
                found |= self._of(address)
        return frozenset(found)

    def _of(self, address: str) -> set[str]:
        cards = [one for one in self.contacts if one.address == address]
        found = {f"contact/{one.id}" for one in cards}
        clients = {one.client for one in cards if one.client}
        if not clients:
            clients = {name for name, domain in self.clients.items() if address.endswith(f"@{domain}")}
        return found | {f"client/{one}" for one in clients}

    @property
    def places(self) -> list[str]:
        """Every record that has a timeline."""
        return [f"contact/{one.id}" for one in self.contacts] + [f"client/{one}" for one in self.clients]


def company(domain: str) -> Company:
    """An organisation with contacts of every shape: with and without a client, at its domain or elsewhere."""
    label = domain.partition(".")[0]
    clients = {f"K{number}": f"k{number}-{label}.example" for number in range(1, CLIENTS + 1)}
    contacts = [
        Contact(f"C{number}", f"c{number}@{clients[client]}", client)
        for number in range(1, CONTACTS + 1)
        for client in [f"K{(number - 1) % CLIENTS + 1}"]
    ]
    contacts += [
        Contact("S1", f"one@solo-{label}.example"),
        Contact("S2", f"two@solo-{label}.example"),
        Contact("D1", f"nobody@{clients['K1']}"),
        Contact("X1", f"moved@{clients['K2']}", "K3"),
        Contact(f"SHARED-{label}", "shared@fabrikam.example"),
    ]
    agents = tuple(f"agent{number}@{domain}" for number in range(1, AGENTS + 1))
    return Company(domain, agents, tuple(contacts), clients)


COMPANIES = (company("contoso.example"), company("northwind.example"))
