"""Composition: every use case can be built over the fakes and over the real ports, once, and by its fields' types."""

import ast
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from dev.processes import PATIENCE
from shared.api.use_cases import ApiUseCases
from shared.bootstrap.assembly import Assembly
from shared.bootstrap.compose import UseCases, compose
from shared.bootstrap.ports import WEBHOOK_QUEUE_TIMEOUT, RealPorts
from shared.config import Settings
from shared.ports.record import Ports
from shared.ports.stores.filing import Timeline
from shared.ports.work import Clock, CommandQueue
from tests.builders import HASH_KEY, NOW
from tests.composed import SETTINGS, use_cases_over
from tests.fakes import FakePorts

ROOT = Path(__file__).resolve().parents[3]
FIELDS = sorted(name for name, field in vars(Ports).items() if isinstance(field, property))
USE_CASES = sorted(name for name in UseCases.__annotations__ if name != "clock")
ENVIRONMENT = {
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "POSTLEDGER_CLIENT_ID": "12121212-3434-4565-8787-909090909090",
    "POSTLEDGER_HOME_TENANT_ID": SETTINGS.home_tenant_id,
    "POSTLEDGER_CLIENT_SECRET": "secret",
    "POSTLEDGER_PUBLIC_URL": "https://app.contoso.example",
    "POSTLEDGER_HASH_KEY": "0f" * 32,
    "POSTLEDGER_CODE_KEYS": "0f" * 32,
}
# What a notification does not need, and its two seconds would pay for: packages with all that is in them.
NOT_FOR_WEBHOOKS = (
    "azure.core",
    "azure.data",
    "azure.storage",
    "fastapi",
    "lxml",
    "msal",
    "pydantic",
    "requests",
    "shared.adapters.graph",
    "shared.adapters.secrets",
    "shared.adapters.storage.sdk",
    "shared.api",
    "shared.domain.capture",
    "shared.domain.filing",
    "shared.domain.matching",
    "shared.domain.privacy",
    "shared.services.filing",
    "shared.services.matching",
)
# Of what reads mail, settings need addresses, and records the owner of a domain and the key of a subject.
MAIL_FOR_WEBHOOKS = {
    "addresses",
    "charsets",
    "encoded_words",
    "items",
    "public_domains",
    "subject_prefixes",
    "subjects",
}
STORES_FOR_WEBHOOKS = {"subscriptions"}


def real_ports() -> RealPorts:
    return RealPorts(Settings.from_environment(ENVIRONMENT))


def imports_of(module: str) -> dict[str, str]:
    """Where each name of a module comes from."""
    tree = ast.parse((ROOT / module).read_text("utf-8"))
    found = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {name.name: node.module or "" for node in found for name in node.names}


@pytest.mark.parametrize("ports", [real_ports, FakePorts])
def test_both_records_have_every_port(ports: Callable[[], Ports]) -> None:
    record = ports()
    assert [name for name in FIELDS if not hasattr(record, name)] == []


def test_the_records_have_no_port_beyond_the_protocol() -> None:
    faked = {name for name in vars(FakePorts()) if name != "faults"}
    beside = {"connection", "graph_tokens", "graph", "sessions", "graph_mail"}
    beside |= {"imap_mail", "imap_sessions", "dial", "smtp_sender"}
    real = {name for name in vars(RealPorts) if not name.startswith("_")}
    assert faked == set(FIELDS)
    assert real - beside == set(FIELDS)


def test_every_port_has_a_type_of_its_own() -> None:
    types = [getattr(Ports, name).fget.__annotations__["return"] for name in FIELDS]
    assert len(set(types)) == len(types)


@pytest.mark.parametrize("ports", [real_ports, FakePorts])
@pytest.mark.parametrize("name", USE_CASES)
def test_every_use_case_can_be_built(name: str, ports: Callable[[], Ports]) -> None:
    built = getattr(compose(ports(), SETTINGS, lambda: NOW, lambda: "id"), name)
    wanted = UseCases.__annotations__[name]
    assert type(built).__qualname__ == wanted
    assert type(built).__module__ == imports_of("shared/bootstrap/compose.py")[wanted]


def test_the_api_is_given_what_it_calls() -> None:
    asked = set(ApiUseCases.__annotations__) - {"clock"}
    assert asked <= set(USE_CASES)
    assert use_cases_over(FakePorts()).clock() == NOW


