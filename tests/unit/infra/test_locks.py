"""What is installed is locked: each package by version and hash, for every Python and machine that we run on."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distribution, requires
from itertools import product
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from dev.locks import ASKED, DEVELOPMENT, PLATFORMS, PYTHONS, RUNTIME

ROOT = Path(__file__).resolve().parents[3]
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}$")
SYSTEMS = {"x86_64-manylinux_2_28": ("linux", "x86_64"), "aarch64-apple-darwin": ("darwin", "arm64")}


@dataclass(frozen=True, slots=True)
class Pin:
    """One entry of a lock: `name==version`, perhaps with a condition, and its hashes."""

    requirement: Requirement
    hashes: tuple[str, ...]

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> str:
        [given] = self.requirement.specifier
        assert given.operator == "==", self.requirement
        return given.version


@cache
def pins(lock: str) -> tuple[Pin, ...]:
    text = re.sub(r"^ *#.*\n", "", (ROOT / lock).read_text("utf-8"), flags=re.M)
    entries = re.sub(r" *\\\n", "\n", text)
    found: list[Pin] = []
    for entry in re.split(r"\n(?=\S)", entries.strip()):
        head, *hashes = entry.splitlines()
        found.append(Pin(Requirement(head), tuple(hashes)))
    return tuple(found)


def installed_where(lock: str, python: str, platform: str) -> dict[str, str]:
    """What a lock installs there: versions by name."""
    where = environment(python, platform)
    given: dict[str, str] = {}
    for pin in pins(lock):
        if pin.requirement.marker is None or pin.requirement.marker.evaluate(where):
            assert pin.name not in given, "one version of each"
            given[pin.name] = pin.version
    return given


def environment(python: str, platform: str) -> dict[str, str]:
    system, machine = SYSTEMS[platform]
    return {
        "python_version": python,
        "python_full_version": f"{python}.1",
        "sys_platform": system,
        "platform_system": system.title(),
        "platform_machine": machine,
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "extra": "",
    }


def asked(lock: str) -> list[Requirement]:
    lines = (ROOT / ASKED).read_text("utf-8").splitlines()
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]["dev"]
    named = [line for line in lines if line and not line.startswith("#")]
    return list(map(Requirement, [*named, *(tools if lock == DEVELOPMENT else ())]))


PLACES = [*product((RUNTIME, DEVELOPMENT), PYTHONS, PLATFORMS)]


@pytest.mark.parametrize("lock", [RUNTIME, DEVELOPMENT])
def test_every_entry_is_one_version_with_its_hashes(lock: str) -> None:
    assert len(pins(lock)) > 40
    for pin in pins(lock):
        assert pin.version
        assert pin.hashes, pin.requirement
        assert [line for line in pin.hashes if not HASH.match(line)] == []


@pytest.mark.parametrize(("lock", "python", "platform"), PLACES)
def test_a_lock_is_what_is_asked_for(lock: str, python: str, platform: str) -> None:
    """A range that was raised without `make lock` fails here."""
    there = installed_where(lock, python, platform)
    for wanted in asked(lock):
        if wanted.marker is None or wanted.marker.evaluate(environment(python, platform)):
            name = canonicalize_name(wanted.name)
            assert wanted.specifier.contains(there[name], prereleases=True), f"{wanted}: run `make lock`"


@pytest.mark.parametrize(("python", "platform"), [*product(PYTHONS, PLATFORMS)])
def test_what_is_deployed_is_what_is_tested(python: str, platform: str) -> None:
    deployed = installed_where(RUNTIME, python, platform)
    tested = installed_where(DEVELOPMENT, python, platform)
    assert deployed.items() <= tested.items()


def test_a_lock_is_complete() -> None:
    """What a deployed package needs is deployed: followed from what is asked for, over what is installed here."""
    locked = {pin.name for pin in pins(RUNTIME)}
    waiting = [(wanted.name, wanted.extras) for wanted in asked(RUNTIME) if not skipped(wanted, "")]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        name, extras = waiting.pop()
        if (name, frozenset(extras)) in seen:
            continue
        seen.add((name, frozenset(extras)))
        assert canonicalize_name(name) in locked
        needed = [Requirement(text) for text in requires(name) or ()]
        waiting += [
            (one.name, one.extras) for one in needed if not all(skipped(one, e) for e in ("", *extras))
        ]
    assert len(seen) > 30


def skipped(wanted: Requirement, extra: str) -> bool:
    return wanted.marker is not None and not wanted.marker.evaluate({"extra": extra})


def test_what_runs_here_was_installed_from_the_lock() -> None:
    here = {}
    for pin in pins(DEVELOPMENT):
        if not skipped(pin.requirement, ""):
            here[pin.name] = pin.version
    assert {name: distribution(name).version for name in here} == here, "run `make setup`"


def test_no_lock_names_a_package_index() -> None:
    for lock in (RUNTIME, DEVELOPMENT):
        text = (ROOT / lock).read_text("utf-8")
        assert "://" not in text
        assert "index" not in re.sub(r"^ *#.*|^[\w.-]+==.*", "", text, flags=re.M)


def test_everybody_installs_from_a_lock() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert re.findall(r"\$\(PIP\) install (.+)$", makefile, re.M) == ["--require-hashes -r $<"]
    assert "$(INSTALLED): requirements-dev.lock |" in makefile
    build = (ROOT / "infra/scripts/build.sh").read_text("utf-8")
    assert re.findall(r"--requirement=(\S+)", build) == [RUNTIME]
    assert build.count("--require-hashes") == 2
    service = yaml.safe_load((ROOT / "azure.yaml").read_text("utf-8"))["services"]["api"]
    assert service["remoteBuild"] is False
    runs = [hook["run"] for hook in service["hooks"]["prepackage"].values()]
    assert runs == ["./infra/scripts/build.sh", "./infra/scripts/in-bash.ps1 build.sh"]
