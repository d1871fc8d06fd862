"""Every option and argument of every command, with what nobody can mean."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import typer

from service.application import Application
from service.cli.root import make_app
from service.settings import Settings

MAY = ["--from", "2024-06-10", "--to", "2024-06-11"]
#: What a command needs before the one option that is tried.
NEEDED = {
    "alerts confirm": ["AL-1", "--as", "chen"],
    "alerts dismiss": ["AL-1", "--as", "chen", "--reason", "FALSE_POSITIVE"],
    "directory import": ["nowhere.yaml"],
    "events import": ["nowhere.ndjson"],
    "events timeline": ["R-1"],
    "import": ["contracts", "nowhere.csv"],
    "oncall absence": [*MAY, "--as", "chen"],
    "oncall agree": ["SW-1", "--as", "chen"],
    "oncall override": [
        *MAY,
        "--as",
        "chen",
        "--org",
        "华东钢铁",
        "--person",
        "wang",
        "--reason",
        "病假",
    ],
    "oncall swap": [
        "--first",
        "chen",
        "--first-from",
        "2024-06-10",
        "--first-to",
        "2024-06-11",
        "--second",
        "wang",
        "--second-from",
        "2024-06-12",
        "--second-to",
        "2024-06-13",
        "--as",
        "chen",
        "--org",
        "华东钢铁",
    ],
    **{
        f"approvals {verb}": ["AP-0000000000000000", "--as", "wang", "--seen", "1", *more]
        for verb, more in {
            "approve": [],
            "reject": ["--reason", "PRICE"],
            "return": ["--reason", "PRICE"],
            "reassign": ["--to", "chen"],
            "invite": ["--to", "chen"],
            "nudge": [],
            "withdraw": [],
        }.items()
    },
    "approvals show": ["AP-0000000000000000"],
    "delegation add": [
        "--to",
        "wang",
        "--org",
        "华东钢铁",
        "--until",
        "2024-06-04",
        "--reason",
        "x",
        "--as",
        "chen",
    ],
    "delegation confirm": ["DG-1", "--as", "wang"],
    "delegation end": ["DG-1", "--as", "chen"],
    "drill end": ["WO-20240603-001", "--as", "wang"],
    "drill show": ["WO-20240603-001"],
    "drill start": ["--org", "华东钢铁", "--level", "red", "--as", "wang"],
    "handover give": ["--org", "华东钢铁", "--as", "chen"],
    "handover now": ["--org", "华东钢铁"],
    "handover show": ["HO-20240603-001"],
    "handover take": ["HO-20240603-001", "--as", "lin"],
    "handover withdraw": ["HO-20240603-001", "--as", "chen"],
    "oncall withdraw": ["OV-1", "--as", "chen"],
    "orders ack": ["WO-1", "--as", "chen"],
    "orders close": ["WO-1", "--as", "chen"],
    "orders attach": ["WO-1", "no-such-file", "--as", "chen"],
    "orders files": ["WO-1"],
    "orders note": ["WO-1", "text", "--as", "chen"],
    "orders resolve": ["WO-1", "--as", "chen"],
    "orders merge": ["WO-1", "--into", "WO-2", "--as", "chen"],
    "orders tag": ["WO-1", "late", "--as", "chen"],
    "orders untag": ["WO-1", "late", "--as", "chen"],
    "orders snooze": ["WO-1", "--until", "2024-06-04", "--reason", "x", "--as", "chen"],
    "orders wake": ["WO-1", "--as", "chen"],
    "orders show": ["WO-1"],
    "policy import": ["nowhere.yaml"],
    "quarantine dismiss": ["1", "--reason", "x"],
    "quarantine replay": ["1"],
    "exemption ask": [
        *("--org", "华东钢铁", "--product", "cu", "--rule", "EXPOSURE_TIERS", "--cap", "650"),
        *("--until", "2024-06-10", "--clause", "4", "--reason", "x", "--as", "chen"),
    ],
    "exemption renew": [
        *("EX-20240603-001", "--until", "2024-06-10", "--reason", "x", "--as", "chen"),
    ],
    "exemption revoke": ["EX-20240603-001", "--reason", "x", "--as", "chen"],
    "exemption show": ["EX-20240603-001"],
    "silence add": ["--org", "华东钢铁", "--until", "2024-06-04", "--reason", "x", "--as", "chen"],
    "silence confirm": ["SL-20240603-001", "--as", "chen"],
    "silence end": ["SL-20240603-001", "--as", "chen"],
    "silence preview": ["--org", "华东钢铁"],
    "user create": ["someone"],
    "user password": ["chen"],
    "user revoke": ["chen"],
    "user token": ["chen"],
}
#: These run until they are stopped, or are walked by the tests of what they start.
LEFT_OUT = {"serve", "demo"}
#: Options for which any word can be meant: an empty answer is the right one.
FREE = {"--text", "--type", "--source", "--actor", "--object", "--outcome", "--name", "--login",
        "--note", "--email", "--reason", "--root-cause", "--corrective", "--owner", "--override",
        "--disposition", "--unit", "--data", "--set", "--clause"}  # fmt: skip
NONSENSE = ("zzz?", "乱码️", "-1", "99999999999999999999999", "0001-01-01", "9999-12-31",
            "10000-01-01", "2024-05-14T15:00:00+99:99", "2024-13-45", "x" * 70_000)  # fmt: skip
UNREADABLE = ("", "a\0b", "\udcff")


class Tried(NamedTuple):
    command: str
    option: str

    @property
    def free(self) -> bool:
        search = self.command.startswith("events ") and self.option in {"--org", "--product"}
        return self.option in FREE or search


def _commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, inner in getattr(command, "commands", {}).items():
        yield from _commands(inner, (*path, name))
    if path and not getattr(command, "commands", {}):
        yield " ".join(path), command


def _walk() -> list[Tried]:
    root = typer.main.get_command(make_app(lambda *_, **__: None))  # type: ignore[arg-type]
    return [
        Tried(path, option)
        for path, command in _commands(root)
        if path not in LEFT_OUT
        for parameter in command.params
        if not getattr(parameter, "is_flag", False)
        for option in parameter.opts[:1]
        if option != "--help"
    ] + [Tried("exposure", "--data"), Tried("exposure", "--lang")]


WALK = _walk()


@pytest.fixture
def one_house(house: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """All calls share one application, so that the walk takes seconds."""
    app = house.compose(Settings(data=house.data))
    close = Application.close
    monkeypatch.setattr(type(house), "compose", lambda *_, **__: app)
    monkeypatch.setattr(Application, "close", lambda _self: None)
    yield house
    close(app)


def _call(house: Any, tried: Tried, value: str, token: str) -> Any:
    needed = list(NEEDED.get(tried.command, []))
    if tried.option.startswith("--"):
        return house(*tried.command.split(), *needed, f"{tried.option}={value}", token=token)
    if needed:
        needed[0] = value
    return house(*tried.command.split(), *(needed or [value]), token=token)


def test_the_walk_sees_the_pinned_commands() -> None:
    seen = {tried.command for tried in WALK}
    pinned = {"assess", "exposure", "import", "events import", "events search", "alerts list",
              "alerts confirm", "alerts dismiss", "orders list", "orders show", "orders ack",
              "orders note", "orders resolve", "orders close", "rules check", "rules test",
              "trail verify", "trail replay"}  # fmt: skip
    assert pinned <= seen
    assert Tried("orders list", "--cursor") in WALK


@pytest.mark.parametrize("command", sorted({tried.command for tried in WALK}))
def test_nonsense_is_told_and_never_unexpected(one_house: Any, command: str) -> None:
    token = one_house.token("chen")
    for tried in (one for one in WALK if one.command == command):
        for value in (*NONSENSE, *UNREADABLE):
            answer = _call(one_house, tried, value, token)
            what = (tried, value[:30], answer.err[:300])
            assert answer.code in {0, 1, 2}, what
            assert "Traceback" not in answer.err, what
            assert "意外" not in answer.err, what
            if answer.code:
                assert answer.err.strip() or answer.out.strip(), what
            if value in UNREADABLE and (value or tried.option.startswith("--")):
                assert answer.code == 2, what
        if tried.option.startswith("--") and not tried.free:
            answer = _call(one_house, tried, "zzz?", token)
            assert answer.code == 2, (tried, answer.out[:300], answer.err)


@pytest.mark.parametrize("option", ["--as-of", "--known-at"])
@pytest.mark.parametrize(
    "value",
    ["9999-12-31", "0001-01-01", "2024-06-04", "2030-01-01T00:00:00+14:00", "２１９９-12-31"],
)
def test_a_time_that_cannot_be_meant_is_refused_with_what_is_allowed(
    terminal: Any, option: str, value: str
) -> None:
    assert terminal("init").code == 0
    answer = terminal("exposure", option, value)
    assert answer.code == 2
    assert option in answer.err
    assert "允许" in answer.err


def test_a_day_that_has_begun_ends_with_now(terminal: Any) -> None:
    assert terminal("init").code == 0
    answer = terminal("exposure", "--as-of", "2024-06-03", "--json").json
    assert answer["as_of"] == "2024-06-03T02:00:02Z"
    assert (
        terminal("exposure", "--as-of", "2024-06-02", "--json")
        .json["as_of"]
        .startswith("2024-06-02T15:59:59")
    )


def test_a_cursor_of_nobody_is_a_wrong_call(terminal: Any) -> None:
    for command in (("orders", "list"), ("alerts", "list"), ("events", "search")):
        answer = terminal(*command, "--cursor", "zzz")
        assert answer.code == 2, answer.err


@pytest.mark.parametrize("args", [
    ("--lang", "en", "orders", "list", "--help"), ("orders", "list", "--help", "--lang", "en"),
    ("orders", "--lang=en", "list", "--help"), ("--help", "--lang", "en"),
])  # fmt: skip
def test_help_speaks_the_language_that_is_asked_for(terminal: Any, args: tuple[str, ...]) -> None:
    assert "work orders" in terminal(*args).out


def test_help_follows_our_variable_and_the_settings(terminal: Any) -> None:
    app = make_app(terminal.compose)
    none: dict[str, str | None] = dict.fromkeys(
        ("HEDGEWARDEN_LANG", "HEDGEWARDEN_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
    )
    none["HEDGEWARDEN_DATA"] = str(terminal.data)
    args = ["orders", "list", "--help"]
    assert "列出工单" in terminal.runner.invoke(app, args, env=none).stdout
    english = {**none, "HEDGEWARDEN_LANG": "en", "LANG": "zh_CN.UTF-8"}
    assert "List work orders" in terminal.runner.invoke(app, args, env=english).stdout
    terminal.data.mkdir()
    (terminal.data / "hedgewarden.toml").write_text('language = "en"\n')
    assert "List work orders" in terminal.runner.invoke(app, args, env=none).stdout


@pytest.mark.parametrize("plain", ["C", "C.UTF-8", "POSIX"])
def test_a_plain_locale_is_english_unless_somebody_chose(terminal: Any, plain: str) -> None:
    app = make_app(terminal.compose)
    env: dict[str, str | None] = dict.fromkeys(
        ("HEDGEWARDEN_LANG", "HEDGEWARDEN_LANGUAGE", "LC_ALL", "LC_MESSAGES")
    )
    env |= {"HEDGEWARDEN_DATA": str(terminal.data), "LANG": plain}
    args = ["orders", "list", "--help"]

    def told(**more: str) -> str:
        return str(terminal.runner.invoke(app, args, env={**env, **more}).stdout)

    assert "List work orders" in told()
    assert "列出工单" in told(HEDGEWARDEN_LANG="zh")
    # the first variable of the locale that is set counts
    assert "列出工单" in told(LC_ALL="zh_CN.UTF-8")
    terminal.data.mkdir()
    (terminal.data / "hedgewarden.toml").write_text('language = "zh"\n')
    assert "列出工单" in told()


def test_a_language_that_we_do_not_speak_is_told(terminal: Any) -> None:
    answer = terminal("exposure", "--lang", "fr")
    assert (answer.code, "zh, en" in answer.err) == (2, True)


def test_a_name_that_nobody_knows_is_no_empty_list(house: Any) -> None:
    answer = house("exposure", "--org", "华东刚铁", "--lang", "en")
    assert (answer.code, "华东钢铁" in answer.err) == (2, True)
    assert house("exposure", "--product", "CU").code == 0
    assert house("exposure", "--product", "cuu").code == 2
    assert house("orders", "list", "--assignee", "chne").code == 2
