"""`oncall`: who is on call, the calendar, and what changes them."""

# ruff: noqa: PLR0917 - the parameters of a command are its options and arguments

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from directory import (
    Absence,
    Directory,
    DutyOverride,
    Role,
    RosterOutcome,
    SwapSide,
    add_absence,
    add_override,
    agree_swap,
    propose_swap,
    who_is_on_call,
    withdraw,
    within,
)
from service.application import Application
from service.cli import probing
from service.cli.desk import PROBLEMS, Desk, WrongCall, desk_of, moment
from service.cli.naming import refuse_unknown
from service.i18n import Format
from service.on_call import calendar_document, default_org, who_document
from store import UnitOfWork
from store.problems import did_you_mean, shorten

_INSTANT = timedelta(microseconds=1)

As = Annotated[str, typer.Option("--as", metavar="USER", help="cli.option.as")]
Org = Annotated[str, typer.Option("--org", help="cli.option.org")]
RoleName = Annotated[str, typer.Option("--role", help="cli.option.duty_role")]
Start = Annotated[str, typer.Option("--from", help="cli.option.from_time")]
End = Annotated[str, typer.Option("--to", help="cli.option.to_time")]
Reason = Annotated[str, typer.Option("--reason", help="cli.option.why")]
ChangeId = Annotated[str, typer.Argument(metavar="CHANGE", help="cli.option.roster_change")]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    group = typer.Typer(help="cli.help.oncall", no_args_is_help=True, rich_markup_mode=None)
    group.command("who", help="cli.help.oncall_who")(who)
    group.command("calendar", help="cli.help.oncall_calendar")(calendar)
    group.command("override", help="cli.help.oncall_override")(override)
    group.command("absence", help="cli.help.oncall_absence")(absence)
    group.command("swap", help="cli.help.oncall_swap")(swap)
    group.command("agree", help="cli.help.oncall_agree")(agree)
    group.command("withdraw", help="cli.help.oncall_withdraw")(take_back)
    probing.add_to(group)
    app.add_typer(group, name="oncall")


def who(
    context: typer.Context,
    at: Annotated[str, typer.Option("--at", help="cli.option.at")] = "",
    org: Org = "",
    role: RoleName = Role.RISK_OFFICER.value,
    user: As = "",
) -> None:
    """Who is on call at a time, until when, and where nobody is."""
    desk = desk_of(context)
    wanted = _role(role)
    with desk.open() as app:
        known = app.directory
        person = known.person(desk.acting(app, user)) if user else None
        place = org or (person.unit if person is not None else default_org(known, wanted))
        _refuse_unit(app, place, person.id if person is not None else "")
        asked = moment(at, name="--at") if at else app.clock()
        found = who_is_on_call(known, place, asked, wanted)
        document = who_document(known, found)
        desk.answer(document, lambda: _show_who(desk, document, desk.format(app.clock())))


def _show_who(desk: Desk, document: dict[str, Any], shape: Format) -> None:
    role = desk.words.text(f"directory.role.{document['role'].value}")
    desk.say("cli.oncall.at", at=shape.zoned(document["at"]), org=document["org"], role=role)
    if not document["people"]:
        desk.say("cli.oncall.nobody")
    for one in document["people"]:
        desk.say(
            "cli.oncall.person",
            name=_name(one),
            reason=desk.words.text(f"reason.{one['reason'].value}"),
            instead=_instead(desk, one),
        )
    if document["next_change"] is not None:
        desk.say("cli.oncall.next", at=shape.moment(document["next_change"]))
    for gap in document["gaps"]:
        desk.say("cli.oncall.gap", start=shape.moment(gap["from"]), end=shape.moment(gap["to"]))


def _name(one: dict[str, Any]) -> str:
    return one["name"] if one["name"] == one["id"] else f"{one['name']} ({one['id']})"


def _instead(desk: Desk, one: dict[str, Any]) -> str:
    stands_for = one.get("deputy_for", "")
    return desk.words.text("cli.oncall.instead", person=stands_for) if stands_for else ""


def calendar(
    context: typer.Context,
    start: Start = "",
    days: Annotated[int, typer.Option("--days", min=1, max=62, help="cli.option.days_shown")] = 14,
    org: Org = "",
    user: As = "",
) -> None:
    """The rosters of the next two weeks, with overrides, swaps, absences and gaps."""
    desk = desk_of(context)
    with desk.open() as app:
        known = app.directory
        person = desk.acting(app, user) if user else ""
        scopes = known.visible_scopes(person, app.clock()) if person else tuple(known.nodes)
        if org:
            _refuse_unit(app, org, person)
            scopes = (org,)
        begins = moment(start, name="--from") if start else app.clock()
        document = calendar_document(known, scopes, begins, days)
        shown = {**document, "conflicts": [desk.problem(one) for one in document["conflicts"]]}
        desk.answer(shown, lambda: _show_calendar(desk, document, desk.format(app.clock())))


def _show_calendar(desk: Desk, document: dict[str, Any], shape: Format) -> None:
    rows = [
        [
            line["org"],
            desk.words.text(f"directory.role.{line['role'].value}"),
            shape.moment(one["from"]),
            shape.moment(one["to"]),
            ("⚠ " if one["gap"] else "") + ", ".join(_name(each) for each in one["people"]),
        ]
        for line in document["rosters"]
        for one in line["stretches"]
    ]
    if not rows:
        desk.say("cli.oncall.no_roster")
    else:
        heads = ("org", "duty_role", "from", "to", "who")
        desk.table([f"cli.head.{one}" for one in heads], rows)
    for problem in document["conflicts"]:
        desk.complain(desk.sentence(problem))


