"""`approvals`: what waits for signatures, and each act on it, judged when it is done."""

# ruff: noqa: PLR0917 - the parameters of a command are its options and arguments

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

import approvals
from approvals import REJECT_REASONS, Event, State, Status, UnknownRequest, Verb
from integrations.wording import card_text
from service.application import Application
from service.approval_cards import approval_card
from service.approval_effect import effect_of
from service.approval_matter import matter
from service.approval_people import mode_told
from service.approval_rows import approval_row
from service.approving import act as act_on
from service.approving import recorded
from service.cli.desk import PROBLEMS, Desk, WrongCall, desk_of
from service.cli.listing import states_of
from service.cli.naming import refuse_unknown
from service.i18n import Format
from service.matters import seen_requests, waiting_requests
from store.problems import did_you_mean, shorten
from workorders.plain import plain

As = Annotated[str, typer.Option("--as", metavar="USER", help="cli.option.as")]
Acting = Annotated[str, typer.Option("--as", metavar="USER", help="cli.option.as")]
Number = Annotated[str, typer.Argument(metavar="APPROVAL")]
Seen = Annotated[int, typer.Option("--seen", min=0, max=10**9, help="cli.option.approval_seen")]
Note = Annotated[str, typer.Option("--text", help="cli.option.note")]
Reason = Annotated[str, typer.Option("--reason", help="cli.option.approval_reason")]
To = Annotated[str, typer.Option("--to", metavar="PERSON", help="cli.option.approval_to")]

Command = Callable[..., None]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    group = typer.Typer(help="cli.help.approvals", no_args_is_help=True, rich_markup_mode=None)
    commands: dict[str, Command] = {
        "list": list_all,
        "show": show_one,
        "approve": _with_text(Verb.APPROVE),
        "reject": _with_reason(Verb.REJECT),
        "return": _with_reason(Verb.RETURN_FOR_PAPERS),
        "reassign": _with_person(Verb.REASSIGN),
        "invite": _with_person(Verb.ADD_SIGNER),
        "nudge": _with_text(Verb.NUDGE),
        "withdraw": _with_text(Verb.WITHDRAW),
    }
    for name, command in commands.items():
        group.command(name, help=f"cli.help.approvals_{name}")(command)
    app.add_typer(group, name="approvals")


# --- reading ------------------------------------------------------------------------------------


def list_all(
    context: typer.Context,
    status: Annotated[str, typer.Option("--status", help="cli.option.approval_status")] = "",
    mine: Annotated[  # noqa: FBT002 - the command line names it
        bool, typer.Option("--waiting", help="cli.option.approval_waiting")
    ] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="cli.option.limit")] = 100,
    user: As = "",
) -> None:
    """List requests, the newest first; those that wait for the person, the oldest first."""
    desk = desk_of(context)
    states_of([status] if status else None, [one.value for one in Status])
    if mine and not user:
        raise WrongCall("cli.approvals.waiting_for_whom")
    with desk.open() as app:
        person = desk.acting(app, user) if user else ""
        now = app.clock()
        scopes: Sequence[str] = (
            app.directory.visible_scopes(person, now) if person else tuple(app.directory.nodes)
        )
        with app.store.reader() as connection:
            if mine:
                waiting = waiting_requests(connection, scopes, person, now)
                found = tuple(one for one in waiting if status in {"", one.status.value})
            else:
                found = seen_requests(connection, scopes, person, status, limit)
        shape = desk.format(now)
    kept = found[:limit]
    rows = [approval_row(one) for one in kept]
    desk.answer({"rows": rows}, lambda: _table(desk, kept, shape))


def _table(desk: Desk, found: Sequence[State], shape: Format) -> None:
    if not found:
        desk.say("cli.approvals.none")
        return
    desk.table(
        ("cli.head.number", "cli.head.version", "cli.head.kind", "cli.head.org",
         "cli.head.requester", "cli.head.state", "cli.head.waits_for", "cli.head.due"),
        [
            [
                one.id,
                str(one.version),
                _kind(desk, one),
                one.subject.org,
                one.subject.requester,
                desk.words.text(f"approvals.status.{one.status.value}"),
                ", ".join(one.waiting_for) or "—",
                shape.moment(one.due) if one.due and one.current else "—",
            ]
            for one in found
        ],
    )  # fmt: skip


def _kind(desk: Desk, state: State) -> str:
    return desk.words.text(f"approvals.kind.{state.subject.kind}")


