"""GitHub's workflows: who may deploy, with which rights, and whose code runs beside the credential."""

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.y*ml"))
MAIN = "refs/heads/main"
# Either runs with the rights of this repository on the code of whoever asked for a pull.
DANGEROUS = {"workflow_run", "pull_request_target", "issue_comment"}
PINNED = re.compile(r"^[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")


def parsed(workflow: Path) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load(workflow.read_text("utf-8"))
    return found


def triggers(workflow: Path) -> set[str]:
    # YAML 1.1 reads the key `on` as true.
    return set(parsed(workflow)[True])


def jobs() -> list[tuple[str, str, dict[str, Any]]]:
    every = []
    for workflow in WORKFLOWS:
        every += [(workflow.name, name, job) for name, job in parsed(workflow)["jobs"].items()]
    return every


def steps() -> list[dict[str, Any]]:
    every: list[dict[str, Any]] = []
    for _, _, job in jobs():
        every += job["steps"]
    return every


def may_have_a_token(rights: object) -> bool:
    if isinstance(rights, dict):
        return rights.get("id-token") == "write"
    return rights == "write-all"


def deploying() -> list[tuple[str, str, dict[str, Any]]]:
    return [(file, name, job) for file, name, job in jobs() if may_have_a_token(job.get("permissions"))]


def is_run(condition: str, event: str, ref: str) -> bool:
    """Whether GitHub would run a job; the operators used here mean the same in Python."""
    expression = condition.replace("&&", " and ").replace("||", " or ")
    github = SimpleNamespace(event_name=event, ref=ref)
    return bool(eval(expression, {"github": github, "vars": SimpleNamespace(AZURE_CLIENT_ID="an-id")}))


def test_one_job_deploys() -> None:
    assert [(file, name) for file, name, _ in deploying()] == [("ci.yml", "deploy")]


@pytest.mark.parametrize(
    ("event", "ref", "runs"),
    [
        ("push", MAIN, True),
        ("workflow_dispatch", MAIN, True),
        ("workflow_dispatch", "refs/heads/a-branch", False),
        ("push", "refs/heads/a-branch", False),
        ("pull_request", "refs/pull/7/merge", False),
        ("pull_request", MAIN, False),
        ("pull_request_target", MAIN, False),
        ("workflow_run", MAIN, False),
    ],
)
def test_only_what_stands_on_main_of_this_repository_is_deployed(event: str, ref: str, runs: bool) -> None:
    assert [is_run(job["if"], event, ref) for _, _, job in deploying()] == [runs]


def test_a_deployment_follows_every_check_in_an_environment_of_its_own() -> None:
    (file, name, job), *_ = deploying()
    others = {other for where, other, _ in jobs() if where == file} - {name}
    assert set(job["needs"]) == others
    assert job["environment"] == "production"


def test_a_deployment_takes_the_commit_that_was_checked() -> None:
    checkouts = [step for step in deploying()[0][2]["steps"] if "checkout" in step.get("uses", "")]
    assert len(checkouts) == 1
    assert "ref" not in checkouts[0]["with"]


def test_a_run_on_main_is_never_cut_short() -> None:
    whole = next(parsed(path) for path in WORKFLOWS if path.name == "ci.yml")
    assert whole["concurrency"]["cancel-in-progress"] == "${{ github.event_name == 'pull_request' }}"
    assert deploying()[0][2]["concurrency"]["cancel-in-progress"] is False


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_no_workflow_runs_foreign_code_with_the_rights_of_this_repository(workflow: Path) -> None:
    assert not triggers(workflow) & DANGEROUS


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_only_read_unless_a_job_says_more(workflow: Path) -> None:
    assert parsed(workflow)["permissions"] == {"contents": "read"}
    for _, _, job in jobs():
        assert job.get("permissions", {}).keys() <= {"contents", "id-token"}
        assert job.get("permissions", {}).get("contents", "read") == "read"


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_named_by_commit_with_the_version_beside_it(workflow: Path) -> None:
    used = re.findall(r"uses:\s*(.+)$", workflow.read_text("utf-8"), re.M)
    assert used
    assert [action for action in used if not PINNED.match(action)] == []


def test_no_checkout_leaves_a_token_behind_for_the_code_that_it_fetched() -> None:
    checkouts = [step for step in steps() if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_zizmor_finds_nothing() -> None:
    zizmor = Path(sys.executable).with_name("zizmor")
    command = [str(zizmor), "--offline", "--no-progress", "--format=plain", "--persona=regular", ".github"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


def test_known_weaknesses_are_looked_for_daily_in_what_is_locked() -> None:
    (audit,) = (path for path in WORKFLOWS if path.name == "audit.yml")
    assert {"schedule", "push", "pull_request"} <= triggers(audit)
    runs = [step.get("run", "") for step in parsed(audit)["jobs"]["audit"]["steps"]]
    looked = [
        lock for lock in ("requirements.lock", "requirements-dev.lock") if f"-r {lock}" in "".join(runs)
    ]
    assert looked == ["requirements.lock", "requirements-dev.lock"]


def test_no_step_reads_a_secret() -> None:
    assert not [path.name for path in WORKFLOWS if "secrets." in path.read_text("utf-8")]
