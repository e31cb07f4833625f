"""Infrastructure and code name the same things: storage, settings, events, functions, parameters."""

import ast
import json
import os
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest
import yaml

from dev import infra_names
from shared import telemetry
from shared.config import SETTINGS, STORAGE
from shared.domain import names

ROOT = Path(__file__).resolve().parents[3]
INFRA = ROOT / "infra"
# Not of a deployment in Azure: storage is opened by identity, and certificates are the usual ones.
LOCAL_ONLY = {STORAGE, "REQUESTS_CA_BUNDLE", "POSTLEDGER_SETTLES_AFTER"}
# Read by the Functions host or its worker, not by the app.
PLATFORM = {
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "PYTHON_THREADPOOL_THREAD_COUNT",
}

# A field whose name is a word of the language stands in brackets.
SAID = re.compile(r"""\b(?:said|noted|lag)(?:\.|\[")(\w+)""")
TEXT = re.compile(r'"([a-z]+(?:_[a-z]+)+)"')
QUERIES = sorted((INFRA / "queries").rglob("*.kql"))
MODULES = sorted(INFRA.rglob("*.bicep"))


@cache
def bicep(name: str) -> str:
    return (INFRA / name).read_text("utf-8")


def block(text: str, start: str) -> str:
    """From a line that starts so to the first brace in column one."""
    found = re.search(rf"^{re.escape(start)}.*?^}}", text, re.M | re.S)
    assert found, start
    return found[0]


@cache
def words_of_the_code() -> set[str]:
    """Every string, keyword, dictionary key and declared field in the product and its triggers."""
    found: set[str] = set()
    for path in [*(ROOT / "shared").rglob("*.py"), ROOT / "function_app.py"]:
        for one in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(one, ast.Constant) and isinstance(one.value, str):
                found.add(one.value)
            elif isinstance(one, ast.keyword) and one.arg:
                found.add(one.arg)
            elif isinstance(one, ast.FunctionDef):
                found.add(one.name)
            elif isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
                found.add(one.target.id)
    return found


def test_storage_is_made_from_the_names_in_the_code() -> None:
    assert infra_names.FILE.read_text("utf-8") == infra_names.content(), (
        "run `python -m dev.infra_names` after a change of shared/domain/names.py"
    )
    made = json.loads(infra_names.content())
    assert made["tables"] == list(names.TABLES)
    assert made["queues"] == list(names.QUEUES)
    assert made["containers"] == list(names.CONTAINERS)
    assert made["mailContainers"] == ["bodies/", "attachments/"], "what lifecycle rules may move and delete"
    assert [one + made["poisonSuffix"] for one in made["queues"]] == [*map(names.poison, names.QUEUES)]


@pytest.mark.parametrize(
    ("kind", "loop", "name"),
    [
        ("tableServices/tables", "for table in names.tables", "name: table"),
        ("queueServices/queues", "for queue in names.queues", "name: queue"),
        ("queueServices/queues", "for queue in names.queues", "name: '${queue}${names.poisonSuffix}'"),
        ("blobServices/containers", "for container in concat(names.containers", "name: container"),
    ],
)
def test_every_table_queue_and_container_is_made_in_a_loop(kind: str, loop: str, name: str) -> None:
    resources = re.findall(r"^resource .*?^[\]}]$", bicep("modules/storage.bicep"), re.M | re.S)
    assert "loadJsonContent('../names.json')" in bicep("modules/storage.bicep")
    assert [one for one in resources if f"{kind}@" in one and loop in one and f"    {name}\n" in one]


def test_the_app_settings_are_those_that_the_code_reads() -> None:
    settings = block(bicep("modules/app.bicep"), "resource settings ")
    given = set(re.findall(r"^    (\w+):", settings, re.M))
    assert given == (set(SETTINGS) - LOCAL_ONLY) | PLATFORM


def test_the_settings_that_bindings_name_are_there() -> None:
    """Every trigger names one connection, which the app settings spell as identity and three addresses."""
    source = (ROOT / "function_app.py").read_text("utf-8")
    connections = set(re.findall(r"connection=(\w+)", source))
    assert connections == {"STORAGE"}
    assert f'STORAGE = "{STORAGE}"' in source
    settings = block(bicep("modules/app.bicep"), "resource settings ")
    for part in ("credential", "clientId", "blobServiceUri", "queueServiceUri", "tableServiceUri"):
        assert f"{STORAGE}__{part}:" in settings


