"""The scripts of the deployment against a stand-in for the Azure CLI: what they change, and what not twice."""

import json
import os
import re
import subprocess
import sys
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import load_pem_x509_certificate

from dev.processes import PATIENCE
from shared.domain.privacy.callers import ROLES

ROOT = Path(__file__).resolve().parents[3]
SCRIPTS = ROOT / "infra" / "scripts"
ALL = sorted(SCRIPTS.glob("*.sh"))
REDIRECT = "https://func.example/api/v1/connect/callback"
CLIENT = "client-1"
HEX_KEY = re.compile(r"[0-9a-f]{64}")


class Desk:
    """A person's shell with `az`, `azd` and `curl` that only pretend."""

    def __init__(self, directory: Path) -> None:
        self.state_file = directory / "state.json"
        self.write(apps=[], principals=[], vault={}, assigned=[], changes=[], calls=[])
        tools = directory / "bin"
        tools.mkdir()
        fake = Path(__file__).with_name("fake_az.py")
        self._tool(tools / "az", f'exec {sys.executable} -SE {fake} "$@"')
        self._tool(tools / "azd", f'printf "%s " "$@" >>{directory}/azd')
        self._tool(
            tools / "curl",
            'for word; do case $word in client_assertion@*) cp "${word#*@}" "'
            + str(directory)
            + '/assertion" ;; esac; done\n'
            'while [ "$1" != --output ]; do shift; done\necho \'{"access_token":"a.b.c"}\' >"$2"',
        )
        self.assertion = directory / "assertion"
        self.azd = directory / "azd"
        self.environment = {
            "PATH": f"{tools}:{os.environ['PATH']}",
            "FAKE_AZ": str(self.state_file),
            "POSTLEDGER_WAIT": "0",
            "AZURE_ENV_NAME": "trial",
            "AZURE_SUBSCRIPTION_ID": "sub",
            "AZURE_RESOURCE_GROUP": "rg",
            "SERVICE_API_NAME": "func",
            "POSTLEDGER_VAULT_NAME": "kv",
            "POSTLEDGER_REDIRECT_URI": REDIRECT,
            "POSTLEDGER_IDENTITY_PRINCIPAL_ID": "principal",
        }

    @staticmethod
    def _tool(path: Path, body: str) -> None:
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def write(self, **state: Any) -> None:
        self.state_file.write_text(json.dumps({**(self.state if self.state_file.exists() else {}), **state}))

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.state_file.read_text())
        return found

    def take_changes(self) -> list[str]:
        changes: list[str] = self.state["changes"]
        self.write(changes=[])
        return changes

    @property
    def app(self) -> dict[str, Any]:
        [found] = self.state["apps"]
        return dict(found)

    @property
    def keys(self) -> dict[str, str]:
        return dict(self.state["vault"]["secret"])

    def run(self, script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(SCRIPTS / script), *arguments],
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )

    def done(self, script: str, *arguments: str, **environment: str) -> str:
        done = self.run(script, *arguments, **environment)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture(scope="module")
