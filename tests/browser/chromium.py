"""The system's Chromium, headless, with a fresh profile and without talking to anybody."""

import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI

ROOT = Path(__file__).parents[2]
PATIENCE_MS = 30_000
"""How long a page may take on a busy machine until it shows what is waited for."""

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def executable() -> str | None:
    """The path of Chromium, or None."""
    named = os.environ.get("HEDGEWARDEN_CHROMIUM")
    return named or shutil.which("chromium") or shutil.which("chromium-browser")


def missing() -> str:
    """What the browser tests lack, as a sentence; empty when nothing."""
    if executable() is None:
        return "no Chromium here: apt-get install chromium"
    if not AXE.exists():
        return "axe-core is not installed: make front"
    if not (ROOT / "service/web/static/build/manifest.json").exists():
        return "the front end is not built: make front"
    return ""


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """`app` on 127.0.0.1 at a free port; gives its address."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not server.started:
        assert thread.is_alive(), "the server ended as it started"
        assert time.monotonic() < deadline, "the server never started"
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        app.state.ending.set()
        thread.join(PATIENCE_MS / 1000)
        listener.close()
