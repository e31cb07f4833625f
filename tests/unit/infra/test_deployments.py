"""A deployment is tried, and a release that fails its trial gives way to the one before."""

import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dev.processes import PATIENCE

SCRIPTS = Path(__file__).resolve().parents[3] / "infra" / "scripts"
ROOT = SCRIPTS.parents[1]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
RUNS = {"version": VERSION, "commit": "9f2c1ab", "python": "3.12.9", "tick_age": 40}


@dataclass
class Shell:
    """A person's shell whose tools only pretend. `answers` is the folder of what the app says, by the last part of the
    address; `log` gets what was asked of each tool."""

    folder: Path

    def __post_init__(self) -> None:
        self.tools, self.answers = self.folder / "bin", self.folder / "answers"
        self.log = self.folder / "log"
        for folder in (self.tools, self.answers):
            folder.mkdir()
        # The trial that was asked for is the one that has come through.
        self.tool(
            "curl",
            f'for word; do f={self.answers}/$(basename "$word" .json)\n[ -f "$f" ] && exec cat "$f"\n'
            f'case "$*" in *--no-fail*) [ -f "$f.refused" ] && exec cat "$f.refused" ;; esac; done; exit 22',
        )

    def tool(self, name: str, body: str) -> None:
        path = self.tools / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >>{self.log}\n{body}\n')
        path.chmod(0o755)

    def says(self, **runs: Any) -> None:
        """What the app answers from now on."""
        said = {"status": "ok", **RUNS, "trial": "t1", **runs}
        (self.answers / "health").write_text(json.dumps(said))
        document = {"openapi": "3.1.0", "info": {"title": "x", "version": said["version"]}}
        (self.answers / "openapi").write_text(json.dumps(document))
        (self.answers / "trial").write_text('{"trial": "t1"}')

    def run(self, script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        where = {
            "POSTLEDGER_API_URL": "https://func.example/api/v1",
            "POSTLEDGER_WAIT": "0",
            "POSTLEDGER_TRIES": "3",
        }
        path = f"{self.tools}:{os.environ['PATH']}"
        return subprocess.run(
            [str(SCRIPTS / script), *arguments],
            env={"PATH": path, **where, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )

    @property
    def asked(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.fixture
def stamped(shell: Shell) -> Iterator[dict[str, str]]:
    """What packing writes beside the code."""
    stamp = ROOT / "shared" / "build.json"
    kept = stamp.read_text() if stamp.exists() else None
    assert shell.run("stamp-build.sh").returncode == 0
    written: dict[str, str] = json.loads(stamp.read_text())
    yield written
    stamp.unlink() if kept is None else stamp.write_text(kept)


def test_what_is_packed_says_version_and_commit(stamped: dict[str, str]) -> None:
    assert stamped["version"] == VERSION
    assert re.fullmatch(r"[0-9a-f]{12}\+?|", stamped["commit"])


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, ""),
        ({"version": "0.0.9"}, "is version 0.0.9"),
        ({"commit": "0000000"}, "is commit 0000000"),
        ({"python": "3.13.1"}, "runs on Python 3.13.1"),
        ({"tick_age": 301}, "the tick last came 301 seconds ago"),
        ({"trial": "an earlier one"}, "a command was queued and has not come back"),
    ],
    ids=["same", "version", "commit", "python", "tick", "trial"],
)
def test_an_app_that_is_not_what_was_deployed_or_does_not_work_is_told(
    shell: Shell, stamped: dict[str, str], changed: dict[str, Any], told: str
) -> None:
    shell.says(**{**stamped, **changed})
    done = shell.run("check-deployment.sh", "--operator-token", "a.b.c")
    assert (done.returncode, told in done.stderr) == (1 if told else 0, True), done.stderr
    assert "a.b.c" not in "".join(shell.asked), "a command line can be read by others"


def test_a_token_that_is_not_the_operator_s_is_told(shell: Shell) -> None:
    shell.says()
    (shell.answers / "health").write_text('{"status": "ok"}')
    done = shell.run("check-deployment.sh", "--operator-token", "a.b.c")
    assert (done.returncode, "not one of the operator's" in done.stderr) == (1, True)


