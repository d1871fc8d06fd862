"""The manual is complete: what the code has, both languages have; what they show, works."""

import ast
import json
import re
import sqlite3
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from typer.main import get_command

import main
import trail
from auditlog.mapping import load_mapping as load_event_mapping
from directory import load_directory
from integrations.files import COLUMNS, Kind, load_mapping
from rules import load_rulebook, load_schema, read_rule, run_tests
from rules.binding import run_correlation_test
from rules.expression import _AGGREGATES, _FUNCTIONS
from rules.load_correlation import CORRELATION_KEYS
from rules.load_rule import RULE_KEYS
from rules.model import HitPolicy, Level, Mode, Outcome
from service.api import application as api
from service.cli.root import make_app
from service.i18n.catalogue import load_words
from service.settings import Settings
from store import Store, open_engine
from store.migrate import upgrade
from trail.records import KINDS

ROOT = Path(__file__).parents[2]
LANGUAGES = ("en", "zh")
ROOMS = (
    "agents", "approvals", "auditlog", "book", "detectors", "directory", "integrations", "rules",
    "service", "store", "trail", "workorders",
)  # fmt: skip
MARKDOWN = sorted(
    path
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("rulebook/*.md")]
    if path.is_file()
)


def page(language: str, name: str) -> str:
    return (ROOT / "docs" / language / f"{name}.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def ticked(text: str) -> set[str]:
    """What stands between backticks, outside of code blocks."""
    return set(re.findall(r"`([^`\n]+)`", without_blocks(text)))


def without_blocks(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def sections_of(text: str, heading: str) -> dict[str, str]:
    """The sections whose heading matches; each ends where the next heading stands."""
    found = re.split(rf"^{heading}.*$", text, flags=re.MULTILINE)
    return {
        name: re.split(r"^##", body, maxsplit=1, flags=re.MULTILINE)[0]
        for name, body in zip(found[1::2], found[2::2], strict=True)
    }


# --- the two languages ------------------------------------------------------------------------


def test_both_languages_have_the_same_pages() -> None:
    english, chinese = ({p.name for p in (ROOT / "docs" / x).glob("*.md")} for x in LANGUAGES)
    assert english == chinese
    assert len(english) >= 16


@pytest.mark.parametrize("name", sorted(p.stem for p in (ROOT / "docs/en").glob("*.md")))
def test_a_page_has_the_same_sections_in_both_languages(name: str) -> None:
    shapes = [re.findall(r"^#+(?= )", page(x, name), re.MULTILINE) for x in LANGUAGES]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("name", sorted(p.stem for p in (ROOT / "docs/zh").glob("*.md")))
def test_a_chinese_page_is_chinese(name: str) -> None:
    letters = re.sub(r"```.*?```|`[^`]*`|\(.*?\)", "", page("zh", name), flags=re.DOTALL)
    chinese = len(re.findall(r"[\u4e00-\u9fff]", letters))
    assert chinese > len(re.findall(r"[A-Za-z]+", letters))


# --- links ------------------------------------------------------------------------------------


def anchors(text: str) -> set[str]:
    """The names that a heading gets where the pages are read."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        kept = (c for c in plain if c in " -_" or unicodedata.category(c)[0] in "LN")
        found.add("".join(kept).replace(" ", "-"))
    return found


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_link_is_broken(path: Path) -> None:
    text = re.sub(
        r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        aim = (path.parent / name).resolve() if name else path
        if not aim.exists() or (anchor and anchor not in anchors(aim.read_text(encoding="utf-8"))):
            broken.append(target)
    assert broken == []


# --- settings and commands --------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_setting_has_its_row(language: str) -> None:
    rows = {
        row[0].strip("`"): row
        for row in re.findall(
            r"^\| (\S+) \| (\S+) \| (.*?) \| (.+) \|$", page(language, "settings"), re.MULTILINE
        )
    }
    wrong = []
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        written = str(default).lower() if isinstance(default, bool) else str(default)
        row = rows.get(name)
        shown = row[2].strip("`") if row else ""
        told = shown == written or (not default or written.startswith("*") or default is None)
        if row is None or row[1].strip("`") != f"HEDGEWARDEN_{name.upper()}" or not told:
            wrong.append(name)
    assert wrong == []
    assert sorted(set(rows) - set(Settings.model_fields) - {"Setting", "设置", "---"}) == []


def commands(command: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    for name, inner in command.commands.items():
        if getattr(inner, "commands", None):
            yield from commands(inner, f"{path}{name} ")
        else:
            yield f"{path}{name}", inner


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_option_and_exit_code_is_described(language: str) -> None:
    text = page(language, "command-line")
    sections = sections_of(text, "### `hedgewarden ([a-z ]+)`")
    root = get_command(make_app(main.compose, language))
    known = dict(commands(root))
    assert set(sections) == set(known)
    missing = [
        f"{name} {option}"
        for name, command in known.items()
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
        if option.startswith("--") and option != "--help" and f"`{option}" not in sections[name]
    ]
    invented = [
        f"{name} {option}"
        for name, section in sections.items()
        for option in re.findall(r"^\| `(--[a-z-]+)", section, re.MULTILINE)
        if option not in {o for p in known[name].params for o in p.opts}
    ]
    assert missing == []
    assert invented == []
    common = [option for p in root.params for option in p.opts if option != "--help"]
    assert [option for option in common if f"`{option}" not in text] == []
    assert all(f"\n| {code} | " in text for code in (0, 1, 2))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_route_of_the_api_is_listed(language: str) -> None:
    text = page(language, "api")
    served = FastAPI()
    for router in api._ROUTERS:
        served.include_router(router)
    routes = {
        f"`{method.upper()} {api.PREFIX}{path}`"
        for path, methods in served.openapi()["paths"].items()
        for method in methods
    }
    assert len(routes) > 20
    assert sorted(route for route in routes if route not in text) == []


# --- files that people write ------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_import_kind_and_column_is_described(language: str) -> None:
    text = page(language, "import-formats")
    sections = sections_of(text, r"## `(\w+)`[:：]")
    assert set(sections) == {kind.value for kind in Kind}
    missing = [
        f"{kind} {column.name}"
        for kind, columns in COLUMNS.items()
        for column in columns
        if f"| `{column.name}` |" not in sections[kind]
        or any(f"`{word}`" not in sections[kind] for word in column.choices)
    ]
    assert missing == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_key_and_function_of_rule_files_is_described(language: str) -> None:
    text = page(language, "rules")
    words = {word for one in ticked(text) for word in re.findall(r"[A-Za-z_]+", one)}
    schema, _ = load_schema(ROOT / "rulebook" / "schema")
    keys = {*RULE_KEYS, *CORRELATION_KEYS, *_FUNCTIONS, *_AGGREGATES, *schema.kinds}
    keys |= {word.value for kind in (Level, Outcome, Mode, HitPolicy) for word in kind}
    keys |= {"as", "where", "source", "if", "field", "at_least", "from", "to", "at", "data_issue"}
    assert sorted(keys - words) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_rule_examples_load_and_their_tests_pass(language: str, tmp_path: Path) -> None:
    schema, problems = load_schema(ROOT / "rulebook" / "schema")
    assert problems == []
    examples = [
        text
        for text in blocks(page(language, "rules"), "yaml")
        if text.startswith(("rule:", "correlation:"))
    ]
    used: set[str] = set()
    for number, text in enumerate(examples):
        rule, problems = read_rule(text, f"example {number + 1}", schema)
        assert [(one.line, one.code, one.found) for one in problems] == []
        assert rule is not None
        used |= set(re.findall(r"^(?:  - )?\{?([a-z_]+):", text, re.MULTILINE))
        (tmp_path / f"{number}.yaml").write_text(text, encoding="utf-8")
    rulebook, problems = load_rulebook(tmp_path, schema)
    assert problems == []
    report = run_tests(rulebook, run_correlation_test)
    assert report.failures == ()
    assert report.passed >= 2 * len(examples)
    assert report.skipped == 0
    assert sorted({*RULE_KEYS, *CORRELATION_KEYS} - used) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_examples_of_directory_and_mapping_can_be_read(language: str) -> None:
    (directory,) = blocks(page(language, "operator"), "yaml")
    known, problems = load_directory(directory, "directory.yaml")
    assert problems == []
    assert len(known.people) >= 3
    mapping, events = blocks(page(language, "import-formats"), "yaml")
    read, problems = load_mapping(mapping, "mapping.yaml", Kind.CONTRACTS)
    assert problems == []
    assert {**read.columns, **read.constants, **read.values}
    own, problems = load_event_mapping(events, "events.yaml")
    assert problems == []
    assert all((own.columns, own.constants, own.values, own.units))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_field_of_the_incident_file_is_described(language: str) -> None:
    words = {w for one in ticked(page(language, "incidents")) for w in re.findall(r"\w+", one)}
    incidents = json.loads((ROOT / "service/demo/data/incidents.json").read_text("utf-8"))
    fields = {key for incident in incidents for key in incident}
    fields |= {key for incident in incidents for key in incident["setup"]}
    fields |= {key for incident in incidents for key in incident["expected"]}
    fields |= {key for one in incidents for d in one["expected"]["detections"] for key in d}
    assert sorted(fields - words) == []


def test_the_notice_names_all_data_that_ships() -> None:
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    data = {
        path.relative_to(ROOT).as_posix()
        for room in ROOMS
        for path in (ROOT / room).rglob("data/*")
        if path.suffix in {".csv", ".json", ".parquet", ".txt", ".npz"}
    }
    assert len(data) >= 5
    assert sorted(name for name in data if name not in notice) == []


# --- the trail --------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_record_is_described(language: str) -> None:
    known = ticked(page(language, "auditor"))
    assert sorted(KINDS - known) == []
    parts = ("verification", "sweep", "beside", "bundle")
    source = "".join((ROOT / "trail" / f"{one}.py").read_text(encoding="utf-8") for one in parts)
    faults = set(re.findall(r'fault\([^"]*?"([A-Z]+)"', source))
    assert len(faults) > 10
    assert sorted(faults - known) == []


@cache
def checker(language: str) -> str:
    (script,) = [one for one in blocks(page(language, "auditor"), "python") if "sqlite3" in one]
    return script


def check(language: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-c", checker(language), *map(str, arguments)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_auditors_own_check_accepts_a_trail_and_finds_a_change(
    language: str, tmp_path: Path
) -> None:
    database = tmp_path / "hedgewarden.db"
    engine = open_engine(f"sqlite:///{database}")
    upgrade(engine)
    keys = trail.open_keys(tmp_path / "keys")
    keeper = trail.TrailKeeper(keys.trail)
    store = Store(engine, clock=lambda: datetime(2026, 3, 2, tzinfo=UTC), before_commit=[keeper])
    for number in range(37):
        with store.unit_of_work("u_chen") as uow:
            trail.record(
                uow, kind="decision", action="order.note", object_type="order", object_id="WO-1",
                body={"note": number},
            )  # fmt: skip
            if number in {20, 36}:
                keeper.seal(uow)
    engine.dispose()
    public = tmp_path / "keys" / "trail.pub"
    good = check(language, database, public)
    assert good.returncode == 0, good.stderr
    assert "37" in good.stdout
    with sqlite3.connect(database) as connection:
        connection.execute("DROP TRIGGER trail_record_update")
        connection.execute(
            "UPDATE trail_record SET body = CAST(replace(CAST(body AS TEXT), 'u_chen', 'u_wang')"
            " AS BLOB) WHERE seq = 12"
        )
    connection.close()
    assert check(language, database, public).returncode == 1


# --- codes ------------------------------------------------------------------------------------

CODE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+")
#: Where the words of a code may stand beside `problem.` and `reason.`.
FAMILIES = ("problem", "reason", "explanation", "trail.fault", "ui.fault", "cli.code", "api")
#: Of the rule engine's child process: for the operator's log alone.
UNSPOKEN = {"ENGINE_ERROR"}
PROBLEMS = {"Problem", "fault", "_fault", "report", "reject", "_problem", "ApiFault"}


def codes_of(tree: ast.AST) -> Iterator[str]:
    """Codes in upper case that a file gives to a problem, a reason or an enumeration of them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            given = list(node.args[:2]) if name in PROBLEMS else []
            given += [k.value for k in node.keywords if k.arg in {"reason", "code"}]
            yield from _texts(given)
        elif isinstance(node, ast.ClassDef) and any(
            getattr(base, "id", "") == "StrEnum" for base in node.bases
        ):
            yield from _texts([one.value for one in node.body if isinstance(one, ast.Assign)])


def _texts(nodes: list[Any]) -> Iterator[str]:
    for node in nodes:
        value = getattr(node, "value", None)
        if isinstance(value, str) and CODE.fullmatch(value):
            yield value


@cache
def codes() -> dict[str, str]:
    found: dict[str, str] = {}
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            for code in codes_of(ast.parse(path.read_text(encoding="utf-8"))):
                found.setdefault(code, path.relative_to(ROOT).as_posix())
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_of_a_problem_or_reason_has_words(language: str) -> None:
    words = load_words(language)
    assert len(codes()) > 200
    silent = {
        code: path
        for code, path in codes().items()
        if code not in UNSPOKEN and not any(f"{family}.{code}" in words for family in FAMILIES)
    }
    assert silent == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_of_a_problem_or_reason_stands_on_the_page_of_codes(language: str) -> None:
    listed = ticked(page(language, "codes"))
    assert {code: path for code, path in codes().items() if code not in listed | UNSPOKEN} == {}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_readme_leads_to_every_page_of_the_manual(language: str) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    pages = {f"docs/{language}/{one.name}" for one in (ROOT / "docs" / language).glob("*.md")}
    assert len(pages) > 10
    assert {one for one in pages if f"({one})" not in readme} == set()
