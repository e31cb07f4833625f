"""Every trigger on one page: says when, translates, calls.

A queue carries a family of commands, and its function takes one of them at a time; the two Graph webhooks only
queue; everything that a client calls is one HTTP function behind which FastAPI stands.
"""

import azure.functions as func

from shared.bootstrap import api_app, carry_out, outcomes, use_cases
from shared.domain import names
from shared.domain.commands import families
from shared.triggers.client import serve
from shared.triggers.graph import receive
from shared.triggers.poison import take_poison
from shared.triggers.queue import handle

STORAGE = "AzureWebJobsStorage"

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="graph/notifications", methods=[func.HttpMethod.POST])
def graph_notifications(req: func.HttpRequest) -> func.HttpResponse:
    """Graph says that messages have arrived: queue their ids."""
    return receive(req, use_cases().take_notifications)


@app.route(route="graph/lifecycle", methods=[func.HttpMethod.POST])
def graph_lifecycle(req: func.HttpRequest) -> func.HttpResponse:
    """Graph says that a subscription needs care: queue it."""
    return receive(req, use_cases().take_notifications)


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


@app.queue_trigger(arg_name="msg", queue_name=names.poison(names.MAIL), connection=STORAGE)
def mail_poison(msg: func.QueueMessage) -> None:
    """mail-poison: what the host gave up on."""
    take_poison(msg, families.MAIL, outcomes())


@app.queue_trigger(arg_name="msg", queue_name=names.poison(names.WORK), connection=STORAGE)
def work_poison(msg: func.QueueMessage) -> None:
    """work-poison: what the host gave up on."""
    take_poison(msg, families.WORK, outcomes())


@app.timer_trigger(arg_name="timer", schedule="0 40 3 * * *", run_on_startup=False)
def apply_retention(timer: func.TimerRequest) -> None:
    """Every night: ask for what is older than it may be kept to be taken away."""
    use_cases().queue_retention()


@app.timer_trigger(arg_name="timer", schedule="0 * * * * *", run_on_startup=False)
def poll_mailboxes(timer: func.TimerRequest) -> None:
    """Every minute: queue a walk for each mailbox that is due."""
    use_cases().poll()


@app.timer_trigger(arg_name="timer", schedule="0 */5 * * * *", run_on_startup=False)
def sweep_decisions(timer: func.TimerRequest) -> None:
    """Every five minutes: queue again what persons have decided and nobody has carried out."""
    use_cases().sweep_decisions()


@app.timer_trigger(arg_name="timer", schedule="0 10 2 * * *", run_on_startup=False)
def reconcile_mailboxes(timer: func.TimerRequest) -> None:
    """Every night: ask for a comparison of each mailbox with the ledger, spread over an hour."""
    use_cases().reconcile_all()


@app.timer_trigger(arg_name="timer", schedule="0 */30 * * * *", run_on_startup=False)
def maintain_subscriptions(timer: func.TimerRequest) -> None:
    """Every half-hour: queue the care of subscriptions that are due or missing."""
    use_cases().queue_due_subscriptions()


@app.timer_trigger(arg_name="timer", schedule="0 15 */6 * * *", run_on_startup=False)
def reconcile_subscriptions(timer: func.TimerRequest) -> None:
    """Every six hours: queue for each organisation a comparison with the subscriptions that Graph has."""
    use_cases().queue_comparisons()


@app.timer_trigger(arg_name="timer", schedule="0 20,50 * * * *", run_on_startup=False)
def watch_connections(timer: func.TimerRequest) -> None:
    """Every half-hour: try each organisation's connection, and mailboxes that could not be tested before."""
    use_cases().watch_connections()


@app.timer_trigger(arg_name="timer", schedule="0 40 1 * * *", run_on_startup=False)
def notice_addresses(timer: func.TimerRequest) -> None:
    """Every night: offer mailboxes whose user has a new main address."""
    use_cases().notice_addresses()
