"""The OpenAPI document: every operation with examples, made from models alone, in the form that generators read.

The rules below were found by calling the API with clients that Kiota, NSwag, openapi-typescript and hey-api made.
"""

import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from shared.api import models as api_models
from shared.api.app import SENT_HEADERS
from shared.api.models import words
from shared.api.models.filing import MessageModel, TimelineModel
from shared.api.models.mailboxes import MailboxModel
from shared.api.models.organisations import OrganisationModel
from shared.api.models.records import RecordModel
from shared.api.models.schema import Body
from shared.api.models.service import Problem
from shared.domain.campaigns.campaigns import CampaignState, Share
from shared.domain.capture import backfills
from shared.domain.connections import connections, mailbox_state, mailboxes, organisations, verdicts
from shared.domain.connections.habits import Habit
from shared.domain.events.events import What
from shared.domain.filing import entries, explanations
from shared.domain.mail.automatic import Automatic
from shared.domain.mail.messages import Direction
from shared.domain.matching.decisions import Disposition
from shared.domain.records import records
from shared.domain.sending.from_addresses import Why
from shared.domain.sending.outbox import Mode
from shared.domain.sending.states import State
from tests.unit.api.wiring import PUBLIC_URL, Api

Json = dict[str, Any]
AN_OPERATION = 4_200  # bytes


@pytest.fixture
def document(api: Api) -> Json:
    found: Json = api.get("openapi.json").json()
    return found


