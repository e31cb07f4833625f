"""The mistakes that are planted in infra/: of every kind, each a change, the same for the same seed."""

from collections import Counter
from pathlib import Path

from bench.planted_infra import KINDS, plants

INFRA = Path(__file__).resolve().parents[3] / "infra"


def test_every_kind_is_drawn_and_every_mistake_is_a_change() -> None:
    drawn = plants(INFRA, 1, 50)
    assert len(drawn) == 50
    assert set(Counter(plant.kind for plant in drawn)) == set(KINDS)
    for plant in drawn:
        assert plant.text != (INFRA / plant.path).read_text("utf-8"), str(plant)


def test_a_seed_draws_the_same_again_and_another_one_others() -> None:
    first, again, others = (plants(INFRA, seed, 20) for seed in (1, 1, 2))
    assert first == again
    assert first != others
