"""One running stack for all end-to-end tests, and an organisation of its own for each of them.

`E2E_HABITS={"delta_expand": "taken"}` runs them all on a Graph with other habits than the default ones.
"""

import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.stack import Stack, StackOptions
from dev.tenant import Tenant
from tests.ledger import Ledger

HERE = Path(__file__).parent
HABITS = json.loads(os.environ.get("E2E_HABITS", "{}"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.stack)
            # Most of it is the time of a whole stack, which a busy machine stretches.
            item.add_marker(pytest.mark.timeout(3_600))


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Without timers: a test that wants a poll asks for one."""
    with Stack(StackOptions(timers=False)) as running:
        yield running


def new_tenant(stack: Stack) -> Tenant:
    return Tenant(stack.ready, f"t{uuid.uuid4().hex[:10]}.example")


@pytest.fixture
def tenant(stack: Stack) -> Iterator[Tenant]:
    """An organisation without mailboxes. Afterwards nothing may have crashed, and the weather is fine again."""
    made = new_tenant(stack)
    made.control.put_habits(**HABITS)
    made.control.clear_stats()
    yield made
    made.control.clear_faults()
    made.control.put_habits(**HABITS)
    assert Ledger(stack.ready, made).poisoned() == 0


@pytest.fixture
def ledger(stack: Stack, tenant: Tenant) -> Ledger:
    return Ledger(stack.ready, tenant)


@pytest.fixture
def ann(tenant: Tenant) -> str:
    """An agent with a captured mailbox; the contact C-1 is known."""
    address = tenant.agent("ann")
    tenant.contact("C-1", CONTACT)
    tenant.connect(address)
    return address


CONTACT = "bo@fabrikam.example"
STRANGER = "sam@adatum.example"
