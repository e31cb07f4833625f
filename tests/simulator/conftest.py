"""One simulator per module, a tenant in it, and what tests say to it over HTTPS."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests

from dev.processes import PATIENCE
from dev.simulator.client import Control
from dev.simulator.serve import Simulator, running_simulator

TENANT = "11111111-2222-4333-8444-555555555555"
ADDRESS = "bob@contoso.example"
IMMUTABLE = {"Prefer": 'IdType="ImmutableId"'}


def a_mail(
    number: int = 1,
    *,
    sender: str = "Alice Client <alice@client.example>",
    to: str = ADDRESS,
    subject: str = "Hello",
    body: str = "Hi there",
    extra: str = "",
) -> bytes:
    """A plain mail with a Message-ID of its own."""
    return (
        f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <m{number}@client.example>\r\n"
        f"Date: Mon, 1 Sep 2025 10:00:00 +0200\r\n{extra}\r\n{body}\r\n"
    ).encode()


@dataclass(frozen=True)
class Graph:
    """A Graph client without manners: it shows every answer as it came."""

    url: str
    session: requests.Session

    def __call__(self, method: str, path: str, body: object = None, **headers: str) -> requests.Response:
        url = path if path.startswith("https:") else f"{self.url}/v1.0{path}"
        return self.session.request(method, url, json=body, headers=headers or None, timeout=PATIENCE)

    def get(self, path: str, **headers: str) -> dict:
        answer = self(method="GET", path=path, **headers)
        assert answer.status_code == 200, answer.text
        return answer.json()


def token_for(simulator: Simulator, tenant: str = TENANT, **form: str) -> requests.Response:
    given = {
        "grant_type": "client_credentials",
        "client_id": simulator.client_id,
        "client_secret": simulator.client_secret,
        "scope": "https://graph.microsoft.com/.default",
        **form,
    }
    url = f"{simulator.url}/{tenant}/oauth2/v2.0/token"
    with requests.Session() as session:
        session.trust_env = False
        return session.post(url, data=given, verify=simulator.ca_file, timeout=PATIENCE)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running_simulator() as running:
        running.control.organisations(TENANT, "contoso.example")
        yield running


@pytest.fixture(scope="module")
def graph(simulator: Simulator) -> Iterator[Graph]:
    with requests.Session() as session:
        session.trust_env = False
        session.verify = simulator.ca_file
        session.headers["Authorization"] = f"Bearer {token_for(simulator).json()['access_token']}"
        yield Graph(simulator.url, session)


@pytest.fixture
def control(simulator: Simulator) -> Iterator[Control]:
    """The control client; faults, habits and counters are back to normal afterwards."""
    yield simulator.control
    simulator.control.clear_faults()
    simulator.control.put_habits()
    simulator.control.clear_stats()


_numbers = iter(range(1, 10_000))


@pytest.fixture
def address(control: Control) -> str:
    """A user with an empty mailbox."""
    name = f"user{next(_numbers)}@contoso.example"
    control.users(TENANT, name, "Some User")
    return name


@pytest.fixture
def mailbox(address: str) -> str:
    """The Graph path of that user."""
    return f"/users/{address}"
