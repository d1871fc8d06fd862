"""D6, 规则: the rule book by chapters of the policy, one rule read, checked and tested."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query
from fastapi.responses import Response
from sqlalchemy import Connection, func, select

from rules import read_rule, run_tests
from rules.binding import run_correlation_test
from rules.model import AnyRule, CorrelationRule, Mode, Rule
from rules.rulebook import Rulebook, RuleFile, digest_of, make_rulebook
from rules.sentence import condition_words
from service.i18n import problem_text
from service.web.rooms.evidence import spoken_rule
from service.web.rooms.here import Here, RulesReader, not_found
from service.web.rooms.sheets import Column, sheet_response
from service.web.views.orders import Pair
from service.web.views.rules import (
    Chapter,
    LiveProblem,
    RuleDetail,
    RuleEntry,
    RulesPage,
    TestLine,
    TierLine,
)
from store.problems import Problem
from workorders.reads import within
from workorders.rows import CASES, MATCHES

HITS = timedelta(days=30)
_LONGEST = 200_000
_NEW = "rule.yaml"
_HAN = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class Draft:
    """A text that somebody wants checked.

    Attributes:
        problems: what is wrong with it.
        rule: what it says, when it is a rule.
        tests: its own tests, run beside the rules in force.
    """

    source: str
    problems: tuple[Problem, ...]
    rule: AnyRule | None
    tests: tuple[TestLine, ...]


def rules_page(
    here: Here, connection: Connection, rule_id: str, tab: str, draft: Draft | None = None
) -> RulesPage:
    """The page; the first rule is open when none is named."""
    book = here.app.rulebook
    chosen = _file(book, rule_id) if rule_id else None
    if rule_id and chosen is None:
        raise not_found()
    if chosen is None and book.files:
        chosen = min(book.files, key=_place)
    return RulesPage(
        rulebook=book.hash[:8],
        chapters=tuple(_chapters(here, book, chosen.rule.id if chosen is not None else "")),
        total=len(book.files),
        picked=_detail(here, connection, chosen, tab, draft) if chosen is not None else None,
        export_url="/rules.xlsx" if book.files else "",
    )


def _file(book: Rulebook, rule_id: str) -> RuleFile | None:
    return next((one for one in book.files if one.rule.id == rule_id), None)


def _place(file: RuleFile) -> tuple[str, str, str]:
    policy = file.rule.heading.policy
    return policy.document, policy.clause, file.rule.id


def _chapters(here: Here, book: Rulebook, chosen: str) -> Iterable[Chapter]:
    found: dict[str, list[RuleEntry]] = {}
    for file in sorted(book.files, key=_place):
        rule = file.rule
        found.setdefault(rule.heading.policy.document, []).append(
            RuleEntry(
                rule.id,
                _title(here, rule),
                _state(rule),
                f"/rules?{urlencode({'rule': rule.id})}",
                rule.id == chosen,
            )
        )
    for title, rules in found.items():
        shown = title or here.text("ui.rules.no_chapter")
        yield Chapter(shown, tuple(rules), _written_in(here, shown))


def _title(here: Here, rule: AnyRule) -> str:
    title = rule.heading.title
    return title.zh if here.names.zh else title.en


def _state(rule: AnyRule) -> str:
    return "observe" if rule.heading.observe else "live"


def _clause(rule: AnyRule) -> str:
    policy = rule.heading.policy
    return " ".join(one for one in (policy.document, policy.clause) if one)


def _written_in(here: Here, text: str) -> str:
    """The language of what a rule's author wrote, where that is not the reader's."""
    written = "zh" if _HAN.search(text) else "en"
    return written if text and written != here.reader.language else ""


def _owner(here: Here, rule: AnyRule) -> str:
    """Who answers for the rule; a company's own name for it stays as it is."""
    owner = rule.heading.owner
    key = f"ui.rule_owner.{owner}"
    return here.text(key) if key in here.reader.words else here.names.person(owner)


# --- one rule -----------------------------------------------------------------------------------


