"""The book over HTTP: rows taken in, the exposure, the check of an order before trade."""

import json
from decimal import Decimal
from hashlib import sha256
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import Field, WithJsonSchema

from agents.hedge_orders import HedgeOrder
from agents.world import root_of
from book.errors import BookError
from book.positions import SPOT, Side
from book.potential import order_quantity
from book.read import read_state
from book.state import BookState, field_of, key_of
from integrations.files import COLUMNS, BadRow, Batch, Entry, Kind, take_in
from integrations.files.facts import FactReader
from integrations.files.reading import id_field, raw_of
from integrations.files.values import RowReader
from rules.model import Verdict
from service.api.access import App, Caller, Who
from service.api.events import when
from service.api.faults import ApiFault, out_of_scope, problem_shown, words_of
from service.api.shapes import In, Name, Number, Out, ProblemOut, Time
from service.api.statements import ClosedOut, StatementIn, full_of
from service.api.writing import Done, Writing, write
from service.application import Application
from service.assessing import assess_in
from service.exposure_rows import Filter, read_exposure
from service.import_terms import terms_of
from service.prechecking import judged
from store import UnitOfWork
from store.clock import rfc3339
from store.problems import Problem, did_you_mean, shorten
from workorders.plain import plain

router = APIRouter(tags=["book"])

WRITE = "import.write"
_MOST = 5_000
_FILE = "api"
_LONGEST = 2_000
_CELL = {"anyOf": [{"type": "string", "maxLength": _LONGEST}, {"type": "integer"},
                   {"type": "boolean"}, {"type": "null"}]}  # fmt: skip
#: A row as it came: what it may hold is judged row by row, so that the good ones are kept.
Given = Annotated[Any, WithJsonSchema({"type": "object", "additionalProperties": _CELL})]


