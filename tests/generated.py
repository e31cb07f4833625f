"""Clients that are generated from the served description: made, compiled, run."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from dev.clients import PACKAGES, SOURCES
from dev.node import find_node


def run(*command: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> str:
    """The output of a command that must not fail, nor warn."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout + done.stderr
    return done.stdout


def compile_typescript(document: str, folder: Path) -> None:
    """The client of a description and all that uses it, strictly checked and compiled into the folder."""
    (folder / "openapi.json").write_text(document, "utf-8")
    for source in (*SOURCES.glob("*.ts"), SOURCES / "package.json", SOURCES / "tsconfig.json"):
        shutil.copy(source, folder / source.name)
    (folder / "node_modules").symlink_to(PACKAGES)
    tools, env = PACKAGES / ".bin", _node()
    run(tools / "openapi-typescript", "openapi.json", "-o", "schema.ts", cwd=folder, env=env)
    run(tools / "tsc", "-p", ".", cwd=folder, env=env)


def run_typescript(script: str, surroundings: Mapping[str, str], folder: Path) -> str:
    """What a compiled script prints."""
    return run("node", script, cwd=folder, env={**_node(), **surroundings})


def _node() -> Mapping[str, str]:
    node = find_node()
    assert node is not None
    return node.environment()
