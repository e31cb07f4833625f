"""Loads the app and says what it declares: one `Declared` per function, with its trigger's values resolved.

Does not run anything.
"""

import importlib
import inspect
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import azure.functions as func

from dev.host.configuration import HostError

HTTP, QUEUE, TIMER = "httpTrigger", "queueTrigger", "timerTrigger"
_SETTING = re.compile(r"%([^%]+)%")


@dataclass(frozen=True, slots=True)
class Declared:
    """A function of the app: its name, code and trigger (`values` as function.json would hold them)."""

    name: str
    call: Callable[..., Any]
    trigger: str
    argument: str
    values: Mapping[str, Any]

    @property
    def is_async(self) -> bool:
        return inspect.iscoroutinefunction(self.call)

    @property
    def wants_context(self) -> bool:
        return "context" in inspect.signature(self.call).parameters


def load_functions(app_dir: Path) -> list[Declared]:
    """Import `function_app.py` of `app_dir` and list its functions, as the Python worker would.

    Raises HostError where there is not exactly one app, where a trigger is not HTTP, queue or timer, or where
    the worker would refuse a function.
    """
    sys.path.insert(0, str(app_dir))
    module = importlib.import_module("function_app")
    apps = {id(value): value for value in vars(module).values() if isinstance(value, func.FunctionApp)}
    if len(apps) != 1:
        raise HostError(f"function_app.py must hold one FunctionApp, found {len(apps)}")
    return [_declared(function) for function in next(iter(apps.values())).get_functions()]


def resolve(value: str, environment: Mapping[str, str] | None = None) -> str:
    """Replace each `%NAME%` by that app setting. Raises HostError for one that is missing."""
    settings = os.environ if environment is None else environment

    def setting(match: re.Match[str]) -> str:
        found = settings.get(match[1])
        if found is None:
            raise HostError(
                f"'%{match[1]}%' does not resolve to a value: the app setting {match[1]} is missing"
            )
        return found

    return _SETTING.sub(setting, value)


def _declared(function: Any) -> Declared:  # the library's builder class is not typed
    name, call = function.get_function_name(), function.get_user_function()
    trigger = function.get_trigger()
    values = {key: _plain(value) for key, value in trigger.get_dict_repr().items()}
    kind, argument = values["type"], values["name"]
    if kind not in {HTTP, QUEUE, TIMER}:
        raise HostError(f"{name}: this host has no {kind}")
    parameters = inspect.signature(call).parameters
    if argument not in parameters:
        raise HostError(f"{name}: the trigger's arg_name {argument!r} is not a parameter of the function")
    outputs = [b.type for b in function.get_bindings() if b is not trigger and b.type != "http"]
    if outputs:
        raise HostError(f"{name}: this host has no {outputs[0]} binding; use the storage SDK")
    extra = set(parameters) - {argument, "context"}
    if extra:
        raise HostError(f"{name}: parameters without a binding: {', '.join(sorted(extra))}")
    return Declared(name, call, kind, argument, values)


def _plain(value: object) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    inner = getattr(value, "value", value)  # enums of the library
    return resolve(inner) if isinstance(inner, str) else inner