def test_a_part_exists_once() -> None:
    use_cases = use_cases_over(FakePorts())
    assert use_cases.take_turn is use_cases.take_turn
    assert use_cases.take_turn.hold.run is use_cases.take_turn.hold.run_rows.run
    assert use_cases.take_turn.waits is use_cases.take_turn.hold.run_rows.ingest.waits


def test_threads_that_come_at_once_get_the_same() -> None:
    use_cases, together = use_cases_over(FakePorts()), Barrier(8)

    def first(_number: int) -> object:
        together.wait()
        return use_cases.take_turn

    with ThreadPoolExecutor(8) as pool:
        assert len(set(map(id, pool.map(first, range(8))))) == 1


def test_a_webhook_waits_two_seconds_for_its_queue_and_others_longer() -> None:
    ports = real_ports()
    assert WEBHOOK_QUEUE_TIMEOUT == 2.0
    assert ports.webhook_queue is not ports.queue
    taken = compose(ports, SETTINGS, lambda: NOW, lambda: "id").take_notifications
    assert taken.queue is ports.webhook_queue


@cache
def loaded_by_webhook() -> list[str]:
    """The modules of a fresh process that is ready to take a notification, its client of storage included."""
    look = (
        "import sys, function_app\nfrom shared.bootstrap import webhook_use_cases\n"
        "webhook_use_cases().take_notifications\n"
        "webhook_use_cases().ports.connection.calls\nprint(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", look],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def below(package: str) -> set[str]:
    """What the webhook loads of a package, by name within it."""
    within = (
        name.removeprefix(f"{package}.") for name in loaded_by_webhook() if name.startswith(f"{package}.")
    )
    return set(within)


@pytest.mark.parametrize("package", NOT_FOR_WEBHOOKS)
def test_a_webhook_imports_nothing_of(package: str) -> None:
    assert [name for name in loaded_by_webhook() if f"{name}.".startswith(f"{package}.")] == []


def test_of_what_reads_mail_a_webhook_imports_little() -> None:
    assert below("shared.domain.mail") <= MAIL_FOR_WEBHOOKS


def test_a_webhook_imports_the_one_store_that_it_asks() -> None:
    assert below("shared.adapters.storage.stores") == STORES_FOR_WEBHOOKS


@dataclass(frozen=True, slots=True)
class Inner:
    timeline: Timeline
    hash_key: bytes


@dataclass(frozen=True, slots=True)
class Outer:
    inner: Inner
    queue: CommandQueue
    clock: Clock
    limit: int = 7
    spare: CommandQueue | None = None


def test_a_field_is_filled_with_a_port_a_value_a_service_or_its_default() -> None:
    ports = FakePorts()
    outer = use_cases_over(ports).part(Outer)
    assert (outer.inner.timeline, outer.queue) == (ports.timeline, ports.queue)
    assert (outer.limit, outer.spare) == (7, None)
    assert (outer.inner.hash_key, outer.clock()) == (HASH_KEY, NOW)


class Namesake:
    """Called as a port, and none."""


Namesake.__name__ = "Timeline"


@dataclass(frozen=True, slots=True)
class TakesNamesake:
    timeline: Namesake


@dataclass(frozen=True, slots=True)
class NamedAsValues:
    clock: Timeline
    hash_key: CommandQueue


@dataclass(frozen=True, slots=True)
class TakesText:
    hash_key: str


def test_a_class_that_is_merely_called_as_a_port_is_none() -> None:
    with pytest.raises(TypeError, match=r"TakesNamesake\.timeline"):
        use_cases_over(FakePorts()).part(TakesNamesake)


def test_a_field_that_is_merely_called_as_a_value_gets_what_its_type_says() -> None:
    ports = FakePorts()
    assert use_cases_over(ports).part(NamedAsValues) == NamedAsValues(ports.timeline, ports.queue)
    with pytest.raises(TypeError, match=r"TakesText\.hash_key"):
        use_cases_over(ports).part(TakesText)


def test_no_two_ports_share_a_name() -> None:
    types = {getattr(Ports, name).fget.__annotations__["return"] for name in FIELDS}
    declared = [
        node.name
        for path in (ROOT / "shared/ports").rglob("*.py")
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.ClassDef) and node.name in types
    ]
    assert sorted(declared) == sorted(types)


@dataclass(frozen=True, slots=True)
class Lost:
    address: str


@pytest.mark.parametrize(("kind", "word"), [(Lost, "Lost.address"), (int, "int is no service")])
def test_what_cannot_be_filled_is_named(kind: type[Any], word: str) -> None:
    with pytest.raises(TypeError, match=word):
        Assembly(FakePorts(), {}).part(kind)
