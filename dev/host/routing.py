"""Which function a path and method belong to: literal before parameter before catch-all, as in the host.

Pure; knows nothing of sockets.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from dev.host.configuration import HostError
from dev.host.functions import Declared

# Routes that begin so are refused: ScriptHost compares with StartsWith.
RESERVED = ("admin", "runtime")


@dataclass(frozen=True, slots=True)
class Route:
    """One HTTP function's template. An empty `methods` means all."""

    function: Declared
    segments: tuple[str, ...]
    methods: frozenset[str]

    @classmethod
    def of(cls, function: Declared) -> "Route":
        """The route that an HTTP trigger declares; the function's name where it names none."""
        template = str(function.values.get("route") or function.name).strip("/")
        if template.lower().startswith(RESERVED):
            raise HostError(
                f"{function.name}: The specified route conflicts with one or more built in routes."
            )
        segments = tuple(template.split("/"))
        for position, segment in enumerate(segments):
            if any(mark in segment.strip("{}") for mark in "{}:?"):
                raise HostError(
                    f"{function.name}: this host has no route constraints or partial segments: {segment}"
                )
            if segment.startswith("{*") and position != len(segments) - 1:
                raise HostError(f"{function.name}: a catch-all must come last")
        methods = frozenset(str(method).upper() for method in function.values.get("methods") or ())
        return cls(function, segments, methods)

    @property
    def order(self) -> tuple[int, ...]:
        """Sorts routes so that the more exact one comes first, segment by segment."""
        return (*(_weight(segment) for segment in self.segments), 3)

    def match(self, path: Sequence[str]) -> dict[str, str] | None:
        """The route parameters where the path's segments fit this template; literals fit in any case."""
        found: dict[str, str] = {}
        for position, segment in enumerate(self.segments):
            if segment.startswith("{*"):
                found[segment.strip("{*}")] = "/".join(path[position:])
                return found
            if position >= len(path) or not path[position]:
                return None
            if segment.startswith("{"):
                found[segment[1:-1]] = path[position]
            elif segment.lower() != path[position].lower():
                return None
        return found if len(path) == len(self.segments) else None


class Router:
    """All HTTP functions below the route prefix."""

    def __init__(self, functions: Sequence[Declared], prefix: str) -> None:
        self._prefix = tuple(part for part in prefix.split("/") if part)
        self.routes = sorted((Route.of(function) for function in functions), key=lambda route: route.order)

    def find(self, method: str, raw_path: str) -> tuple[Route, dict[str, str]] | None:
        """The route and its parameters, or None: the host answers 404 for a wrong method too."""
        path = [unquote(part) for part in raw_path.strip("/").split("/")]
        size = len(self._prefix)
        if [part.lower() for part in path[:size]] != [part.lower() for part in self._prefix]:
            return None
        for route in self.routes:
            if route.methods and method not in route.methods:
                continue
            parameters = route.match(path[size:])
            if parameters is not None:
                return route, parameters
        return None


def _weight(segment: str) -> int:
    if segment.startswith("{*"):
        return 2
    return 1 if segment.startswith("{") else 0
