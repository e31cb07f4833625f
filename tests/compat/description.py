"""Whether an API has only grown: what a client of an older description relies on is in the newer one."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

# What a client was told that it may send or will get; texts, examples and limits may change.
_SAME: Final = ("type", "$ref", "format", "const", "in")
_WORDS: Final = ("enum",)


def shrunk(old: Any, new: Any) -> Iterator[str]:
    """Where the newer description lacks, retypes or newly demands something; a line each."""
    yield from _shrunk(_spelled_out(old), _spelled_out(new), "")


def _spelled_out(document: Any) -> Any:
    """With parameters, answers and inherited fields in their place: where they stand says nothing."""
    shared = document["components"]
    paths = {
        path: {method: _with_shared(operation, shared) for method, operation in item.items()}
        for path, item in document["paths"].items()
    }
    components = {name: part for name, part in shared.items() if name not in ("parameters", "responses")}
    schemas = {name: _whole(schema, shared["schemas"]) for name, schema in shared["schemas"].items()}
    return {**document, "paths": paths, "components": {**components, "schemas": schemas}}


def _whole(schema: Any, schemas: Mapping[str, Any]) -> Any:
    """A schema with the fields of those that it extends."""
    if "allOf" not in schema:
        return schema
    parts = [_whole(_named(part, schemas), schemas) for part in schema["allOf"]]
    rest = {name: value for name, value in schema.items() if name != "allOf"}
    fields = {name: value for part in parts for name, value in part["properties"].items()}
    return {**rest, "type": "object", "properties": fields}


def _with_shared(operation: Any, shared: Mapping[str, Any]) -> Any:
    parameters = [_named(given, shared["parameters"]) for given in operation.get("parameters", [])]
    answers = {
        status: _named(answer, shared["responses"]) for status, answer in operation["responses"].items()
    }
    return {**operation, "parameters": parameters, "responses": answers}


def _named(given: Any, shared: Mapping[str, Any]) -> Any:
    return shared[given["$ref"].rpartition("/")[2]] if "$ref" in given else given


def _shrunk(old: Any, new: Any, place: str) -> Iterator[str]:
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return
    for name in _SAME:
        if name in old and old[name] != new.get(name):
            yield f"{place}: {name} was {old[name]}, and is {new.get(name)}"
    for name in _WORDS:
        lost = set(map(str, old.get(name, ()))) - set(map(str, new.get(name, ())))
        if name in old and lost:
            yield f"{place}: {name} lost {sorted(lost)}"
    for name, value in old.items():
        yield from _inside(name, value, new, f"{place}/{name}")


def _inside(name: str, value: Any, new: Mapping[str, Any], place: str) -> Iterator[str]:
    if name == "parameters" and isinstance(value, list):
        yield from _parameters(value, new.get(name, []), place)
    elif isinstance(value, Mapping):
        if name not in new:
            yield f"{place} is gone"
        else:
            yield from _shrunk(value, new[name], place)
    elif name in ("anyOf", "oneOf", "allOf") and isinstance(value, list):
        lost = [kind for kind in value if kind not in new.get(name, [])]
        yield from (f"{place} lost {kind}" for kind in lost)


def _parameters(old: list[Any], new: list[Any], place: str) -> Iterator[str]:
    known = {_key(parameter): parameter for parameter in new}
    for parameter in old:
        if _key(parameter) not in known:
            yield f"{place}/{_key(parameter)} is gone"
    asked = {_key(parameter) for parameter in old}
    demanded = [key for key, parameter in known.items() if parameter.get("required") and key not in asked]
    yield from (f"{place}/{key} is demanded" for key in demanded)


def _key(parameter: Mapping[str, Any]) -> str:
    return f"{parameter['in']} {parameter['name']}"