def registration(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What there is after the app registration has been made."""
    desk = Desk(tmp_path_factory.mktemp("desk"))
    desk.done("app-registration.sh", "--identity", "first")
    desk.write(changes=[], calls=[])
    return desk.state


@pytest.fixture
def registered(desk: Desk, registration: dict[str, Any]) -> Desk:
    desk.write(**registration)
    return desk


@pytest.mark.parametrize("script", ALL, ids=lambda one: str(one.name))
def test_every_script_is_bash(script: Path) -> None:
    subprocess.run(["bash", "-n", str(script)], check=True, timeout=PATIENCE)


@pytest.mark.parametrize("script", ALL, ids=lambda one: str(one.name))
def test_no_script_needs_a_newer_bash_than_macos_has(script: Path) -> None:
    """In its 3.2 an empty array is an unset variable, which `set -u` refuses."""
    newer = re.findall(
        r"=\(\)|\bmapfile\b|\breadarray\b|declare -A|\$\{\w+(?:,,|\^\^)\}|\|&", script.read_text()
    )
    assert newer == []


def test_no_line_of_a_checkout_on_windows_ends_in_a_carriage_return() -> None:
    assert "* -text" in (ROOT / ".gitattributes").read_text().splitlines()


def test_bash_on_windows_takes_neither_azure_s_ids_nor_json_for_paths(registered: Desk) -> None:
    registered.done("keys.sh", "create", OSTYPE="msys")
    kept = registered.state["kept_from_bash"].split(";")
    arguments = [word for call in registered.state["calls"] for word in call]
    assert [word for word in arguments if word[0] in "/{" and not word.startswith(tuple(kept))] == []
    assert any(word.startswith("/subscriptions/") for word in arguments)


def test_shellcheck_finds_nothing() -> None:
    """The locked one: each version finds something else."""
    shellcheck = Path(sys.executable).with_name("shellcheck")
    files = [*ALL, ROOT / ".ci" / "run", *sorted((ROOT / "tests").rglob("*.sh"))]
    found = subprocess.run(
        [str(shellcheck), "-x", *map(str, files)], cwd=SCRIPTS, capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


def test_the_registration_has_the_roles_the_scope_and_the_trust(desk: Desk) -> None:
    options = ("--audience", "multi", "--redirect-uri", REDIRECT, "--identity", "principal")
    assert desk.done("app-registration.sh", *options) == CLIENT
    app = desk.app
    assert app["signInAudience"] == "AzureADMultipleOrgs"
    assert app["identifierUris"] == [f"api://{CLIENT}"]
    assert {one["value"] for one in app["appRoles"]} == ROLES
    assert len({one["id"] for one in app["appRoles"]}) == 4
    assert [one["value"] for one in app["api"]["oauth2PermissionScopes"]] == ["access_as_user"]
    assert app["api"]["requestedAccessTokenVersion"] == 2
    assert app["web"]["redirectUris"] == [REDIRECT]
    [trusted] = app["trusted"]
    assert trusted["subject"] == "principal"
    assert trusted["issuer"].startswith("https://login.microsoftonline.com/11111111-")
    assert trusted["audiences"] == ["api://AzureADTokenExchange"]
    [graph] = app["requiredResourceAccess"]
    asked = {(one["id"].removeprefix("id-"), one["type"]) for one in graph["resourceAccess"]}
    assert {name for name, kind in asked if kind == "Role"} == {
        "Mail.Read",
        "MailboxSettings.Read",
        "User.Read.All",
    }
    assert ("Mail.ReadWrite.Shared", "Scope") in asked


def test_operator_and_service_are_roles_of_applications_only(registered: Desk) -> None:
    """The API takes the operator's word from an app-only token alone."""
    members = {one["value"]: one["allowedMemberTypes"] for one in registered.app["appRoles"]}
    assert members["Operator"] == members["Service"] == ["Application"]
    assert members["Admin"] == members["Agent"] == ["User"]


def test_a_second_run_changes_nothing(registered: Desk) -> None:
    before = registered.app
    registered.done("app-registration.sh", "--identity", "first")
    assert registered.take_changes() == []
    assert registered.app == before


def test_redirect_addresses_of_others_stay(registered: Desk) -> None:
    registered.done("app-registration.sh", "--redirect-uri", "https://other.example/callback")
    registered.done("app-registration.sh", "--redirect-uri", REDIRECT)
    assert registered.app["web"]["redirectUris"] == ["https://other.example/callback", REDIRECT]


def test_what_others_have_added_to_the_registration_stays(registered: Desk) -> None:
    app = registered.app
    role = {"id": "r-9", "value": "Reports", "displayName": "Reports", "allowedMemberTypes": ["Application"]}
    scope = {"id": "s-9", "value": "reports.read", "isEnabled": True}
    client = {"appId": "crm", "delegatedPermissionIds": ["s-9"]}
    access = {"resourceAppId": "another-api", "resourceAccess": [{"id": "x", "type": "Scope"}]}
    app["appRoles"].append(role)
    app["api"]["oauth2PermissionScopes"].append(scope)
    app["api"]["preAuthorizedApplications"].append(client)
    app["requiredResourceAccess"].append(access)
    app["identifierUris"].append("api://postledger.contoso.example")
    app["optionalClaims"]["accessToken"].append({"name": "ipaddr"})
    app["optionalClaims"]["idToken"] = [{"name": "email"}]
    registered.write(apps=[app])
    registered.done("app-registration.sh", "--identity", "first")
    after = registered.app
    assert role in after["appRoles"]
    assert {one["value"] for one in after["appRoles"]} == ROLES | {"Reports"}
    assert scope in after["api"]["oauth2PermissionScopes"]
    assert len(after["api"]["oauth2PermissionScopes"]) == 2
    assert client in after["api"]["preAuthorizedApplications"]
    assert len(after["api"]["preAuthorizedApplications"]) == 2
    assert access in after["requiredResourceAccess"]
    assert len(after["requiredResourceAccess"]) == 2
    assert "api://postledger.contoso.example" in after["identifierUris"]
    assert [one["name"] for one in after["optionalClaims"]["accessToken"]] == ["ipaddr", "idtyp"]
    assert after["optionalClaims"]["idToken"] == [{"name": "email"}]


@pytest.mark.parametrize(
    ("authority", "audience"),
    [
        ("https://login.microsoftonline.us", "api://AzureADTokenExchangeUSGov"),
        ("https://login.partner.microsoftonline.cn", "api://AzureADTokenExchangeChina"),
    ],
)
def test_an_identity_is_trusted_by_its_cloud_s_name_of_the_exchange(
    desk: Desk, authority: str, audience: str
) -> None:
    desk.write(authority=authority)
    desk.done("app-registration.sh", "--identity", "principal")
    assert desk.app["trusted"][0]["audiences"] == [audience]


def test_a_renewal_changes_neither_the_audience_nor_the_permissions(desk: Desk) -> None:
    desk.done("app-registration.sh", "--audience", "multi", "--application", "Mail.Read Mail.Send")
    before = desk.app
    desk.done("app-registration.sh", "--client-id", CLIENT, "--certificate", "kv", "--renew")
    after = desk.app
    assert after["signInAudience"] == before["signInAudience"] == "AzureADMultipleOrgs"
    assert after["requiredResourceAccess"] == before["requiredResourceAccess"]


def test_a_registration_that_asks_for_nothing_yet_gets_the_usual_permissions(registered: Desk) -> None:
    app = registered.app
    usual = app.pop("requiredResourceAccess")
    registered.write(apps=[app])
    registered.done("app-registration.sh", "--client-id", CLIENT)
    assert registered.app["requiredResourceAccess"] == usual


def test_another_identity_takes_the_place_of_the_first(registered: Desk) -> None:
    registered.done("app-registration.sh", "--identity", "second")
    assert [one["subject"] for one in registered.app["trusted"]] == ["second"]


def test_a_dry_run_of_a_new_registration_says_that_it_would_make_one(desk: Desk) -> None:
    done = desk.run("app-registration.sh", "--dry-run")
    assert (done.returncode, done.stdout) == (0, "")
    assert "would make the app registration Postledger (AzureADMyOrg)" in done.stderr
    assert desk.take_changes() == []


def test_a_dry_run_says_what_it_would_do_and_does_nothing(registered: Desk) -> None:
    before = registered.state["apps"]
    done = registered.run("app-registration.sh", "--identity", "second", "--audience", "multi", "--dry-run")
    assert "would run: az ad app federated-credential update" in done.stderr
    assert registered.take_changes() == []
    assert registered.state["apps"] == before


def test_two_registrations_of_one_name_are_not_guessed_between(desk: Desk) -> None:
    both = [{"id": f"o{n}", "appId": f"c{n}", "displayName": "Postledger"} for n in (1, 2)]
    desk.write(apps=both)
    done = desk.run("app-registration.sh")
    assert done.returncode == 1
    assert "name one with --client-id" in done.stderr
    assert desk.done("app-registration.sh", "--client-id", "c2") == "c2"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--audience", "everyone"), "--audience is single or multi, not everyone."),
        (("--identity",), "--identity needs a value."),
        (("--nonsense",), "unknown option --nonsense"),
        (("--client-id", "none"), "no app registration has the client id none"),
        (("--application", "Mail.Red"), "Microsoft Graph has no permission called Mail.Red."),
    ],
)
def test_a_mistake_gets_a_sentence(desk: Desk, arguments: tuple[str, ...], told: str) -> None:
    done = desk.run("app-registration.sh", *arguments)
    assert done.returncode == 1
    assert told in done.stderr


