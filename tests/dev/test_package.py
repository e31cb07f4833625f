"""A release runs by itself: what is packed, the same bytes each time, and a demo without anything of this checkout."""

import hashlib
import json
import os
import re
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import requests

from dev import bill, package
from dev.launching import PACKAGES, find_python
from dev.processes import PATIENCE
from dev.stack import Stack, StackOptions
from dev.tenant import Tenant, a_mail, eventually

ROOT = Path(__file__).resolve().parents[2]
AZURES = re.search(r"name: 'python', version: '([0-9.]+)'", (ROOT / "infra/modules/app.bicep").read_text())
assert AZURES


def here() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture(scope="module")
def python() -> str:
    """Azure's, where this machine has it; else the one that runs the tests, which differs in one word."""
    assert AZURES
    try:
        find_python(AZURES[1])
    except RuntimeError:
        return here()
    return AZURES[1]


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory, python: str) -> list[Path]:
    return package.build(tmp_path_factory.mktemp("dist"), python)


@pytest.fixture(scope="module")
def unpacked(release: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(release[0]) as archive:
        archive.extractall(folder)
    return folder


@pytest.mark.stack
@pytest.mark.slow
def test_a_release_holds_the_app_and_its_packages_and_nothing_else(release: list[Path]) -> None:
    assert [path.name for path in release] == [
        f"postledger-{package.version()}{ending}" for ending in (".zip", ".cdx.json", "-licences.txt")
    ]
    with zipfile.ZipFile(release[0]) as archive:
        names = archive.namelist()
        stamp = json.loads(archive.read("shared/build.json"))
    assert {name.partition("/")[0] for name in names} == {".python_packages", "shared", *package.FILES}
    assert [name for name in names if "__pycache__" in name or name.endswith(".pyc")] == []
    assert (stamp["version"], bool(stamp["commit"])) == (package.version(), True)


@pytest.mark.stack
@pytest.mark.slow
def test_its_bill_and_its_licences_name_every_package_that_it_holds(
    release: list[Path], unpacked: Path
) -> None:
    told = json.loads(release[1].read_text("utf-8"))
    assert (told["bomFormat"], told["specVersion"]) == ("CycloneDX", "1.6")
    infos = {path.name.removesuffix(".dist-info") for path in (unpacked / PACKAGES).glob("*.dist-info")}
    named = {f"{part['name'].replace('-', '_')}-{part['version']}" for part in told["components"]}
    assert {info.lower().replace(".", "_") for info in infos} == {
        name.lower().replace(".", "_") for name in named
    }
    assert [part["name"] for part in told["components"] if "licenses" not in part] == []
    refs = {part["bom-ref"] for part in told["components"]} | {"postledger"}
    assert {ref for each in told["dependencies"] for ref in (each["ref"], *each["dependsOn"])} == refs
    licences = release[2].read_text("utf-8")
    assert [
        part["name"] for part in told["components"] if f"\n{part['name']} {part['version']}: " not in licences
    ] == []


def told_by(tenant: Tenant, trial: str) -> dict[str, Any] | None:
    """What the operator is told, once the trial's command has come through."""
    said: dict[str, Any] = tenant.operator.call("GET", "health")
    return said if said.get("trial") == trial else None


@pytest.mark.stack
@pytest.mark.slow
def test_a_release_serves_a_demo_and_no_module_of_it_comes_from_this_checkout(
    unpacked: Path, python: str
) -> None:
    """Mail is filed and read on the packed code, its packages, and the Python that they are for."""
    with Stack(StackOptions(app_dir=unpacked, timers=False)) as stack:
        tenant = Tenant(stack.ready)
        ann = tenant.agent("ann")
        tenant.contact("C-1", "sam.poe@fabrikam.example")
        tenant.connect(ann)
        mail = a_mail("sam.poe@fabrikam.example", ann)
        tenant.deliver(ann, mail)
        assert tenant.entry("contact/C-1", mail)["rule"] == "contact_address"
        trial = tenant.operator.call("POST", "health/trial")["trial"]
        said = eventually(lambda: told_by(tenant, trial), what="a command there and back")
        loaded: dict[str, str] = requests.get(
            f"{stack.ready['host_url']}/admin/host/modules", timeout=PATIENCE
        ).json()
    ours = {
        name: file for name, file in loaded.items() if name == "function_app" or name.startswith("shared")
    }
    assert len(ours) > 100
    assert [file for file in ours.values() if not file.startswith(f"{unpacked}{os.sep}")] == []
    elsewhere = {file for file in loaded.values() if file.startswith(f"{ROOT}{os.sep}")}
    assert {Path(file).relative_to(ROOT).parts[0] for file in elsewhere} == {".deployed"}, "the host's own"
    assert (said["version"], said["commit"] != "") == (package.version(), True)
    assert said["python"].startswith(f"{python}.")


def packages_of_a_build(folder: Path, machine: str) -> Path:
    """What an installer leaves, with what differs by machine: a command and its hash."""
    site = folder / "lib" / "site-packages"
    info = site / "some-1.0.dist-info"
    (site / "bin").mkdir(parents=True)
    info.mkdir()
    (site / "some.py").write_text("x = 1\n")
    (site / "bin" / "some").write_text(f"#!/{machine}/python\n")
    (info / "METADATA").write_text(
        "Metadata-Version: 2.4\nName: some\nVersion: 1.0\nLicense-Expression: MIT\n"
    )
    (info / "RECORD").write_text(f"bin/some,sha256={machine},30\nsome.py,sha256=abc,6\n")
    (site / "__pycache__").mkdir()
    (site / "__pycache__" / "some.pyc").write_text(machine)
    (site / ".lock").write_text("")
    return folder


def test_two_builds_in_two_folders_have_one_hash(tmp_path: Path) -> None:
    stamp = tmp_path / "build.json"
    stamp.write_text('{"version": "1.0.0", "commit": "9f2c1ab"}\n')
    hashes = []
    for machine in ("first", "second"):
        packages = packages_of_a_build(tmp_path / machine, machine)
        os.utime(packages / "lib" / "site-packages" / "some.py", (len(hashes) * 10**8,) * 2)
        into = tmp_path / f"dist-{machine}"
        into.mkdir()
        written = package._write(into, packages, stamp)
        hashes.append([hashlib.sha256(path.read_bytes()).hexdigest() for path in written])
    assert hashes[0] == hashes[1]


def test_a_package_s_words_for_its_licence_are_found_wherever_they_stand(tmp_path: Path) -> None:
    for name, line in {
        "new": "License-Expression: Apache-2.0",
        "old": "License: BSD",
        "older": "Classifier: License :: OSI Approved :: MIT License",
    }.items():
        info = tmp_path / f"{name}-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n{line}\n")
    found: list[dict[str, Any]] = bill.bill_of(tmp_path, "1.0.0")["components"]
    assert [part["licenses"] for part in found] == [
        [{"expression": "Apache-2.0"}],
        [{"license": {"name": "BSD"}}],
        [{"license": {"name": "MIT License"}}],
    ]
