"""Which build runs: the stamp of what was packed, or a checkout's project file."""

import json
import platform
import tomllib
from pathlib import Path

from shared.bootstrap import build

ROOT = Path(__file__).resolve().parents[3]


def test_a_package_is_what_its_stamp_says(tmp_path: Path) -> None:
    stamp = tmp_path / "build.json"
    stamp.write_text(json.dumps({"version": "1.4.0", "commit": "9f2c1ab"}))
    found = build.read(stamp, build.PROJECT)
    assert (found.version, found.commit, found.python) == ("1.4.0", "9f2c1ab", platform.python_version())


def test_a_checkout_has_the_version_of_its_project_file_and_no_commit(tmp_path: Path) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    found = build.read(tmp_path / "build.json", build.PROJECT)
    assert (found.version, found.commit) == (version, "")


def test_a_build_without_either_says_so(tmp_path: Path) -> None:
    assert build.read(tmp_path / "build.json", tmp_path / "pyproject.toml").version == "unknown"
