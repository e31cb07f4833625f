"""The shape of the house: what function_app.py may be, what imports what, how long a module gets."""

import ast
import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from dev.processes import PATIENCE
from shared.bootstrap.compose import UseCaseSettings
from shared.bootstrap.dispatch import CARRIED_OUT_BY
from shared.domain import names
from shared.domain.commands.envelope import Command
from shared.domain.commands.families import COMMANDS
from shared.ports.record import Ports
from shared.triggers.queue import MAX_DEQUEUE_COUNT
from tests.composed import use_cases_over
from tests.fakes import FakePorts

ROOT = Path(__file__).resolve().parent.parent
MOST_STATEMENTS = 3
# Blank lines are not counted.
MOST_LINES = 300
NAMES_OF_NOTHING = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
# What the webhooks do not need, and a cold start would pay for.
LAZY = ["fastapi", "pydantic", "azure.storage.blob", "azure.identity", "msal", "nh3", "minijinja"]

MODULES = sorted([*(ROOT / "shared").rglob("*.py"), *(ROOT / "dev").rglob("*.py")])
LOOK = """
import json, sys
import function_app
loaded = sorted(sys.modules)
triggers = [one.get_trigger().get_dict_repr() for one in function_app.app.get_functions()]
print(json.dumps({"loaded": loaded, "triggers": triggers}, default=str))
"""


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def function_app() -> Any:
    """What a fresh process loads with function_app.py, and the triggers it declares."""
    done = subprocess.run(
        [sys.executable, "-c", LOOK], cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def handlers() -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse((ROOT / "function_app.py").read_text("utf-8"))
    return [one for one in tree.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]


@pytest.mark.parametrize("handler", handlers(), ids=lambda one: str(one.name))
def test_a_handler_translates_calls_and_answers(handler: ast.FunctionDef) -> None:
    assert ast.get_docstring(handler)
    assert handler.decorator_list, "function_app.py holds triggers and nothing else"
    assert len(handler.body) - 1 <= MOST_STATEMENTS
    branches = (ast.If, ast.For, ast.While, ast.Try, ast.With)
    assert not any(isinstance(one, branches) for one in ast.walk(handler))


def test_every_queue_has_one_trigger() -> None:
    queues = [one["queueName"] for one in function_app()["triggers"] if one["type"] == "queueTrigger"]
    assert sorted(queues) == sorted(names.QUEUES)


def test_every_queue_carries_commands_and_every_command_is_carried_out() -> None:
    assert {kind.queue for kind in COMMANDS} == set(names.QUEUES)
    assert list(CARRIED_OUT_BY) == list(COMMANDS)


def test_every_command_has_a_use_case_that_takes_it() -> None:
    use_cases = use_cases_over(FakePorts())
    for kind, chosen in CARRIED_OUT_BY.items():
        run: Any = chosen(use_cases)
        # What waits for a mailbox's turn goes through one door, whatever it is.
        wanted = Command if run is use_cases.take_turn else kind
        assert get_type_hints(type(run).__call__)["command"] is wanted


def test_queue_triggers_share_the_host_s_connection() -> None:
    connections = {one["connection"] for one in function_app()["triggers"] if one["type"] == "queueTrigger"}
    assert connections == {"AzureWebJobsStorage"}


def test_routes_do_not_begin_with_what_the_host_keeps_for_itself() -> None:
    routes = [one["route"] for one in function_app()["triggers"] if one["type"] == "httpTrigger"]
    assert routes
    assert not [one for one in routes if one.startswith(("admin", "runtime"))]


def test_the_host_is_told_what_the_code_relies_on() -> None:
    extensions = json.loads((ROOT / "host.json").read_text("utf-8"))["extensions"]
    assert extensions["http"]["routePrefix"] == "api"
    assert extensions["queues"]["messageEncoding"] == "base64"
    assert extensions["queues"]["maxDequeueCount"] == MAX_DEQUEUE_COUNT


def test_the_host_passes_on_what_functions_log_and_is_quiet_itself() -> None:
    levels = json.loads((ROOT / "host.json").read_text("utf-8"))["logging"]["logLevel"]
    functions = {f"Function.{handler.name}.User" for handler in handlers()}
    assert {name for name, level in levels.items() if level == "Information"} == {*functions, "Host.Results"}
    assert levels["default"] == "Warning"


def test_the_app_has_few_functions() -> None:
    """Each queue or timer function is polled, started and billed by itself."""
    assert len(handlers()) <= 8


@pytest.mark.parametrize("module", LAZY)
def test_loading_the_app_does_not_load(module: str) -> None:
    assert module not in function_app()["loaded"]


def test_imports_point_one_way() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports"))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stdout


def test_only_the_settings_read_the_environment() -> None:
    readers = {
        named(path)
        for path in MODULES
        if path.is_relative_to(ROOT / "shared")
        and any(
            isinstance(one, ast.Attribute) and one.attr in ("environ", "getenv")
            for one in ast.walk(ast.parse(path.read_text("utf-8")))
        )
    }
    assert readers == {"shared/config.py"}


def test_the_domain_has_no_clock() -> None:
    """`datetime` is imported for its types; the import contracts cannot see which of its methods are called."""
    for path in (ROOT / "shared/domain").rglob("*.py"):
        nodes = ast.walk(ast.parse(path.read_text("utf-8")))
        called = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        assert not called & {"now", "utcnow", "today", "monotonic"}, named(path)


def test_services_and_domain_open_no_address() -> None:
    """`urllib.parse` is a parser and welcome; the import contracts know top-level packages only."""
    for layer in ("domain", "ports", "services"):
        for path in (ROOT / "shared" / layer).rglob("*.py"):
            assert "urllib.request" not in path.read_text("utf-8"), named(path)


def services() -> set[str]:
    """Classes of `shared/services` that hold a port, the clock, a setting or another service."""
    held = {port.__annotations__["return"] for port in map(_getter, vars(Ports).values()) if port}
    held |= {"Clock", *UseCaseSettings.__annotations__}
    classes = {
        cls.name: {word for field in cls.body if isinstance(field, ast.AnnAssign) for word in _words(field)}
        for path in (ROOT / "shared/services").rglob("*.py")
        for cls in ast.parse(path.read_text("utf-8")).body
        if isinstance(cls, ast.ClassDef)
    }
    found: set[str] = set()
    while more := {name for name, words in classes.items() if words & (held | found)} - found:
        found |= more
    return found


def _getter(member: object) -> Any:
    return member.fget if isinstance(member, property) else None


def _words(field: ast.AnnAssign) -> set[str]:
    """A field's name and the names in its type."""
    return {ast.unparse(field.target), *(n.id for n in ast.walk(field.annotation) if isinstance(n, ast.Name))}


def constructed(path: Path, names_of_services: set[str]) -> set[str]:
    calls = [node.func for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
    called = {call.id if isinstance(call, ast.Name) else getattr(call, "attr", "") for call in calls}
    return called & names_of_services


def test_a_use_case_is_built_by_compose_and_nowhere_else() -> None:
    known = services()
    assert {"Ingest", "Filing", "TakeTurn", "ReadTimeline", "TestMailboxes"} <= known
    assert not {"Scope", "Notification", "Explanation"} & known
    folders = ("shared", "tests", "bench", "dev")
    paths = [
        ROOT / "function_app.py",
        *(path for folder in folders for path in (ROOT / folder).rglob("*.py")),
    ]
    elsewhere = {named(path): built for path in paths if (built := constructed(path, known))}
    assert elsewhere == {}


def test_a_second_construction_would_be_found(tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text("poll = polling.PollMailboxes(mailboxes, queue, clock)\nMailbox()\n", "utf-8")
    assert constructed(planted, services()) == {"PollMailboxes"}


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_a_module_is_short_and_named_after_something(path: Path) -> None:
    text = path.read_text("utf-8")
    lines = sum(1 for line in text.splitlines() if line.strip())
    assert lines <= MOST_LINES
    assert path.stem not in NAMES_OF_NOTHING
    assert not text or path.name == "__init__.py" or ast.get_docstring(ast.parse(text))


PRODUCT = [path for path in MODULES if path.is_relative_to(ROOT / "shared")]
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@pytest.mark.parametrize("path", PRODUCT, ids=named)
def test_a_loop_names_what_it_goes_through_and_a_comprehension_has_one_level(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        loops: list[ast.For | ast.comprehension] = []
        if isinstance(node, COMPREHENSIONS):
            assert len(node.generators) == 1, f"{named(path)}:{node.lineno}"
            loops += node.generators
        elif isinstance(node, ast.For):
            loops.append(node)
        names = {part.id for loop in loops for part in ast.walk(loop.target) if isinstance(part, ast.Name)}
        assert "one" not in names, f"{named(path)}:{getattr(node, 'lineno', 0)}"
