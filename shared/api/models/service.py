"""What the service says about itself: that it answers, and what is wrong with a request."""

from datetime import datetime
from typing import Final

from pydantic import Field

from shared.api.models.schema import Answer, Example, shown_as
from shared.api.models.words import HealthStatus

PROBLEM_EXAMPLE: Final[Example] = {
    "type": "about:blank",
    "title": "Forbidden",
    "status": 403,
    "detail": "This needs the role Admin; the token has Agent.",
    "instance": "/api/v1/mailboxes",
    "correlation_id": "5f0c2f6d1b8e4c0f9f3a0a3f0e2d7c11",
}

TRIAL_EXAMPLE: Final = "4f1c8a52e0b34d0e9f6e6a4c7f3f5a10"


class Problem(Answer):
    """An error (RFC 9457)."""

    model_config = shown_as(PROBLEM_EXAMPLE)
    type: str = Field(description="A URI that names the kind of problem; about:blank: the status says it.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(
        description="What is wrong and what to do.",
        # Kiota's clients show this member as the text of the error that they raise.
        json_schema_extra={"x-ms-primary-error-message": True},
    )
    instance: str = Field(description="The path of the request.")
    correlation_id: str = Field(description="The log contains this id; quote it when you ask for help.")


class Trial(Answer):
    """A trial that is under way: `GET health` names it once its command has come through."""

    model_config = shown_as({"trial": TRIAL_EXAMPLE})
    trial: str = Field(description="The id of the trial.")


class Health(Answer):
    """The service answers. Everything but `status` is for the operator's token."""

    model_config = shown_as(
        {
            "status": "ok",
            "version": "1.4.0",
            "commit": "9f2c1ab",
            "python": "3.12.8",
            "tick_age": 42,
            "trial": TRIAL_EXAMPLE,
            "trial_seconds": 0.8,
        }
    )
    status: HealthStatus
    version: str | None = Field(default=None, description="The version that runs.")
    commit: str | None = Field(
        default=None, description="The commit that it was packed from; empty where it runs from a checkout."
    )
    python: str | None = Field(default=None, description="The version of Python that runs it.")
    tick_age: int | None = Field(
        default=None,
        description="Seconds since the tick last did anything; absent where it never did. It comes every minute.",
    )
    trial: str | None = Field(
        default=None, description="The last trial whose command has come through; absent before the first."
    )
    trial_seconds: float | None = Field(
        default=None, description="The seconds that the trial's command took from the queue to its end."
    )
    paused_since: datetime | None = Field(default=None, description="When the operator paused it.")
