"""How many mistakes in `infra/` are found before Azure is asked: errors are planted one by one, and each check is run.

`python -m bench.planted_infra --seed 1 [--count 50] [--heavy] [--other COMMAND]`. The tests are those of
`tests/unit/infra`; `--heavy` adds what `make infra` runs; COMMAND is any other judge, run in the copy's root. Prints
how many each found, and each mistake that none found.
"""

import argparse
import json
import random
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dev.azurite import ROOT
from dev.infra_check import EXCEPTIONS, PROGRAM, judge

TESTS: Final = tuple(
    f"tests/unit/infra/test_{name}.py" for name in ("infrastructure", "values", "deploy_check")
)
Change = tuple[int, int, str]  # from, to, what stands there instead


@dataclass(frozen=True, slots=True)
class Plant:
    """One mistake: its kind, where, and the file's text with it."""

    kind: str
    path: Path
    line: int
    was: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.path}:{self.line}: {self.was}"


def misspelt(word: str) -> str:
    """A word with its last two letters exchanged, or one more where they are the same."""
    swapped = word[:-2] + word[-1] + word[-2]
    return swapped if len(word) > 2 and swapped != word else f"{word}x"


def _words(pattern: str, group: int = 1) -> Callable[[str], Iterator[Change]]:
    """Misspells what a group of the pattern finds."""

    def changes(text: str) -> Iterator[Change]:
        for found in re.finditer(pattern, text, re.M):
            yield found.start(group), found.end(group), misspelt(found[group])

    return changes


def _instead(pattern: str, other: Callable[[str], str]) -> Callable[[str], Iterator[Change]]:
    """Puts something else where the first group of the pattern stands."""

    def changes(text: str) -> Iterator[Change]:
        for found in re.finditer(pattern, text, re.M):
            yield found.start(1), found.end(1), other(found[1])

    return changes


def _without(pattern: str) -> Callable[[str], Iterator[Change]]:
    """Takes away what the pattern finds."""
    return _instead(f"({pattern})", lambda _: "")


_OPPOSITE: Final = {"true": "false", "false": "true"}
# By kind: where it may be planted, and how.
KINDS: Final[Mapping[str, tuple[str, Callable[[str], Iterator[Change]]]]] = {
    "property": ("modules/*.bicep", _words(r"^ {4,}(\w{4,}): ")),
    "type": ("modules/*.bicep", _instead(r"^ {4,}\w+: (true|false|\d+)$", lambda value: f"'{value}'")),
    "enum": (
        "modules/*.bicep",
        _words(r"^ {2,}(?:kind|type|tier|sku|name|runtime|operator|\w+Type): '([A-Za-z]+)'"),
    ),
    "role id": (
        "modules/roles.bicep",
        _instead(r"'[0-9a-f-]{35}([0-9a-f])'", lambda digit: "0" if digit != "0" else "1"),
    ),
    "missing role": ("modules/roles.bicep", _without(r"^  '[A-Z][\w ]+': '[0-9a-f-]{36}'\n")),
    "scope": (
        "modules/roles.bicep",
        _instead(r"^    scope: (\w+)$", lambda name: {"storage": "vault"}.get(name, "storage")),
    ),
    "missing scope": ("main.bicep", _without(r"^  scope: group\n")),
    "parameter": ("main.bicep", _words(r"^    (\w{4,}): ")),
    "missing parameter": ("main.bicep", _without(r"^    \w+: [^\[{\n]+\n")),
    "API version": ("*/*.bicep", _instead(r"@(20\d\d)-\d\d-\d\d", lambda year: str(int(year) - 9))),
    "name": ("modules/*.bicep", _words(r"^  name: '(?:\$\{[\w.]+\})?([\w-]{3,})'")),
    "setting": ("modules/app.bicep", _words(r"^    ((?:POSTLEDGER|AzureWebJobs)\w+):")),
    "reference": ("*/*.bicep", _words(r"\b(?:outputs|properties|names|abbreviations)\.(\w+)")),
    "symbol": ("main.bicep", _words(r"^  dependsOn: \[(\w+)")),
    "switch": (
        "modules/*.bicep",
        _instead(
            r"\b(?:allow\w*|\w*[lL]ocalAuth|httpsOnly|supportsHttps\w+|enable\w+): (true|false)",
            _OPPOSITE.__getitem__,
        ),
    ),
    "default": ("main.parameters.json", _instead(r"=([\w.-]+)\}\"", lambda value: f"{value}1")),
    "query": ("queries/*/*.kql", _words(r"\bsaid\.(\w+)")),
}


