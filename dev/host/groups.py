"""Which functions share an instance on Flex Consumption, where each group is scaled by itself."""

from collections.abc import Sequence

from dev.host.configuration import HostError
from dev.host.functions import HTTP, Declared

HTTP_GROUP = "http"


def group_of(function: Declared) -> str:
    """The group's name: all HTTP functions are one, every other function is a group of its own.

    Source: Microsoft Learn, "Flex Consumption plan hosting", per-function scaling.
    """
    return HTTP_GROUP if function.trigger == HTTP else function.name


def groups_of(functions: Sequence[Declared]) -> list[str]:
    """The names of all groups of an app, HTTP first."""
    names = {group_of(function) for function in functions}
    return sorted(names, key=lambda name: (name != HTTP_GROUP, name))


def members(functions: Sequence[Declared], group: str) -> list[Declared]:
    """The functions of `group`, all of them for "". Raises HostError for a group that the app does not have."""
    if not group:
        return list(functions)
    found = [function for function in functions if group_of(function) == group]
    if not found:
        raise HostError(f"no function group {group!r}; there are {', '.join(groups_of(functions))}")
    return found