class RowsIn(StatementIn):
    """Rows of one kind, with the columns of its template; decimals as strings.

    `full` says that they are the full statement of their accounts and of those that it `covers`:
    what stands in the book and is not among them is closed. `confirm_closing` is the number of
    rows that may be closed; it is needed where more than half of an account would be.
    """

    rows: Annotated[list[Given], Field(min_length=1, max_length=_MOST)]
    source: Annotated[str, Field(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")] = "api"


class ImportOut(Out):
    """What became of the rows.

    `rows` = `accepted` + `duplicates` + `quarantined` + `already_quarantined`, the last of which
    quarantine holds from an earlier request.
    `unmentioned` rows stand in the book of an account of these rows and are not among them.
    """

    rows: int
    accepted: int
    duplicates: int
    quarantined: int
    already_quarantined: int
    unmentioned: int
    closed: list[ClosedOut]
    problems: list[ProblemOut]


class ExposureOut(Out):
    """The exposure: places, limits with what stands against them, totals by product."""

    as_of: Time
    known_at: Time
    rows: list[dict[str, Any]]
    limits: list[dict[str, Any]]
    totals: list[dict[str, Any]]


class PrecheckIn(In):
    """An order that has not been given yet."""

    org: Name
    side: Literal["buy", "sell"]
    lots: Annotated[int, Field(ge=1, le=10_000_000)]
    contract: Annotated[str, Field(max_length=40, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    product: Annotated[str, Field(max_length=40, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    month: Annotated[str, Field(max_length=10, pattern=r"^[0-9A-Za-z]*$")] = ""
    account: Annotated[str, Field(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""


class PrecheckRuleOut(Out):
    """A rule that has something to say."""

    rule: str
    version: str
    code: str
    outcome: str
    level: str
    titles: dict[str, str]
    leaves: list[dict[str, Any]]


class PrecheckOut(Out):
    """The answer, and the figures before and after."""

    outcome: Literal["allow", "require_approval", "hold", "deny"]
    reason: str
    titles: dict[str, str]
    net_before: Number
    net_after: Number
    limit: Number | None
    use_before: Number | None
    use_after: Number | None
    reduces_risk: bool
    data_state: str
    rules: list[PrecheckRuleOut]
    as_of: Time


@router.post("/book/{kind}", response_model=ImportOut, summary="Take rows of a kind into the book")
def post_rows(call: Writing, kind: Annotated[Kind, Path()], asked: RowsIn) -> Response:
    """The same reading as that of files: good rows are taken in, bad ones kept in quarantine."""
    app, who = call.app, call.who
    who.check(WRITE)

    def run(uow: UnitOfWork) -> Done:
        batch = _batch(uow, app, kind, asked, call.body)
        _check_orgs(who, batch)
        full = full_of(who, WRITE, kind, asked)
        result = take_in(uow, batch, full)
        if result.refused:
            raise ApiFault(409, "IMPORT_FULL_REFUSED", problems=result.errors)
        if result.scopes:
            # What is brought and what follows from it stand together, or neither does.
            assess_in(uow, app, sorted(result.scopes), result.prices)
        found = ImportOut(
            rows=result.rows,
            accepted=result.accepted,
            duplicates=result.duplicates,
            quarantined=result.quarantined,
            already_quarantined=result.already_quarantined,
            unmentioned=result.unmentioned,
            closed=[ClosedOut(**plain(one.as_dict())) for one in result.closed],
            problems=[
                ProblemOut(**problem_shown(app.catalogues, one))
                for one in (*result.errors, *result.warnings)
            ],
        )
        return Done(200, found.model_dump(mode="json"))

    return write(call, run)


def _batch(uow: UnitOfWork, app: Application, kind: Kind, asked: RowsIn, body: bytes) -> Batch:
    terms = terms_of(app, uow.connection, uow.now, decimal=".")
    reader = FactReader(kind, terms)
    entries: dict[tuple[str, ...], Entry] = {}
    bad: list[BadRow] = []
    for number, given in enumerate(asked.rows, 1):
        row = given if isinstance(given, dict) else {}
        faulty = _faults(kind, given, number)
        read = faulty or reader.read(row, file=_FILE, line=number)
        if isinstance(read, Entry):
            held = entries.setdefault((field_of(read.fact), *key_of(read.fact)), read)
            if held is read:
                continue
            read = [_repeated(held, number)]
        raw = raw_of(_as_text(given))
        bad.append(BadRow(number, raw, tuple(read), original=raw))
    return Batch(
        kind,
        _FILE,
        asked.source,
        len(asked.rows),
        tuple(entries.values()),
        tuple(bad),
        digest=sha256(body).hexdigest(),
    )


def _repeated(held: Entry, line: int) -> Problem:
    found = shorten(key_of(held.fact)[1])
    params = {"other": str(held.line)}
    return Problem(
        "IMPORT_ID_REPEATED", file=_FILE, line=line, field=id_field(held), found=found,
        allowed=f"≠ {found}", params=params,
    )  # fmt: skip


def _faults(kind: Kind, given: object, line: int) -> list[Problem]:
    """What keeps a row from being read at all: its form, names of columns, forms of cells."""
    known = [column.name for column in COLUMNS[kind]]
    if not isinstance(given, dict):
        return [_fault("INPUT_OBJECT", line, "row", given, "{" + ", ".join(known) + "}")]
    found: list[Problem] = []
    for name, cell in given.items():
        if name not in known:
            found.append(
                Problem(
                    "FIELD_UNKNOWN",
                    file=_FILE,
                    line=line,
                    field=shorten(name),
                    found=shorten(name),
                    allowed=", ".join(known),
                    hint=did_you_mean(name, known),
                )
            )
        elif isinstance(cell, float):
            # JSON's fractions are binary ones by now: what was written can no longer be told
            found.append(_fault("IMPORT_BINARY_FRACTION", line, name, cell, '"1286400.50"'))
        elif isinstance(cell, (list, dict)):
            found.append(_fault("INPUT_TEXT", line, name, cell, '"…"'))
        elif isinstance(cell, str) and len(cell) > _LONGEST:
            found.append(_fault("IMPORT_TEXT_TOO_LONG", line, name, cell, str(_LONGEST)))
    return found


def _fault(code: str, line: int, field: str, found: object, allowed: str) -> Problem:
    shown = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
    return Problem(code, file=_FILE, line=line, field=field, found=shorten(shown), allowed=allowed)


def _as_text(given: object) -> dict[str, object]:
    """A row for quarantine: what is no cell stands there as JSON, as it was sent."""
    cells = given if isinstance(given, dict) else {"row": given}
    return {
        shorten(name): json.dumps(cell, ensure_ascii=False)
        if isinstance(cell, (list, dict, float))
        else cell
        for name, cell in cells.items()
    }


def _check_orgs(who: Caller, batch: Batch) -> None:
    """Every row must be of a unit for which the caller may write; what is common to all, too.

    A bad row that names no unit, or none that there is, is of nobody: it goes to quarantine.

    Raises:
        ApiFault: naming the units that are not, and their rows.
    """
    nodes = who.directory.nodes
    named = [(entry.line, getattr(entry.fact, "org", "")) for entry in batch.entries]
    for row in batch.bad:
        org = row.raw.get("org", "").strip().strip("/")
        if org and (not nodes or org in nodes):
            named.append((row.line, org))
    roots = {root_of(path) for path in nodes}
    # Prices without an organisation reach every unit: only who may write for a whole group.
    common = all(who.may(WRITE, root) for root in roots) if roots else who.may(WRITE)
    allowed = {org: who.may(WRITE, org) if org else common for _line, org in named}
    strange = sorted(org for org, may in allowed.items() if not may)
    if strange:
        rows = sorted(line for line, org in named if not allowed[org])
        raise out_of_scope(WRITE, strange, rows)


@router.get("/exposure", summary="The exposure of the units that the caller sees")
def exposure(
    app: App,
    who: Who,
    *,
    org: Annotated[str, Query(max_length=400)] = "",
    product: Annotated[str, Query(max_length=40)] = "",
    month: Annotated[str, Query(max_length=10)] = "",
    account: Annotated[str, Query(max_length=100)] = "",
    as_of: Annotated[str, Query(max_length=40, json_schema_extra={"format": "date-time"})] = "",
    known_at: Annotated[str, Query(max_length=40, json_schema_extra={"format": "date-time"})] = "",
) -> ExposureOut:
    """As of a time, as it was known at another; both default to now."""
    scopes = who.reads("book.read")
    with app.store.reader() as connection:
        table = read_exposure(
            connection,
            as_of=when(as_of, "as_of", latest=who.at) or who.at,
            known_at=when(known_at, "known_at", latest=who.at) or who.at,
            scopes=scopes,
            wanted=Filter(org, product, month, account),
        )
    return ExposureOut(**table.as_json())


@router.post("/precheck", summary="What the rules say of an order before it is given")
def precheck(app: App, who: Who, asked: PrecheckIn) -> PrecheckOut:
    """Allow, require an approval, hold or deny; nothing is recorded and nothing is traded."""
    who.check("book.read")
    if not who.sees(asked.org):
        raise ApiFault(404, "NOT_FOUND")
    with app.store.reader() as connection:
        book = read_state(connection, as_of=who.at, known_at=who.at, orgs=[root_of(asked.org)])
        answer = judged(connection, app.rulebook, _order(who, asked, book), book, who.at)
    fact = plain(dict(answer.fact))
    return PrecheckOut(
        outcome=answer.outcome,
        reason=answer.reason,
        titles=words_of(app.catalogues, answer.reason, fact),
        **{name: fact.get(name) for name in _FIGURES},
        rules=[_rule(app, verdict) for verdict in answer.verdicts],
        as_of=rfc3339(who.at),
    )


_FIGURES = (
    "net_before",
    "net_after",
    "limit",
    "use_before",
    "use_after",
    "reduces_risk",
    "data_state",
)


def _order(who: Caller, asked: PrecheckIn, book: BookState) -> HedgeOrder:
    day = who.at.date()
    settings = who.directory.settings(asked.org)
    product = asked.product or settings.product
    month = _month(asked.month) or settings.month or SPOT
    side = Side(asked.side)
    try:
        if asked.contract:
            known = order_quantity(book.specs, asked.contract, side, asked.lots, day)
            if isinstance(known, Problem):
                raise ApiFault(422, known.code, problems=[known])
            product, month = known.contract.product, known.contract.delivery_month
            quantity = known.quantity
        else:
            quantity = side.sign * book.specs.spec(product, day).quantity(Decimal(asked.lots))
    except BookError:
        problem = Problem("UNKNOWN_PRODUCT", field="product", found=asked.contract or product)
        raise ApiFault(422, "UNKNOWN_PRODUCT", problems=[problem]) from None
    return HedgeOrder(
        object_id="precheck",
        event_uid="",
        org=asked.org,
        product=product,
        month=month,
        account=asked.account,
        contract=asked.contract,
        side=asked.side,
        lots=asked.lots,
        qty_signed=quantity,
        origin="person",
        actor=who.person.id,
        queued_at=who.at,
    )


def _month(given: str) -> str:
    """The delivery month as the book writes it, by the rule of imports; empty for an empty one.

    Raises:
        ApiFault: for what is no month.
    """
    row = RowReader({"month": given}, file="", line=0)
    found = row.month("month", default="")
    if row.problems:
        raise ApiFault(422, "BAD_REQUEST", problems=row.problems)
    return found


def _rule(app: Application, verdict: Verdict) -> PrecheckRuleOut:
    return PrecheckRuleOut(
        rule=verdict.rule,
        version=str(verdict.version),
        code=verdict.code,
        outcome=verdict.outcome.value,
        level=verdict.level,
        titles={
            language: app.catalogues.words(language).value("code", verdict.code)
            for language in ("en", "zh")
        },
        leaves=[
            {"text": leaf.text, "value": leaf.value, "truth": leaf.truth, "margin": leaf.margin}
            for leaf in verdict.leaves
        ],
    )