def test_a_certificate_is_made_in_the_vault_and_registered_beside_the_old_one(registered: Desk) -> None:
    both = ["make a certificate", "add a certificate"]
    registered.done("app-registration.sh", "--certificate", "kv")
    assert registered.take_changes() == both
    registered.done("app-registration.sh", "--certificate", "kv")
    assert registered.take_changes() == []
    registered.done("app-registration.sh", "--certificate", "kv", "--renew")
    assert registered.take_changes() == both


def test_a_client_secret_goes_into_the_vault_with_its_expiry_and_nowhere_else(desk: Desk) -> None:
    done = desk.run("app-registration.sh", "--secret", "kv")
    assert done.returncode == 0, done.stderr
    assert desk.keys["app-secret"] == "s3cret"
    assert desk.keys["app-secret-expires"] == desk.state["changed_expires"], "the app warns of its end"
    assert "s3cret" not in done.stdout + done.stderr
    assert "s3cret" not in json.dumps(desk.state["calls"]), "a command line can be read by others"


def test_keys_are_made_once(desk: Desk) -> None:
    desk.done("keys.sh", "create")
    made = desk.keys
    assert set(made) == {"hash-key", "code-keys", "token-keys"}
    assert all(HEX_KEY.fullmatch(one) for one in made.values())
    assert len(set(made.values())) == 3
    assert desk.take_changes() == ["make hash-key", "make code-keys", "make token-keys", "refresh"]
    desk.done("keys.sh", "create")
    assert desk.keys == made
    assert desk.take_changes() == []