def operations(document: Json) -> Iterator[tuple[str, Json]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def contents(operation: Json) -> Iterator[tuple[str, Json]]:
    """The media types of an operation's body and answers."""
    for part in (operation.get("requestBody", {}), *operation["responses"].values()):
        yield from part.get("content", {}).items()


def below(node: Any, path: str = "") -> Iterator[tuple[str, Json]]:
    """Every object in the document, except what an example shows."""
    if isinstance(node, dict):
        yield path, node
        for name, value in node.items():
            if name not in ("example", "examples"):
                yield from below(value, f"{path}/{name}")
    elif isinstance(node, list):
        for value in node:
            yield from below(value, path)


def schemas(document: Json) -> Json:
    found: Json = document["components"]["schemas"]
    return found


def whole(name: str, document: Json) -> Json:
    """A schema with the fields of the one that it extends."""
    schema: Json = schemas(document)[name]
    if "allOf" not in schema:
        return schema
    base, own = schema["allOf"]
    inherited = whole(base["$ref"].rpartition("/")[2], document)
    return {**schema, "properties": {**inherited["properties"], **own["properties"]}}


def named(document: Json) -> set[str]:
    """The schemas that a body or an answer is."""
    found = [content["schema"] for _, each in operations(document) for _, content in contents(each)]
    return set(re.findall(r"#/components/schemas/(\w+)", json.dumps(found)))


def has_example(content: Json, document: Json) -> bool:
    name = content["schema"].get("$ref", "").rpartition("/")[2]
    return "example" in content or bool(schemas(document).get(name, {}).get("examples"))


def test_every_body_and_answer_has_an_example(document: Json) -> None:
    checked = 0
    for name, operation in operations(document):
        for media_type, content in contents(operation):
            assert has_example(content, document), (name, media_type)
            checked += 1
    assert checked > 50


def test_every_guarded_operation_says_so_and_what_all_may_answer_stands_once(document: Json) -> None:
    assert document["security"] == [{"HTTPBearer": []}]
    common = document["components"]["responses"]["Problem"]
    assert re.findall(r"\d{3}(?=: )", common["description"]) == ["401", "403", "404", "422", "503"]
    assert "Retry-After" in common["headers"]
    for name, operation in operations(document):
        if name.endswith("/health"):
            assert operation["security"] == []
            continue
        assert "security" not in operation, name
        assert operation["responses"]["default"] == {"$ref": "#/components/responses/Problem"}, name
        assert not {"401", "403", "404", "422", "503"} & set(operation["responses"]), name
        assert operation["summary"]
        assert operation["description"], name
        assert {"$ref": "#/components/parameters/Organisation"} in operation["parameters"], name


def test_there_is_one_problem_and_every_error_is_it(document: Json) -> None:
    problem = {"$ref": "#/components/schemas/Problem"}
    problems = {**document["components"]["responses"]}
    assert "content" not in problems.pop("NotModified")
    for response in problems.values():
        assert response["content"] == {"application/problem+json": {"schema": problem}}
    assert schemas(document)["Problem"]["properties"]["detail"]["x-ms-primary-error-message"] is True
    for name, operation in operations(document):
        assert "default" in operation["responses"], name
        for status, response in operation["responses"].items():
            if status == "default" or status.startswith(("4", "5")):
                assert response["$ref"].startswith("#/components/responses/"), name
            # NSwag writes code for `4XX` that does not compile.
            assert status == "default" or status.isdigit(), name


def test_a_wait_and_a_version_are_declared(document: Json) -> None:
    responses = document["components"]["responses"]
    assert "Retry-After" in responses["Conflict"]["headers"]
    polled = 0
    for name, operation in operations(document):
        if "304" in operation["responses"]:
            assert {"$ref": "#/components/parameters/IfNoneMatch"} in operation["parameters"], name
            assert "ETag" in operation["responses"]["200"]["headers"], name
            polled += 1
    assert polled == 13
    for method in ("get", "put"):
        operation = document["paths"]["/mailboxes/{address}"][method]
        assert "ETag" in operation["responses"]["200"]["headers"]


def test_a_header_has_its_usual_name_and_a_page_may_send_it(document: Json) -> None:
    shared_parameters = document["components"]["parameters"]
    named = set()
    for _, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            found = (
                shared_parameters[parameter["$ref"].rpartition("/")[2]] if "$ref" in parameter else parameter
            )
            named |= {found["name"]} if found["in"] == "header" else set()
    assert {"If-Match", "If-None-Match", "Postledger-Organisation"} <= named <= set(SENT_HEADERS)


def test_the_document_names_its_server_and_its_paths_are_below_it(document: Json) -> None:
    assert [server["url"] for server in document["servers"]] == [f"{PUBLIC_URL}/api/v1"]
    assert "/timelines/{kind}/{id}" in document["paths"]
    assert "/connect/callback" not in document["paths"]
    assert document["info"]["contact"]


def test_every_tag_is_declared_and_every_declared_tag_is_used(document: Json) -> None:
    declared = [tag["name"] for tag in document["tags"]]
    assert {tag for _, operation in operations(document) for tag in operation["tags"]} == set(declared)


def test_the_document_is_small(document: Json) -> None:
    size = len(json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode())
    assert size < min(202_000, AN_OPERATION * len(list(operations(document))))


def test_operations_have_names_that_become_methods(document: Json) -> None:
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(names) == len(set(names))
    for name in names:
        assert re.fullmatch(r"[a-z][A-Za-z0-9]*", name)


def test_null_is_a_type_or_one_of_two_references(document: Json) -> None:
    """NSwag makes an empty class of `anyOf` with null; Kiota's TypeScript reads null as `{}` and pages for ever."""
    for path, node in below(document):
        assert {"type": "null"} not in node.get("anyOf", []), path
    cursor = schemas(document)["TimelineModel"]["properties"]["cursor"]
    assert cursor["type"] == ["string", "null"]


def test_a_parameter_or_a_body_is_left_out_and_never_null(document: Json) -> None:
    for name, operation in operations(document):
        given = [
            parameter["schema"] for parameter in operation.get("parameters", []) if "schema" in parameter
        ]
        bodies = operation.get("requestBody", {}).get("content", {}).values()
        for schema in (*given, *(content["schema"] for content in bodies)):
            assert "oneOf" not in schema, name
            assert "null" not in schema.get("type", ""), name


def test_no_optional_field_of_a_body_has_a_default_and_each_may_be_null(document: Json) -> None:
    """Generated clients send every default that they are told, and 0 or false for what may not be null."""
    checked = 0
    for model in (model for model in models() if issubclass(model, Body)):
        schema = whole(model.__name__, document)
        for name, field in schema["properties"].items():
            if name in schema.get("required", ()):
                continue
            assert "default" not in field, (model.__name__, name)
            assert "null" in json.dumps([field.get("type"), field.get("oneOf")]), (model.__name__, name)
            checked += 1
    assert checked > 50


def test_words_are_schemas_of_their_own_and_none_is_empty(document: Json) -> None:
    """An inline enum becomes a type for each field; Kiota leaves an empty word out."""
    named = 0
    for path, node in below(document):
        if "enum" in node and isinstance(node["enum"], list):
            assert re.fullmatch(r"/components/schemas/\w+", path), path
            assert not {"", None} & set(node["enum"]), path
            named += 1
    assert named > 20


# Values whose names an organisation chooses itself: nobody can know them.
MAPS = {"DataFields", "DataModel"}


def test_there_is_no_free_map(document: Json) -> None:
    for name, schema in schemas(document).items():
        if name in MAPS:
            continue
        assert schema.get("type") != "object" or schema["properties"], name
    for path, node in below(schemas(document)):
        if node.get("type") == "object":
            assert "properties" in node, path


def test_every_field_has_a_description_or_a_schema_that_has_a_name(document: Json) -> None:
    for name in schemas(document):
        for field, described in whole(name, document).get("properties", {}).items():
            assert {"description", "$ref", "oneOf"} & set(described), (name, field)


def test_lines_of_json_are_bytes_and_a_load_may_be_an_array(document: Json) -> None:
    """NSwag sends a text as a JSON string, in quotes."""
    for _, operation in operations(document):
        for media_type, content in contents(operation):
            if "ndjson" in media_type:
                assert content["schema"] == {"type": "string", "format": "binary"}
    load = document["paths"]["/records"]["post"]["requestBody"]["content"]
    assert load["application/json"]["schema"]["items"] == {"$ref": "#/components/schemas/RecordLine"}


def models() -> list[type[BaseModel]]:
    """The classes that the modules of `shared/api/models` define and that have an example."""
    found = []
    for info in pkgutil.iter_modules(api_models.__path__, f"{api_models.__name__}."):
        module = importlib.import_module(info.name)
        own = [value for value in vars(module).values() if getattr(value, "__module__", "") == info.name]
        found += [value for value in own if isinstance(value, type) and issubclass(value, BaseModel)]
    return [model for model in found if "examples" in model.model_json_schema()]


def test_the_examples_fit_their_models() -> None:
    assert len(models()) > 50
    for model in models():
        for example in model.model_json_schema()["examples"]:
            shown = model.model_validate(example).model_dump(mode="json", by_alias=True, exclude_unset=True)
            assert shown == example, model.__name__


def test_the_document_shows_the_examples_whole(document: Json) -> None:
    """FastAPI leaves nulls out, and then an example lacks fields that its schema requires."""
    shown = 0
    for model in models():
        if model.__name__ in named(document):
            assert schemas(document)[model.__name__]["examples"] == model.model_json_schema()["examples"]
            shown += 1
    assert shown > 50


def test_the_example_of_a_part_stands_in_that_of_the_whole_and_not_twice(document: Json) -> None:
    wholes = [schemas(document)[name].get("examples", ()) for name in named(document)]
    of_wholes = [json.dumps(examples, sort_keys=True) for examples in wholes]
    parts = [model for model in models() if model.__name__ not in named(document)]
    left_out = 0
    for model in parts:
        example = json.dumps(model.model_json_schema()["examples"][0], sort_keys=True)
        is_shown = "examples" in schemas(document).get(model.__name__, {})
        if model.__name__ in schemas(document):
            assert is_shown is not any(example in text for text in of_wholes), model.__name__
            left_out += not is_shown
    assert left_out > 20


def test_an_answer_that_is_more_than_another_refers_to_it(document: Json) -> None:
    for name, base in (("MessageModel", "EntryModel"), ("ConnectLinkModel", "ConnectionModel")):
        schema = schemas(document)[name]
        [reference, own] = schema["allOf"]
        assert reference == {"$ref": f"#/components/schemas/{base}"}
        assert not set(own["properties"]) & set(schemas(document)[base]["properties"])
        assert set(schema["examples"][0]) == set(whole(name, document)["properties"])


def test_an_answer_of_several_shapes_shows_an_example_of_one_of_them_whole(document: Json) -> None:
    several = [
        content
        for _, operation in operations(document)
        for _, content in contents(operation)
        if "anyOf" in content["schema"]
    ]
    assert several
    for content in several:
        names = [shape["$ref"].rpartition("/")[2] for shape in content["schema"]["anyOf"]]
        assert content["example"] in [schemas(document)[name]["examples"][0] for name in names]
        assert "title" not in content["schema"]


def test_every_field_of_the_examples_is_shown() -> None:
    for model in (MessageModel, TimelineModel, RecordModel, MailboxModel, OrganisationModel, Problem):
        schema = model.model_json_schema()
        assert set(schema["examples"][0]) == set(schema["properties"]), model.__name__


WORDS: dict[str, tuple[str, ...]] = {
    "EntryKind": entries.KINDS,
    "EntryFilter": tuple(entries.FILTERS),
    "Direction": tuple(Direction),
    "EventKind": tuple(What),
    "AutomaticKind": tuple(word or "none" for word in Automatic),
    "RecordKind": records.KINDS,
    "MailboxKind": (mailboxes.PERSONAL, mailboxes.INTAKE),
    "MailboxState": (*mailbox_state.STATES, mailbox_state.PAUSED),
    "BackfillState": (backfills.RUNNING, backfills.DONE, backfills.CANCELLED),
    "Disposition": tuple(Disposition),
    "MailOutcome": explanations.ORDER,
    "ConnectMode": connections.MODES,
    "ConnectionState": connections.STATES,
    "TestOutcome": verdicts.OUTCOMES,
    "HabitName": tuple(Habit),
    "OrganisationState": organisations.STATES,
    "OutboxState": tuple(State),
    "CampaignState": tuple(CampaignState),
    "CampaignShare": tuple(Share),
    "SenderRule": tuple(Why),
    "ReplyMode": (Mode.REPLY, Mode.REPLY_ALL),
    "AnswerMode": (Mode.REPLY, Mode.REPLY_ALL, Mode.FORWARD),
}


@pytest.mark.parametrize("name", WORDS)
def test_clients_are_told_every_word_of_the_domain(name: str) -> None:
    assert set(get_args(getattr(words, name).__value__)) == set(WORDS[name])


def test_the_docs_page_is_served(api: Api) -> None:
    answer = api.get("docs")
    assert answer.status_code == 200
    assert 'href="openapi.json"' in answer.text


def test_the_docs_page_loads_nothing_from_elsewhere(api: Api) -> None:
    page, script = api.get("docs"), api.get("docs/page.js")
    assert script.headers["content-type"].startswith("text/javascript")
    for answer in (page, script):
        assert "https://" not in answer.text
        assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "innerHTML" not in script.text
