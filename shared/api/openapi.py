"""The OpenAPI document in the form that client generators read: one pass over what FastAPI makes of the routes.

The rules come from clients that Kiota, NSwag, openapi-typescript and openapi-python-client made of it; a test holds
the served document against them.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Set
from itertools import chain
from typing import Any, Final

from shared.api.models.schema import ETAG, TENANT, examples_of_models
from shared.api.models.service import Problem
from shared.api.schemas import SCHEMAS, readable, schemas_for_clients, without_null

Json = dict[str, Any]

PROBLEM_TYPE: Final = "application/problem+json"
_REFERENCE: Final = re.compile(rf"{SCHEMAS}(\w+)")
# A parameter that stands so often stands among the shared ones.
_OFTEN: Final = 2
TAGS: Final = {
    "timelines": "The mail that is filed on a record.",
    "events": "What has changed, for clients that poll.",
    "messages": "A mail, its attachments and its links to records.",
    "sending": "Mail that is sent from the CRM, and its files.",
    "campaigns": "One mail to each of many, from a template.",
    "outbox": "What became of mail that was sent from the CRM.",
    "me": "The person who calls.",
    "inbox": "My Inbox: mail that waits for an agent's decision.",
    "notices": "Answers to mail that you sent, and reports that it did not arrive: told to you alone.",
    "records": "The CRM's records, on which mail is filed.",
    "rematch": "Stored mail under today's records and settings.",
    "mailboxes": "The mailboxes that are captured.",
    "organisations": "The settings of an organisation.",
    "connect": "The organisation's ways to its mail.",
    "operations": "What could not be processed, and why a mail is where it is.",
    "privacy": "The audit, and the erasure of a person.",
    "health": "Whether the service answers.",
}
# What any guarded operation may answer: it stands once, in the answer that all of them share.
EVERYWHERE: Final = (401, 403, 404, 422, 503)
# The names are ours: the standard library's phrases change with the version of Python.
_NAMES: Final = {
    409: "Conflict",
    410: "NotKept",
    412: "PreconditionFailed",
    413: "ContentTooLarge",
}
MEANINGS: Final = {
    401: "The request has no valid access token.",
    403: "The token does not permit the operation, or its organisation is not enabled.",
    404: "The item does not exist, or the caller may not see it.",
    409: "The current state does not allow the operation; the detail says why.",
    410: "It is older than what is kept; the detail says what to do instead.",
    412: "The item has changed since you read it; read it again.",
    413: "The body is too large.",
    422: "The request is invalid; the detail names the field.",
    503: "The service is briefly unavailable; Retry-After says when to try again.",
}
# The answers that may name a time after which the same request is worth another try; None stands for any other error.
_WAITING: Final = (409, None)
_GUARDED: Final[list[Json]] = [{"HTTPBearer": []}]
# FastAPI's words for what went well take more room than they say.
_OK: Final = "OK"
_OF_FASTAPI: Final = "Successful Response"
_NOT_MODIFIED: Final = "NotModified"
_HEADERS: Final = {
    "ETag": {
        "description": "The version of what was read.",
        "schema": {"type": "string", "example": f'"{ETAG}"'},
    },
    "Retry-After": {
        "description": "The number of seconds after which to try again.",
        "schema": {"type": "integer", "minimum": 1},
    },
}
_PARAMETERS: Final = {
    "Organisation": {
        "name": "Postledger-Organisation",
        "in": "header",
        "description": "The tenant id of the organisation to act for. Only an application of the deployment's own "
        "tenant may send it.",
        "schema": {"type": "string", "examples": [TENANT]},
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "description": "The last answer's ETag: if nothing has changed, the answer is 304.",
        "schema": {"type": "string"},
    },
}


def for_clients(document: Json, prefix: str) -> Json:
    """The document with paths below `prefix`, one Problem for all errors, and nullables that every generator reads."""
    paths = {path.removeprefix(prefix): item for path, item in document["paths"].items()}
    operations = list(chain.from_iterable(item.values() for item in paths.values()))
    for operation in operations:
        _simplify(operation)
    components = _components(document["components"], _named(operations))
    shared = _shared_parameters(operations)
    return {
        **document,
        "security": _GUARDED,
        "paths": paths,
        "components": {**components, "parameters": {**components["parameters"], **shared}},
    }


def _shared_parameters(operations: list[Json]) -> Json:
    """Parameters that several operations have, once, under a name each; the operations refer to them from now on.

    The document grows with every list otherwise: each tells of pages in the same words.
    """
    uses = Counter(map(_spelled, chain.from_iterable(map(_own_parameters, operations))))
    names: dict[str, str] = {}
    for spelled, count in uses.items():
        if count < _OFTEN:
            continue
        wanted = "".join(word.title() for word in json.loads(spelled)["name"].replace("-", "_").split("_"))
        taken = sum(name.rstrip("0123456789") == wanted for name in names.values())
        names[spelled] = f"{wanted}{taken + 1}" if taken else wanted
    for operation in filter(_own_parameters, operations):
        operation["parameters"] = [_by_name(given, names) for given in operation["parameters"]]
    return {name: json.loads(spelled) for spelled, name in names.items()}


def _own_parameters(operation: Json) -> list[Json]:
    return [given for given in operation.get("parameters", ()) if "$ref" not in given]


def _by_name(given: Json, names: Mapping[str, str]) -> Json:
    name = names.get(_spelled(given), "")
    return {"$ref": f"#/components/parameters/{name}"} if name else given


def _spelled(parameter: Json) -> str:
    return json.dumps(parameter, ensure_ascii=False)


def _named(operations: list[Json]) -> set[str]:
    """The schemas that bodies and answers name, rather than other schemas."""
    bodies = (operation.get("requestBody", {}) for operation in operations)
    answers = chain.from_iterable(operation["responses"].values() for operation in operations)
    contents = chain.from_iterable(part.get("content", {}).values() for part in chain(bodies, answers))
    return set(_REFERENCE.findall(json.dumps([content["schema"] for content in contents])))


def _components(made: Json, named: Set[str]) -> Json:
    return {
        "schemas": schemas_for_clients(made["schemas"], named),
        "responses": {
            _NOT_MODIFIED: {
                "description": "The answer is unchanged since the ETag in If-None-Match.",
                "headers": {"ETag": {"$ref": "#/components/headers/ETag"}},
            },
            **{_response_name(status): _response(status) for status in (*_NAMES, None)},
        },
        "parameters": _PARAMETERS,
        "headers": _HEADERS,
        "securitySchemes": made["securitySchemes"],
    }


def _response_name(status: int | None) -> str:
    return _NAMES[status] if status else "Problem"


def _response(status: int | None) -> Json:
    common = " ".join(f"{always}: {MEANINGS[always]}" for always in EVERYWHERE)
    response: Json = {
        "description": MEANINGS[status] if status else f"Any other error. {common}",
        "content": {PROBLEM_TYPE: {"schema": {"$ref": f"{SCHEMAS}{Problem.__name__}"}}},
    }
    if status in _WAITING:
        response["headers"] = {"Retry-After": {"$ref": "#/components/headers/Retry-After"}}
    return response


def _simplify(operation: Json) -> None:
    operation["parameters"] = list(_parameters(operation))
    if not operation["parameters"]:
        del operation["parameters"]
    body = operation.get("requestBody", {})
    for content in body.get("content", {}).values():
        content["schema"] = without_null(readable(content["schema"]))
    operation["responses"] = _responses(operation["responses"])
    # An open route says that it is one; all others are guarded as the document says.
    if operation.get("security") == _GUARDED:
        del operation["security"]
    else:
        operation["security"] = []


def _parameters(operation: Json) -> Iterator[Json]:
    for parameter in operation.get("parameters", ()):
        schema = without_null(readable(parameter["schema"]))
        # FastAPI says the same of the parameter and of its schema.
        schema.pop("description", None)
        listed = {"style": "form", "explode": False} if schema.get("type") == "array" else {}
        given = {**parameter, "name": _name(parameter), **listed, "schema": schema}
        # What need not be sent is the usual case, which OpenAPI leaves unsaid.
        yield {key: value for key, value in given.items() if value is not False or key == "explode"}
    if operation.get("security"):
        yield {"$ref": "#/components/parameters/Organisation"}
    if "304" in operation["responses"]:
        yield {"$ref": "#/components/parameters/IfNoneMatch"}


def _name(parameter: Json) -> str:
    """A header as HTTP writes it: generators make names of it. FastAPI writes it in small letters."""
    name = str(parameter["name"])
    return "-".join(part.title() for part in name.split("-")) if parameter["in"] == "header" else name


def _responses(responses: Json) -> Json:
    """The answers by status; each error is the one Problem, also an error that no route names."""
    found = {}
    for status, response in responses.items():
        if int(status) in EVERYWHERE:
            continue
        found[status] = _referred(int(status)) if int(status) in _NAMES else _with_examples(response)
        if status == "304":
            found[status] = {"$ref": f"#/components/responses/{_NOT_MODIFIED}"}
    return {**found, "default": _referred(None)}


def _with_examples(response: Json) -> Json:
    """An answer of several shapes with the example of the first: generators and readers see none of a reference's."""
    if response.get("description") == _OF_FASTAPI:
        response["description"] = _OK
    for content in response.get("content", {}).values():
        shapes = content.get("schema", {}).get("anyOf", ())
        if shapes:
            name = shapes[0]["$ref"].removeprefix(SCHEMAS)
            content["schema"] = readable(content["schema"])
            content["example"] = examples_of_models()[name][0]
    return response


def _referred(status: int | None) -> Json:
    return {"$ref": f"#/components/responses/{_response_name(status)}"}