def test_a_missing_key_is_made_and_the_others_stay(desk: Desk) -> None:
    desk.write(vault={"secret": {"hash-key": "kept"}})
    desk.done("keys.sh", "create")
    assert desk.keys["hash-key"] == "kept"
    assert desk.take_changes() == ["make code-keys", "make token-keys", "refresh"]


def test_no_key_is_made_where_nobody_can_say_whether_there_is_one(desk: Desk) -> None:
    desk.write(broken=True)
    done = desk.run("keys.sh", "create")
    assert done.returncode == 1
    assert "cannot tell whether hash-key is there" in done.stderr
    assert desk.take_changes() == []


def test_a_key_is_never_printed_nor_on_a_command_line(desk: Desk) -> None:
    done = desk.run("keys.sh", "create")
    calls = json.dumps(desk.state["calls"])
    for key in desk.keys.values():
        assert key not in done.stdout + done.stderr + calls


def test_a_rotated_key_stands_before_the_old_ones(desk: Desk) -> None:
    desk.done("keys.sh", "create")
    before = desk.keys["code-keys"]
    desk.done("keys.sh", "rotate", "code-keys")
    first, second = desk.keys["code-keys"].split(",")
    assert HEX_KEY.fullmatch(first)
    assert (first != before, second) == (True, before)
    assert desk.take_changes()[-1] == "refresh"


