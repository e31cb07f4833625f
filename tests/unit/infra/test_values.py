"""Words and numbers that no compiler knows: what they must be, since a wrong one shows after a deployment only."""

import re
from collections import Counter
from pathlib import Path

INFRA = Path(__file__).resolve().parents[3] / "infra"
MODULES = {path.relative_to(INFRA).as_posix(): path.read_text("utf-8") for path in INFRA.rglob("*.bicep")}
RESOURCE = re.compile(r"^resource \w+ '([\w.]+/[\w/]+)@[^']*'.*?\n((?:  .*\n|\n)*?)[}\]]", re.M)
KINDS = {
    "Microsoft.Insights/components": "web",
    "Microsoft.Insights/scheduledQueryRules": "LogAlert",
    "Microsoft.Insights/workbooks": "shared",
    "Microsoft.Storage/storageAccounts": "StorageV2",
    "Microsoft.Web/serverfarms": "functionapp",
    "Microsoft.Web/sites": "functionapp,linux",
}
# Of these Azure has one below its parent, and this is its name.
SINGLE = {
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups": {"default"},
    "Microsoft.Storage/storageAccounts/blobServices": {"default"},
    "Microsoft.Storage/storageAccounts/managementPolicies": {"default"},
    "Microsoft.Storage/storageAccounts/queueServices": {"default"},
    "Microsoft.Storage/storageAccounts/tableServices": {"default"},
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": {"ftp", "scm"},
    "Microsoft.Web/sites/config": {"appsettings"},
}
# An update under another name makes a second one, and each line would be told twice.
OURS = {"Microsoft.Insights/diagnosticSettings": {"to-workspace"}}


def literals(field: str) -> dict[str, set[str]]:
    """By type of resource: what this field is where it is a word, not an expression."""
    found: dict[str, set[str]] = {}
    for text in MODULES.values():
        for kind, body in RESOURCE.findall(text):
            said = re.search(rf"^ {{2,4}}{field}: '([^'$]*)'$", body, re.M)
            if said:
                found.setdefault(kind, set()).add(said[1])
    return found


def test_every_kind_is_the_one_that_azure_takes_for_it() -> None:
    assert literals("kind") == {name: {kind} for name, kind in KINDS.items()}


def test_what_has_one_name_only_has_it() -> None:
    assert literals("name") == {**SINGLE, **OURS}


def test_everything_is_switched_on_but_the_bin_of_blobs() -> None:
    """What erasing removes is to be gone."""
    switches = [
        (path, line.strip())
        for path, text in MODULES.items()
        for line in text.splitlines()
        if re.search(r"\benabled: ", line) and "enabled: true" not in line
    ]
    assert switches == [("modules/storage.bicep", "deleteRetentionPolicy: { enabled: false }")]


def test_the_workbook_s_numbers_are_those_of_its_format() -> None:
    """1 text, 3 query, 9 parameters, of which one is a span of time (4); size 0 and query 0 are the usual ones."""
    found = re.findall(r"^ +(type|size|queryType): (\S+)$", MODULES["modules/watch.bicep"], re.M)
    assert Counter(found) == {
        ("type", "1"): 1,
        ("type", "3"): 1,
        ("type", "4"): 1,
        ("type", "9"): 1,
        ("size", "0"): 1,
        ("queryType", "0"): 2,
    }
