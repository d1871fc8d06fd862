"""The root of the command: options that may stand anywhere, help in the reader's words, faults."""

# ruff: noqa: FBT002, PLR0917 - the parameters of a command are its options and arguments

import sys
import traceback
import unicodedata
from importlib import metadata
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, ClassVar

import structlog
import typer
from typer.core import TyperGroup

from service.cli import (
    alerts,
    booking,
    events,
    importing,
    measuring,
    oncall,
    orders,
    rules,
    running,
    setting_up,
    silences,
    trail,
    users,
)
from service.cli.desk import WRONG_CALL, Compose, Desk, WrongCall, desk_of
from service.cli.faults import Told, tell
from service.cli.output import dump_json
from service.i18n import Words, load_words
from service.i18n.catalogue import LANGUAGES
from store.problems import shorten

_FLAGS = ("--json", "--debug")
_VALUES = ("--data", "--lang")
_ARGUMENTS = "hedgewarden.arguments"
#: Control characters, and bytes of the command line that are not UTF-8 (surrogates).
_NO_TEXT = frozenset({"Cc", "Cs"})
_GROUPS = (
    setting_up,
    running,
    booking,
    importing,
    events,
    alerts,
    oncall,
    orders,
    measuring,
    rules,
    silences,
    trail,
    users,
)


class RootGroup(TyperGroup):
    """The command itself: common options may stand behind the subcommand too."""

    language: ClassVar[str]
    compose: ClassVar[Compose]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Common options come first, wherever the caller wrote them; help speaks as they say."""
        front = hoisted(args)
        translate(self, _words_of_help(type(self), front))
        ctx.meta[_ARGUMENTS] = list(args)
        return super().parse_args(ctx, front)

    def invoke(self, ctx: Any) -> Any:
        """Run the subcommand; whatever goes wrong becomes one clear line."""
        given = ctx.params
        ctx.obj = Desk(
            type(self).compose,
            given["data"],
            given["as_json"],
            given["debug"],
            given["lang"] if given["lang"] in LANGUAGES else "",
        )
        try:
            _refuse_unreadable(ctx.meta[_ARGUMENTS])
            if given["lang"] and given["lang"] not in LANGUAGES:
                allowed = ", ".join(LANGUAGES)
                raise WrongCall("cli.not_a_language", found=shorten(given["lang"]), allowed=allowed)
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except Exception as error:
            raise typer.Exit(_told(desk_of(ctx), ctx, error)) from error


def _words_of_help(group: type[RootGroup], args: list[str]) -> Words:
    """As ``--lang`` says, else the environment, else the settings of the data folder."""
    named = _value_of("--lang", args)
    if named in LANGUAGES:
        return load_words(named)
    data = _value_of("--data", args)
    return Desk(group.compose, Path(data) if data else None, language=group.language).words


def _value_of(option: str, args: list[str]) -> str:
    for at, arg in enumerate(args):
        if arg == "--":
            break
        if arg == option and at + 1 < len(args):
            return args[at + 1]
        if arg.startswith(f"{option}="):
            return arg.partition("=")[2]
    return ""


def _refuse_unreadable(args: list[str]) -> None:
    """What no command can mean: bytes that are no text, and options with an empty value.

    Raises:
        WrongCall: naming the first.
    """
    options = args[: args.index("--")] if "--" in args else args
    for before, arg in pairwise(["", *options]):
        if arg.startswith("--") and arg.endswith("="):
            raise WrongCall("cli.empty_value", option=shorten(arg[:-1]))
        if not arg and before.startswith("--") and "=" not in before:
            raise WrongCall("cli.empty_value", option=shorten(before))
    for arg in args:
        if any(unicodedata.category(one) in _NO_TEXT and one not in "\n\r\t" for one in arg):
            raise WrongCall("cli.bad_argument", found=shorten(arg))


def _told(desk: Desk, context: Any, error: Exception) -> int:
    if desk.debug:
        traceback.print_exception(error, file=sys.stderr)
    if hasattr(error, "format_message"):  # a wrong option or argument, told by the parser
        named = getattr(error, "ctx", None) or context
        usage = str(named.command_path)
        detail = str(error.format_message())
        text = desk.words.text("cli.fault.usage", detail=detail, usage=usage)
        told = Told("USAGE", (text,), WRONG_CALL)
    else:
        told = tell(desk, error)
    for line in told.lines:
        desk.complain(line)
    if desk.as_json:
        listed = [desk.problem(problem) for problem in told.problems]
        fault = {"code": told.code, "message": told.lines[0], "problems": listed}
        desk.out().write(dump_json({"error": fault}))
    return told.exit_code


def hoisted(args: list[str]) -> list[str]:
    """The arguments with common options in front; nothing behind ``--`` is touched."""
    front: list[str] = []
    rest: list[str] = []
    waiting = iter(args)
    for arg in waiting:
        if arg == "--":
            rest += [arg, *waiting]
        elif arg in _FLAGS or arg.startswith(tuple(f"{name}=" for name in _VALUES)):
            front.append(arg)
        elif arg in _VALUES:
            front.append(arg)
            front += [value for value in [next(waiting, None)] if value is not None]
        else:
            rest.append(arg)
    return front + rest


def translate(command: Any, words: Words) -> None:
    """Help texts are keys of the catalogue until here."""
    for name in ("help", "short_help"):
        text = getattr(command, name, None)
        if text and text in words:
            setattr(command, name, words.text(text))
    for parameter in command.params:
        text = getattr(parameter, "help", None)
        if text and text in words:
            parameter.help = words.text(text)
    for inner in getattr(command, "commands", {}).values():
        translate(inner, words)


def make_app(compose: Compose, language: str = "") -> typer.Typer:
    """The command `hedgewarden`.

    Args:
        compose: makes the application of a data folder.
        language: of the help texts unless ``--lang`` says otherwise; empty takes the environment's.
    """
    group = type("Root", (RootGroup,), {"language": language, "compose": staticmethod(compose)})
    app = typer.Typer(
        cls=group,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        help="cli.help",
    )

    @app.callback()
    def common(
        context: typer.Context,
        data: Annotated[
            Path | None, typer.Option("--data", metavar="DIR", help="cli.option.data")
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="cli.option.json")] = False,
        lang: Annotated[str, typer.Option("--lang", help="cli.option.lang")] = "",
        debug: Annotated[bool, typer.Option("--debug", help="cli.option.debug")] = False,
        version: Annotated[
            bool,
            typer.Option("--version", help="cli.option.version", callback=_version, is_eager=True),
        ] = False,
    ) -> None:
        del context, data, as_json, lang, debug, version  # `RootGroup.invoke` reads them
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="replace")
        # what the agents have to tell goes beside the answer, never into it
        _tell_on_stderr()

    for module in _GROUPS:
        module.add_to(app)
    return app


def _version(value: bool) -> None:  # noqa: FBT001 - the parser's signature
    if value:
        typer.echo(f"hedgewarden {metadata.version('hedgewarden')}")
        raise typer.Exit


def _tell_on_stderr() -> None:
    """Plain tracebacks: decorated ones show all variables, secrets among them, and are slow."""
    dev = structlog.dev
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.StackInfoRenderer(),
            dev.set_exc_info,
            structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False),
            dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=dev.plain_traceback
            ),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