def test_the_oldest_key_is_dropped_and_the_last_one_stays(desk: Desk) -> None:
    desk.write(vault={"secret": {"token-keys": "newest,older,oldest"}})
    desk.done("keys.sh", "drop", "token-keys")
    assert desk.keys["token-keys"] == "newest,older"
    assert desk.take_changes() == ["set token-keys", "refresh"]
    desk.write(vault={"secret": {"token-keys": "newest"}})
    done = desk.run("keys.sh", "drop", "token-keys")
    assert (done.returncode, "has one key only" in done.stderr) == (1, True)
    assert desk.take_changes() == []


def test_the_app_is_made_to_read_the_vault_now(desk: Desk) -> None:
    desk.done("keys.sh", "refresh")
    assert desk.take_changes() == ["refresh"]


def test_the_hash_key_is_not_rotated(desk: Desk) -> None:
    done = desk.run("keys.sh", "rotate", "hash-key")
    assert done.returncode == 1
    assert "never changes" in done.stderr


def test_a_role_is_given_once(registered: Desk) -> None:
    registered.take_changes()
    for _ in range(2):
        registered.done(
            "assign-role.sh", "--client-id", CLIENT, "--role", "Admin", "--person", "ann@contoso.example"
        )
    assert registered.take_changes() == ["assign"]
    [[principal, role]] = registered.state["assigned"]
    assert principal == "user-ann@contoso.example"
    assert role == next(one["id"] for one in registered.app["appRoles"] if one["value"] == "Admin")


def test_a_person_is_not_made_operator(registered: Desk) -> None:
    done = registered.run(
        "assign-role.sh", "--client-id", CLIENT, "--role", "Operator", "--person", "ann@contoso.example"
    )
    assert (done.returncode, "a role of applications" in done.stderr) == (1, True)


def test_the_operator_s_certificate_is_gone_once_there_is_a_token(registered: Desk) -> None:
    registered.take_changes()
    done = registered.run("operator-token.sh", "--client-id", CLIENT)
    assert (done.returncode, done.stdout) == (0, "a.b.c\n"), done.stderr
    assert registered.take_changes() == [
        "create app Postledger operator",
        "create principal",
        "assign",
        "add a certificate",
        "remove the certificate",
    ]
    registered.run("operator-token.sh", "--client-id", CLIENT)
    assert registered.take_changes() == ["add a certificate", "remove the certificate"]


def test_the_operator_proves_itself_with_the_certificate_and_never_with_a_password(registered: Desk) -> None:
    registered.done("operator-token.sh", "--client-id", CLIENT)
    certificate = load_pem_x509_certificate(registered.state["certificate"].encode())
    token = registered.assertion.read_text()
    claims = jwt.decode(
        token,
        certificate.public_key(),  # type: ignore[arg-type]
        algorithms=["RS256"],
        audience="https://login.microsoftonline.com/11111111-2222-4333-8444-555555555555/oauth2/v2.0/token",
    )
    assert (claims["iss"], claims["sub"]) == ("client-2", "client-2")
    thumbprint = urlsafe_b64encode(certificate.fingerprint(hashes.SHA1())).decode().rstrip("=")
    assert jwt.get_unverified_header(token)["x5t"] == thumbprint
    assert ["secret", ""] not in registered.state["apps"][1]["credentials"]
    assert "PRIVATE KEY" not in json.dumps(registered.state["calls"])


def test_no_operator_is_made_in_another_tenant_than_the_deployment_s(registered: Desk) -> None:
    done = registered.run("operator-token.sh", "--client-id", CLIENT, AZURE_TENANT_ID="home")
    assert (done.returncode, "az login --tenant home" in done.stderr) == (1, True)
    assert registered.take_changes() == []


def test_azd_s_hooks_make_everything_that_the_app_needs(desk: Desk) -> None:
    desk.done("before-provision.sh")
    assert desk.azd.read_text() == f"env set POSTLEDGER_CLIENT_ID {CLIENT} "
    assert desk.app["displayName"] == "Postledger (trial)"
    desk.done("after-provision.sh", POSTLEDGER_CLIENT_ID=CLIENT)
    assert set(desk.keys) == {"hash-key", "code-keys", "token-keys"}
    assert desk.app["web"]["redirectUris"] == [REDIRECT]
    assert desk.app["trusted"][0]["subject"] == "principal"


