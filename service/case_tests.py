"""A work order as a test of the rule that opened it: what API, console and command line offer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from auditlog.errors import LogError
from rules.case_test import Case, CaseTest, case_test
from rules.model import Rule
from rules.rulebook import RuleFile
from service.application import Application
from service.rules_in_force import text_in_force
from workorders import reads
from workorders.model import WorkOrder

#: Who may read rule files.
PERMISSION = "rules.read"


@dataclass(frozen=True, slots=True)
class Drafted:
    """What became of the wish.

    Attributes:
        code: empty for a draft, else why there is none: ``CASE_TEST_NO_RULE`` (no rule found it),
            ``CASE_TEST_RULE_GONE``, ``CASE_TEST_CORRELATION`` (it rests on several events),
            ``CASE_TEST_FILE_CHANGED``, ``CASE_TEST_NO_FACTS``, ``CASE_TEST_LOG``,
            ``CASE_TEST_NO_PLACE`` (the file's tests stand in one line).
        rule: id of the rule; `version` in force now, `then` at the time of the case.
        file: the rule file's name.
        name: of the test.
        expected: what the rule gave in the case.
        rules: all rules that matched in the case; one of them may be asked for.
        test: the test, with the whole file.
    """

    code: str
    rule: str = ""
    version: int = 0
    then: str = ""
    file: str = ""
    name: str = ""
    expected: str = ""
    rules: tuple[str, ...] = ()
    test: CaseTest | None = None


def draft(app: Application, connection: Connection, order: WorkOrder, wanted: str = "") -> Drafted:
    """The case of `order` as a test of the rule `wanted`, by default the one that leads it."""
    matches = reads.matches_of(connection, order_id=order.id)
    rules = tuple(sorted({str(one["rule"]) for one in matches}))
    rule_id = wanted or str(order.title_params.get("rule", ""))
    match = _match(matches, rule_id, order.level.value)
    if match is None:
        return Drafted("CASE_TEST_NO_RULE", rule_id, rules=rules)
    file = next((one for one in app.rulebook.files if one.rule.id == rule_id), None)
    found = Drafted("", rule_id, then=str(match["version"]), name=order.id, rules=rules)
    if file is None:
        return replace(found, code="CASE_TEST_RULE_GONE")
    found = replace(found, version=file.rule.heading.version, file=file.name)
    return _tested(app, found, file, match)


def _tested(app: Application, found: Drafted, file: RuleFile, match: Mapping[str, Any]) -> Drafted:
    if not isinstance(file.rule, Rule):
        return replace(found, code="CASE_TEST_CORRELATION")
    text = text_in_force(app.rulebook_folder, file)
    if text is None:
        return replace(found, code="CASE_TEST_FILE_CHANGED")
    try:
        facts = app.log.facts(file.rule.kind, hashes=[str(match["facts_hash"])], limit=1)
    except LogError:
        return replace(found, code="CASE_TEST_LOG")
    if not facts:
        return replace(found, code="CASE_TEST_NO_FACTS")
    case = Case(found.name, facts[0].body, str(match["code"]), str(match["level"] or ""))
    test = case_test(text, file.name, file.rule, case, app.rulebook)
    expected = f"{case.code} {case.level}".strip()
    code = "" if test.source else "CASE_TEST_NO_PLACE"
    return replace(found, code=code, expected=expected, test=test)


def _match(
    matches: Sequence[Mapping[str, Any]], rule_id: str, level: str
) -> Mapping[str, Any] | None:
    """The rule's last match at the order's colour, else its last one."""
    mine = [one for one in matches if one["rule"] == rule_id]
    grave = [one for one in mine if one["level"] == level]
    return next(reversed(grave or mine), None)
