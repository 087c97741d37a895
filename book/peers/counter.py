"""The counter that survives, with fauxtp 0.3.1 for Python."""

import anyio

from fauxtp.actor.genserver import GenServer
from fauxtp.messaging import call, cast
from fauxtp.registry import Registry
from fauxtp.supervisor import ChildSpec, RestartStrategy, Supervisor


class Counter(GenServer):
    async def init(self):
        return 0

    async def handle_call(self, request, _from, n):
        match request:
            case ("add", k):
                return n + k, n + k
            case "get":
                return n, n

    async def handle_cast(self, request, n):
        match request:
            case "reset":
                return 0
            case "crash":
                raise RuntimeError("boom")


async def counter(registry, other_than=None):
    while True:
        pid = await call(registry, ("get", "counter"))
        if pid is not None and pid != other_than:
            return pid
        await anyio.sleep(0.001)


async def main():
    async with anyio.create_task_group() as tg:
        registry = await Registry.start(task_group=tg)
        await Supervisor.start(
            children=[ChildSpec(actor=Counter, name="counter")],
            strategy=RestartStrategy.ONE_FOR_ONE,
            registry=registry,
            task_group=tg,
        )
        first = await counter(registry)
        await cast(first, "reset")
        assert await call(first, ("add", 5)) == 5
        await cast(first, "crash")
        second = await counter(registry, other_than=first)
        assert await call(second, "get") == 0
        tg.cancel_scope.cancel()


anyio.run(main)