def test_a_budget_s_first_month_is_remembered_once(desk: Desk) -> None:
    desk.done("before-provision.sh", POSTLEDGER_BUDGET="50")
    month = re.search(r"env set POSTLEDGER_BUDGET_START (\d{4}-\d{2}-01) ", desk.azd.read_text())
    assert month
    desk.azd.unlink()
    again = {"POSTLEDGER_BUDGET": "50", "POSTLEDGER_BUDGET_START": "2026-01-01"}
    desk.done("before-provision.sh", POSTLEDGER_CLIENT_ID=CLIENT, **again)
    assert "BUDGET_START" not in desk.azd.read_text()


def test_a_budget_s_first_month_is_remembered_where_the_registration_is_kept_by_hand_too(desk: Desk) -> None:
    manual = {"POSTLEDGER_APP_REGISTRATION": "manual", "POSTLEDGER_CLIENT_ID": "theirs"}
    desk.done("before-provision.sh", POSTLEDGER_BUDGET="50", **manual)
    assert "env set POSTLEDGER_BUDGET_START" in desk.azd.read_text()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"AZURE_LOCATION": "swedencentral", "POSTLEDGER_ZONE_REDUNDANT": "true"}, ""),
        ({"AZURE_LOCATION": "northcentralus", "POSTLEDGER_STORAGE_REDUNDANCY": "Standard_LRS"}, ""),
        ({"AZURE_LOCATION": "northcentralus"}, "no Standard_ZRS storage in northcentralus"),
        ({"AZURE_LOCATION": "mars"}, "no Flex Consumption in mars"),
        (
            {
                "AZURE_LOCATION": "mars",
                "POSTLEDGER_APP_REGISTRATION": "manual",
                "POSTLEDGER_CLIENT_ID": "theirs",
            },
            "no Flex Consumption in mars",
        ),
        (
            {"AZURE_LOCATION": "northcentralus", "POSTLEDGER_ZONE_REDUNDANT": "true"},
            "no Flex Consumption over several zones in northcentralus",
        ),
    ],
)
def test_a_region_that_lacks_what_is_wanted_is_refused_before_anything_is_made(
    desk: Desk, settings: dict[str, str], told: str
) -> None:
    done = desk.run("before-provision.sh", **settings)
    assert (done.returncode, told in done.stderr) == (1 if told else 0, True), done.stderr
    assert bool(desk.state["apps"]) is not bool(told)


def test_only_the_permissions_that_were_set_are_asked_for_first_and_last(desk: Desk) -> None:
    wanted = {"POSTLEDGER_GRAPH_PERMISSIONS": "Mail.Read", "POSTLEDGER_DELEGATED_PERMISSIONS": "none"}
    only = [{"id": "id-Mail.Read", "type": "Role"}]
    desk.done("before-provision.sh", **wanted)
    assert [one["resourceAccess"] for one in desk.app["requiredResourceAccess"]] == [only]
    desk.done("after-provision.sh", POSTLEDGER_CLIENT_ID=CLIENT, **wanted)
    assert [one["resourceAccess"] for one in desk.app["requiredResourceAccess"]] == [only]


def test_a_setting_that_is_taken_back_takes_effect(desk: Desk) -> None:
    wanted = {"POSTLEDGER_AUDIENCE": "multi", "POSTLEDGER_GRAPH_PERMISSIONS": "Mail.Read"}
    desk.done("before-provision.sh", **wanted)
    assert desk.app["signInAudience"] == "AzureADMultipleOrgs"
    desk.done("before-provision.sh", POSTLEDGER_CLIENT_ID=CLIENT)
    assert desk.app["signInAudience"] == "AzureADMyOrg"
    [graph] = desk.app["requiredResourceAccess"]
    assert "id-User.Read.All" in {one["id"] for one in graph["resourceAccess"]}


