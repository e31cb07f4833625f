"""The table of Graph routes, and what a handler is given. Fixed segments match in any case, as in Graph."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from dev.simulator.call import Answer, Call
from dev.simulator.directory import User
from dev.simulator.errors import GraphError, bad_request
from dev.simulator.habits import Habits
from dev.simulator.mailbox import Mailbox
from dev.simulator.notifications import Notifier
from dev.simulator.rights import Bearer
from dev.simulator.world import World


@dataclass(frozen=True, slots=True)
class Context:
    """One authenticated call. `user` is the one named in the path, if any.

    `is_basic`: mail is shown without its content.
    """

    world: World
    notifier: Notifier
    call: Call
    tenant_id: str
    parameters: dict[str, str]
    named_user: User | None
    bearer: Bearer
    is_basic: bool = False

    @property
    def user(self) -> User:
        """Raises GraphError 404."""
        if self.named_user is None:
            name = self.parameters.get("user", "")
            raise GraphError(404, "ResourceNotFound", f"Resource '{name}' does not exist.")
        return self.named_user

    @property
    def mailbox(self) -> Mailbox:
        """Raises GraphError 404."""
        mailbox = self.user.mailbox
        if mailbox is None:
            message = "The mailbox is either inactive, soft-deleted, or is hosted on-premise."
            raise GraphError(404, "MailboxNotEnabledForRESTAPI", message)
        return mailbox

    @property
    def habits(self) -> Habits:
        return self.world.habits

    @property
    def list_page_size(self) -> int | None:
        """The page size that a list honours."""
        return self.call.preferences.page_size if self.habits.list_page_size else None

    @property
    def base(self) -> str:
        return f"{self.world.url}/v1.0"

    def context_url(self, name: str) -> str:
        return f"{self.base}/$metadata#{name}"


Handler = Callable[[Context], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Route:
    """A method, a pattern of words and `{parameters}`, and who answers. Statistics show `template`."""

    method: str
    pattern: tuple[str, ...]
    template: str
    handler: Handler
    in_mailbox: bool
    options: frozenset[str]

    @property
    def is_content(self) -> bool:
        """Whether it gives more of a mail than its headers."""
        return "$value" in self.pattern or "attachments" in self.pattern

    def check_options(self, call: Call) -> None:
        """Raises GraphError 400 for a system option that is not offered here; others are no business of OData's."""
        given = sorted(name for name in call.query if name.startswith("$"))
        refused = [name for name in given if name.removeprefix("$") not in self.options]
        if self.method == "GET" and refused:
            raise bad_request(f"The query parameter '{refused[0]}' is not supported for this resource.")

    def match(self, segments: tuple[str, ...]) -> dict[str, str] | None:
        found: dict[str, str] = {}
        for expected, actual in zip(self.pattern, segments, strict=True):
            if expected.startswith("{"):
                found[expected[1:-1]] = actual
            elif expected != actual.lower():
                return None
        return found


@dataclass(slots=True)
class Routes:
    """All routes, by method and length. Fixed words win over parameters."""

    table: dict[tuple[str, int], list[Route]] = field(default_factory=dict)

    def on(
        self, method: str, template: str, *, in_mailbox: bool = True, options: str = ""
    ) -> Callable[[Handler], Handler]:
        """Registers a handler. `in_mailbox` calls count against the concurrency limit of the mailbox.

        `options` are the system options of a read, without their `$`.
        """

        def register(handler: Handler) -> Handler:
            segments = tuple(template.strip("/").split("/"))
            pattern = tuple(part if part.startswith("{") else part.lower() for part in segments)
            shown = "/" + "/".join("{id}" if part.startswith("{") else part for part in segments)
            allowed = frozenset(options.split())
            route = Route(method, pattern, f"{method} {shown}", handler, in_mailbox, allowed)
            routes = self.table.setdefault((method, len(pattern)), [])
            routes.append(route)
            routes.sort(key=lambda one: [part.startswith("{") for part in one.pattern])
            return handler

        return register

    def find(self, call: Call) -> tuple[Route, dict[str, str]]:
        """Raises GraphError 400 or 405 for what Graph does not have."""
        for route in self.table.get((call.method, len(call.segments)), ()):
            if (parameters := route.match(call.segments)) is not None:
                return route, parameters
        if any(
            route.match(call.segments) is not None
            for (_, length), routes in self.table.items()
            if length == len(call.segments)
            for route in routes
        ):
            raise GraphError(
                405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target."
            )
        last = call.segments[-1] if call.segments else ""
        raise GraphError(400, "BadRequest", f"Resource not found for the segment '{last}'.")


routes = Routes()
