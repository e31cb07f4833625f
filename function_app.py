"""Every trigger on one page: says when, translates, calls.

A queue carries a family of commands, and its function takes one of them at a time; the two Graph webhooks only
queue; everything that a client calls is one HTTP function behind which FastAPI stands; one timer does what is due.
"""

import azure.functions as func

from shared.bootstrap import api_app, carry_out, outcomes, webhook_use_cases
from shared.bootstrap import tick as run_tick
from shared.domain import names
from shared.domain.commands import families
from shared.triggers.client import serve
from shared.triggers.graph import receive
from shared.triggers.queue import handle

STORAGE = "AzureWebJobsStorage"

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="graph/notifications", methods=[func.HttpMethod.POST])
def graph_notifications(req: func.HttpRequest) -> func.HttpResponse:
    """Graph says that messages have arrived: queue their ids."""
    return receive(req, webhook_use_cases().take_notifications)


@app.route(route="graph/lifecycle", methods=[func.HttpMethod.POST])
def graph_lifecycle(req: func.HttpRequest) -> func.HttpResponse:
    """Graph says that a subscription needs care: queue it."""
    return receive(req, webhook_use_cases().take_notifications)


@app.route(
    route="{*path}",
    methods=[
        func.HttpMethod.GET,
        func.HttpMethod.HEAD,
        func.HttpMethod.POST,
        func.HttpMethod.PUT,
        # No route takes it: the app says so with a sentence, the host would answer 404 without a body.
        func.HttpMethod.PATCH,
        func.HttpMethod.DELETE,
        func.HttpMethod.OPTIONS,
    ],
)
async def api(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Everything a client calls."""
    return await serve(api_app(), req, context)


@app.queue_trigger(arg_name="msg", queue_name=names.MAIL, connection=STORAGE)
def mail(msg: func.QueueMessage) -> None:
    """mail: walks, new mail, decisions and the subscription of one mailbox."""
    handle(msg, families.MAIL, carry_out, outcomes())


@app.queue_trigger(arg_name="msg", queue_name=names.WORK, connection=STORAGE)
def work(msg: func.QueueMessage) -> None:
    """work: what takes its time, a page at a time: history, comparisons, deciding anew, erasing, moving."""
    handle(msg, families.WORK, carry_out, outcomes())


@app.queue_trigger(arg_name="msg", queue_name=names.OUTBOUND, connection=STORAGE)
def outbound(msg: func.QueueMessage) -> None:
    """outbound: what is due in one mailbox's outbox, one mail after the other."""
    handle(msg, families.OUTBOUND, carry_out, outcomes())


@app.timer_trigger(arg_name="timer", schedule="0 * * * * *", run_on_startup=False)
def tick(timer: func.TimerRequest) -> None:
    """Every minute: do what is due on the agenda, also what was missed."""
    run_tick()
