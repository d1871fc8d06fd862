"""A work order as a test of its rule: the page of the draft, and the file to take away."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import Response

from service.case_tests import PERMISSION, Drafted, draft
from service.i18n import problem_text
from service.web.rooms.evidence import rule_of
from service.web.rooms.here import Here, Viewer, not_found
from service.web.views.case_test import CaseTestPage
from service.web.views.parts import Choice
from workorders import reads

router = APIRouter(include_in_schema=False)
Number = Annotated[str, Path(max_length=40)]
RuleId = Annotated[str, Query(max_length=100)]


def _reader(here: Viewer) -> Here:
    here.signed.check(PERMISSION)
    return here


RuleReader = Annotated[Here, Depends(_reader)]


@router.get("/orders/{number}/rule-test")
def show(here: RuleReader, number: Number, rule: RuleId = "") -> Response:
    """The draft."""
    return here.show("case_test.html", _page(here, number, _drafted(here, number, rule)), "orders")


@router.get("/orders/{number}/rule-test.yaml")
def download(here: RuleReader, number: Number, rule: RuleId = "") -> Response:
    """The rule file with the test in it, as a download; only what passes."""
    found = _drafted(here, number, rule)
    if found.test is None or not found.test.passes:
        raise not_found()
    name = quote(found.file.rpartition("/")[2])
    return Response(
        found.test.source,
        media_type="application/yaml; charset=utf-8",
        headers={"Content-Disposition": f"attachment; filename*=UTF-8''{name}"},
    )


def _drafted(here: Here, number: str, rule: str) -> Drafted:
    with here.app.store.reader() as connection:
        order = reads.get_order(connection, number, here.scopes)
        if order is None:
            raise not_found()
        return draft(here.app, connection, order, rule)


def _title(here: Here, rule_id: str) -> str:
    rule = rule_of(here.app, rule_id)
    if rule is None:
        return rule_id
    return rule.heading.title.zh if here.names.zh else rule.heading.title.en


def _page(here: Here, number: str, found: Drafted) -> CaseTestPage:
    rules = tuple(Choice(one, _title(here, one), one == found.rule) for one in found.rules)
    url = f"/orders/{quote(number)}"
    test = found.test
    if found.code or test is None:
        told = {"rule": found.rule, "rules": ", ".join(found.rules), "file": found.file}
        return CaseTestPage(number, url, rules, here.text(f"reason.{found.code}", **told))
    if not test.passes:
        told = {"expected": found.expected, "found": test.found or "—"}
        verdict = here.text("case_test.fails", **told)
    elif test.known:
        verdict = here.text("case_test.known", file=found.file, name=found.name)
    else:
        verdict = here.text("case_test.passes", file=found.file)
    asked = f"?rule={quote(found.rule)}"
    note = {"then": found.then, "now": str(found.version)}
    return CaseTestPage(
        number,
        url,
        rules,
        file=found.file,
        line=f"- {test.line}",
        source=test.source,
        verdict=verdict,
        good=test.passes,
        problems=tuple(problem_text(here.reader.words, one) for one in test.problems),
        download_url=f"{url}/rule-test.yaml{asked}" if test.passes else "",
        check_url=f"/rules/check{asked}",
        version_note=""
        if found.then == str(found.version)
        else here.text("case_test.since", **note),
    )
