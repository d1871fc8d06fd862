"""`trail`: verify the decision trail, and decide its records again."""

from pathlib import Path
from typing import Annotated, Any

import typer

import trail
from service.cli.desk import PROBLEMS, WRONG_CALL, Desk, WrongCall, desk_of
from service.replaying import replayers_of
from service.verifying import verify_trail
from store.problems import shorten
from trail import ReplayReport, VerifyReport


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    group = typer.Typer(help="cli.help.trail", no_args_is_help=True, rich_markup_mode=None)
    group.command("verify", help="cli.help.trail_verify")(verify)
    group.command("replay", help="cli.help.trail_replay")(replay)
    app.add_typer(group, name="trail")


def verify(
    context: typer.Context,
    anchors: Annotated[
        Path | None, typer.Option("--anchors", metavar="DIR", help="cli.option.anchors")
    ] = None,
) -> None:
    """Recompute every record of the trail and compare."""
    desk = desk_of(context)
    if anchors is not None and not anchors.is_dir():
        raise WrongCall("cli.no_such_folder", folder=shorten(str(anchors)))
    with desk.open() as app, app.store.reader() as connection:
        report = verify_trail(app, connection, anchors=anchors, processes=2)
    desk.answer(report, lambda: _show_verified(desk, report))
    if not report.ok:
        raise typer.Exit(PROBLEMS)


def _show_verified(desk: Desk, report: VerifyReport) -> None:
    for fault in report.faults:
        where = str(fault.seq) if fault.last in {0, fault.seq} else f"{fault.seq}-{fault.last}"
        said = {"seq": fault.seq, "last": fault.last or fault.seq}
        words = desk.words.text(f"trail.fault.{fault.code}", **said)
        desk.complain(f"{where}  {words}  {fault.detail}")
    key = "cli.trail.intact" if report.ok else "cli.trail.broken"
    desk.say(key, size=report.size, faults=len(report.faults), root=report.root)
    if report.unsealed:
        desk.say("cli.trail.unsealed", count=report.unsealed)
    desk.say("cli.trail.anchored" if report.anchored else "cli.trail.unanchored",
             size=report.anchor_size)  # fmt: skip


def replay(
    context: typer.Context,
    seq: Annotated[
        int | None, typer.Argument(metavar="[SEQ]", min=1, max=2**53, help="cli.option.seq")
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=1_000_000, help="cli.option.limit")
    ] = 1_000,
) -> None:
    """Decide records again from the inputs that they name; one record, or the newest."""
    desk = desk_of(context)
    with desk.open() as app, app.store.reader() as connection:
        replayers = replayers_of(app, connection)
        if seq is not None:
            wanted = [seq]
        else:
            wanted = [
                record.seq
                for action in sorted(replayers)
                for record in trail.find(connection, action=action, limit=limit)
            ]
        reports = [trail.replay(connection, one, replayers) for one in wanted]
    reports.sort(key=lambda report: report.seq)
    # What nothing replays (an attempt to deliver, a click) says nothing about the trail.
    beyond = [report for report in reports if report.reason == "NO_REPLAYER"]
    replayed = [report for report in reports if report.reason != "NO_REPLAYER"]
    different = [report for report in replayed if not report.identical]
    document: dict[str, Any] = {
        "replayed": len(replayed),
        "identical": len(replayed) - len(different),
        "different": [_different(one) for one in different],
        "not_replayable": [one.seq for one in beyond],
    }

    def show() -> None:
        for one in beyond:
            desk.complain(f"{one.seq}  {desk.code(one.reason)}")
        if replayed or not beyond:
            _show_replayed(desk, replayed, different)

    desk.answer(document, show)
    if different:
        raise typer.Exit(PROBLEMS)
    if beyond:
        raise typer.Exit(WRONG_CALL)


def _different(report: ReplayReport) -> dict[str, Any]:
    return {
        "seq": report.seq,
        "reason": report.reason,
        "differences": list(report.explanation),
    }


def _show_replayed(desk: Desk, reports: list[ReplayReport], different: list[ReplayReport]) -> None:
    for report in different:
        desk.complain(f"{report.seq}  {desk.code(report.reason)}")
        for one in report.explanation:
            desk.complain(f"    {one.path}: {one.then} → {one.now}")
    desk.say("cli.trail.replayed", count=len(reports), identical=len(reports) - len(different))
