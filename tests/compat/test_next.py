"""The builds of `make skew` can be made: the next version's patch fits, and each mistake has its place."""

import subprocess

import pytest

from bench.skew_builds import PATCH, PLANTS
from dev.azurite import ROOT


def test_the_next_version_s_patch_fits() -> None:
    done = subprocess.run(
        ["git", "apply", "--check", str(PATCH)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""


@pytest.mark.parametrize("name", sorted(PLANTS))
def test_each_mistake_has_its_place(name: str) -> None:
    side, changes = PLANTS[name]
    assert side in ("old", "next")
    for path, before, _ in changes:
        assert before in (ROOT / path).read_text("utf-8"), path