def test_no_secret_stands_in_the_settings() -> None:
    settings = block(bicep("modules/app.bicep"), "resource settings ")
    for name in ("HASH_KEY", "CODE_KEYS", "TOKEN_KEYS", "CERTIFICATE", "CLIENT_SECRET"):
        [value] = re.findall(rf"POSTLEDGER_{name}: (.+)", settings)
        assert "${secrets}" in value, name
    assert "@secure" not in "".join(map(Path.read_text, MODULES)), "no secret is a parameter"


def test_storage_has_no_keys_and_passwords_open_nothing() -> None:
    assert "allowSharedKeyAccess: false" in bicep("modules/storage.bicep")
    for password, way in (("ftpPassword", "ftp"), ("sitePassword", "scm")):
        policy = block(bicep("modules/app.bicep"), f"resource {password} ")
        assert "basicPublishingCredentialsPolicies@" in policy
        assert f"  name: '{way}'\n  properties: {{ allow: false }}\n" in policy
    assert bicep("modules/monitoring.bicep").lower().count("disablelocalauth: true") == 2
    assert "listKeys" not in "".join(map(Path.read_text, MODULES))


def test_every_name_is_known_before_a_deployment_so_that_a_preview_shows_everything() -> None:
    modules = re.findall(r"^module .*?^}", bicep("main.bicep"), re.M | re.S)
    given = [name for module in modules for name in re.findall(r"^    (?:n|\w+N)ame: (.+)$", module, re.M)]
    assert given
    assert [name for name in given if not name.startswith("names.")] == []
    assert ".outputs." not in block(bicep("main.bicep"), "var names ")
    roles = bicep("modules/roles.bicep")
    assert re.findall(r"^    name: guid\((\w+)\.id, identity\.id, role\.value\)$", roles, re.M) == [
        "storage",
        "vault",
        "insights",
    ]


def test_every_name_that_is_asked_for_is_one_of_the_names() -> None:
    main = bicep("main.bicep")
    given = re.findall(r"^  (\w+): '", block(main, "var names "), re.M)
    assert len(given) == 9
    assert set(re.findall(r"\bnames\.(\w+)", main)) == set(given)
    made = json.loads(infra_names.content())
    asked = set(re.findall(r"\bnames\.(\w+)", bicep("modules/storage.bicep")))
    assert asked - {"json"} == set(made)


@pytest.mark.parametrize(
    ("module", "named"),
    [("roles", "identity, monitoring, storage, vault"), ("network", "storage, vault"), ("app", "roles")],
)
def test_what_gets_a_name_only_waits_for_what_it_names(module: str, named: str) -> None:
    assert f"\n  dependsOn: [{named}]\n" in block(bicep("main.bicep"), f"module {module} ")


def test_the_names_of_the_api_s_addresses_are_outputs() -> None:
    outputs = dict(re.findall(r"^output (\w+) string = (.+)$", bicep("main.bicep"), re.M))
    assert outputs["POSTLEDGER_REDIRECT_URI"] == "'${app.outputs.publicUrl}/api/v1/connect/callback'"
    assert outputs["POSTLEDGER_API_URL"] == "'${app.outputs.publicUrl}/api/v1'"


def test_parameters_have_the_same_defaults_in_both_files() -> None:
    given = json.loads((INFRA / "main.parameters.json").read_text("utf-8"))["parameters"]
    declared = dict(re.findall(r"^param (\w+) \w+(?: = (.+))?$", bicep("main.bicep"), re.M))
    assert set(declared) - set(given) == {"homeTenantId", "thisMonth", "tags"}
    for name, one in given.items():
        default = re.fullmatch(r"\$\{[A-Z_]+(?:=(.*))?\}", one["value"])
        assert default, name
        written = declared[name].strip("'") if declared[name] else None
        assert (default[1] if default[1] is not None else None) == (written if declared[name] else None), name


