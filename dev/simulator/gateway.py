"""What every Graph call passes: authentication, faults, the limit of four at a time per mailbox, counting."""

import random
import time
import traceback
from collections import Counter

from dev.simulator.call import Answer, Call
from dev.simulator.connections import ConnectionLost
from dev.simulator.directory import User
from dev.simulator.errors import GraphError, access_denied
from dev.simulator.faults import ErrorKind
from dev.simulator.notifications import Notifier
from dev.simulator.rights import Bearer, Right, bearer_of, right_for
from dev.simulator.routing import Context, Route, routes
from dev.simulator.sign_in import GRAPH_AUDIENCE
from dev.simulator.tokens import Claims, TokenMint
from dev.simulator.world import World

MAILBOX_CONCURRENCY = 4
_ERRORS: dict[str, tuple[int, str, str]] = {
    "429": (429, "TooManyRequests", "Please retry again later."),
    "500": (500, "ErrorInternalServerError", "An internal server error occurred. The operation failed."),
    "503": (503, "ErrorServerBusy", "The server cannot service this request right now. Try again later."),
    "504": (504, "UnknownError", ""),
}


class Gateway:
    """Takes calls to their handlers. `batched` calls cannot lose a connection of their own: they get 503 or 504."""

    def __init__(self, world: World, mint: TokenMint, notifier: Notifier) -> None:
        self.world, self.mint, self.notifier = world, mint, notifier
        self._active: Counter[str] = Counter()
        self._told: dict[str, tuple[float, float]] = {}
        self._untold: dict[float, dict[str, float]] = {}
        self._noise = random.Random(11)

    def claims_of(self, call: Call) -> Claims:
        """What the bearer token says. Raises GraphError 401."""
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        claims = self.mint.read(token.strip(), GRAPH_AUDIENCE) if scheme.lower() == "bearer" else None
        if claims is None:
            message = (
                "Access token is empty."
                if not token
                else "Access token validation failure. Invalid audience or signature."
            )
            raise GraphError(
                401, "InvalidAuthenticationToken", message, headers={"WWW-Authenticate": 'Bearer realm=""'}
            )
        return claims

    async def answer(self, call: Call, *, batched: bool = False) -> Answer:
        """Never raises anything but ConnectionLost."""
        template = f"{call.method} (unknown)"
        try:
            route, parameters = routes.find(call)
            template = route.template
            answer = await self._admitted(call, route, parameters, batched=batched)
        except GraphError as error:
            answer = Answer.refusal(error, call.headers.get("client-request-id"))
        except ConnectionLost:
            self.world.stats.calls[template, 0] += 1
            raise
        except Exception:  # noqa: BLE001  the one boundary: a defect of ours must look like one of Graph's
            traceback.print_exc()
            answer = Answer.refusal(
                GraphError(500, "generalException", "The simulator has a defect; see its log."), None
            )
        self.world.stats.calls[template, answer.status] += 1
        return answer

    async def _admitted(
        self, call: Call, route: Route, parameters: dict[str, str], *, batched: bool
    ) -> Answer:
        claims = self.claims_of(call)
        tenant_id = str(claims["tid"])
        self.world.stats.by_tenant[tenant_id][route.template] += 1
        user = self.world.directory.by_name(tenant_id, parameters["user"]) if "user" in parameters else None
        route.check_options(call)
        bearer = self._bearer(claims)
        is_basic = _check(bearer, route, user)
        context = Context(self.world, self.notifier, call, tenant_id, parameters, user, bearer, is_basic)
        key = user.address if user and route.in_mailbox else ""
        self._count_if_early(key or tenant_id, call, route, batched=batched)
        if user and route.in_mailbox and self.world.faults.denies({user.address.lower(), user.id}):
            raise access_denied()
        if user and route.in_mailbox and call.method != "GET":
            self.world.stats.writes[user.address] += 1
        return await self._counted(context, route, key, batched=batched)

    def _bearer(self, claims: Claims) -> Bearer:
        organisation = self.world.directory.organisations.get(str(claims["tid"]))
        if organisation is None or not organisation.consented:
            raise access_denied()
        sign_in = self.world.people.by_id(str(claims.get("sid")))
        basic = self.world.habits.basic_subscribes
        return bearer_of(organisation, claims, sign_in, basic_subscribes=basic)

    async def _counted(self, context: Context, route: Route, key: str, *, batched: bool) -> Answer:
        """Holds one of the mailbox's four places while the handler runs."""
        if not key:
            return await self._faulty(context, route, context.tenant_id, batched=batched)
        self._active[key] += 1
        self.world.stats.peak(key, self._active[key])
        try:
            if self._active[key] > MAILBOX_CONCURRENCY:
                message = "Application is over its MailboxConcurrency limit."
                told_at = context.call.arrived if batched else None
                raise self._throttled(key, "ApplicationThrottled", message, batch=told_at)
            return await self._faulty(context, route, key, batched=batched)
        finally:
            self._active[key] -= 1

    async def _faulty(self, context: Context, route: Route, key: str, *, batched: bool) -> Answer:
        settings = self.world.faults.settings
        await self.world.faults.pause(settings.latency_ms / 1000)
        kind = self.world.faults.graph_error()
        if kind is None:
            return await route.handler(context)
        if (
            context.call.method != "GET"
            and kind in ("504", "reset", "timeout")
            and self._noise.random() < 0.5
        ):
            await route.handler(context)  # carried out, though the caller will not learn of it
        raise self._failure(kind, key, batch=context.call.arrived if batched else None)

    def batch_failure(self, tenant_id: str, kind: ErrorKind) -> Exception:
        """What a batch that fails as a whole is answered with; a wait holds for the whole tenant."""
        return self._failure(kind, tenant_id, batch=None)

    def _failure(self, kind: ErrorKind, key: str, *, batch: float | None) -> Exception:
        if kind in ("reset", "timeout") and batch is None:
            return ConnectionLost(self.world.faults.settings.timeout_s if kind == "timeout" else 0)
        status, code, message = _ERRORS[{"reset": "503", "timeout": "504"}.get(kind, kind)]
        if status == 429:
            return self._throttled(key, code, message, batch=batch)
        wait = self.world.faults.settings.busy_retry_after_s if status in (503, 504) else 0.0
        if not wait:
            return GraphError(status, code, message)
        return self._told_to_wait(key, GraphError(status, code, message), wait, batch=batch)

    def tell(self, batch: float) -> None:
        """The $batch that arrived then is answered: only now is the caller told of the waits in it."""
        since = time.monotonic() + self.world.faults.settings.in_flight_s
        for key, until in self._untold.pop(batch, {}).items():
            self._told[key] = (since, until)

    def _throttled(self, key: str, code: str, message: str, *, batch: float | None) -> GraphError:
        """429, with a Retry-After that may be fractional; calls that arrive before it is over are counted.

        `batch`: when the $batch arrived that holds the call.
        """
        wait = self.world.faults.settings.retry_after_s
        return self._told_to_wait(key, GraphError(429, code, message), wait, batch=batch)

    def _told_to_wait(
        self, key: str, error: GraphError, seconds: float, *, batch: float | None
    ) -> GraphError:
        settings, now = self.world.faults.settings, time.monotonic()
        if batch is None:
            self._told[key] = (now + settings.in_flight_s, now + seconds)
        else:
            self._untold.setdefault(batch, {})[key] = now + seconds
        error.headers["Retry-After"] = f"{seconds:g}"
        return error

    def _count_if_early(self, key: str, call: Call, route: Route, *, batched: bool) -> None:
        """Counts a call that arrived after a 429 was answered and before the time it named."""
        since, until = self._told.get(key, (0.0, 0.0))
        if since < call.arrived < until:
            after = call.arrived - since + self.world.faults.settings.in_flight_s
            said = f"{key}: {after:.2f} s after 429, {until - call.arrived:.2f} s early"
            self.world.stats.early(f"{said}, {route.template}{' in a $batch' if batched else ''}")


def _check(bearer: Bearer, route: Route, user: User | None) -> bool:
    """Whether mail is shown without content. Raises GraphError for what the token's bearer may not do."""
    if "{user}" not in route.pattern or route.template == "GET /users/{id}":
        if route.template.startswith(("GET /users", "GET /groups")):
            bearer.check_directory(route.template, user)
        return False
    right = right_for(route.method, route.pattern)
    if right is Right.READ and not bearer.may(right, user) and not route.is_content:
        bearer.check(Right.HEADERS, user)
        return True
    bearer.check(right, user)
    if right is Right.SEND and "{message}" in route.pattern:
        bearer.check(Right.READ, user)
    return False