def _detail(
    here: Here, connection: Connection, file: RuleFile, tab: str, draft: Draft | None
) -> RuleDetail:
    rule = file.rule
    heading = rule.heading
    address = f"/rules?{urlencode({'rule': rule.id})}"
    broken = draft is not None and draft.rule is None
    spoken = draft.rule if draft is not None and draft.rule is not None else rule
    tests = tests_of(here.app.rulebook, rule) if draft is None else draft.tests
    why = heading.why.zh if here.names.zh else heading.why.en
    grid = tab == "grid" and isinstance(rule, Rule)
    return RuleDetail(
        id=rule.id,
        title=_title(here, rule),
        state=_state(rule),
        version=f"v{heading.version}",
        clause=_clause(rule),
        clause_language=_written_in(here, _clause(rule)),
        file=file.name,
        source=draft.source if draft is not None else _source(here, file),
        words=tuple(one for one in (spoken_rule(here, spoken), why) if one),
        tiers=tuple(_tiers(here, rule)) if isinstance(rule, Rule) else (),
        tests=tuple(replace(one, language=_written_in(here, one.name)) for one in tests),
        problems=tuple(_live(here, one) for one in draft.problems) if draft is not None else (),
        checked=draft is not None,
        broken=broken,
        facts=tuple(_facts(here, connection, rule)),
        editable=True,
        check_url=f"/rules/check?{urlencode({'rule': rule.id})}",
        tab="grid" if grid else "source",
        grid_url=f"{address}&tab=grid" if isinstance(rule, Rule) else "",
        source_url=address,
    )


def _source(here: Here, file: RuleFile) -> str:
    """The file's text as it is in force; a note instead when it has changed on disk since."""
    path = here.app.rulebook_folder / file.name
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return f"# {here.text('ui.rules.file_gone')}\n"
    if digest_of(text) != file.digest:
        return f"# {here.text('ui.rules.file_changed')}\n{text}"
    return text


def _tiers(here: Here, rule: Rule) -> Iterable[TierLine]:
    """The rows; what stands before the whole table is a part of each."""
    kind = here.app.rulebook.schema.kind(rule.kind)
    language = "zh" if here.names.zh else "en"
    for row in rule.rows:
        parts = [one for one in (rule.when, row.condition) if one is not None]
        words = [condition_words(one, kind, language, here.names.code) for one in parts]
        yield TierLine(
            here.text("ui.rules.both").join(words) or here.text("ui.rules.otherwise"),
            row.level,
            row.code,
            here.names.title(row.code),
            "\n".join(one.text for one in parts),
        )


def tests_of(book: Rulebook, rule: AnyRule) -> tuple[TestLine, ...]:
    """The rule's own tests, run now."""
    failures = {
        one.test: one
        for one in run_tests(book, run_correlation_test).failures
        if one.rule == rule.id
    }
    return tuple(
        TestLine(one.name, passed=False, expected=failed.expected, found=failed.found)
        if (failed := failures.get(one.name)) is not None
        else TestLine(one.name, passed=True)
        for one in rule.tests
    )


