"""Holds `infra/` against tools that are too heavy for every build: `make infra`.

checkov, in an environment of its own, must parse every file, and fail nothing but what
`infra/checkov-exceptions.json` gives a reason for. It is fetched into `.checkov/`, pinned. Microsoft's Kusto parser,
one of the locked npm packages of `dev.clients`, must find nothing wrong with the queries.
"""

import json
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from dev.azurite import ROOT
from dev.clients import PACKAGES
from dev.node import find_node, install_wheel

CHECKOV = "checkov==3.3.30"
TOOLS = ROOT / ".checkov"
PROGRAM = TOOLS / "bin" / "checkov"
EXCEPTIONS = ROOT / "infra" / "checkov-exceptions.json"
QUERIES = ROOT / "infra" / "queries"

Finding = tuple[str, str]


def main() -> None:
    """Fetch what is missing, run both, say what is wrong."""
    _install()
    problems = [*judge(_checkov(), json.loads(EXCEPTIONS.read_text("utf-8"))), *kusto_problems(PACKAGES)]
    for one in problems:
        print(one)
    print(f"{len(problems)} problem(s) in infra/")
    sys.exit(bool(problems))


def judge(report: dict[str, Any], exceptions: Sequence[dict[str, str]]) -> list[str]:
    """What is wrong with a checkov report: files it could not parse, findings without a reason, reasons without one."""
    summary = report["summary"]
    found = {_finding(one): one for one in report["results"]["failed_checks"]}
    excused = {(one["check"], one["resource"]) for one in exceptions}
    problems = []
    if summary["parsing_errors"] or not summary["resource_count"]:
        problems.append(f"checkov could not parse everything: {summary}")
    for finding, one in found.items():
        if finding not in excused:
            problems.append(f"{one['file_path']}: {' '.join(finding)}: {one['check_name']}")
    problems += [
        f"{' '.join(one)} is excused, but not found any more" for one in sorted(excused - found.keys())
    ]
    return problems


def _finding(check: dict[str, Any]) -> Finding:
    return check["check_id"], check["resource"]


def _install() -> None:
    pinned = TOOLS / "pinned"
    if pinned.exists() and pinned.read_text() == CHECKOV:
        return
    venv.create(TOOLS, with_pip=True, clear=True)
    pip = [
        str(TOOLS / "bin" / "python"),
        "-m",
        "pip",
        "--disable-pip-version-check",
        "-qq",
        "install",
        CHECKOV,
    ]
    subprocess.run(pip, check=True)
    pinned.write_text(CHECKOV)


def _checkov() -> dict[str, Any]:
    command = [str(PROGRAM), "--directory", "infra", "--framework", "bicep", "--compact", "--skip-download"]
    done = subprocess.run(
        [*command, "--output", "json"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if "Failed to run check" in done.stderr:
        raise RuntimeError(f"a check of checkov broke:\n{done.stderr}")
    return cast("dict[str, Any]", json.loads(done.stdout))


def kusto_problems(packages: Path, queries: Path = QUERIES) -> list[str]:
    """What the parser finds wrong with the queries in a folder. Raises RuntimeError where it breaks."""
    node = find_node() or install_wheel()
    files = [str(query) for query in sorted(queries.rglob("*.kql"))]
    script = Path(__file__).with_name("kusto.js")
    command = [node.program, str(script), str(packages / "@kusto" / "language-service-next")]
    done = subprocess.run([*command, *files], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the Kusto parser broke:\n{done.stderr}")
    return done.stdout.splitlines()


if __name__ == "__main__":
    main()
