"""`user`: people who sign in or act by command, their passwords and tokens."""

# ruff: noqa: FBT002, PLR0917 - the parameters of a command are its options and arguments

import getpass
import sys
from datetime import timedelta
from typing import Annotated

import typer

from directory import Directory, Organisation, Person, Role, merge, save_directory
from directory.roles import conflicting
from service.application import Application
from service.cli.desk import PROBLEMS, WrongCall, desk_of
from service.security import sessions, set_password, tokens, with_password
from service.security.errors import WeakPassword
from store import UnitOfWork
from store.problems import did_you_mean


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    group = typer.Typer(help="cli.help.user", no_args_is_help=True, rich_markup_mode=None)
    group.command("create", help="cli.help.user_create")(create)
    group.command("password", help="cli.help.user_password")(password)
    group.command("token", help="cli.help.user_token")(token)
    group.command("revoke", help="cli.help.user_revoke")(revoke)
    group.command("list", help="cli.help.user_list")(list_users)
    app.add_typer(group, name="user")


Stdin = Annotated[bool, typer.Option("--password-stdin", help="cli.option.password_stdin")]
User = Annotated[str, typer.Argument(metavar="USER", help="cli.option.user")]


def create(
    context: typer.Context,
    user: User,
    role: Annotated[list[str] | None, typer.Option("--role", help="cli.option.role")] = None,
    unit: Annotated[str, typer.Option("--unit", help="cli.option.unit_of")] = "",
    name: Annotated[str, typer.Option("--name", help="cli.option.name")] = "",
    login: Annotated[str, typer.Option("--login", help="cli.option.login")] = "",
    email: Annotated[str, typer.Option("--email", help="cli.option.email")] = "",
    password_stdin: Stdin = False,
) -> None:
    """Add a person to the directory, with a password if one is given. There is no default one."""
    desk = desk_of(context)
    roles = tuple(_role(one) for one in role or ())
    if pairs := conflicting(roles):
        found = "; ".join(f"{one.value} + {other.value}" for one, other in pairs)
        raise WrongCall("cli.user.roles", found=found)
    with desk.open(begins=True) as app:
        known = app.directory
        if known.person(user) is not None or known.person_by_login(login or user) is not None:
            desk.answer(
                {"user": user, "created": False},
                lambda: desk.complain(desk.words.text("cli.user.exists", user=user)),
            )
            raise typer.Exit(PROBLEMS)
        secret = _password(ask=True, from_stdin=password_stdin)
        person = Person(user, name, roles, unit, email=email, login=login)
        place = (Organisation(unit),) if unit and unit not in known.nodes else ()
        with app.store.unit_of_work(desk.actor) as uow:
            save_directory(uow, merge(known, Directory(organisations=place, people=(person,))))
            if secret:
                _set(uow, user, secret)
    document = {
        "user": user, "created": True, "roles": roles, "unit": unit, "password": bool(secret),
    }  # fmt: skip

    def show() -> None:
        desk.say("cli.user.created", user=user)
        if not secret:
            desk.complain(desk.words.text("cli.user.without_password", user=user))

    desk.answer(document, show)


def _role(text: str) -> Role:
    if text in set(Role):
        return Role(text)
    allowed = [one.value for one in Role]
    hint = did_you_mean(text, allowed)
    raise WrongCall("cli.user.unknown_role", found=text, allowed=", ".join(allowed), hint=hint)


def _password(*, ask: bool, from_stdin: bool) -> str:
    """A password from standard input or from the keyboard; never from the command line."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not ask or not sys.stdin.isatty():
        return ""
    first = getpass.getpass()
    if first and first != getpass.getpass():
        raise WrongCall("cli.user.twice")
    return first


def _set(uow: UnitOfWork, user: str, secret: str) -> None:
    try:
        set_password(uow, user, secret)
    except WeakPassword as fault:
        raise WrongCall("cli.user.weak", least=str(fault.least)) from fault


def password(context: typer.Context, user: User, password_stdin: Stdin = False) -> None:
    """Set a person's password; who is signed in with the old one is signed out."""
    desk = desk_of(context)
    with desk.open() as app:
        person = _person(app, user)
        secret = _password(ask=True, from_stdin=password_stdin)
        if not secret:
            raise WrongCall("cli.user.no_password")
        with app.store.unit_of_work(desk.actor) as uow:
            _set(uow, person.id, secret)
            sessions.end_all(uow, person.id)
    desk.answer({"user": person.id, "changed": True}, lambda: desk.say("cli.done"))


def _person(app: Application, user: str) -> Person:
    known = app.directory
    found = known.person(user) or known.person_by_login(user)
    if found is None:
        hint = did_you_mean(user, [one.id for one in known.people])
        raise WrongCall("cli.user.unknown", user=user, hint=hint)
    return found


def token(
    context: typer.Context,
    user: User,
    name: Annotated[str, typer.Option("--name", help="cli.option.token_name")] = "command",
    days: Annotated[int, typer.Option("--days", min=1, max=366, help="cli.option.days")] = 90,
) -> None:
    """Make a token by which commands act for a person; it is shown once."""
    desk = desk_of(context)
    with desk.open() as app:
        person = _person(app, user)
        if not person.active:
            raise WrongCall("cli.user.inactive", user=user)
        life = timedelta(days=days)
        with app.store.unit_of_work(desk.actor) as uow:
            made = tokens.issue(uow, person.id, name=name, life=life, org=person.unit)
            expires = uow.now + life
    document = {"user": person.id, "token": made, "expires_at": expires}

    def show() -> None:
        typer.echo(made)
        desk.complain(desk.words.text("cli.user.token"))

    desk.answer(document, show)


def revoke(context: typer.Context, user: User) -> None:
    """End every token of a person."""
    desk = desk_of(context)
    with desk.open() as app:
        person = _person(app, user)
        with app.store.unit_of_work(desk.actor) as uow:
            ended = tokens.revoke_all(uow, person.id)
    desk.answer(
        {"user": person.id, "revoked": ended}, lambda: desk.say("cli.user.revoked", count=ended)
    )


def list_users(context: typer.Context) -> None:
    """List the people of the directory."""
    desk = desk_of(context)
    with desk.open() as app:
        people = app.directory.people
        with app.store.reader() as connection:
            signs_in = with_password(connection)
    document = [
        {
            "id": one.id,
            "name": one.name,
            "login": one.login or one.id,
            "roles": one.roles,
            "unit": one.unit,
            "active": one.active,
            "password": one.id in signs_in,
        }
        for one in people
    ]

    def show() -> None:
        desk.table(
            ("cli.head.person", "cli.head.name", "cli.head.roles", "cli.head.org",
             "cli.head.password"),
            [
                [
                    one.id,
                    one.name,
                    ", ".join(
                        desk.words.text(f"directory.role.{role.value}") for role in one.roles
                    ),
                    one.unit,
                    desk.words.text("ui.yes" if one.id in signs_in else "ui.no"),
                ]
                for one in people
            ],
        )  # fmt: skip

    desk.answer(document, show)
