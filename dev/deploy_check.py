"""What can be said about a deployment before Azure is asked: `make deploy-check`.

Looks at the tools on this machine, at the settings of the azd environment, and at what the package would hold. Reads
files and versions only; it signs in nowhere, changes nothing, and needs no package.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dev import infra_names
from dev.azurite import ROOT

# What docs/deployment.md asks for; None = any version.
TOOLS: Final[Mapping[str, tuple[int, ...] | None]] = {
    "az": (2, 60),
    "azd": (1, 23, 13),
    "bash": None,
    "curl": None,
    "gh": (2, 67),
    "git": None,
    "openssl": None,
}
# Settings that scripts and hooks read, and no template does.
OF_SCRIPTS: Final = frozenset(
    (
        "POSTLEDGER_APP_REGISTRATION",
        "POSTLEDGER_AUDIENCE",
        "POSTLEDGER_CLIENT_ID",
        "POSTLEDGER_DELEGATED_PERMISSIONS",
        "POSTLEDGER_GRAPH_PERMISSIONS",
    )
)
_VERSION: Final = re.compile(r"(\d+(?:\.\d+)+)")
_SETTING: Final = re.compile(r"\$\{(\w+)")
_PARAMETER: Final = re.compile(r"((?:^@.*\n)*)^param (\w+) (\w+)", re.M)
_OUTPUT: Final = re.compile(r"^output (\w+) ", re.M)


@dataclass(frozen=True, slots=True)
class Rule:
    """What a template takes for one parameter; `least` and `most` are bounds of numbers, ends included."""

    type: str
    allowed: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None

    def problem(self, value: str) -> str:
        """Why a value would be refused; '' = it would not."""
        if self.allowed and value not in self.allowed:
            return f"must be one of {', '.join(self.allowed)}"
        if self.type == "bool" and value not in ("true", "false"):
            return "must be true or false"
        return self._problem_of_number(value) if self.type == "int" else ""

    def _problem_of_number(self, value: str) -> str:
        if not re.fullmatch(r"-?\d+", value):
            return "must be a whole number"
        if self.least is not None and int(value) < self.least:
            return f"must be at least {self.least}"
        if self.most is not None and int(value) > self.most:
            return f"must be at most {self.most}"
        return ""


def main() -> None:
    """Print what is wrong; exit 1 where something is."""
    problems = [*tool_problems(), *setting_problems(environment_of(ROOT / ".azure")), *package_problems()]
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problem(s) before a deployment")
    sys.exit(bool(problems))


def tool_problems() -> Iterator[str]:
    """Tools that are not there, or are too old."""
    for tool, least in TOOLS.items():
        path = shutil.which(tool)
        if path is None:
            yield f"{tool} is not installed; docs/deployment.md, 'What you need', says where it is from"
        elif least is not None and (found := _version(path)) < least:
            yield f"{tool} is {_dotted(found)}; {_dotted(least)} or newer is needed"


def setting_problems(environment: Mapping[str, str], infra: Path = ROOT / "infra") -> Iterator[str]:
    """Settings that no part of the deployment reads, and values that the templates would refuse."""
    rules = rules_by_setting(infra)
    # azd keeps what a deployment printed among the settings.
    outputs = frozenset(_OUTPUT.findall((infra / "main.bicep").read_text("utf-8")))
    for name, value in sorted(environment.items()):
        if not name.startswith("POSTLEDGER_") or name in OF_SCRIPTS | outputs:
            continue
        if name not in rules:
            yield f"{name} is set, but nothing reads it: is the name misspelt?"
        elif value and (problem := rules[name].problem(value)):
            yield f"{name} {problem}; it is {value}"


def rules_by_setting(infra: Path) -> dict[str, Rule]:
    """What main.bicep takes, by the name of the setting that main.parameters.json fills in."""
    parameters = json.loads((infra / "main.parameters.json").read_text("utf-8"))["parameters"]
    rules = dict(_rules((infra / "main.bicep").read_text("utf-8")))
    settings = {name: _SETTING.search(given["value"]) for name, given in parameters.items()}
    return {found[1]: rules[name] for name, found in settings.items() if found}


def package_problems(root: Path = ROOT) -> Iterator[str]:
    """What must hold of the files that are deployed."""
    if (root / "infra" / "names.json").read_text("utf-8") != infra_names.content():
        yield "infra/names.json is not what the code names: python -m dev.infra_names"
    ignored = (root / ".funcignore").read_text("utf-8").splitlines()
    for needed in ("function_app.py", "host.json", "requirements.txt", "requirements.lock", "shared/"):
        if needed in ignored:
            yield f".funcignore leaves out {needed}, without which nothing runs"
        if not (root / needed).exists():
            yield f"{needed} is missing"


def environment_of(folder: Path) -> dict[str, str]:
    """The settings of azd's default environment; none where there is no environment yet."""
    config = folder / "config.json"
    if not config.exists():
        return {}
    name = json.loads(config.read_text("utf-8")).get("defaultEnvironment", "")
    file = folder / name / ".env"
    lines = file.read_text("utf-8").splitlines() if name and file.exists() else []
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {key.strip(): value.strip().strip('"') for key, _, value in pairs}


def _rules(bicep: str) -> Iterator[tuple[str, Rule]]:
    for decorators, name, kind in _PARAMETER.findall(bicep):
        allowed = re.search(r"@allowed\(\[(.*?)\]\)", decorators)
        words = tuple(re.findall(r"[\w.-]+", allowed[1])) if allowed else ()
        yield name, Rule(kind, words, _bound(decorators, "minValue"), _bound(decorators, "maxValue"))


def _bound(decorators: str, name: str) -> int | None:
    found = re.search(rf"@{name}\((-?\d+)\)", decorators)
    return int(found[1]) if found else None


def _version(path: str) -> tuple[int, ...]:
    # By its path: on Windows az is a batch file, which its name alone does not start.
    said = subprocess.run([path, "version"], capture_output=True, text=True, check=False, timeout=60)
    found = _VERSION.search(said.stdout)
    return tuple(map(int, found[1].split("."))) if found else (0,)


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


if __name__ == "__main__":
    main()
