"""Checks that FastAPI leaves out: a body must be JSON by its Content-Type, and a query has known parameters only."""

from collections.abc import Iterator
from typing import Final

from fastapi import HTTPException, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from shared.domain.errors import InvalidInput

LONGEST_SHOWN: Final = 64


def query_names(route: APIRoute) -> frozenset[str]:
    """The query parameters of a route and its dependencies, by the names that callers send."""
    return frozenset(_aliases(route.dependant))


def _aliases(dependant: Dependant) -> Iterator[str]:
    yield from (parameter.alias for parameter in dependant.query_params)
    for dependency in dependant.dependencies:
        yield from _aliases(dependency)


def check_query(request: Request, names: frozenset[str]) -> None:
    """Raises InvalidInput for an unknown parameter: a misspelt filter would return everything."""
    unknown = [name for name in request.query_params if name not in names]
    if not unknown:
        return
    shown = unknown[0][:LONGEST_SHOWN].encode("ascii", "backslashreplace").decode()
    known = f"the parameters are {', '.join(sorted(names))}" if names else "it has none"
    raise InvalidInput(f"'{shown}' is not a query parameter of this operation; {known}.")


async def check_media_type(request: Request) -> None:
    """Raises HTTPException 415 for a body that is not declared as JSON."""
    # FastAPI would hand such a body over as bytes. Starlette keeps the body, so it is read only once.
    if not _is_json(request.headers.get("content-type", "")) and await request.body():
        raise HTTPException(415, "The body must be JSON; send the header Content-Type: application/json.")


def _is_json(content_type: str) -> bool:
    """Whether FastAPI reads the body as JSON: `application/json`, or a type that ends in `+json`."""
    main, _, subtype = content_type.partition(";")[0].strip().lower().partition("/")
    return main == "application" and (subtype == "json" or subtype.endswith("+json"))
