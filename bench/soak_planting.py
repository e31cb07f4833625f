"""Puts a bug in the place of the product's code, and refuses where that code has changed since."""

from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any


def plant(owner: Any, name: str, code: Callable[..., Any]) -> None:
    """Raises AttributeError where the product no longer has what is replaced, TypeError where it takes another call."""
    taken, given = (list(signature(one).parameters.values()) for one in (getattr(owner, name), code))
    takes_any = any(parameter.kind is Parameter.VAR_POSITIONAL for parameter in given)
    if not takes_any and len(taken) != len(given):
        raise TypeError(f"{owner.__name__}.{name} takes other arguments than the plant in its place")
    setattr(owner, name, code)
