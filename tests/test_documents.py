"""Documents and code say the same: settings, tables, queues, routes, links, commands."""

import json
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from textwrap import dedent
from typing import Any
from urllib.parse import urlsplit

import pytest

from shared import telemetry
from shared.adapters.graph.options import Option
from shared.adapters.graph.sign_ins import CALLBACK
from shared.adapters.graph.subscriptions import LIFECYCLE, NOTIFICATIONS
from shared.adapters.storage import encoding
from shared.adapters.storage.layout import TABLE_LAYOUT
from shared.api.app import PREFIX, create_app
from shared.config import SETTINGS, STORAGE, Settings
from shared.domain import names
from shared.domain.build import Build
from shared.domain.capture import sightings
from shared.domain.commands.families import COMMANDS
from shared.domain.connections import connections, consent, mailbox_state, organisations, verdicts
from shared.domain.connections.habits import MEANINGS, TRIED
from shared.domain.matching.matching import CASCADE
from tests.builders import TENANT

ROOT = Path(__file__).resolve().parent.parent
NOT_OURS = {
    ".venv",
    ".azurite",
    ".checkov",
    ".peers",
    ".against",
    ".graph-sdk",
    ".skew",
    ".clients",
    ".deployed",
    "dist",
    ".python_packages",
    "node_modules",
    ".git",
}
# Read by the Azure Functions Core Tools, not by us.
TOOLS_OWN = {"FUNCTIONS_WORKER_RUNTIME"}
# Where the app runs with an identity, and where a test stack brings its own authority and servers: not on a desk.
STACKS_OWN = {"REQUESTS_CA_BUNDLE", "POSTLEDGER_SETTLES_AFTER"}
NOT_LOCAL = {one for one in SETTINGS if one.startswith(f"{STORAGE}__")} | STACKS_OWN

# What paths in the architecture page are relative to.
HOMES = (
    "",
    "shared",
    "shared/adapters/storage",
    "shared/adapters/storage/stores",
    "shared/adapters/graph",
    "tests",
)

CODE = re.compile(r"`([^`]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```$", re.M | re.S)
MENTIONED = re.compile(r"(?<![\w./*-])([\w./-]+\.md)\b")
# A machine's paths, a ticket's number, a page that only its author has, a package registry of one's own.
PRIVATE = re.compile(
    r"(?<![\w.:/}])/(?:home|root|work|Users|mnt)/\w"
    r"|\b[Ii]ssue #?\d+\b"
    r"|(?<!MS-)\b[A-Z]{5,} (?:section )?\d"
    r"|//(?:pypi|npm|registry|proxy)\.\w+"
)