def override(
    context: typer.Context,
    person: Annotated[str, typer.Option("--person", help="cli.option.on_call_person")],
    start: Start,
    end: End,
    reason: Reason,
    user: As,
    org: Org,
    instead_of: Annotated[str, typer.Option("--instead-of", help="cli.option.instead_of")] = "",
    role: RoleName = Role.RISK_OFFICER.value,
) -> None:
    """Put one person on call instead of the roster's."""
    desk = desk_of(context)
    wanted = _role(role)
    since, until = _period(start, end, "--from", "--to")

    def act(uow: UnitOfWork, known: Directory) -> RosterOutcome:
        who_else = _person(known, instead_of) if instead_of else ""
        given = DutyOverride(
            org, wanted, _person(known, person), since, until, who_else, "", reason
        )
        return add_override(uow, given)

    _carry_out(desk, user, org, act)


def absence(
    context: typer.Context,
    start: Start,
    end: End,
    user: As,
    person: Annotated[str, typer.Option("--person", help="cli.option.absent_person")] = "",
    deputy: Annotated[str, typer.Option("--deputy", help="cli.option.deputy")] = "",
    reason: Reason = "",
) -> None:
    """Somebody cannot be called, and who answers meanwhile."""
    desk = desk_of(context)
    since, until = _period(start, end, "--from", "--to")

    def act(uow: UnitOfWork, known: Directory) -> RosterOutcome:
        gone = _person(known, person) if person else uow.actor
        stands_in = _person(known, deputy) if deputy else ""
        return add_absence(uow, Absence(gone, since, until, stands_in, "", reason))

    _carry_out(desk, user, "", act)


def swap(
    context: typer.Context,
    first: Annotated[str, typer.Option("--first", help="cli.option.swap_first")],
    first_from: Annotated[str, typer.Option("--first-from", help="cli.option.from_time")],
    first_to: Annotated[str, typer.Option("--first-to", help="cli.option.to_time")],
    second: Annotated[str, typer.Option("--second", help="cli.option.swap_second")],
    second_from: Annotated[str, typer.Option("--second-from", help="cli.option.from_time")],
    second_to: Annotated[str, typer.Option("--second-to", help="cli.option.to_time")],
    user: As,
    org: Org,
    role: RoleName = Role.RISK_OFFICER.value,
    reason: Reason = "",
) -> None:
    """Propose that two people exchange two shifts."""
    desk = desk_of(context)
    wanted = _role(role)
    one = _period(first_from, first_to, "--first-from", "--first-to")
    other = _period(second_from, second_to, "--second-from", "--second-to")

    def act(uow: UnitOfWork, known: Directory) -> RosterOutcome:
        return propose_swap(
            uow,
            org=org,
            role=wanted,
            first=SwapSide(_person(known, first), *one),
            second=SwapSide(_person(known, second), *other),
            reason=reason,
        )

    _carry_out(desk, user, org, act)


def agree(context: typer.Context, change: ChangeId, user: As) -> None:
    """Consent to a swap, or confirm it as a manager."""
    _carry_out(desk_of(context), user, "", lambda uow, _known: agree_swap(uow, change))


def take_back(context: typer.Context, change: ChangeId, user: As) -> None:
    """Take an override, absence or swap back, from now on."""
    _carry_out(desk_of(context), user, "", lambda uow, _known: withdraw(uow, change))


# --- what they share ----------------------------------------------------------------------------


def _role(text: str) -> Role:
    if text in set(Role):
        return Role(text)
    allowed = [one.value for one in Role]
    hint = did_you_mean(text, allowed)
    raise WrongCall(
        "cli.user.unknown_role", found=shorten(text), allowed=", ".join(allowed), hint=hint
    )


def _person(known: Directory, text: str) -> str:
    found = known.person(text) or known.person_by_login(text)
    if found is None:
        hint = did_you_mean(text, [one.id for one in known.people])
        raise WrongCall("cli.user.unknown", user=shorten(text), hint=hint)
    return found.id


def _period(start: str, end: str, start_name: str, end_name: str) -> tuple[datetime, datetime]:
    """The instants; a bare day as the end is meant with the whole of that day."""
    since, until = moment(start, name=start_name), moment(end, name=end_name, end=True)
    if until.microsecond == _LAST_OF_DAY:
        until += _INSTANT
    return since, until


_LAST_OF_DAY = 999_999


def _refuse_unit(app: Application, org: str, person: str) -> None:
    """A unit that nobody knows, or that the person does not see: the same answer."""
    known = app.directory
    scopes = known.visible_scopes(person, app.clock()) if person else tuple(known.nodes)
    if org and org not in known.nodes:
        refuse_unknown(app, org=org)
    if org not in known.nodes or not any(within(org, scope) for scope in scopes):
        raise WrongCall("cli.not_an_org", found=shorten(org), hint="")


def _carry_out(
    desk: Desk, user: str, org: str, act: Callable[[UnitOfWork, Directory], RosterOutcome]
) -> None:
    with desk.open() as app:
        person = desk.acting(app, user)
        if org:
            _refuse_unit(app, org, person)
        with app.store.unit_of_work(person) as uow:
            outcome = act(uow, app.directory)
    sentence = desk.code(outcome.code)
    document = {
        "ok": outcome.ok,
        "code": outcome.code,
        "message": sentence,
        "id": outcome.id,
        "warnings": [desk.problem(one) for one in outcome.warnings],
    }

    def show() -> None:
        if not outcome.ok:
            desk.complain(sentence)
        else:
            desk.say("cli.oncall.done", id=outcome.id, message=sentence)
        for one in outcome.warnings:
            desk.complain(desk.sentence(one))

    desk.answer(document, show)
    if not outcome.ok:
        raise typer.Exit(PROBLEMS)
