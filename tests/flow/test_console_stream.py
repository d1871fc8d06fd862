"""An open page does not hold the service back when it ends."""

from pathlib import Path

import httpx
from flow_house import PASSWORD, PATIENCE_S
from test_serving import end, furnish, process

import main
from service.security import sessions, set_password
from service.settings import Settings


def test_a_page_s_stream_ends_in_order_with_the_service(tmp_path: Path) -> None:
    furnish(tmp_path)
    app = main.compose(Settings(data=tmp_path), role="test")
    with app.store.unit_of_work("cli:test") as uow:
        set_password(uow, "chen", PASSWORD)
    app.close()
    with (
        process(tmp_path) as (child, address),
        httpx.Client(base_url=address, trust_env=False, timeout=PATIENCE_S) as net,
    ):
        form = {"login": "chen", "password": PASSWORD}
        net.post("/login", data=form, headers={"Origin": address})
        assert net.cookies.get(sessions.COOKIE)
        with net.stream("GET", "/live") as stream:
            lines = stream.iter_lines()
            assert next(lines).startswith("retry:")
            assert end(child) == 0
            # cut off in the middle it would raise
            assert [line for line in lines if line.startswith("data: error")] == []