@cache
def files(*endings: str) -> list[Path]:
    found = []
    for directory, below, names_here in os.walk(ROOT):
        below[:] = [one for one in below if one not in NOT_OURS]
        found += [Path(directory, one) for one in names_here if one.endswith(endings)]
    return sorted(found)


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def document(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def section(name: str, heading: str) -> str:
    """What stands under a heading, up to the next one of its level or above."""
    level = heading.split(" ", maxsplit=1)[0]
    _, found, rest = f"\n{document(name)}".partition(f"\n{heading}\n")
    assert found, f"{name} has no '{heading}'"
    return re.split(rf"^#{{1,{len(level)}}} ", rest, maxsplit=1, flags=re.M)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of the tables in a text, without headings."""
    tables = re.split(r"^\|[-| ]+\|$", text, flags=re.M)[1:]
    lines = [line for table in tables for line in table.strip("\n").partition("\n\n")[0].splitlines()]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("|")]


def codes(text: str, column: int = 0) -> list[str]:
    return [CODE.findall(row[column])[0] for row in rows(text)]


def test_settings_are_documented_and_read() -> None:
    assert codes(section("docs/configuration.md", "## App settings")) == list(SETTINGS)


def test_the_example_has_every_setting_of_a_desk() -> None:
    values = json.loads(document("local.settings.example.json"))["Values"]
    assert set(values) - TOOLS_OWN == set(SETTINGS) - NOT_LOCAL


def test_the_example_works_once_it_is_filled_in() -> None:
    values = json.loads(document("local.settings.example.json"))["Values"]
    filled = {
        "POSTLEDGER_CLIENT_ID": "client",
        "POSTLEDGER_HOME_TENANT_ID": TENANT,
        "POSTLEDGER_CLIENT_SECRET": "secret",
        "POSTLEDGER_PUBLIC_URL": "https://app.contoso.example",
        "POSTLEDGER_HASH_KEY": "0f" * 32,
        "POSTLEDGER_CODE_KEYS": "0f" * 32,
    }
    assert all(values[name] == "" for name in filled), "no secret and no identity has a default"
    assert Settings.from_environment({**values, **filled}).client_id == "client"


def test_every_value_of_host_json_is_explained() -> None:
    def flat(value: object, path: str = "") -> Iterator[tuple[str, str]]:
        if isinstance(value, dict):
            for name, one in value.items():
                yield from flat(one, f"{path}.{name}" if path else name)
        else:
            yield path, value if isinstance(value, str) else json.dumps(value)

    explained = section("docs/configuration.md", "## host.json")
    in_file = dict(flat(json.loads(document("host.json"))))
    del in_file["version"]
    assert dict(zip(codes(explained), codes(explained, 1), strict=True)) == in_file


def test_tables_queues_and_containers_are_documented() -> None:
    storage = section("docs/storage.md", "## Tables")
    assert re.findall(r"^### (.+)$", storage, re.M) == list(names.TABLES) == list(TABLE_LAYOUT)
    assert codes(section("docs/storage.md", "## Queues")) == list(names.QUEUES)
    assert codes(section("docs/storage.md", "## Containers")) == list(names.CONTAINERS)


def test_commands_are_documented_with_their_queue() -> None:
    listed = {
        row[0].strip("`"): CODE.findall(row[1]) for row in rows(section("docs/storage.md", "## Queues"))
    }
    for queue, named_there in listed.items():
        assert [kind.__name__ for kind in COMMANDS if kind.queue == queue] == [
            name for name in named_there if name[0].isupper()
        ]


@pytest.mark.parametrize("table", names.TABLES)
def test_keys_and_columns_are_documented(table: str) -> None:
    layout, said = TABLE_LAYOUT[table], section("docs/storage.md", f"### {table}")
    assert f"- PartitionKey: `{layout.partition}`\n" in said
    assert f"- RowKey: `{layout.row}`\n" in said
    assert codes(said) == list(layout.columns)


def test_limits_are_documented() -> None:
    said = [row[1] for row in rows(section("docs/storage.md", "## Limits"))]
    whole = " ".join(said)
    for value in (
        f"{encoding.MAX_KEY:,} bytes",
        f"{encoding.MAX_PROPERTY // 1024} KiB",
        f"{encoding.MAX_ENTITY // 1024**2} MiB",
        str(encoding.MAX_PROPERTIES),
        str(encoding.MAX_OPERATIONS),
        f"{encoding.MAX_TRANSACTION // 1024**2} MiB",
        f"{encoding.MAX_QUEUE_MESSAGE // 1024} KiB",
        f"{encoding.MAX_PARTS} parts",
    ):
        assert value in whole


UNSUBSCRIBE = {(method, f"{PREFIX}/unsubscribe/{{signed}}") for method in ("GET", "POST")}


def test_routes_are_documented() -> None:
    nothing: Any = None
    app = create_app(nothing, nothing, Build("1", "", ""), public_url="https://postledger.example")
    paths = app.openapi()["paths"]
    served = {(method.upper(), PREFIX + path) for path, methods in paths.items() for method in methods}
    # What Microsoft and a browser call is not for clients.
    webhooks = {("POST", NOTIFICATIONS), ("POST", LIFECYCLE), ("GET", CALLBACK), *UNSUBSCRIBE}
    said = rows(section("docs/api.md", "## Routes"))
    listed = [(row[0], CODE.findall(row[1])[0]) for row in said]
    assert len(listed) == len(set(listed))
    assert set(listed) == served | webhooks


@pytest.mark.parametrize("source", ["using.ts", "walk.py", "Using.cs"])
def test_code_for_clients_is_cut_out_of_what_is_compiled(source: str) -> None:
    text = (ROOT / "tests" / "clients" / source).read_text("utf-8")
    cut = re.findall(r"^ *(?:#|//) >> (\w+) <<\n(.*?)^ *(?:#|//) >> end <<$", text, re.M | re.S)
    assert {name for name, _ in cut} >= {"token", "pages", "update", "error", "stream"}
    language = {"ts": "ts", "py": "python", "cs": "csharp"}[source.rpartition(".")[2]]
    shown = re.findall(rf"^```{language}\n(.*?)\n```$", document("docs/api.md"), re.M | re.S)
    assert shown == [dedent(code).strip("\n") for _, code in cut]


def test_outcomes_and_rules_are_documented() -> None:
    outcomes = {sightings.QUEUED, sightings.SKIPPED, sightings.FILED, sightings.TRIAGE, sightings.FAILED}
    assert set(codes(section("docs/matching.md", "### Outcomes in the ledger"))) == outcomes
    links = rows(section("docs/matching.md", "## Matching").partition("###")[0])
    assert len(links) == len(CASCADE) + 1, "by_contact links twice; every other rule once"


def test_states_are_documented() -> None:
    states = codes(section("docs/operations.md", "### Mailboxes"))
    assert sorted(states) == sorted((*mailbox_state.STATES, mailbox_state.PAUSED))
    assert codes(section("docs/operations.md", "### Organisations")) == list(organisations.STATES)


def test_what_an_admin_reads_while_connecting_is_documented() -> None:
    def told(heading: str) -> list[list[str]]:
        return [[one.strip("`") for one in row] for row in rows(section("docs/connecting.md", heading))]

    assert told("## States of a connection") == [[name, said] for name, said in connections.MEANINGS.items()]
    shown = [[one.outcome, one.title, one.text] for one in consent.NOTICES.values()]
    assert told("## What the person with the link sees") == shown
    tests = [row for row in told("## The mailbox test") if len(row) == 2]
    outcomes = len(verdicts.OUTCOMES)
    assert tests[:outcomes] == [[name, said] for name, said in verdicts.SENTENCES.items()]
    assert [said for _, said in tests[outcomes:]] == list(verdicts.SEND_SENTENCES)
    assert codes(section("docs/connecting.md", "## Ways to connect")) == list(connections.MODES)


def test_habits_are_documented() -> None:
    listed = [
        [habit, "yes" if habit in TRIED else "no", meaning.yes, meaning.no]
        for habit, meaning in MEANINGS.items()
    ]
    documented = rows(section("docs/connecting.md", "### Habits of the tenant"))
    assert [[row[0].strip("`"), *row[1:]] for row in documented] == listed
    asked = section("docs/tenant.md", "## What the mailbox test tries by itself")
    assert {habit for row in rows(asked) for habit in CODE.findall(row[1])} == set(TRIED)


def test_parts_that_may_be_refused_are_documented() -> None:
    assert codes(section("docs/graph.md", "## Parts that may be refused")) == [str(part) for part in Option]


def test_alerts_are_documented() -> None:
    alerts = {value for name, value in vars(telemetry).items() if name.isupper() and isinstance(value, str)}
    assert len(alerts) >= 4
    assert alerts <= set(codes(section("docs/operations.md", "## Events")))


def test_lines_beside_those_of_commands_are_listed() -> None:
    """Each is said about a state that changes: a stranger cannot cause one a mail."""
    given = {
        name or getattr(telemetry, constant)
        for path in (ROOT / "shared").rglob("*.py")
        for name, constant in re.findall(
            r'telemetry\.alert\(\s*(?:"(\w+)"|telemetry\.(\w+))', path.read_text("utf-8")
        )
    }
    [listed] = re.findall(r"^A few events are lines of their own .+$", document("docs/operations.md"), re.M)
    assert given == set(CODE.findall(listed)) - {"held_back"}


@pytest.mark.parametrize("module", ["capture/screening", "matching/matching", "matching/rules"])
def test_reasons_in_the_code_are_explained(module: str) -> None:
    said = set(CODE.findall(document("docs/matching.md")))
    pattern = r'(?:return|else|or) "([a-z_]+)"|(?:Link|_lent)\([^"\n]*"([a-z_]+)"'
    found = re.findall(pattern, document(f"shared/domain/{module}.py"))
    given = {next(filter(None, one)) for one in found}
    assert len(given) > 4
    assert given <= said


@pytest.mark.parametrize("heading", ["## Folders", "## Where does my change go?"])
def test_places_in_the_architecture_exist(heading: str) -> None:
    said = CODE.findall(re.sub(FENCE, "", section("docs/architecture.md", heading)))
    places = {one for one in said if re.fullmatch(r"[\w./]+(?:/|\.py)", one)}
    assert len(places) > 10
    wanted = {one for one in places if not any((ROOT / below / one).exists() for below in HOMES)}
    assert not wanted


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("path", files(".md"), ids=named)
def test_links_lead_somewhere(path: Path) -> None:
    for target in LINK.findall(FENCE.sub("", path.read_text("utf-8"))):
        parts = urlsplit(target)
        if parts.scheme:
            continue
        found = (path.parent / parts.path).resolve() if parts.path else path
        assert found.exists(), f"{named(path)}: {target}"
        assert ROOT in (found, *found.parents), f"{named(path)}: {target} leads out of the project"
        if parts.fragment:
            headings = re.findall(r"^#+ (.+)$", found.read_text("utf-8"), re.M)
            assert parts.fragment in map(anchor, headings), f"{named(path)}: {target}"


def test_every_threat_names_a_test_that_exists() -> None:
    threats = rows(section("docs/security.md", "## Threats"))
    assert len(threats) > 25
    for threat, _, test in threats:
        path, _, name = test.strip("`").partition("::")
        assert re.search(rf"^def {name}\(", document(path), re.M), (threat, test)


def test_every_partition_begins_with_the_tenant() -> None:
    """Taking an organisation away deletes what stands under its tenant, in whatever table."""
    apart = [name for name, one in TABLE_LAYOUT.items() if not one.partition.startswith("tenant")]
    assert apart == [names.RUNS], "the agenda is the deployment's own"


def test_commands_in_the_readme_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", document("Makefile"), re.M))
    for path in files(".md"):
        used = set(re.findall(r"\bmake ([a-z]+)\b(?=[`\s]*(?:[A-Z]+=|[`\n#]))", path.read_text("utf-8")))
        assert used <= targets, named(path)
    assert {"demo", "test"} <= set(re.findall(r"^make ([a-z]+)", document("README.md"), re.M))


@pytest.mark.parametrize("path", files(".md", ".py"), ids=named)
def test_the_project_speaks_of_itself_only(path: Path) -> None:
    text = path.read_text("utf-8")
    assert [one[0] for one in PRIVATE.finditer(text)] == []
    ours = {one.name for one in files(".md")}
    assert {Path(one).name for one in MENTIONED.findall(text)} <= ours, "a page that is not here"


def commands_told() -> Iterator[tuple[str, str]]:
    """Each command of a script of the deployment in the documents, with the page that tells it."""
    for path in files(".md"):
        for script, rest in re.findall(r"infra/scripts/([\w-]+\.sh)([^`\n|;)]*)", path.read_text("utf-8")):
            yield named(path), f"{script}{rest.partition(' #')[0]}"


def test_scripts_of_the_deployment_take_what_the_documents_tell() -> None:
    told = [(page, command.split()) for page, command in commands_told()]
    assert len(told) > 15
    for page, (script, *words) in told:
        usage = document(f"infra/scripts/{script}").partition("set -")[0]
        first = [word for word in words[:1] if not word.startswith(("-", '"'))]
        for word in [*first, *(word for word in words if word.startswith("--"))]:
            assert re.search(rf"{re.escape(word)}\b", usage), (page, script, word)


def test_settings_in_the_documents_exist() -> None:
    infra = "".join(
        path.read_text("utf-8")
        for path in (ROOT / "infra").rglob("*")
        if path.suffix in {".bicep", ".json", ".sh"}
    )
    known = set(re.findall(r"\bPOSTLEDGER_[A-Z_]+", infra)) | set(SETTINGS)
    for path in files(".md"):
        told = set(re.findall(r"\bPOSTLEDGER_[A-Z_]+", path.read_text("utf-8")))
        assert told <= known, (named(path), told - known)


def test_events_in_the_tables_for_operators_are_events_of_the_code() -> None:
    code = "".join(path.read_text("utf-8") for path in (ROOT / "shared").rglob("*.py"))
    page = document("docs/operations.md")
    cells = [row[0] for part in re.split(r"^#+ ", page, flags=re.M) for row in rows(part)]
    told = {name for cell in cells for name in re.findall(r"`([a-z]+(?:_[a-z]+)+)`", cell)}
    named_in_parts = {f"{queue}_handled" for queue in names.QUEUES}
    assert len(told) > 40
    assert {name for name in told - named_in_parts if f'"{name}"' not in code} == set()


def test_every_decision_is_listed_and_has_its_three_parts() -> None:
    listed = re.findall(r"\((\d{4}-[a-z0-9-]+\.md)\)", document("docs/decisions/README.md"))
    found = sorted(one.name for one in (ROOT / "docs/decisions").glob("[0-9]*.md"))
    assert listed == found
    assert [int(one[:4]) for one in found] == list(range(1, len(found) + 1))
    for name in found:
        headings = re.findall(r"^## (.+)$", document(f"docs/decisions/{name}"), re.M)
        assert headings == ["Context", "Decision", "Consequence"], name
