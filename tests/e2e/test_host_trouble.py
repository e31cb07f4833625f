"""What the Functions host does to the app: it stops when storage fails it, and a mail may kill its worker."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
import requests

from bench.soak_host import KILLER, PLANT, given_up_in
from bench.soak_plants import planted_app
from dev.processes import PATIENCE
from dev.stack import Stack, StackOptions
from dev.tenant import Tenant, a_mail, eventually
from shared.domain.commands import advice
from shared.domain.commands.agenda import Item
from shared.domain.errors import TransientError
from tests.e2e.conftest import CONTACT, new_tenant
from tests.ledger import Ledger

T = TypeVar("T")
# A batch, and what runs while it waits for the threshold: the real host's default of sixteen.
MAILS = 16
BOXES = 4


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Without timers, under a host whose times are a quarter of the real ones. What is marked so kills its reader."""
    app = planted_app(PLANT, tmp_path_factory.mktemp("app"))
    with Stack(StackOptions(shorten=4, invisibility=20, timers=False, app_dir=app)) as running:
        yield running


def deletions_fail(stack: Stack) -> bool:
    """Storage takes a change of its faults over a moment later."""
    shares = requests.get(stack.ready["storage_faults_url"], timeout=PATIENCE).json()
    return bool(shares["storage_undeleted"] == 1.0)


def patiently(ask: Callable[[], T], *, seconds: float = PATIENCE, what: str) -> T:
    """While hosts end and begin, nobody may answer."""

    def probe() -> T | None:
        try:
            return ask()
        except (requests.RequestException, TransientError, TimeoutError, OSError):
            return None

    return eventually(probe, seconds=seconds, what=what)


def test_a_host_that_cannot_delete_what_it_has_finished_stops_and_all_of_it_is_filed_once(
    troubled: Stack,
) -> None:
    tenant = new_tenant(troubled)
    ledger = Ledger(troubled.ready, tenant)
    tenant.contact("C-1", CONTACT)
    addresses = [tenant.agent(f"agent{number}") for number in range(BOXES)]
    tenant.connect(*addresses)
    ledger.settle()
    [victim] = troubled.ready["pids"]["host"]
    tenant.control.put_faults(storage_undeleted=1.0)
    eventually(lambda: deletions_fail(troubled), what="the fault at the proxy")
    mails = [a_mail(CONTACT, addresses[number % BOXES], f"Number {number}") for number in range(MAILS)]
    copies = [(str(mail["To"]), tenant.deliver(str(mail["To"]), mail)) for mail in mails]
    eventually(lambda: victim not in troubled.ready["pids"]["host"], what="the end of the first host")
    tenant.control.clear_faults()
    for address, graph_id in copies:
        assert ledger.outcome(address, graph_id).outcome == "filed"
    ledger.settle()
    entries = patiently(lambda: tenant.timeline("contact/C-1", limit=200), what="a host")
    assert sorted(entry["internet_message_id"] for entry in entries) == sorted(
        str(mail["Message-ID"]) for mail in mails
    )
    assert (ledger.unfinished(), ledger.exceptions(), ledger.poisoned()) == (0, [], 0)
    assert [line for line in ledger.log() if line["event"] == "host_stopping"]


def test_a_mail_that_kills_its_worker_ends_in_exceptions_alone_and_its_neighbours_are_filed(
    troubled: Stack,
) -> None:
    tenant = new_tenant(troubled)
    ledger = Ledger(troubled.ready, tenant)
    tenant.contact("C-1", CONTACT)
    ann, carl = tenant.agent("ann"), tenant.agent("carl")
    tenant.connect(ann, carl)
    ledger.settle()
    tenant.control.put_faults(drop_notifications=1.0)
    killer = tenant.deliver(ann, a_mail(CONTACT, ann, "Killer", text=KILLER))
    others = [(ann, tenant.deliver(ann, a_mail(CONTACT, ann, f"Beside {number}"))) for number in range(4)]
    tenant.control.clear_faults()
    # The killer and its group come with a walk, and the other mailbox's mails by themselves meanwhile.
    ledger.walk(ann)
    for number in range(6):
        others.append((carl, tenant.deliver(carl, a_mail(CONTACT, carl, f"Elsewhere {number}"))))
    _until_given_up(tenant, ledger, ann, killer)
    for address, graph_id in others:
        assert ledger.outcome(address, graph_id).outcome == "filed"
    ledger.settle()
    [failure] = patiently(lambda: tenant.admin.call("GET", "exceptions")["exceptions"], what="a host")
    assert (failure["ids"], failure["code"]) == ([killer], advice.POISON)
    assert failure["advice"] == advice.ADVICE[advice.POISON]
    assert (ledger.sightings(ann)[killer].outcome, ledger.sightings(ann)[killer].reason) == (
        "failed",
        "poison",
    )
    assert given_up_in(Path(troubled.ready["log_dir"])) == []
    assert len([line for line in ledger.log() if line["event"] == "worker_died"]) >= 2


def _until_given_up(tenant: Tenant, ledger: Ledger, address: str, graph_id: str) -> None:
    """The tick would come each minute; here it comes more often, since a killed worker's lease ends after 20 s."""

    def probe() -> bool | None:
        tenant.do(Item.WAKE_STALE)
        found = ledger.sightings(address).get(graph_id)
        return True if found is not None and found.outcome == "failed" else None

    patiently(probe, seconds=1_500, what="the end of the mail that kills")
