"""The command on a data folder of its own, with a clock that we move."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner

import main
from rules import Rulebook
from service import composition
from service.application import Application
from service.approving import Ask, ask_for
from service.cli.root import make_app
from service.rules_in_force import rules_in_force
from service.settings import Settings
from workorders import reads

DIRECTORY = """\
organisations:
  - path: 华东钢铁
    routing: {"*": [chen]}
  - path: 华东钢铁/铜贸易部
people:
  - {id: chen, name: 陈芳, roles: [risk_officer], unit: 华东钢铁}
  - {id: wang, name: 王强, roles: [manager], unit: 华东钢铁}
  - {id: zhao, name: 赵一, roles: [trader], unit: 华东钢铁/铜贸易部, login: zhaoyi}
"""
CONTRACTS = """\
contract_id,org,product,side,quantity,price
P-1,华东钢铁/铜贸易部,cu,buy,1000,71250
P-2,华东钢铁/铜贸易部,cu,sell,-5,71250
"""
LIMITS = "org,product,amount\n华东钢铁,cu,800\n"


@dataclass
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Terminal:
    """Calls the command as a person at the machine would."""

    folder: Path
    data: Path
    runner: CliRunner = field(default_factory=CliRunner)
    now: list[datetime] = field(default_factory=lambda: [datetime(2024, 6, 3, 2, tzinfo=UTC)])

    def compose(self, settings: Settings, *, role: str = "command") -> Application:
        return main.compose(settings, clock=lambda: self.now[0], role=role)

    def __call__(
        self, *args: str, token: str = "", lang: str = "zh_CN.UTF-8", **how: Any
    ) -> Answer:
        self.now[0] += timedelta(seconds=1)
        env = {
            "HEDGEWARDEN_DATA": str(self.data), "HEDGEWARDEN_TOKEN": token or None, "LANG": lang,
            "LC_ALL": None, "LC_MESSAGES": None, "HEDGEWARDEN_LANGUAGE": None,
        }  # fmt: skip
        app = make_app(self.compose, lang.split("_", maxsplit=1)[0])
        result = self.runner.invoke(app, list(args), env=env, **how)
        return Answer(result.exit_code, result.stdout, result.stderr)

    def file(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def asks(self, user: str, order: str, kind: str = "override") -> str:
        """Has a person ask for an approval under a work order; the number of the request."""
        app = self.compose(Settings(data=self.data))
        try:
            with app.store.unit_of_work(user) as uow:
                known = reads.get_order(uow.connection, order)
                assert known is not None
                ctx = app.context(app.directories.around(uow.connection))
                asked = ask_for(uow, app, ctx, known, Ask(kind))
        finally:
            app.close()
        assert asked.ok, asked.code
        assert asked.request is not None
        return asked.request.state.id

    def token(self, user: str) -> str:
        return str(self("user", "token", user, "--json").json["token"])


@pytest.fixture(scope="session")
def shipped_rules() -> Rulebook:
    return rules_in_force(Settings())


@pytest.fixture(autouse=True)
def _one_reading(monkeypatch: pytest.MonkeyPatch, shipped_rules: Rulebook) -> Iterator[None]:
    """The shipped rules are read once for all calls; every process reads them for itself."""
    monkeypatch.setattr(composition, "rules_in_force", lambda _settings: shipped_rules)
    yield
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def _any_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on who else listens on this machine."""
    monkeypatch.setenv("HEDGEWARDEN_PORT", "0")


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path, tmp_path / "data")


@pytest.fixture
def house(terminal: Terminal) -> Terminal:
    """With people, one contract and a limit that it breaks."""
    assert terminal("directory", "import", terminal.file("d.yaml", DIRECTORY)).code == 0
    assert terminal("import", "limits", terminal.file("l.csv", LIMITS)).code == 0
    return terminal
