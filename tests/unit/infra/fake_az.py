"""A stand-in for the Azure CLI: the commands that the scripts use, over a state kept in a JSON file.

Run as `az`. Every command that changes something is noted under `changes`. It knows queries by their meaning, not
their language: a query that is not listed here is an error.
"""

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

STATE = Path(os.environ["FAKE_AZ"])
TENANT = "11111111-2222-4333-8444-555555555555"
PERMISSIONS = [
    *("Mail.Read", "Mail.ReadWrite", "Mail.Send", "MailboxSettings.Read", "User.Read.All"),
    *(
        "openid",
        "profile",
        "email",
        "offline_access",
        "User.Read",
        "Mail.ReadWrite.Shared",
        "Mail.Send.Shared",
    ),
]
BROKEN = "(Forbidden) The client has no permission."


class Az:
    """One command line against the state."""

    def __init__(self, state: dict[str, Any], arguments: list[str]) -> None:
        self.state = state
        words = list(arguments)
        self.options: dict[str, str] = {}
        self.words: list[str] = []
        while words:
            word = words.pop(0)
            if word in ("--append", "--zone-redundant") or (word == "--cert" and "reset" not in arguments):
                self.options[word] = ""
            elif word.startswith("--"):
                self.options[word] = words.pop(0)
            else:
                self.words.append(word)

    def run(self) -> str:
        name = "_".join(self.words).replace("-", "_")
        answer: str = getattr(self, name)()
        return answer

    def change(self, what: str) -> None:
        self.state["changes"].append(what)

    @property
    def query(self) -> str:
        return self.options.get("--query", "")

    @property
    def app(self) -> dict[str, Any]:
        return next(one for one in self.state["apps"] if self.options["--id"] in (one["id"], one["appId"]))

    def named(self) -> str:
        found = re.search(r"(?:==|eq )'([^']*)'", self.query)
        return found[1] if found else ""

    def account_show(self) -> str:
        return "another-tenant" if self.options.get("--subscription") == "elsewhere" else TENANT

    def cloud_show(self) -> str:
        return {
            "endpoints.microsoftGraphResourceId": "https://graph.microsoft.com/",
            "endpoints.activeDirectory": self.state.get("authority", "https://login.microsoftonline.com"),
        }[self.query]

    def ad_app_list(self) -> str:
        field, value = re.fullmatch(r"(\w+) eq '(.*)'", self.options["--filter"]).groups()  # type: ignore[union-attr]
        found = [one for one in self.state["apps"] if one[field] == value]
        if self.query == "[0].appId":
            return found[0]["appId"] if found else ""
        assert self.query == "[].[id,appId]"
        return "\n".join(f"{one['id']}\t{one['appId']}" for one in found)

    def ad_app_create(self) -> str:
        number = len(self.state["apps"]) + 1
        made = {
            "id": f"object-{number}",
            "appId": f"client-{number}",
            "displayName": self.options["--display-name"],
            "signInAudience": self.options["--sign-in-audience"],
        }
        self.state["apps"].append(made)
        self.change(f"create app {made['displayName']}")
        return made["appId"] if self.query == "appId" else f"{made['id']}\n{made['appId']}"

    def ad_app_show(self) -> str:
        if self.query == "web.redirectUris":
            return "\n".join(self.app.get("web", {}).get("redirectUris", []))
        if self.options["--output"] == "json":
            return self._others()
        if (
            self.query
            == "requiredResourceAccess[?resourceAppId=='00000003-0000-0000-c000-000000000000'].resourceAppId"
        ):
            return "\n".join(one["resourceAppId"] for one in self.app.get("requiredResourceAccess", []))
        assert self.query == "api.oauth2PermissionScopes[?value=='access_as_user'].id"
        scopes = self.app.get("api", {}).get("oauth2PermissionScopes", [])
        return "\n".join(one["id"] for one in scopes)

    def _others(self) -> str:
        """A list of the registration, without the entries that the query names (`path[?field!='value' && ...]`)."""
        path, _, condition = self.query.partition("[?")
        found: Any = self.app
        for step in path.split("."):
            found = (found or {}).get(step)
        for field, value in re.findall(r"([\w@]+)!='([^']*)'", condition):
            found = [one for one in found or [] if (one if field == "@" else one[field]) != value]
        return json.dumps(found, indent=2)

    def functionapp_list_flexconsumption_locations(self) -> str:
        assert self.query == "[].name"
        return "Sweden Central" if "--zone-redundant" in self.options else "Sweden Central\nNorth Central US"

    def storage_sku_list(self) -> str:
        places = {"Standard_ZRS": ["swedencentral"], "Standard_LRS": ["swedencentral", "northcentralus"]}
        return "\n".join(places[self.named()])

    def ad_app_federated_credential_list(self) -> str:
        assert self.query == "[?name=='postledger-identity'].subject"
        return "\n".join(one["subject"] for one in self.app.get("trusted", []))

    def ad_app_federated_credential_create(self) -> str:
        self.app.setdefault("trusted", []).append(json.loads(self.options["--parameters"]))
        self.change("trust an identity")
        return ""

    def ad_app_federated_credential_update(self) -> str:
        assert self.options["--federated-credential-id"] == "postledger-identity"
        self.app["trusted"] = [json.loads(self.options["--parameters"])]
        self.change("trust another identity")
        return ""

    def ad_app_credential_reset(self) -> str:
        assert "--append" in self.options, "the old one must go on working"
        kind = "certificate" if "--cert" in self.options else "secret"
        if kind == "certificate":
            self.state["certificate"] = Path(self.options["--cert"].removeprefix("@")).read_text()
        self.app.setdefault("credentials", []).append([kind, self.options.get("--display-name", "")])
        self.change(f"add a {kind}")
        return "s3cret" if self.query == "password" else ""

    def ad_app_credential_list(self) -> str:
        kind = "certificate" if "--cert" in self.options else "secret"
        return "key-1" if [kind, self.named()] in self.app.get("credentials", []) else ""

    def ad_app_credential_delete(self) -> str:
        self.app["credentials"] = []
        self.change("remove the certificate" if "--cert" in self.options else "remove the secret")
        return ""

    def ad_sp_list(self) -> str:
        client_id = re.search(r"'(.*)'", self.options["--filter"])[1]  # type: ignore[index]
        return f"sp-{client_id}" if client_id in self.state["principals"] else ""

    def ad_sp_create(self) -> str:
        self.state["principals"].append(self.options["--id"])
        self.change("create principal")
        return ""

    def ad_sp_show(self) -> str:
        if self.options["--id"] == "00000003-0000-0000-c000-000000000000":
            assert self.query in ("appRoles[].[value,id]", "oauth2PermissionScopes[].[value,id]")
            return "\n".join(f"{one}\tid-{one}" for one in PERMISSIONS)
        if self.query == "id":
            return f"sp-{self.options['--id']}"
        return next((one["id"] for one in self.app.get("appRoles", []) if one["value"] == self.named()), "")

    def ad_user_show(self) -> str:
        return f"user-{self.options['--id']}"

    def keyvault_certificate_list(self) -> str:
        return self._listed("certificate")

    def keyvault_secret_list(self) -> str:
        return self._listed("secret")

    def _listed(self, kind: str) -> str:
        return self.named() if self.named() in self.state["vault"].get(kind, {}) else ""

    def keyvault_certificate_create(self) -> str:
        assert json.loads(Path(self.options["--policy"].removeprefix("@")).read_text())["keyProperties"]
        self.state["vault"].setdefault("certificate", {})[self.options["--name"]] = "made"
        self.change("make a certificate")
        return ""

    def keyvault_certificate_download(self) -> str:
        Path(self.options["--file"]).write_text("-----BEGIN CERTIFICATE-----")
        return ""

    def keyvault_secret_set(self) -> str:
        value = Path(self.options["--file"]).read_text()
        self.state["vault"].setdefault("secret", {})[self.options["--name"]] = value
        if "--expires" in self.options:
            self.state["changed_expires"] = self.options["--expires"]
        self.change(f"set {self.options['--name']}")
        return ""

    def keyvault_secret_show(self) -> str:
        return str(self.state["vault"]["secret"][self.options["--name"]])

    def rest(self) -> str:
        url = self.options["--url"].replace("https://graph.microsoft.com/v1.0", "")
        answer: str = getattr(self, "rest_" + self.options["--method"])(url)
        return answer

    def rest_get(self, url: str) -> str:
        if "appRoleAssignedTo" in url:
            principal, role = re.findall(r"=='([^']*)'", self.query)
            return "given" if [principal, role] in self.state["assigned"] else ""
        if self.state.get("broken"):
            raise SystemExit(BROKEN)
        name = re.search(r"/secrets/([\w-]+)\?", url)[1]  # type: ignore[index]
        if name not in self.state["vault"].get("secret", {}):
            raise SystemExit("Not Found({'error':{'code':'SecretNotFound'}})")
        return "{}"

    def rest_put(self, url: str) -> str:
        name = re.search(r"/secrets/([\w-]+)\?", url)[1]  # type: ignore[index]
        body = json.loads(Path(self.options["--body"].removeprefix("@")).read_text())
        self.state["vault"].setdefault("secret", {})[name] = body["properties"]["value"]
        self.change(f"make {name}")
        return ""

    def rest_post(self, url: str) -> str:
        if "appRoleAssignedTo" in url:
            body = json.loads(self.options["--body"])
            self.state["assigned"].append([body["principalId"], body["appRoleId"]])
            self.change("assign")
        else:
            assert url.endswith("/config/configreferences/appsettings/refresh?api-version=2022-03-01"), url
            self.change("refresh")
        return ""

    def rest_patch(self, url: str) -> str:
        app = next(one for one in self.state["apps"] if url == f"/applications/{one['id']}")
        app.update(json.loads(self.options["--body"]))
        return ""


def main() -> None:
    state = json.loads(STATE.read_text())
    az = Az(state, sys.argv[1:])
    state["calls"].append(sys.argv[1:])
    state["kept_from_bash"] = os.environ.get("MSYS2_ARG_CONV_EXCL", "")
    try:
        answer = az.run()
        sys.stdout.write(answer + "\n" if answer else "")
    finally:
        STATE.write_text(json.dumps(state))


if __name__ == "__main__":
    main()
