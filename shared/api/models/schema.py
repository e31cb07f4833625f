"""What all models share: their bases, a moment in time, the way an example is attached, and the ids of examples."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Final, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Example = dict[str, Any]

TENANT: Final = "11111111-2222-4333-8444-555555555555"
KEY: Final = "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"
ETAG: Final = "5d41402abc4b2a76b9719d911017c592"
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
# Before the first no mail is older; the last leaves room for a zone and for intervals.
_YEARS: Final = range(1970, 9_000)

NextCursor = Annotated[str | None, Field(description="Names the next page; null on the last.")]


def shown_as(example: Example) -> ConfigDict:
    """A model's configuration with the example that OpenAPI shows for it."""
    # A field called `from` has another name in Python; the shapes fill it by either.
    return ConfigDict(populate_by_name=True, json_schema_extra={"examples": [example]})


class Answer(BaseModel):
    """What an answer consists of."""


class Body(BaseModel):
    """A request's body: it has no unknown fields, its types are exact, and its text can be stored.

    An optional field is nullable and has no other default: a generated client sends each default that it is told,
    and null for what nobody has set. Null is therefore the same as an absent field.
    """

    # Without `strict`, pydantic reads "yes" as true and "5" as 5: a caller's mistake would be saved.
    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _is_unicode(cls, given: Any) -> Any:
        """Refuse half a character: JSON can spell an unpaired surrogate, and no storage accepts it."""
        try:
            json.dumps(given, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("the text contains half a character (an unpaired surrogate)") from None
        return given

    def given(self) -> dict[str, Any]:
        """The fields that the caller has set, under the names of the JSON."""
        return self.model_dump(by_alias=True, exclude_none=True)


def examples_of_models() -> dict[str, list[Example]]:
    """The examples of every model by its name."""
    found: dict[str, list[Example]] = {}
    for model in (*_kinds_of(Answer), *_kinds_of(Body)):
        extra = model.model_config.get("json_schema_extra")
        if isinstance(extra, dict):
            found[model.__name__] = cast(list[Example], extra["examples"])
    return found


def base_answers() -> dict[str, str]:
    """Of each answer that has all of another one and more: its name, and the other's."""
    bases = {model.__name__: model.__bases__[0] for model in _kinds_of(Answer)}
    return {name: base.__name__ for name, base in bases.items() if base is not Answer}


def _kinds_of(base: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for model in base.__subclasses__():
        yield model
        yield from _kinds_of(model)


def _written_out(given: Any) -> Any:
    """Refuse a number: pydantic would read 0 as the first second of 1970."""
    if isinstance(given, str) and not _DATE.match(given):
        raise ValueError("it must be a date and time (ISO 8601), such as 2026-03-02T09:00:00Z")
    if not isinstance(given, str | datetime):
        raise ValueError("it must be the text of a date and time (ISO 8601)")
    return given


def _in_utc(moment: datetime) -> datetime:
    if moment.year not in _YEARS:
        raise ValueError("it must be a time after 1970")
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


# JSON has no dates: strict mode would accept none from a text.
Moment = Annotated[datetime, Field(strict=False), BeforeValidator(_written_out), AfterValidator(_in_utc)]
"""A date and time in a request; without a time zone it is UTC."""