def test_azd_asks_a_person_for_nothing_but_the_region() -> None:
    """`azd up` asks for whatever has no default, before it runs the hook that knows (Azure/azure-dev #5806)."""
    declared = re.findall(r"^param (\w+) \w+( = .+)?$", bicep("main.bicep"), re.M)
    assert [name for name, default in declared if not default] == ["environmentName", "location"]


def test_the_template_has_the_version_of_the_project() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    template = yaml.safe_load((ROOT / "azure.yaml").read_text("utf-8"))
    assert template["metadata"]["template"] == f"{template['name']}@{version}"


def test_every_hook_runs_the_same_script_in_either_shell() -> None:
    template = yaml.safe_load((ROOT / "azure.yaml").read_text("utf-8"))
    hooks = [*template["hooks"].values(), *template["services"]["api"]["hooks"].values()]
    assert len(hooks) == 4
    for hook in hooks:
        script = hook["posix"]["run"].removeprefix("./infra/scripts/")
        assert hook["windows"]["run"] == f"./infra/scripts/in-bash.ps1 {script}"
        assert os.access(INFRA / "scripts" / script, os.X_OK)


def test_every_abbreviation_is_used() -> None:
    used = set(re.findall(r"\{abbreviations\.(\w+)", "".join(map(Path.read_text, MODULES))))
    assert used == set(json.loads((INFRA / "abbreviations.json").read_text("utf-8")))


@pytest.mark.parametrize("query", QUERIES, ids=lambda one: f"{one.parent.name}-{one.stem}")
def test_a_query_asks_for_what_the_code_says(query: Path) -> None:
    text = query.read_text("utf-8")
    words = words_of_the_code()
    assert set(SAID.findall(text)) <= words
    suffixes = set(re.findall(r'endswith "(\w+)"', text))
    assert all(any(word.endswith(one) for word in words) for one in suffixes)
    named = set(TEXT.findall(text)) - suffixes - {"_handled"}
    assert named <= words | {f"{one}_handled" for one in names.QUEUES}


def test_every_query_is_used_by_one_rule_or_panel() -> None:
    used = re.findall(r"loadTextContent\('\.\./(queries/[\w/]+\.kql)'\)", bicep("modules/watch.bicep"))
    assert sorted(used) == sorted(str(one.relative_to(INFRA)) for one in QUERIES)


def test_every_parameter_of_a_query_is_one_of_the_workbook_and_the_other_way_round() -> None:
    declared = re.findall(r"^  \{ name: '(\w+)', label: '[^']+', value: ", bicep("modules/watch.bicep"), re.M)
    used = re.findall(r'todouble\("\{(\w+)\}"\)', "".join(map(Path.read_text, QUERIES)))
    assert sorted(declared) == sorted(used)


def test_costs_count_every_meter_of_the_plan() -> None:
    """Five, as "Estimating consumption-based costs in Azure Functions" has them."""
    meters = {
        f"{way}FunctionExecution{unit}" for way in ("OnDemand", "AlwaysReady") for unit in ("Units", "Count")
    }
    query = (INFRA / "queries/workbook/cost.kql").read_text("utf-8")
    listed = re.search(r"MetricName in \((.*?)\)", query, re.S)
    assert listed
    assert set(re.findall(r'"(\w+)"', listed[1])) == {*meters, "AlwaysReadyUnits"}
    priced = re.findall(r'\(print part = "[^"]+", used = (.+?), price', query)
    assert [
        name for name in ("demanded", "prepared", "ready", "executions") if name not in " ".join(priced)
    ] == []


def test_what_an_admin_should_know_raises_an_alert() -> None:
    alerts = "".join(path.read_text("utf-8") for path in (INFRA / "queries/alerts").glob("*.kql"))
    known = {value for name, value in vars(telemetry).items() if name.isupper() and isinstance(value, str)}
    # Repeated each hour while Graph refuses: docs/operations.md tells where it is seen.
    assert {name for name in known if f'"{name}"' not in alerts} == {telemetry.GRAPH_OPTION_REFUSED}


def test_every_alert_is_explained() -> None:
    rules = re.findall(r"^    name: '(\w+)'\n    title:", bicep("modules/watch.bicep"), re.M)
    assert len(rules) == 11
    alerts = (
        (ROOT / "docs/operations.md").read_text("utf-8").partition("\n## Alerts\n")[2].partition("\n## ")[0]
    )
    assert re.findall(r"^\| `(\w+)` \|", alerts, re.M)[: len(rules)] == rules