def test_nothing_is_registered_in_another_tenant_than_the_subscription_s(desk: Desk) -> None:
    done = desk.run("before-provision.sh", AZURE_SUBSCRIPTION_ID="elsewhere")
    assert done.returncode == 1
    assert "az login --tenant another-tenant" in done.stderr
    assert desk.state["apps"] == []


def test_hooks_leave_a_registration_alone_that_is_kept_by_hand(desk: Desk) -> None:
    change_by_person = {"POSTLEDGER_APP_REGISTRATION": "manual", "POSTLEDGER_CLIENT_ID": "theirs"}
    desk.done("before-provision.sh", **change_by_person)
    done = desk.run("after-provision.sh", **change_by_person)
    assert done.returncode == 0
    assert REDIRECT in done.stderr
    assert desk.state["apps"] == []
    missing = desk.run("before-provision.sh", POSTLEDGER_APP_REGISTRATION="manual")
    assert (missing.returncode, "azd env set POSTLEDGER_CLIENT_ID" in missing.stderr) == (1, True)


def compiler(directory: Path, said: str) -> dict[str, str]:
    """A shell in which the Bicep compiler says this of every file."""
    tools = directory / "compiler"
    tools.mkdir()
    Desk._tool(
        tools / "bicep",
        'if [ "$1" = --version ]; then echo "Bicep CLI version 0.49.2 (x)"; exit; fi\n'
        f'case "$2" in *.bicepparam) : >"${{2%.bicepparam}}.snapshot.json" ;; *) printf "{said}" >&2 ;; esac',
    )
    return {"PATH": f"{tools}:{os.environ['PATH']}"}


@pytest.mark.parametrize(
    ("said", "code"), [("", 0), ("main.bicep(3,1) : Warning no-unused-params\\n", 1)], ids=["silent", "warns"]
)
def test_any_line_of_the_compiler_fails(desk: Desk, tmp_path: Path, said: str, code: int) -> None:
    done = desk.run("compile.sh", str(tmp_path / "kept"), **compiler(tmp_path, said))
    assert done.returncode == code, done.stdout + done.stderr
    assert ("no-unused-params" in done.stdout) is bool(code)
    assert "no snapshot yet: snapshots/plain.bicepparam" in done.stderr.replace(
        ".snapshot.json", ".bicepparam"
    )
    names = {found.name for found in (tmp_path / "kept").iterdir()}
    assert names == {f"{name}.snapshot.json" for name in ("plain", "everything", "sleeping")}
    assert not list((SCRIPTS.parent / "snapshots").glob("*.json")), "a person commits the first"


def test_newer_api_versions_are_looked_for_in_a_copy_with_the_rule_on(desk: Desk, tmp_path: Path) -> None:
    shell = compiler(tmp_path, "")
    Desk._tool(
        tmp_path / "compiler" / "bicep",
        'if [ "$1" = --version ]; then echo "Bicep CLI version 0.49.2 (x)"; exit; fi\n'
        'case "$1 $2" in *main.bicep) grep recent-api "$(dirname "$2")/bicepconfig.json" ;; esac',
    )
    done = desk.run("compile.sh", "--recent", **shell)
    assert done.returncode == 1, "the line that the rule is an error was said"
    assert '"use-recent-api-versions": { "level": "error" }' in done.stdout
    assert "no snapshot yet" not in done.stderr
    kept = json.loads((SCRIPTS.parent / "bicepconfig.json").read_text("utf-8"))
    assert kept["analyzers"]["core"]["rules"]["use-recent-api-versions"] == {"level": "off"}


def test_another_compiler_is_refused(desk: Desk, tmp_path: Path) -> None:
    tools = tmp_path / "old"
    tools.mkdir()
    Desk._tool(tools / "bicep", 'echo "Bicep CLI version 0.30.1"')
    done = desk.run("compile.sh", PATH=f"{tools}:{os.environ['PATH']}")
    assert (done.returncode, "wanted is 0.49.2" in done.stderr) == (1, True)