def test_what_storage_lacks_is_told(shell: Shell) -> None:
    (shell.answers / "health.refused").write_text('{"status": 503, "detail": "Storage lacks table Runs."}')
    done = shell.run("check-deployment.sh", "--operator-token", "a.b.c")
    assert (done.returncode, "/health does not answer: Storage lacks table Runs." in done.stderr) == (1, True)


def test_the_version_before_is_waited_for(shell: Shell) -> None:
    shell.says(version="0.0.9")
    later = {"info": {"version": VERSION}}
    (shell.answers / "later").write_text(json.dumps(later))
    slept = shell.folder / "slept"
    shell.tool(
        "sleep",
        f'echo . >>{slept}; [ "$(wc -l <{slept})" -lt 3 ] || cp {shell.answers}/later {shell.answers}/openapi',
    )
    assert shell.run("check-deployment.sh", POSTLEDGER_TRIES="9").returncode == 0
    assert slept.read_text().split() == [".", ".", "."]


def test_an_app_that_does_not_answer_is_told(shell: Shell) -> None:
    done = shell.run("check-deployment.sh")
    assert (done.returncode, "does not answer" in done.stderr) == (1, True)


@pytest.fixture
def admin(shell: Shell) -> Shell:
    """Signed in everywhere; 0.0.9 runs, and both releases are attested."""
    shell.says(version="0.0.9", commit="")
    values = "POSTLEDGER_API_URL=https://func.example/api/v1\nPOSTLEDGER_CLIENT_ID=client"
    # What is deployed is what answers from then on; a file `broken` keeps a version from ticking.
    shell.tool(
        "azd",
        f"""case $1 in
env) printf '{values}\\n' ;;
deploy) version=${{4##*postledger-}}; version=${{version%.zip}}
  age=40; [ ! -f {shell.folder}/broken ] || [ $version != {VERSION} ] || age=900
  printf '{{"status":"ok","version":"%s","commit":"",' $version >{shell.answers}/health
  printf '"python":"3.12.9","tick_age":%s,"trial":"t1"}}' $age >>{shell.answers}/health
  printf '{{"info":{{"version":"%s"}}}}' $version >{shell.answers}/openapi ;;
esac""",
    )
    shell.tool("az", 'case "$*" in *user.type*) echo servicePrincipal ;; *) echo a.b.c ;; esac')
    shell.tool("gh", f"[ ! -f {shell.folder}/forged ] || [ $1 != attestation ]")
    shell.tool("git", "exit 1")
    return shell


def deployments(shell: Shell) -> list[str]:
    """The versions that were handed to Azure, in order."""
    return [
        found[1] for line in shell.asked if (found := re.match(r"azd deploy .*postledger-(.+)\.zip", line))
    ]


RELEASE = ("deploy-release.sh", f"v{VERSION}", "--repository", "contoso/postledger")


def test_a_release_is_verified_before_anything_is_changed_and_tried_afterwards(admin: Shell) -> None:
    done = admin.run(*RELEASE)
    assert (done.returncode, f"v{VERSION} is deployed" in done.stderr) == (0, True), done.stderr
    asked = [line for line in admin.asked if line.startswith(("gh ", "azd provision", "azd deploy"))]
    verified = [line for line in asked if line.startswith("gh attestation verify")]
    assert all(
        "--signer-workflow contoso/postledger/.github/workflows/release.yml" in line for line in verified
    )
    assert [re.search(r"refs/tags/\S+", line)[0] for line in verified] == [
        f"refs/tags/v{VERSION}",
        "refs/tags/v0.0.9",
    ]  # type: ignore[index]
    assert [line.split()[1] for line in asked[-2:]] == ["provision", "deploy"], "after both were verified"
    assert deployments(admin) == [VERSION]


def test_what_nobody_attests_is_not_deployed(admin: Shell) -> None:
    (admin.folder / "forged").touch()
    done = admin.run(*RELEASE)
    assert (done.returncode, "nothing was deployed" in done.stderr) == (1, True)
    assert [line for line in admin.asked if line.startswith("azd")] == []


def test_a_release_that_fails_its_trial_gives_way_to_the_one_before(admin: Shell) -> None:
    (admin.folder / "broken").touch()
    done = admin.run(*RELEASE)
    assert (done.returncode, "v0.0.9 runs again" in done.stderr) == (1, True), done.stderr
    assert deployments(admin) == [VERSION, "0.0.9"]


