"""What is deployed runs by itself: the packages of the lock and the app, without any tool of ours."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.bootstrap.build import STAMP

ROOT = Path(__file__).resolve().parents[2]
# As Azure's worker does: the app's folder and its packages, nothing of this environment.
LOADED = """
import sys
sys.path[:0] = [{root!r}, {built!r}]
import function_app
from shared.bootstrap import compose, ports
from shared.api import app
print(len(function_app.app.get_functions()))
print(sorted(name for name in ("pytest", "hypothesis", "uvicorn") if name in sys.modules))
print(app.__file__.startswith({root!r}), sys.modules["fastapi"].__file__.startswith({built!r}))
"""


@pytest.fixture
def _as_before() -> Iterator[None]:
    """The stamp of the build tells a deployed app its commit; this checkout goes on without."""
    kept = STAMP.read_text("utf-8") if STAMP.exists() else None
    yield
    STAMP.unlink() if kept is None else STAMP.write_text(kept, "utf-8")


@pytest.mark.stack
@pytest.mark.slow
@pytest.mark.usefixtures("_as_before")
def test_the_app_loads_from_what_the_build_has_installed(tmp_path: Path) -> None:
    """Built for the Python that runs here, where it can be tried; the build for Azure's differs in one word."""
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    packages = tmp_path / "packages"
    build = [str(ROOT / "infra/scripts/build.sh"), "--python", here, "--into", str(packages)]
    built = subprocess.run(build, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    assert f"built for Python {here}: " in built.stderr
    script = LOADED.format(root=str(ROOT), built=str(packages / "lib" / "site-packages"))
    # -S: no site-packages of the environment that runs the tests.
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["6", "[]", "True True"]
