"""The planted bugs still find what they replace: applied in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench.soak_planting import plant
from bench.soak_plants import PLANTS, planted_app
from dev.azurite import ROOT


def test_every_bug_can_be_planted_in_the_product(tmp_path: Path) -> None:
    app_dir = planted_app("cursor-too-early", tmp_path / "app")
    plant = "from bench.soak_plants import PLANTS; [plant() for plant in PLANTS.values()]"
    load = f"import sys; sys.path.insert(0, {str(app_dir)!r}); import function_app; function_app.app"

    done = subprocess.run(
        [sys.executable, "-c", f"{plant}; {load}"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert (app_dir / "host.json").is_file()
    assert {"cursor-too-early", "conflict-is-somebody-else"} <= PLANTS.keys()


def test_a_plant_that_would_be_called_otherwise_than_it_expects_is_refused() -> None:
    class Product:
        def file(self, mail: str, folder: str) -> None: ...

    def planted(self: object, mail: str) -> None: ...

    with pytest.raises(TypeError, match="takes other arguments"):
        plant(Product, "file", planted)
    with pytest.raises(AttributeError):
        plant(Product, "gone", planted)


def test_a_bug_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        planted_app("no-such-bug", tmp_path)
