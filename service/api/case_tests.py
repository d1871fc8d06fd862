"""A work order as a test of its rule, over HTTP: a draft to copy; nothing is kept."""

from typing import Annotated

from fastapi import APIRouter, Query

from service.api.access import App, Who
from service.api.faults import ApiFault, not_found, problem_shown
from service.api.orders import OrderId
from service.api.shapes import Out, ProblemOut
from service.case_tests import PERMISSION, draft
from workorders import reads

router = APIRouter(prefix="/orders", tags=["orders"])


class CaseTestOut(Out):
    """The case as a test.

    Attributes:
        rule: the rule's id; `version` as it is in force, `case_version` as it was in the case.
        name: of the test.
        test: the test alone, as YAML.
        source: the whole rule file with the test.
        passes: whether it passes there, and all others as before.
        expected, found: what the rule gave in the case, and gives for its facts now.
        known: whether the file has a test of that name already.
        problems: what the checker says of the whole file.
        rules: the rules that matched in the case.
    """

    rule: str
    version: int
    case_version: str
    file: str
    name: str
    test: str
    source: str
    passes: bool
    expected: str
    found: str
    known: bool
    problems: list[ProblemOut]
    rules: list[str]


@router.get("/{order_id}/rule-test", summary="The case as a test of its rule, as a draft")
def rule_test(
    app: App,
    who: Who,
    order_id: OrderId,
    rule: Annotated[str, Query(max_length=100)] = "",
) -> CaseTestOut:
    """Needs ``view`` and ``rules.read``; by default of the rule that leads the order."""
    scopes = who.reads("view")
    who.check(PERMISSION)
    with app.store.reader() as connection:
        order = reads.get_order(connection, order_id, scopes)
        if order is None:
            raise not_found()
        found = draft(app, connection, order, rule)
    if found.code or found.test is None:
        params = {"rule": found.rule, "rules": ", ".join(found.rules), "file": found.file}
        raise ApiFault(409, found.code, params=params)
    test = found.test
    return CaseTestOut(
        rule=found.rule,
        version=found.version,
        case_version=found.then,
        file=found.file,
        name=found.name,
        test=test.line,
        source=test.source,
        passes=test.passes,
        expected=found.expected,
        found=test.found,
        known=test.known,
        problems=[problem_shown(app.catalogues, one) for one in test.problems],
        rules=list(found.rules),
    )
