"""A small app that the local host is tested with. What it sees, it writes as lines into the file `SEEN`."""

import json
import os
import time
from pathlib import Path

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


def seen(what: str, **details: object) -> None:
    with Path(os.environ["SEEN"]).open("a") as file:
        file.write(json.dumps({"what": what, "pid": os.getpid(), "at": time.time(), **details}) + "\n")


def wait_for_work(body: str, count: int | None) -> None:
    """Until that message runs, too, at the same try; not at all for this one's own."""
    wanted = {"what": "work", "body": body, "count": count, "pid": os.getpid()}
    while not any(wanted.items() <= json.loads(line).items() for line in seen_lines()):
        time.sleep(0.05)


def seen_lines() -> list[str]:
    """All whole lines: one that is being written has no end yet."""
    text = Path(os.environ["SEEN"]).read_text()
    return text[: text.rfind("\n") + 1].splitlines()


def answer(which: str, req: func.HttpRequest, context: func.Context | None = None) -> func.HttpResponse:
    told = {
        "which": which,
        "method": req.method,
        "url": req.url,
        "params": dict(req.params),
        "route_params": dict(req.route_params),
        "header": req.headers.get("X-Test"),
        "size": len(req.get_body()),
        "function": context.function_name if context else None,
        "pid": os.getpid(),
    }
    return func.HttpResponse(json.dumps(told), status_code=201, mimetype="application/json")


@app.route(route="things/{*path}", methods=["GET", "POST"])
async def everything(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    return answer("catch-all", req, context)


@app.route(route="things/{id}", methods=["GET"])
def one(req: func.HttpRequest) -> func.HttpResponse:
    return answer("parameter", req)


@app.route(route="things/known", methods=["GET"])
def known(req: func.HttpRequest) -> func.HttpResponse:
    return answer("literal", req)


@app.route(route="broken")
def broken(req: func.HttpRequest) -> func.HttpResponse:
    raise ValueError("broken on purpose")


@app.route(route="locked", auth_level=func.AuthLevel.FUNCTION)
def locked(req: func.HttpRequest) -> func.HttpResponse:
    return answer("locked", req)


@app.queue_trigger(arg_name="msg", queue_name="%WORK_QUEUE%", connection="AzureWebJobsStorage")
def work(msg: func.QueueMessage) -> None:
    body = msg.get_body().decode()
    seen("work", body=body, count=msg.dequeue_count)
    if body == "fail":
        raise ValueError("failed on purpose")
    if body.startswith("die"):
        wait_for_work(body.removeprefix("die beside "), msg.dequeue_count)
        os._exit(139)
    if body.startswith("until "):
        while not Path(body.removeprefix("until ")).exists():
            time.sleep(0.05)
        seen("ended", body=body)
    if body.startswith("sleep "):
        time.sleep(float(body.removeprefix("sleep ")))
        seen("slept", body=body)


@app.queue_trigger(arg_name="msg", queue_name="work-poison", connection="AzureWebJobsStorage")
async def poisoned(msg: func.QueueMessage) -> None:
    body = msg.get_body().decode()
    seen("poisoned", body=body)
    if body == "fail there too":
        raise ValueError("failed on purpose")


@app.timer_trigger(
    arg_name="timer", schedule=os.environ.get("TIMER_SCHEDULE", "* * * * * *"), use_monitor=True
)
def every_second(timer: func.TimerRequest) -> None:
    seen("timer", past_due=timer.past_due, due=timer.schedule_status.get("Last"))
    time.sleep(float(os.environ.get("TIMER_TAKES", "0")))
