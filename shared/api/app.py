"""The client API as one FastAPI app. It knows no adapter and no setting: its caller passes what it needs."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.middleware.cors import CORSMiddleware

from shared.api import problems
from shared.api.auth import TokenVerifier
from shared.api.correlation import Correlation
from shared.api.openapi import TAGS, for_clients
from shared.api.routers import (
    accounts,
    audit,
    campaigns,
    connect,
    docs,
    erase,
    events,
    exceptions,
    health,
    inbox,
    intake,
    links,
    mailboxes,
    me,
    messages,
    notices,
    organisations,
    outbox,
    records,
    rematch,
    sending,
    timelines,
    unsubscribe,
    uploads,
)
from shared.api.use_cases import ApiUseCases
from shared.domain.build import Build

PREFIX: Final = "/api/v1"
DESCRIPTION: Final = (
    "Postledger files an organisation's mail on the timelines of its CRM records. Every request except `health` "
    "carries an access token of Entra ID. Errors are problem details (RFC 9457)."
)
# What a page of another origin may send: every header that the description declares, and what clients add.
SENT_HEADERS: Final = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Postledger-Organisation",
    "Traceparent",
    "X-Correlation-Id",
)


class Api(FastAPI):
    """A FastAPI app whose OpenAPI document is made for client generators."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = for_clients(super().openapi(), PREFIX)
        return self.openapi_schema


def create_app(
    use_cases: ApiUseCases,
    verifier: TokenVerifier,
    build: Build,
    *,
    public_url: str,
    cors_origins: tuple[str, ...] = (),
) -> FastAPI:
    """The app, ready to serve at `public_url`; pages of `cors_origins` may call it from a browser."""
    app = Api(
        title="Postledger",
        version=build.version,
        description=DESCRIPTION,
        contact={"name": "The operator of this deployment"},
        license_info={"name": "MIT", "identifier": "MIT"},
        servers=[{"url": f"{public_url}{PREFIX}", "description": "This deployment"}],
        openapi_tags=[{"name": name, "description": meaning} for name, meaning in TAGS.items()],
        openapi_url=f"{PREFIX}/openapi.json",
        # FastAPI's own pages load their scripts from a CDN.
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        # A redirect would lose the body of a POST and the caller would search for the mistake elsewhere.
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
    )
    app.state.use_cases = use_cases
    app.state.verifier = verifier
    app.state.build = build
    problems.install(app)
    routers = (
        timelines,
        # Before the routes of one message: `preview` is no id.
        sending,
        messages,
        campaigns,
        outbox,
        uploads,
        me,
        links,
        inbox,
        notices,
        events,
        records,
        rematch,
        mailboxes,
        intake,
        accounts,
        organisations,
        exceptions,
        erase,
        audit,
        health,
    )
    for module in routers:
        app.include_router(module.router, prefix=PREFIX)
    for router in (
        health.trial_router,
        connect.router,
        connect.callback_router,
        docs.router,
        unsubscribe.router,
    ):
        app.include_router(router, prefix=PREFIX)
    # Around all routes and error handlers, so that an error which none of them knows is answered too.
    app.add_middleware(Correlation)
    if cors_origins:
        _allow_browsers(app, cors_origins)
    return app


def _allow_browsers(app: FastAPI, origins: tuple[str, ...]) -> None:
    """Added last and so outermost, so that a page may read errors too."""
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(origins),
        allow_methods=["GET", "PUT", "POST", "DELETE"],
        allow_headers=list(SENT_HEADERS),
        # Without this a script in a page could not read them.
        expose_headers=["ETag", "Retry-After", "X-Correlation-Id", "Content-Disposition"],
        max_age=600,
    )


def _operation_id(route: APIRoute) -> str:
    # In camel case, since NSwag makes a client of each part before an underscore. FastAPI's own id would change with
    # the path.
    first, *others = route.name.split("_")
    return first + "".join(other.title() for other in others)
