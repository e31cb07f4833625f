"""What a release is made of: a bill of materials in CycloneDX 1.6, and the licences of the packages.

Reads what is installed in a folder and nothing else: no clock, no network, so the same packages give the same bill.
"""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

Json = dict[str, Any]

_NAMESPACE: Final = uuid.UUID("b5c0a5d4-7a53-4c54-9a1d-6f4f6f1a2c11")
_TEXTS: Final = ("licen", "copying", "notice", "authors")
_RULE: Final = "=" * 100
# Packages whose metadata names no licence, and the SPDX expression of the text that they bring.
_READ: Final = {"imapclient": "BSD-3-Clause"}


def bill_of(site: Path, version: str) -> Json:
    """The bill of materials of the app in this version with the packages of the folder."""
    installed = _installed(site)
    root = {"type": "application", "bom-ref": "postledger", "name": "postledger", "version": version}
    content: Json = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {**root, "licenses": [{"license": {"id": "MIT"}}]}},
        "components": [_component(name, found) for name, found in installed.items()],
        "dependencies": _dependencies(installed),
    }
    return {
        **content,
        "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, json.dumps(content, sort_keys=True))}",
    }


def licences_of(site: Path) -> str:
    """The licence of every package, with the texts that it brings."""
    parts = [_licence(name, found) for name, found in _installed(site).items()]
    return "\n".join(["The packages that Postledger's release contains, and their licences.", "", *parts])


def _installed(site: Path) -> Mapping[str, Distribution]:
    found = {canonicalize_name(each.metadata["Name"]): each for each in distributions(path=[str(site)])}
    return dict(sorted(found.items()))


def _component(name: str, found: Distribution) -> Json:
    purl = _purl(name, found)
    component: Json = {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": found.version,
        "purl": purl,
    }
    said = _said(found)
    # Older packages have words of their own.
    expression = _expression(found)
    licence: Json = {"expression": expression} if expression else {"license": {"name": said}}
    return {**component, "licenses": [licence]} if said else component


def _purl(name: str, found: Distribution) -> str:
    return f"pkg:pypi/{name}@{found.version}"


def _dependencies(installed: Mapping[str, Distribution]) -> list[Json]:
    refs = {name: _purl(name, found) for name, found in installed.items()}
    of_app = {"ref": "postledger", "dependsOn": sorted(refs.values())}
    return [
        of_app,
        *({"ref": refs[name], "dependsOn": _needed(found, refs)} for name, found in installed.items()),
    ]


def _needed(found: Distribution, refs: Mapping[str, str]) -> list[str]:
    """What a package asks for and is there: conditions of machines and extras are settled by what was installed."""
    names = {canonicalize_name(Requirement(asked).name) for asked in found.requires or ()}
    return sorted(refs[name] for name in names if name in refs)


def _said(found: Distribution) -> str:
    """What the package says of its licence, in a line."""
    classified = [
        value.rpartition(" :: ")[2]
        for value in found.metadata.get_all("Classifier") or ()
        if value.startswith("License :: OSI Approved :: ")
    ]
    written = _field(found, "License").strip()
    in_a_line = written if "\n" not in written else ""
    return _expression(found) or in_a_line or ", ".join(classified)


def _expression(found: Distribution) -> str:
    """The licence as an SPDX expression, where the package gives one or somebody has read its text."""
    return _field(found, "License-Expression") or _READ.get(canonicalize_name(found.metadata["Name"]), "")


def _field(found: Distribution, name: str) -> str:
    return str(found.metadata[name]) if name in found.metadata else ""


def _licence(name: str, found: Distribution) -> str:
    head = f"{_RULE}\n{name} {found.version}: {_said(found) or 'see below'}\n"
    return "\n".join([head, *_texts(found)])


def _texts(found: Distribution) -> Iterator[str]:
    for path in sorted(_named(found), key=str):
        yield f"--- {path.name}\n\n{path.read_text('utf-8', 'replace').strip()}\n"


def _named(found: Distribution) -> Sequence[Path]:
    files = [Path(str(file.locate())) for file in found.files or () if ".dist-info" in file.parts[0]]
    return [file for file in files if file.is_file() and file.name.lower().startswith(_TEXTS)]
