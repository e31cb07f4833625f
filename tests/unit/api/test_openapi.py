"""The OpenAPI document: every operation with examples, made from models alone."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from shared.api import models as api_models
from shared.api.models.filing import EntryModel, MessageModel, TimelineModel
from shared.api.models.mailboxes import MailboxModel
from shared.api.models.organisations import OrganisationModel
from shared.api.models.records import RecordModel
from shared.domain.mail.automatic import Automatic
from tests.unit.api.wiring import Api


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def has_example(content: dict[str, Any], schemas: dict[str, Any]) -> bool:
    if "example" in content:
        return True
    schema = content.get("schema", {})
    given = [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]
    name = given[0].get("$ref", "").rpartition("/")[2]
    return bool(schemas.get(name, {}).get("examples"))


def test_every_body_and_answer_has_an_example(api: Api) -> None:
    document = api.get("openapi.json").json()
    schemas = document["components"]["schemas"]
    checked = 0
    for name, operation in operations(document):
        answers = operation["responses"].values()
        for part in (operation.get("requestBody", {}), *answers):
            for media_type, content in part.get("content", {}).items():
                assert has_example(content, schemas), (name, media_type)
                checked += 1
    assert checked > 50


def test_every_guarded_operation_says_so_and_names_its_errors(api: Api) -> None:
    for name, operation in operations(api.get("openapi.json").json()):
        if name.endswith(("/health", "/connect/callback")):
            assert "security" not in operation
            continue
        assert operation["security"] == [{"HTTPBearer": []}], name
        assert {"401", "403", "422", "503"} <= set(operation["responses"]), name
        assert "application/problem+json" in operation["responses"]["422"]["content"], name
        assert operation["summary"]
        assert operation["description"], name


def models() -> list[type[BaseModel]]:
    """The classes that the modules of `shared/api/models` define."""
    found = []
    for info in pkgutil.iter_modules(api_models.__path__, f"{api_models.__name__}."):
        module = importlib.import_module(info.name)
        own = [value for value in vars(module).values() if getattr(value, "__module__", "") == info.name]
        found += [value for value in own if isinstance(value, type) and issubclass(value, BaseModel)]
    return found


def test_the_examples_fit_their_models() -> None:
    assert len(models()) > 50
    for model in models():
        for example in model.model_json_schema().get("examples", []):
            shown = model.model_validate(example).model_dump(mode="json", by_alias=True, exclude_unset=True)
            assert shown == example, model.__name__


def test_every_field_of_the_examples_is_shown() -> None:
    for model in (MessageModel, TimelineModel, RecordModel, MailboxModel, OrganisationModel):
        schema = model.model_json_schema()
        assert set(schema["examples"][0]) == set(schema["properties"]), model.__name__


def test_clients_are_told_every_kind_of_automatic_mail() -> None:
    assert get_args(EntryModel.model_fields["automatic"].annotation) == tuple(Automatic)


def test_the_docs_page_is_served(api: Api) -> None:
    answer = api.get("docs")
    assert answer.status_code == 200
    assert "/api/v1/openapi.json" in answer.text
