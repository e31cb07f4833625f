"""What all models share: the base of a request's body, the way an example is attached, and the ids of examples."""

import json
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, model_validator

Example = dict[str, Any]

TENANT: Final = "11111111-2222-4333-8444-555555555555"
KEY: Final = "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"
ETAG: Final = "5d41402abc4b2a76b9719d911017c592"


def shown_as(example: Example) -> ConfigDict:
    """A model's configuration with the example that OpenAPI shows for it."""
    # A field called `from` has another name in Python; the shapes fill it by either.
    return ConfigDict(populate_by_name=True, json_schema_extra={"examples": [example]})


class Body(BaseModel):
    """A request's body: it has no unknown fields, its types are exact, and its text can be stored."""

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
