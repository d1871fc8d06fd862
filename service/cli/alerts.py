"""`alerts`: the triage inbox."""

# ruff: noqa: PLR0917 - the parameters of a command are its options and arguments

from typing import Annotated, Any

import typer

from service.application import Application
from service.cli.desk import PROBLEMS, Desk, desk_of
from service.cli.listing import (
    alert_json,
    levels_of,
    refuse_cursor,
    scopes_of,
    states_of,
    title_of,
)
from service.cli.naming import product_code, refuse_unknown
from service.i18n import Format
from workorders import reads
from workorders.inbox import TriageOutcome, confirm_alert, dismiss_alert
from workorders.model import Alert, AlertState

As = Annotated[str, typer.Option("--as", metavar="USER", help="cli.option.as")]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    group = typer.Typer(help="cli.help.alerts", no_args_is_help=True, rich_markup_mode=None)
    group.command("list", help="cli.help.alerts_list")(list_alerts)
    group.command("confirm", help="cli.help.alerts_confirm")(confirm)
    group.command("dismiss", help="cli.help.alerts_dismiss")(dismiss)
    app.add_typer(group, name="alerts")


def list_alerts(
    context: typer.Context,
    state: Annotated[list[str] | None, typer.Option("--state", help="cli.option.state")] = None,
    level: Annotated[list[str] | None, typer.Option("--level", help="cli.option.level")] = None,
    org: Annotated[str, typer.Option("--org", help="cli.option.org")] = "",
    product: Annotated[str, typer.Option("--product", help="cli.option.product")] = "",
    rule: Annotated[str, typer.Option("--rule", help="cli.option.rule")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="cli.option.limit")] = 100,
    cursor: Annotated[str, typer.Option("--cursor", help="cli.option.cursor")] = "",
    user: As = "",
) -> None:
    """List alerts, newest first."""
    desk = desk_of(context)
    refuse_cursor(cursor)
    product = product_code(product)
    wanted = reads.Filter(
        states=states_of(state, [one.value for one in AlertState]),
        levels=levels_of(level),
        org=org,
        product=product,
        rule=rule,
    )
    with desk.open() as app:
        scopes = scopes_of(desk, app, user)
        with app.store.reader() as connection:
            page = reads.list_alerts(connection, scopes, wanted, limit=limit, cursor=cursor)
        if not page.items:
            refuse_unknown(app, org=org, product=product, rule=rule)
        document = {"rows": [alert_json(one) for one in page.items], "cursor": page.cursor}
        desk.answer(document, lambda: _show(desk, app, page.items, desk.format(app.clock())))


def _show(desk: Desk, app: Application, alerts: tuple[Alert, ...], shape: Format) -> None:
    if not alerts:
        desk.say("cli.alerts.none")
        return
    desk.table(
        ("cli.head.number", "cli.head.level", "cli.head.what", "cli.head.org", "cli.head.product",
         "cli.head.count", "cli.head.since", "cli.head.state"),
        [
            [
                one.id,
                desk.level(one.level.value),
                title_of(desk, app, one.code),
                one.org,
                f"{one.product} {one.month}".strip(),
                str(one.count),
                shape.moment(one.first_seen),
                _state(desk, one),
            ]
            for one in alerts
        ],
    )  # fmt: skip


def _state(desk: Desk, alert: Alert) -> str:
    """Where the alert stands; in an order nobody has to triage it any more."""
    if alert.state is AlertState.NEW and alert.order_id:
        return desk.words.text("cli.alerts.in_order", order=alert.order_id)
    return desk.words.text(f"alert_state.{alert.state.value}")


def confirm(
    context: typer.Context,
    alert: Annotated[str, typer.Argument(metavar="ALERT")],
    user: Annotated[str, typer.Option("--as", metavar="USER", help="cli.option.as")],
    text: Annotated[str, typer.Option("--text", help="cli.option.note")] = "",
) -> None:
    """The alert is real: an order answers for it from now on."""
    desk = desk_of(context)
    with desk.open() as app:
        person = desk.acting(app, user)
        around = app.directories.now()
        with app.store.unit_of_work(person) as uow:
            outcome = confirm_alert(uow, app.context(around), alert, text=text)
    _finish(desk, outcome)


def dismiss(
    context: typer.Context,
    alert: Annotated[str, typer.Argument(metavar="ALERT")],
    user: Annotated[str, typer.Option("--as", metavar="USER", help="cli.option.as")],
    reason: Annotated[list[str], typer.Option("--reason", help="cli.option.dismiss_reason")],
    text: Annotated[str, typer.Option("--text", help="cli.option.note")] = "",
) -> None:
    """Put the alert aside, with a reason."""
    desk = desk_of(context)
    with desk.open() as app:
        person = desk.acting(app, user)
        around = app.directories.now()
        with app.store.unit_of_work(person) as uow:
            outcome = dismiss_alert(uow, app.context(around), alert, reasons=reason, text=text)
    _finish(desk, outcome)


def _finish(desk: Desk, outcome: TriageOutcome) -> None:
    sentence = desk.code(outcome.code, **{k: str(v) for k, v in outcome.params.items()})
    document: dict[str, Any] = {
        "ok": outcome.ok,
        "code": outcome.code,
        "message": sentence,
        "order": outcome.order_id,
        "opened": outcome.opened,
        "params": outcome.params,
        "alert": alert_json(outcome.alert) if outcome.alert else None,
    }

    def show() -> None:
        if not outcome.ok:
            desk.complain(sentence)
        elif outcome.order_id:
            desk.say("cli.alerts.order", order=outcome.order_id)
        else:
            desk.say("cli.done")

    desk.answer(document, show)
    if not outcome.ok:
        raise typer.Exit(PROBLEMS)
