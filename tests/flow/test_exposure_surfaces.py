"""Command line, API, console and assessor say the same of the same limit."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
import structlog
from fastapi.testclient import TestClient
from flow_house import EAST, WEST, House, house
from typer.testing import CliRunner

from agents.assessor import Scope, narrowed, views
from book.limits import classify
from book.read import read_state
from service.application import Application
from service.cli.root import make_app
from store.types import decimal_text

GROUP = "Group"
CHILD = f"{EAST}/Copper"
#: Limits at the top, in the middle and below it; over all months and on one; net and gross.
LIMITS = (
    {"org": GROUP, "amount": "2000", "limit_id": "L-group"},
    {"org": GROUP, "amount": "2600", "limit_id": "L-gross", "measure": "gross"},
    {"org": EAST, "amount": "1000", "limit_id": "L-east"},
    {"org": EAST, "amount": "1100", "limit_id": "L-month", "month": "2406"},
    {"org": EAST, "amount": "1500", "limit_id": "L-spread", "measure": "spread"},
)
#: East: 900 + 500 − 700 over two months and two accounts. West: 600. Each alone says little.
BOOK = (
    {"org": EAST, "contract_id": "P-1", "side": "buy", "quantity": "900", "month": "2406"},
    {"org": EAST, "contract_id": "P-2", "side": "buy", "quantity": "500", "month": "2407"},
    {"org": EAST, "contract_id": "S-1", "side": "sell", "quantity": "700", "month": "2407",
     "account": "88"},
    {"org": WEST, "contract_id": "P-3", "side": "buy", "quantity": "600", "month": "2406"},
)  # fmt: skip
EXPECTED = {
    "L-group": ("1300", "0.6500", "blue"),
    "L-gross": ("2700", "1.0385", "orange"),
    "L-east": ("700", "0.7000", "blue"),
    "L-month": ("900", "0.8182", "yellow"),
    "L-spread": ("1100", "0.7333", "blue"),
}


@pytest.fixture(name="town", scope="module")
def _town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("surfaces")
    with house(folder) as made, pytest.MonkeyPatch.context() as patched:
        for kind, rows in (("limits", LIMITS), ("contracts", BOOK)):
            heads = sorted({"product", *(name for row in rows for name in row)})
            lines = [[{"product": "cu", **row}.get(name, "") for name in heads] for row in rows]
            file = folder / f"{kind}.csv"
            file.write_text("\n".join(",".join(line) for line in (heads, *lines)))
            assert command(made, patched, "import", kind, str(file))["accepted"] == len(rows)
        yield made


def told(rows: list[dict[str, Any]]) -> dict[str, tuple[str, str, str]]:
    return {
        row["limit_id"]: (
            decimal_text(Decimal(row["value"])),
            f"{Decimal(row['use']):.4f}",
            row["level"],
        )
        for row in rows
    }


def command(town: House, monkeypatch: pytest.MonkeyPatch, *args: str) -> Any:
    monkeypatch.setattr(Application, "close", lambda _self: None)
    app = make_app(lambda *_, **__: town.app)
    env = {"HEDGEWARDEN_DATA": str(town.app.settings.data)}
    kept = structlog.get_config()
    try:
        result = CliRunner().invoke(app, [*args, "--json"], env=env)
    finally:  # the command would have later tests log to a stream that is closed by now
        structlog.configure(**kept)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_every_surface_gives_a_limit_the_same_use_and_level(
    town: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert told(town.client("boss").get("/api/v1/exposure").json()["limits"]) == EXPECTED
    for name in ("exposure", "assess"):
        assert told(command(town, monkeypatch, name)["limits"]) == EXPECTED
    with town.app.store.reader() as connection:
        now = town.clock()
        book = narrowed(read_state(connection, as_of=now, known_at=now), "cu")
    judged = {}
    for view in (*views(book, Scope(GROUP, "cu"), now), *views(book, Scope(EAST, "cu"), now)):
        if view.limit is not None:
            step = classify(view.fact["use"])
            figures = (decimal_text(view.fact["net"]), f"{view.fact['use']:.4f}")
            judged[view.limit.limit_id] = (*figures, step.level if step else "")
    assert judged == EXPECTED


def place(row: dict[str, Any]) -> tuple[str, str, str]:
    return row["org"], row["account"], row["month"]


@pytest.mark.parametrize("org", ["", EAST, WEST])
def test_a_place_is_coloured_by_the_same_limit_everywhere(
    town: House, monkeypatch: pytest.MonkeyPatch, org: str
) -> None:
    """Whatever part of the tree is shown: the limit of a node above binds it all the same."""
    wanted = {"org": org} if org else {}
    api = town.client("boss").get("/api/v1/exposure", params=wanted).json()["rows"]
    cli = command(town, monkeypatch, "exposure", *(["--org", org] if org else []))["rows"]
    names = ("limit", "use", "level")
    assert [[row[name] for name in names] for row in cli] == [
        [row[name] for name in names] for row in api
    ]
    assert {(row["limit_id"], row["level"]) for row in api} == {("L-gross", "orange")}


def test_the_console_shows_the_same_use(town: House) -> None:
    page = text_of(town.signed_in("boss"), "/exposure")
    assert re.search(r"1,300 65 % B", page)
    assert re.search(r"700 70 % B", page)
    assert re.search(r"900 82 % Y", page)
    assert re.search(r"2,700 104 % O", text_of(town.signed_in("boss"), "/exposure?measure=gross"))


def text_of(client: TestClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    main = answer.text[answer.text.index("<main") :]
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main)))


def test_an_order_before_trade_sees_the_limit_of_the_node_above(town: House) -> None:
    body = {"org": WEST, "side": "buy", "lots": 220, "product": "cu", "month": "2406"}
    found = town.client("boss").post("/api/v1/precheck", json=body).json()
    # 3800 of the 2600 that the gross may be is more than 2400 of the 2000 of the net
    assert (found["net_before"], found["limit"], found["outcome"]) == ("2700", "2600", "deny")
    assert (found["net_after"], found["use_after"]) == ("3800", "1.4615")


def test_an_order_that_no_limit_bounds_waits_for_a_person(town: House) -> None:
    body = {"org": WEST, "side": "buy", "lots": 1, "product": "al", "month": "2406"}
    found = town.client("boss").post("/api/v1/precheck", json=body).json()
    assert (found["outcome"], found["reason"]) == ("hold", "NO_LIMIT")
    assert set(found["titles"]) == {"en", "zh"}