def plants(infra: Path, seed: int, count: int) -> list[Plant]:
    """So many mistakes, of each kind in turn, drawn by a seed; none twice."""
    chance = random.Random(seed)
    pools = {kind: list(_of_kind(infra, kind)) for kind in KINDS}
    for pool in pools.values():
        chance.shuffle(pool)
    drawn: list[Plant] = []
    while len(drawn) < count and any(pools.values()):
        for pool in pools.values():
            if pool and len(drawn) < count:
                drawn.append(pool.pop())
    return drawn


def _of_kind(infra: Path, kind: str) -> Iterator[Plant]:
    glob, changes = KINDS[kind]
    paths = sorted(infra.glob(glob)) if "*" in glob else [infra / glob]
    paths += [infra / "main.bicep"] if glob == "*/*.bicep" else []
    for path in paths:
        text = path.read_text("utf-8")
        for start, end, instead in changes(text):
            line = text.count("\n", 0, start) + 1
            was = text.splitlines()[line - 1].strip()
            yield Plant(kind, path.relative_to(infra), line, was, text[:start] + instead + text[end:])


def copied(into: Path) -> Path:
    """The checkout as it is committed or changed, without anything that tools have made."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in listed.decode().split("\0")[:-1]:
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    return into


def by_tests(root: Path) -> bool:
    """Whether a test of infra/ fails."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *TESTS]
    return subprocess.run(command, cwd=root, capture_output=True, check=False).returncode != 0


def by_checkov(root: Path) -> bool:
    """Whether checkov finds something that has no reason, or cannot read a file."""
    command = [str(PROGRAM), "--directory", "infra", "--framework", "bicep", "--compact", "--skip-download"]
    done = subprocess.run(
        [*command, "--output", "json"], cwd=root, capture_output=True, text=True, check=False
    )
    try:
        return bool(judge(json.loads(done.stdout), json.loads(EXCEPTIONS.read_text("utf-8"))))
    except ValueError:
        return True


def main() -> None:
    """Plant, run, count; exit 1 where the checks are red without a mistake."""
    given = _arguments()
    judges: dict[str, Callable[[Path], bool]] = {"tests": by_tests}
    if given.heavy:
        judges["make infra"] = by_checkov
    if given.other:
        judges["other"] = lambda root: _fails(root, given.other)
    with tempfile.TemporaryDirectory() as work:
        root = copied(Path(work))
        red = [name for name, finds in judges.items() if finds(root)]
        if red:
            sys.exit(f"without any mistake these are red: {', '.join(red)}")
        _report(root, judges, plants(root / "infra", given.seed, given.count))


def _report(root: Path, judges: Mapping[str, Callable[[Path], bool]], drawn: list[Plant]) -> None:
    found: Counter[str] = Counter()
    missed: list[Plant] = []
    for plant in drawn:
        path = root / "infra" / plant.path
        before = path.read_text("utf-8")
        path.write_text(plant.text, "utf-8")
        by = [name for name, finds in judges.items() if finds(root)]
        path.write_text(before, "utf-8")
        found.update(by or ["nobody"])
        missed += [] if by else [plant]
        print(f"{', '.join(by) or 'NOBODY':<30} {plant}", flush=True)
    kinds = len({plant.kind for plant in drawn})
    told = ", ".join(f"{name} {found[name]}" for name in judges)
    print(f"{len(drawn)} mistakes of {kinds} kinds; found by {told}; by nobody {len(missed)}")


def _fails(root: Path, command: str) -> bool:
    return subprocess.run(shlex.split(command), cwd=root, capture_output=True, check=False).returncode != 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.planted_infra", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--heavy", action="store_true", help="checkov as well, as in `make infra`")
    parser.add_argument(
        "--other", default="", help="a further judge: a command that fails where it finds something"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