def test_every_role_and_permission_is_explained() -> None:
    said = (ROOT / "docs/permissions.md").read_text("utf-8")
    roles = re.findall(r"^  '([\w ]+)': '[0-9a-f-]{36}'$", bicep("modules/roles.bicep"), re.M)
    assert len(roles) == 5
    script = (INFRA / "scripts/lib.sh").read_text("utf-8")
    asked = [
        one
        for line in re.findall(r"^(?:APPLICATION|DELEGATED)_PERMISSIONS='(.+)'$", script, re.M)
        for one in line.split()
    ]
    assert len(asked) == 12
    assert [one for one in [*roles, *asked] if one not in said] == []


# Azure's built-in roles have one id everywhere (Microsoft Learn, "Azure built-in roles"); no compiler knows them.
BUILT_IN = {
    "Storage Blob Data Owner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "Storage Queue Data Contributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "Storage Table Data Contributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
    "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
    "Monitoring Metrics Publisher": "3913510d-42f4-4e42-8a64-420c390055eb",
}


def test_every_role_has_the_id_that_azure_gave_it() -> None:
    given = re.findall(r"^  '([\w ]+)': '([0-9a-f-]+)'$", bicep("modules/roles.bicep"), re.M)
    assert dict(given) == BUILT_IN


def test_a_role_is_given_on_what_its_assignment_is_named_after() -> None:
    """A name that says one resource and a scope that says another would be refused or, worse, open the wrong one."""
    given = re.findall(
        r"items\(on(\w+)\).*?scope: (\w+)\n    name: guid\((\w+)\.id", bicep("modules/roles.bicep"), re.S
    )
    assert given == [
        ("Storage", "storage", "storage"),
        ("Vault", "vault", "vault"),
        ("Insights", "insights", "insights"),
    ]


def test_what_never_sleeps_is_a_group_of_functions_that_exists_and_two_of_each_in_zones() -> None:
    groups = re.findall(r"\{ name: '([\w:]+)', instanceCount: (\w+) \}", bicep("modules/app.bicep"))
    assert groups == [("http", "alwaysReadyHttpInstances"), ("function:mail", "alwaysReadyMailInstances")]
    functions = re.findall(r"^(?:async )?def (\w+)", (ROOT / "function_app.py").read_text("utf-8"), re.M)
    assert "mail" in functions
    for _, count in groups:
        assert f"{count}: zoneRedundant ? max({count}, 2) : {count}" in bicep("main.bicep")


def test_every_choice_of_a_deployment_is_documented() -> None:
    given = json.loads((INFRA / "main.parameters.json").read_text("utf-8"))["parameters"]
    choices = set(re.findall(r"POSTLEDGER_\w+", json.dumps(given))) - {"POSTLEDGER_CLIENT_ID"}
    said = (ROOT / "docs/deployment.md").read_text("utf-8").partition("## 2. Choose")[2].partition("\n## ")[0]
    assert choices <= set(re.findall(r"POSTLEDGER_\w+", said))


def test_the_devcontainer_is_json_and_brings_the_functions_tools() -> None:
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text("utf-8"))
    assert "azure-functions-core-tools@4" in container["onCreateCommand"]


def test_the_compiler_is_silenced_in_one_place_only() -> None:
    silenced = [
        line for path in MODULES for line in path.read_text("utf-8").splitlines() if "#disable" in line
    ]
    assert [line.strip() for line in silenced] == ["#disable-next-line BCP037"]
    after = bicep("modules/app.bicep").partition("#disable-next-line BCP037\n")[2]
    assert after.lstrip().startswith("siteUpdateStrategy:")


def test_every_rule_of_the_linter_is_an_error() -> None:
    core = json.loads((INFRA / "bicepconfig.json").read_text("utf-8"))["analyzers"]["core"]
    assert core["enabled"] is True
    # New API versions are looked for once a month, and parameters that pass a table on are plain objects.
    off = {name for name, rule in core["rules"].items() if rule["level"] != "error"}
    assert off == {"use-recent-api-versions", "use-user-defined-types"}