def show_one(context: typer.Context, approval: Number, user: As = "") -> None:
    """One request: what signing it changes, who signed, who still has to, what was done."""
    desk = desk_of(context)
    with desk.open() as app:
        person = desk.acting(app, user) if user else ""
        with app.store.reader() as connection:
            state = _seen(connection, app, approval, person)
            effect = effect_of(connection, app, state)
            card = approval_card(
                state, person, notice_id="", directory=app.directory, effect=effect
            )
            acts = approvals.history(connection, approval)
        shape = desk.format(app.clock())
        card_words = app.catalogues.words(desk.words.language)
    document = {
        **approval_row(state),
        "figures": [plain({n: getattr(f, n) for n in f.__slots__}) for f in effect.figures],
        "data_state": effect.data_state,
        "history": [_event(one) for one in acts],
    }

    def show() -> None:
        subject = state.subject
        desk.say(
            "cli.approvals.head",
            number=state.id,
            kind=_kind(desk, state),
            object=subject.object_id,
            status=desk.words.text(f"approvals.status.{state.status.value}"),
            version=state.version,
        )
        desk.say("cli.approvals.asked", person=subject.requester, org=subject.org)
        for one in matter(state, app.directory):
            typer.echo(card_words.text(one.code, **one.params))
        for name, change in card_text(card, card_words, "").figures:
            typer.echo(f"{name}: {change}")
        if state.current is not None:
            if mode := mode_told(state.current):
                typer.echo(card_words.value("mode", mode))
            people = ", ".join(state.waiting_for) or "—"
            desk.say("cli.approvals.needs", need=document["still_needed"], people=people)
        for done in acts:
            verb = desk.words.text(f"approvals.verb.{done.act.verb.value}")
            line = f"{shape.moment(done.at)}  {done.act.actor}  {verb}  {desk.code(done.code)}"
            typer.echo(f"{line}  {done.act.note}".rstrip())

    desk.answer(document, show)


def _event(one: Event) -> dict[str, Any]:
    event: dict[str, Any] = plain(
        {
            "at": one.at,
            "by": one.act.actor,
            "verb": one.act.verb,
            "accepted": one.accepted,
            "code": one.code,
            "version": one.version,
            "reason": one.act.reason,
            "note": one.act.note,
            "to": one.act.to,
            "on_behalf_of": one.act.on_behalf_of,
        }
    )
    return event


def _seen(connection: Connection, app: Application, number: str, person: str) -> State:
    """The request, if it is the person's to see; from the machine every one is.

    Raises:
        WrongCall: there is none, or it is not the person's to see.
    """
    try:
        state = approvals.read(connection, number)
    except UnknownRequest as unknown:
        raise WrongCall("cli.approvals.unknown", number=shorten(number)) from unknown
    org, now = state.subject.org, app.clock()
    if person and not state.involves(person) and not app.directory.sees(person, org, now).allowed:
        raise WrongCall("cli.approvals.unknown", number=shorten(number))
    return state


# --- acting -------------------------------------------------------------------------------------


def _with_text(verb: Verb) -> Command:
    """The command of a verb that needs no more than who and what."""

    def command(
        context: typer.Context, approval: Number, user: Acting, seen: Seen, text: Note = ""
    ) -> None:
        _act(context, verb, approval, user, seen, note=text)

    return command


def _with_reason(verb: Verb) -> Command:
    """The command of a verb that gives a reason."""

    def command(
        context: typer.Context,
        approval: Number,
        user: Acting,
        seen: Seen,
        reason: Reason,
        text: Note = "",
    ) -> None:
        _act(context, verb, approval, user, seen, reason=reason, note=text)

    return command


def _with_person(verb: Verb) -> Command:
    """The command of a verb that names another person."""

    def command(
        context: typer.Context, approval: Number, user: Acting, seen: Seen, to: To, text: Note = ""
    ) -> None:
        _act(context, verb, approval, user, seen, to=to, note=text)

    return command


def _act(
    context: typer.Context,
    verb: Verb,
    number: str,
    user: str,
    seen: int,
    *,
    reason: str = "",
    note: str = "",
    to: str = "",
) -> None:
    """Run one act as the person; a refusal is recorded, told, and ends with 1."""
    desk = desk_of(context)
    reason = reason.upper()
    if reason and reason not in REJECT_REASONS:
        hint = did_you_mean(reason, REJECT_REASONS)
        allowed = ", ".join(REJECT_REASONS)
        raise WrongCall(
            "cli.approvals.not_a_reason", found=shorten(reason), allowed=allowed, hint=hint
        )
    with desk.open() as app:
        person = desk.acting(app, user)
        if to:
            refuse_unknown(app, person=to)
        with app.store.unit_of_work(person) as uow:
            _seen(uow.connection, app, number, person)
            ctx = app.context(app.directories.around(uow.connection))
            decided = act_on(uow, app, ctx, number, verb, seen, reason=reason, note=note, to=to)
        sentence = desk.code(decided.code, **recorded(decided.state, app))
    row = approval_row(decided.state)
    document = {
        "ok": decided.accepted,
        "code": str(decided.code),
        "message": sentence,
        "changed": decided.changed,
        "approval": row,
    }

    def show() -> None:
        if not decided.accepted:
            desk.complain(sentence)
            return
        status = desk.words.text(f"approvals.status.{decided.state.status.value}")
        desk.say("cli.approvals.now", number=number, status=status)
        if decided.state.current is not None:
            people = ", ".join(decided.state.waiting_for) or "—"
            desk.say("cli.approvals.needs", need=row["still_needed"], people=people)

    desk.answer(document, show)
    if not decided.accepted:
        raise typer.Exit(PROBLEMS)
