"""`assess` and `exposure`."""

# ruff: noqa: PLR0917 - the parameters of a command are its options and arguments

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any

import typer

from service.assessing import AssessmentSummary, assess_now
from service.cli.desk import Desk, desk_of, moment
from service.cli.naming import month_code, product_code, refuse_unknown
from service.exposure_rows import ExposureTable, Filter, plain_row, read_exposure
from service.i18n import Format
from store.clock import rfc3339
from store.types import decimal_text

_ROW = (
    "org", "account", "product", "month", "project", "unit", "priced", "inventory", "futures",
    "option_delta", "net", "gross", "unpriced", "unsynced", "unposted", "theoretical",
    "net_if_posted", "coverage", "limit", "use", "level", "state", "reasons",
)  # fmt: skip


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("assess", help="cli.help.assess")(assess)
    app.command("exposure", help="cli.help.exposure")(exposure)


def assess(
    context: typer.Context,
    org: Annotated[str, typer.Option("--org", help="cli.option.org")] = "",
    product: Annotated[str, typer.Option("--product", help="cli.option.product")] = "",
) -> None:
    """Assess the exposure against its limits as of now, under the rules in force."""
    desk = desk_of(context)
    product = product_code(product)
    with desk.open() as app:
        wanted = [(org, product)] if org else None
        summary = assess_now(app, wanted, actor=desk.actor)
        with app.store.reader() as connection:
            table = read_exposure(
                connection,
                as_of=summary.at,
                known_at=summary.at,
                scopes=None,
                wanted=Filter(org=org, product=product),
            )
        if not (table.rows or table.limits):
            refuse_unknown(app, org=org, product=product)
        shape = desk.format(summary.at)
        desk.answer(
            {**assessment_json(summary), "limits": table.as_json()["limits"]},
            lambda: _show_assessment(desk, summary, table, shape),
        )


def assessment_json(summary: AssessmentSummary) -> dict[str, Any]:
    """What an assessment found, for `--json`."""
    matches = [
        {
            "rule": match.rule,
            "code": match.code,
            "level": match.level.value if match.level else "",
            "org": match.org,
            "account": match.account,
            "product": match.product,
            "month": match.month,
            "value": match.value,
            "limit": match.limit,
            "use": match.use,
            "unit": match.unit,
            "alert": result.alert_id,
            "order": result.order_id,
            "opened": result.opened,
        }
        for match, result in summary.told
    ]
    return {
        "as_of": summary.at,
        "rulebook": summary.rulebook,
        "scopes": summary.scopes,
        "moved": summary.facts,
        "matches": matches,
        "orders": summary.orders,
    }


def _show_assessment(
    desk: Desk, summary: AssessmentSummary, table: ExposureTable, shape: Format
) -> None:
    _show_limits(desk, table.limits, shape)
    desk.say(
        "cli.assessed",
        scopes=summary.scopes,
        moved=summary.facts,
        matches=len(summary.told),
        orders=", ".join(summary.orders) or "—",
    )


def _show_limits(desk: Desk, limits: Sequence[dict[str, Any]], shape: Format) -> None:
    if not limits:
        desk.say("cli.no_limits")
        return
    desk.table(
        (
            "cli.head.org", "cli.head.product", "cli.head.month", "cli.head.measure",
            "cli.head.value", "cli.head.limit", "cli.head.use", "cli.head.level",
            "cli.head.state",
        ),
        [
            [
                row["org"],
                row["product"],
                row["month"],
                row["measure"],
                _figure(shape, row["value"], row["unit"]),
                _figure(shape, row["limit"], row["unit"]),
                "—" if row["use"] is None else shape.use(row["use"]),
                desk.level(row["level"]),
                desk.words.text(f"book.state.{row['data_state']}"),
            ]
            for row in limits
        ],
    )  # fmt: skip


def exposure(
    context: typer.Context,
    as_of: Annotated[str, typer.Option("--as-of", help="cli.option.as_of")] = "",
    known_at: Annotated[str, typer.Option("--known-at", help="cli.option.known_at")] = "",
    org: Annotated[str, typer.Option("--org", help="cli.option.org")] = "",
    product: Annotated[str, typer.Option("--product", help="cli.option.product")] = "",
    month: Annotated[str, typer.Option("--month", help="cli.option.month")] = "",
) -> None:
    """Show the exposure of every place, with its limits."""
    desk = desk_of(context)
    product, month = product_code(product), month_code(month)
    with desk.open() as app:
        now = app.clock()
        at = moment(as_of, name="--as-of", end=True, latest=now) if as_of else now
        known = moment(known_at, name="--known-at", end=True, latest=now) if known_at else now
        with app.store.reader() as connection:
            table = read_exposure(
                connection,
                as_of=at,
                known_at=known,
                scopes=None,
                wanted=Filter(org=org, product=product, month=month),
            )
        if not (table.rows or table.limits):
            refuse_unknown(app, org=org, product=product)
        rows = [_row(row) for row in table.rows]
        totals = [_row(row) for row in table.totals]
        document = {
            "as_of": rfc3339(table.as_of),
            "known_at": rfc3339(table.known_at),
            "rows": rows,
            "limits": [plain_row(row) for row in table.limits],
            "totals": totals,
        }
        desk.answer(document, lambda: _show_exposure(desk, table, rows, desk.format(now)))


def _row(row: dict[str, Any]) -> dict[str, Any]:
    """A place, or a total, which no limit bounds, in the order of the contract.

    Use and level are those of the place's tightest limit, which may add up several places: a
    physical position and its hedge in another account are judged together.
    """
    found = {
        **dict.fromkeys(("limit", "use"), None),
        "level": "",
        **row,
        "priced": row["purchases"] + row["sales"],
        "state": row["data_state"],
    }
    return plain_row({name: found[name] for name in _ROW})


def _show_exposure(
    desk: Desk, table: ExposureTable, rows: Sequence[dict[str, Any]], shape: Format
) -> None:
    desk.say("cli.as_of", as_of=shape.zoned(table.as_of), known_at=shape.zoned(table.known_at))
    if not rows:
        desk.say("cli.no_exposure")
        return
    figures = ("priced", "inventory", "futures", "option_delta", "net", "unpriced", "unposted")
    desk.table(
        ("cli.head.org", "cli.head.account", "cli.head.product", "cli.head.month",
         *(f"book.{name}" for name in figures),
         "cli.head.use", "cli.head.level", "cli.head.state"),
        [
            [
                row["org"],
                row["account"],
                row["product"],
                row["month"],
                *(_figure(shape, Decimal(row[name]), row["unit"]) for name in figures),
                "—" if row["use"] is None else shape.use(Decimal(row["use"])),
                desk.level(row["level"]),
                desk.words.text(f"book.state.{row['state']}"),
            ]
            for row in rows
        ],
    )  # fmt: skip


def _figure(shape: Format, value: Decimal | None, unit: str) -> str:
    # 1000.00000000 is 1,000: what a sum carries behind the point says nothing
    text = "—" if value is None else shape.number(Decimal(decimal_text(value)))
    return text if value is None else f"{text} {unit}".strip()
