"""GitHub's workflows: who may deploy, with which rights, and whose code runs beside the credential."""

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from bench.checkout import previous
from bench.skew_builds import PLANTS

ROOT = Path(__file__).resolve().parents[3]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.y*ml"))
MAIN = "refs/heads/main"
# Either runs with the rights of this repository on the code of whoever asked for a pull.
DANGEROUS = {"workflow_run", "pull_request_target", "issue_comment"}
PINNED = re.compile(r"^[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
OWN = "$/.github/workflows/checks.yml"


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
        every += job.get("steps", [])
    return every


def may_have_a_token(rights: object) -> bool:
    if isinstance(rights, dict):
        return rights.get("id-token") == "write"
    return rights == "write-all"


def trusted() -> dict[str, dict[str, Any]]:
    """The jobs to which GitHub gives a token that proves who they are, by file and name."""
    return {f"{file}/{name}": job for file, name, job in jobs() if may_have_a_token(job.get("permissions"))}


def workflow(name: str) -> dict[Any, Any]:
    return next(parsed(path) for path in WORKFLOWS if path.name == name)


DEPLOY, RELEASE = "deploy.yml/deploy", "release.yml/release"


def is_run(condition: str, event: str, ref: str) -> bool:
    """Whether GitHub would run a job; the operators used here mean the same in Python."""
    expression = condition.replace("&&", " and ").replace("||", " or ")
    github = SimpleNamespace(event_name=event, ref=ref)
    return bool(eval(expression, {"github": github, "vars": SimpleNamespace(AZURE_CLIENT_ID="an-id")}))


def test_one_job_deploys_and_one_makes_a_release() -> None:
    assert set(trusted()) == {DEPLOY, RELEASE}


@pytest.mark.parametrize(
    ("event", "ref", "runs"),
    [
        ("workflow_dispatch", MAIN, True),
        ("workflow_dispatch", "refs/heads/a-branch", False),
        ("push", MAIN, False),
        ("push", "refs/heads/a-branch", False),
        ("pull_request", "refs/pull/7/merge", False),
        ("pull_request", MAIN, False),
        ("pull_request_target", MAIN, False),
        ("workflow_run", MAIN, False),
    ],
)
def test_only_a_person_deploys_and_from_main(event: str, ref: str, runs: bool) -> None:
    assert is_run(trusted()[DEPLOY]["if"], event, ref) is runs
    assert set(workflow("deploy.yml")[True]) == {"workflow_dispatch"}


def test_a_deployment_takes_a_release_by_name_in_an_environment_of_its_own() -> None:
    job = trusted()[DEPLOY]
    assert workflow("deploy.yml")[True]["workflow_dispatch"]["inputs"]["release"]["required"] is True
    assert job["environment"] == "production"
    [checkout] = [step for step in job["steps"] if "checkout" in step.get("uses", "")]
    assert checkout["with"]["ref"] == "refs/tags/${{ inputs.release }}"
    assert job["steps"][-1]["run"] == 'infra/scripts/deploy-release.sh "$RELEASE"'
    assert [step for step in job["steps"] if "azd deploy" in step.get("run", "")] == [], (
        "the script verifies first"
    )


def test_a_release_follows_every_check_and_is_attested_before_it_is_published() -> None:
    job = trusted()[RELEASE]
    assert set(workflow("release.yml")[True]) == {"push"}
    assert set(workflow("release.yml")[True]["push"]) == {"tags"}
    assert job["needs"] == ["checks"]
    assert workflow("release.yml")["jobs"]["checks"]["uses"] == OWN
    told = [step.get("run", step.get("uses", "")) for step in job["steps"]]
    order = [
        next(n for n, step in enumerate(told) if part in step)
        for part in ("make-release", "attest", "gh release")
    ]
    assert order == sorted(order)


def test_every_push_and_pull_request_meets_every_check() -> None:
    assert {"push", "pull_request"} <= set(workflow("ci.yml")[True])
    assert [job["uses"] for job in workflow("ci.yml")["jobs"].values()] == [OWN]
    assert set(workflow("checks.yml")["jobs"]) == {
        "check",
        "test",
        "sdk",
        "graph-sdk",
        "skew",
        "infra",
        "clients",
    }


def test_an_update_is_tried_against_the_release_before_it_and_its_plants_monthly() -> None:
    tried, planted = workflow("checks.yml")["jobs"]["skew"], workflow("monthly.yml")["jobs"]["skew"]
    assert planted["strategy"]["matrix"]["plant"] == list(PLANTS)
    for job in (tried, planted):
        assert "make skew" in job["steps"][-1]["run"]
        assert job["steps"][0]["with"]["fetch-depth"] == 0, "the release before is found by its tag"


def git(folder: Path, *command: str) -> None:
    who = ["-c", "user.name=N", "-c", "user.email=n@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *command], cwd=folder, check=True, capture_output=True)


def commit(folder: Path, message: str) -> str:
    git(folder, "commit", "--allow-empty", "-m", message)
    asked = ["git", "rev-parse", "HEAD"]
    return subprocess.run(asked, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def test_what_a_commit_follows_is_the_release_before_it_or_where_it_left_main(tmp_path: Path) -> None:
    git(tmp_path, "init", "--initial-branch=main")
    first, second = commit(tmp_path, "one"), commit(tmp_path, "two")
    assert previous(tmp_path) == first
    git(tmp_path, "checkout", "-b", "a-branch")
    commit(tmp_path, "three")
    assert previous(tmp_path) == second
    commit(tmp_path, "four")
    assert previous(tmp_path) == second
    git(tmp_path, "tag", "v1.0.0", first)
    assert previous(tmp_path) == "v1.0.0"
    git(tmp_path, "tag", "v1.1.0")
    git(tmp_path, "tag", "nightly", second)
    assert previous(tmp_path) == "v1.0.0", "a release is not held against itself"


def test_neither_a_deployment_nor_a_release_is_ever_cut_short() -> None:
    assert trusted()[DEPLOY]["concurrency"]["cancel-in-progress"] is False
    assert workflow("release.yml")["concurrency"]["cancel-in-progress"] is False


def test_new_api_versions_are_looked_for_monthly() -> None:
    monthly = workflow("monthly.yml")
    assert monthly[True]["schedule"][0]["cron"].split()[2:] == ["3", "*", "*"]
    assert "infra/scripts/compile.sh --recent" in [
        step.get("run") for step in monthly["jobs"]["versions"]["steps"]
    ]


@pytest.mark.parametrize("path", ["release.yml", "checks.yml", "monthly.yml"])
def test_every_workflow_has_the_compiler_of_the_script(path: str) -> None:
    version = re.search(r"^VERSION=(.+)$", (ROOT / "infra/scripts/compile.sh").read_text("utf-8"), re.M)
    assert version
    text = (ROOT / ".github/workflows" / path).read_text("utf-8")
    assert re.findall(r"az bicep install --version v(\S+)", text) == [version[1]]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_workflow_runs_foreign_code_with_the_rights_of_this_repository(path: Path) -> None:
    assert not triggers(path) & DANGEROUS


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_only_read_unless_a_job_says_more(path: Path) -> None:
    assert parsed(path)["permissions"] == {"contents": "read"}
    for file, name, job in jobs():
        rights = job.get("permissions", {})
        is_release = f"{file}/{name}" == RELEASE
        assert rights.keys() <= {"contents", "id-token", "attestations"}
        assert rights.get("contents", "read") == ("write" if is_release else "read")
        assert rights.get("attestations", "read") == ("write" if is_release else "read")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_named_by_commit_with_the_version_beside_it(path: Path) -> None:
    used = re.findall(r"uses:\s*(.+)$", path.read_text("utf-8"), re.M)
    assert used
    assert [action for action in used if not PINNED.match(action) and action != OWN] == []


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
