"""`python -m dev.storage_proxy`: serve three storage ports and a control port until SIGTERM."""

import argparse
import asyncio
import os
import signal
from pathlib import Path

from dev.azurite import Ports
from dev.processes import write_json
from dev.storage_proxy.control import Control
from dev.storage_proxy.counting import Counts
from dev.storage_proxy.faults import follow
from dev.storage_proxy.forwarding import Forwarder, Instruments


async def serve(
    azurite: Ports, ready_file: Path, *, counts: Counts, simulator_url: str | None, ca_file: str | None
) -> None:
    """Proxy the three ports and write where into `ready_file`, until SIGTERM or SIGINT."""
    instruments = Instruments(counts)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    async def forward(service: str, port: int) -> int:
        return await Forwarder(service, port, instruments).listen()

    ports = Ports(
        blob=await forward("blob", azurite.blob),
        queue=await forward("queue", azurite.queue),
        table=await forward("table", azurite.table),
    )
    control = await Control(instruments).listen()
    following = (
        asyncio.create_task(follow(simulator_url, ca_file, instruments.faults)) if simulator_url else None
    )
    ready = {"blob": ports.blob, "queue": ports.queue, "table": ports.table, "pid": os.getpid()}
    urls = {f"{name}_url": f"http://127.0.0.1:{control}/{name}" for name in ("stats", "dam", "faults")}
    write_json(ready_file, {**ready, **urls})
    await stop.wait()
    if following is not None:
        following.cancel()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m dev.storage_proxy", description=__doc__)
    for service in ("blob", "queue", "table"):
        parser.add_argument(f"--{service}-port", type=int, required=True, help=f"Azurite's {service} port")
    parser.add_argument("--simulator-url", help="where the faults are set; none without it")
    parser.add_argument("--ca", help="PEM file of the authority behind the simulator's certificate")
    parser.add_argument("--watch", action="append", default=[], help="count this text in bodies for tables")
    parser.add_argument(
        "--ready-file", type=Path, required=True, help="gets the ports and the control port's URLs as JSON"
    )
    given = parser.parse_args()
    azurite = Ports(given.blob_port, given.queue_port, given.table_port)
    counts = Counts(given.watch)
    serving = serve(
        azurite, given.ready_file, counts=counts, simulator_url=given.simulator_url, ca_file=given.ca
    )
    asyncio.run(serving)


if __name__ == "__main__":
    main()
