"""The schemas of the OpenAPI document in the form that client generators read, each fact once."""

import json
from collections.abc import Mapping, Set
from typing import Any, Final

from pydantic import BaseModel

from shared.api.models.records import RecordLine
from shared.api.models.schema import Example, base_answers, examples_of_models
from shared.api.models.service import Problem

Json = dict[str, Any]

SCHEMAS: Final = "#/components/schemas/"
_NULL: Final = {"type": "null"}
# Models of bodies that are read as bytes, and of errors: no route shows them to FastAPI.
_FURTHER: Final[tuple[type[BaseModel], ...]] = (Problem, RecordLine)


def schemas_for_clients(made: Json, named: Set[str]) -> Json:
    """The schemas by name; bodies and answers name those in `named`, and other schemas the rest."""
    schemas = dict(made)
    for model in _FURTHER:
        schema = model.model_json_schema(ref_template=f"{SCHEMAS}{{model}}")
        schemas |= {**schema.pop("$defs", {}), model.__name__: schema}
    found = {name: readable(schema) for name, schema in sorted(schemas.items())}
    extended = {name: _beside_base(name, found) for name in found}
    examples = _shown(examples_of_models(), named)
    return {name: _with_examples(schema, examples.get(name)) for name, schema in extended.items()}


def _beside_base(name: str, schemas: Mapping[str, Json]) -> Json:
    """The schema of an answer that has more than another one: a reference to that, and what it has beside.

    Its fields are a part of their own: openapi-python-client reads a reference alone as the other schema.
    """
    schema, base_name = schemas[name], base_answers().get(name, "")
    base = schemas.get(base_name)
    if base is None:
        return schema
    own = {field: value for field, value in schema["properties"].items() if field not in base["properties"]}
    required = [field for field in schema.get("required", ()) if field in own]
    part = {"type": "object", "properties": own, **({"required": required} if required else {})}
    rest = {key: value for key, value in schema.items() if key not in ("type", "properties", "required")}
    return {"allOf": [{"$ref": f"{SCHEMAS}{base_name}"}, part], **rest}


def _shown(examples: Mapping[str, list[Example]], named: Set[str]) -> dict[str, list[Example]]:
    """The examples without those that a body's or an answer's shows whole: they would stand twice and more."""
    outer = [json.dumps(example) for name, example in examples.items() if name in named]
    return {
        name: found
        for name, found in examples.items()
        if name in named or not any(json.dumps(found)[1:-1] in shown for shown in outer)
    }


def _with_examples(schema: Json, examples: list[Example] | None) -> Json:
    # FastAPI leaves nulls out of examples, which then lack members that they must have.
    rest = {key: value for key, value in schema.items() if key != "examples"}
    return {**rest, "examples": examples} if examples else rest


def readable(schema: Mapping[str, Any]) -> Json:
    """A schema without generated titles, and with null as a type beside others or as one of two references.

    NSwag makes a class of a title, and an empty class of `anyOf` with null.
    """
    found = {name: value for name, value in schema.items() if name not in ("title", "anyOf")}
    if found.get("default", "") is None:
        del found["default"]
    if "properties" in found:
        found["properties"] = {name: readable(field) for name, field in found["properties"].items()}
    for below in ("items", "additionalProperties"):
        if isinstance(found.get(below), dict):
            found[below] = readable(found[below])
    parts = [readable(part) for part in schema.get("anyOf", ())]
    return _either(parts, found) if parts else found


def _either(parts: list[Json], found: Json) -> Json:
    """One of several schemas."""
    if _NULL not in parts:
        return {**found, "anyOf": parts}
    [other] = [part for part in parts if part != _NULL]
    if "$ref" in other:
        return {"oneOf": [other, _NULL], **found}
    return {**other, "type": [other["type"], "null"], **found}


def without_null(schema: Json) -> Json:
    """The schema of a parameter or a body, which is left out instead of being null."""
    if _NULL in schema.get("oneOf", ()):
        rest = {name: value for name, value in schema.items() if name != "oneOf"}
        return {**schema["oneOf"][0], **rest}
    if isinstance(schema.get("type"), list):
        return {**schema, "type": schema["type"][0]}
    return schema