def _facts(here: Here, connection: Connection, rule: AnyRule) -> Iterable[Pair]:
    text = here.text
    kind = here.app.rulebook.schema.kind(rule.kind)
    yield Pair(text("ui.rules.fact_kind"), kind.zh if here.names.zh else kind.en)
    mode = "batch" if rule.heading.mode is Mode.BATCH else "live"
    yield Pair(text("ui.rules.mode"), text(f"rules.mode.{mode}"))
    if isinstance(rule, CorrelationRule):
        within_s = int(rule.within // 1_000_000)
        yield Pair(text("ui.rules.window"), here.reader.format.duration(within_s))
    yield Pair(text("ui.rules.owner"), _owner(here, rule))
    number = hits(connection, here, rule.id)
    codes = {row.code for row in rule.rows} if isinstance(rule, Rule) else {rule.code}
    code = next((one for one in sorted(codes) if one), "")
    url = f"/orders?{urlencode({'q': code, 'state': 'all'})}" if number and code else ""
    yield Pair(text("ui.rules.hits"), here.reader.format.number(number), url)


def hits(connection: Connection, here: Here, rule_id: str) -> int:
    """Matches of the last thirty days in what the reader may see."""
    statement = (
        select(func.count())
        .select_from(MATCHES.join(CASES, MATCHES.c.case_id == CASES.c.id))
        .where(
            MATCHES.c.rule == rule_id,
            MATCHES.c.recorded_at >= here.now - HITS,
            within(CASES.c.org, here.scopes),
        )
    )
    return connection.scalar(statement) or 0


# --- checking a text ----------------------------------------------------------------------------


def check(book: Rulebook, source: str, name: str) -> Draft:
    """The text as a rule beside those in force; nothing of it is kept. Pure."""
    rule, problems = read_rule(source, name, book.schema)
    if rule is None:
        return Draft(source, tuple(problems), None, ())
    if isinstance(rule, CorrelationRule) and rule.source:
        known = {one.id for one in book.correlations if one.id != rule.id}
        if rule.source not in known:
            fault = Problem(
                "UNKNOWN_SOURCE", name, rule.heading.line, field="source", found=rule.source,
                allowed=", ".join(sorted(known)),
            )  # fmt: skip
            return Draft(source, (*problems, fault), None, ())
    others = [one for one in book.files if one.rule.id != rule.id]
    with_draft = make_rulebook(book.schema, [*others, RuleFile(name, digest_of(source), rule)])
    return Draft(source, tuple(problems), rule, tests_of(with_draft, rule))


def _live(here: Here, problem: Problem) -> LiveProblem:
    bare = replace(problem, file="", line=0, column=0)
    return LiveProblem(
        max(problem.line, 1),
        max(problem.column, 1),
        problem_text(here.reader.words, bare),
        "warning" if problem.severity == "warning" else "error",
    )


# --- routes -------------------------------------------------------------------------------------

router = APIRouter(include_in_schema=False)
RuleId = Annotated[str, Query(max_length=100)]


@router.get("/rules")
def show(here: RulesReader, rule: RuleId = "", tab: RuleId = "") -> Response:
    """The rule book."""
    with here.app.store.reader() as connection:
        page = rules_page(here, connection, rule, tab)
    return here.show("rules.html", page, "rules", live=False)


@router.post("/rules/check")
def check_text(
    here: RulesReader, source: Annotated[str, Form(max_length=_LONGEST)], rule: RuleId = ""
) -> Response:
    """Check a text: problems with line and column, its sentence and its tests."""
    book = here.app.rulebook
    known = _file(book, rule)
    draft = check(book, source.replace("\r\n", "\n"), known.name if known is not None else _NEW)
    with here.app.store.reader() as connection:
        page = rules_page(here, connection, rule, "source", draft)
    return here.show("rules.html", page, "rules", live=False)


@router.get("/rules.xlsx")
def export(here: RulesReader) -> Response:
    """The rules in force, in words."""
    files = sorted(here.app.rulebook.files, key=_place)
    return sheet_response(here, "ui.nav.rules", _COLUMNS, files)


_COLUMNS: Sequence[Column[RuleFile]] = (
    Column("ui.column.number", lambda one, _: one.rule.id),
    Column("ui.rules.name", lambda one, here: _title(here, one.rule)),
    Column("ui.column.state", lambda one, here: here.text(f"ui.rule_state.{_state(one.rule)}")),
    Column("ui.rules.version", lambda one, _: one.rule.heading.version),
    Column("ui.rules.clause", lambda one, _: _clause(one.rule)),
    Column("ui.rules.words", lambda one, here: spoken_rule(here, one.rule)),
    Column("ui.rules.tests", lambda one, _: len(one.rule.tests)),
    Column("ui.rules.owner", lambda one, here: _owner(here, one.rule)),
    Column("ui.rules.file", lambda one, _: one.name),
)
