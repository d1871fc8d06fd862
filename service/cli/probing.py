"""`oncall test`, `oncall tests`: try whether notices reach a person, and what was found so far."""

from typing import Annotated, Any

import typer

from service.application import Application
from service.cli.desk import PROBLEMS, Desk, WrongCall, desk_of
from service.cli.naming import refuse_unknown
from service.i18n import Format, Words
from service.on_call import seen
from service.reaching import Reached, overview, people_on, probe_document, reached_document, start
from store.problems import did_you_mean, shorten

As = Annotated[str, typer.Option("--as", metavar="USER", help="cli.option.as")]


def add_to(group: typer.Typer) -> None:
    """Register the two commands."""
    group.command("test", help="cli.help.oncall_test")(try_person)
    group.command("tests", help="cli.help.oncall_tests")(list_all)


def try_person(
    context: typer.Context,
    person: Annotated[str, typer.Option("--person", help="cli.option.test_person")],
    user: As,
    channel: Annotated[str, typer.Option("--channel", help="cli.option.test_channel")] = "",
) -> None:
    """Send somebody a test call that asks to be confirmed."""
    desk = desk_of(context)
    with desk.open() as app:
        acting = desk.acting(app, user)
        wanted = _seen(app, person, acting)
        _refuse_channel(app, channel)
        with app.store.unit_of_work(acting) as uow:
            outcome = start(uow, app, wanted, channel)
        sentence = desk.code(outcome.code)
        document = {
            "ok": outcome.ok,
            "code": outcome.code,
            "message": sentence,
            "tests": [probe_document(one) for one in outcome.probes],
        }

        def show() -> None:
            if not outcome.ok:
                desk.complain(sentence)
            for one in outcome.probes:
                way = desk.words.text(f"ui.channel.{one.channel}")
                desk.say("cli.test.started", number=one.id, way=way)

        desk.answer(document, show)
    if not outcome.ok:
        raise typer.Exit(PROBLEMS)


def list_all(
    context: typer.Context,
    person: Annotated[str, typer.Option("--person", help="cli.option.tests_person")] = "",
    org: Annotated[str, typer.Option("--org", help="cli.option.org")] = "",
    user: As = "",
) -> None:
    """What is known of each person on each channel: last confirmed when, after how many seconds."""
    desk = desk_of(context)
    with desk.open() as app:
        reader = desk.acting(app, user) if user else ""
        now = app.clock()
        known = app.directory
        scopes = known.visible_scopes(reader, now) if reader else tuple(known.nodes)
        if org:
            refuse_unknown(app, org=org)
            if not seen(org, scopes):
                raise WrongCall("cli.not_an_org", found=shorten(org), hint="")
            scopes = (org,)
        people = [_seen(app, person, reader)] if person else people_on(known, scopes, now)
        with app.store.reader() as connection:
            found = overview(connection, app, people, now)
        document = {"rows": [reached_document(known, one) for one in found]}
        desk.answer(document, lambda: _show(desk, app, found, desk.format(now)))


def _show(desk: Desk, app: Application, found: list[Reached], shape: Format) -> None:
    if not found:
        desk.say("cli.test.nobody")
        return
    heads = ("test_person", "test_channel", "test_status", "test_confirmed", "test_seconds")
    desk.table([f"cli.head.{one}" for one in heads], [_row(desk, app, one, shape) for one in found])


def _row(desk: Desk, app: Application, one: Reached, shape: Format) -> list[str]:
    known = app.directory.person(one.person)
    name = known.name if known is not None else one.person
    done: Any = one.confirmed.confirmed_at if one.confirmed is not None else None
    status = desk.words.text(f"reach.status.{one.status}")
    if one.last is not None and one.last.error and one.status in {"failed", "waiting"}:
        status = desk.words.text(
            "reach.because", status=status, why=_why(desk.words, one.last.error)
        )
    return [
        name if name == one.person else f"{name} ({one.person})",
        desk.words.text(f"ui.channel.{one.channel}") if one.channel else "",
        status,
        shape.moment(done) if done is not None else "",
        str(one.confirmed.seconds) if one.confirmed is not None else "",
    ]


def _why(words: Words, error: str) -> str:
    """A code in words; what the other side wrote stays as it is."""
    return words.text(key) if (key := f"reason.{error}") in words else error


def _seen(app: Application, text: str, reader: str) -> str:
    """The id of a person whom the reader sees; oneself always."""
    known = app.directory
    found = known.person(text) or known.person_by_login(text)
    scopes = known.visible_scopes(reader, app.clock()) if reader else tuple(known.nodes)
    near = [one.id for one in known.people if one.id == reader or seen(one.unit, scopes)]
    if found is None or found.id not in near:
        raise WrongCall("cli.user.unknown", user=shorten(text), hint=did_you_mean(text, near))
    return found.id


def _refuse_channel(app: Application, channel: str) -> None:
    names = app.channel_names
    if channel and channel not in names:
        raise WrongCall(
            "cli.test.unknown_channel",
            found=shorten(channel),
            allowed=", ".join(names) or "-",
            hint=did_you_mean(channel, names),
        )
