"""What names one build of this service."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Build:
    """`version` as semantic versioning writes it; `commit` in hexadecimal, '' where it was not packed."""

    version: str
    commit: str
    python: str
