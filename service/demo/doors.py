"""The demo's doors: the real console and endpoints on 127.0.0.1, and a random sign-in."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from secrets import token_urlsafe

import uvicorn

from service.assembly import DemoDoor, make_app
from service.demo.inbox import inbox_router
from service.demo.stage import Stage

_PATIENCE_S = 20.0
_TURN_S = 0.02


@dataclass(frozen=True, slots=True)
class Doors:
    """Where the demo can be reached; `sign_in` is the link that signs in as its first officer."""

    address: str
    sign_in: str


def listen(port: int) -> socket.socket:
    """A door on this machine alone; port 0 takes a free one.

    Raises:
        OSError: when the port is taken.
    """
    return socket.create_server(("127.0.0.1", port), backlog=256)


def port_of(listening: socket.socket) -> int:
    """Where it listens."""
    return int(listening.getsockname()[1])


@contextmanager
def serving(stage: Stage, listening: socket.socket) -> Iterator[Doors]:
    """Serve the stage's console at an open door while the block runs.

    Raises:
        RuntimeError: when the server does not come up.
    """
    key = token_urlsafe(16)
    door = DemoDoor(people=stage.visitors, key=key, router=inbox_router(stage))
    web = make_app(stage.app, demo=door)
    config = uvicorn.Config(web, log_config=None, access_log=False, server_header=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listening]}, name="demo-web", daemon=True
    )
    thread.start()
    deadline = time.monotonic() + _PATIENCE_S
    while not server.started:
        if time.monotonic() > deadline or not thread.is_alive():
            raise RuntimeError("the demo's console did not start")
        time.sleep(_TURN_S)
    address = f"http://127.0.0.1:{port_of(listening)}"
    try:
        yield Doors(address, f"{address}/login/demo?key={key}")
    finally:
        web.state.ending.set()
        server.should_exit = True
        thread.join(_PATIENCE_S)