def test_a_first_release_has_nothing_to_go_back_to_and_says_so(admin: Shell) -> None:
    (admin.folder / "broken").touch()
    for answer in admin.answers.iterdir():
        if answer.name != "trial":
            answer.unlink()
    done = admin.run(*RELEASE)
    assert (done.returncode, "no release before to go back to" in done.stderr) == (1, True), done.stderr
    assert deployments(admin) == [VERSION]


def test_a_checkout_of_another_version_deploys_nothing(admin: Shell) -> None:
    done = admin.run("deploy-release.sh", "v9.9.9", "--repository", "contoso/postledger")
    assert (done.returncode, "git checkout v9.9.9" in done.stderr) == (1, True)
    assert admin.asked == []


@pytest.fixture
def project(shell: Shell) -> Path:
    """A project of version 1.2.3, committed, in which building and compiling only pretend."""
    root = shell.folder / "project"
    scripts, bin_ = root / "infra" / "scripts", root / ".venv" / "bin"
    scripts.mkdir(parents=True)
    bin_.mkdir(parents=True)
    for name in ("lib.sh", "make-release.sh"):
        shutil.copy(SCRIPTS / name, scripts / name)
    (root / "infra" / "main.bicep").touch()
    (root / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n')
    (root / ".gitignore").write_text(".venv\ndist\nnotes.txt\n")
    notes = "# Changelog\n\n## [Unreleased]\n\n- Later.\n\n## [1.2.3] - 2026-12-01\n\n- Mail.\n\n## [1.2.2]\n\n- Old.\n"
    (root / "CHANGELOG.md").write_text(notes)
    python = bin_ / "python"
    # Whatever stands in `content` of the folder that is built from is what comes out.
    python.write_text(
        '#!/bin/sh\ncase "$2" in dev.package) mkdir -p "$4"; cat content >"$4/postledger-1.2.3.zip" ;; '
        'dev.description) echo "{}" >"$3" ;; esac\n'
    )
    python.chmod(0o755)
    shell.tool("bicep", 'echo "{}" >"$4"')
    (root / "content").write_text("the same\n")
    git = ("git", "-C", str(root), "-c", "user.name=x", "-c", "user.email=x@example.com")
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], check=True)
    return root


def released(shell: Shell, project: Path, tag: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(project / "infra/scripts/make-release.sh"), tag, "dist"],
        cwd=project,
        env={"PATH": f"{shell.tools}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def test_a_release_is_made_of_a_tagged_version_with_the_changelog_s_words(
    shell: Shell, project: Path
) -> None:
    done = released(shell, project, "v1.2.3")
    assert done.returncode == 0, done.stderr
    made = {path.name for path in (project / "dist").iterdir()}
    assert made == {"postledger-1.2.3.zip", "openapi.json", "main.json", "SHA256SUMS"}
    summed = [line.split()[1] for line in (project / "dist" / "SHA256SUMS").read_text().splitlines()]
    assert set(summed) == made - {"SHA256SUMS"}
    assert (project / "notes.txt").read_text().strip() == "- Mail."


@pytest.mark.parametrize(
    ("tag", "content", "told"),
    [
        ("v1.2.4", "the same\n", "on a commit of version 1.2.3"),
        ("v1.2.3", "another\n", "two builds of postledger-1.2.3.zip differ"),
    ],
)
def test_a_release_that_is_not_what_its_tag_says_is_refused(
    shell: Shell, project: Path, tag: str, content: str, told: str
) -> None:
    (project / "content").write_text(content)
    done = released(shell, project, tag)
    assert (done.returncode, told in done.stderr) == (1, True), done.stderr


def test_a_version_of_which_the_changelog_says_nothing_is_refused(shell: Shell, project: Path) -> None:
    (project / "CHANGELOG.md").write_text("# Changelog\n\n## [Unreleased]\n\n- Mail.\n")
    done = released(shell, project, "v1.2.3")
    assert (done.returncode, "CHANGELOG.md says nothing of 1.2.3" in done.stderr) == (1, True), done.stderr
