"""One call of the command: its desk, what no command can mean, and what goes wrong, told."""

import sys
import traceback
import unicodedata
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import structlog
import typer

from service.cli.desk import WRONG_CALL, Compose, Desk, WrongCall
from service.cli.output import dump_json
from service.cli.parser_words import help_asked, usage_text
from service.i18n.catalogue import LANGUAGES
from store.problems import shorten

#: Control characters, and bytes of the command line that are not UTF-8 (surrogates).
_NO_TEXT = frozenset({"Cc", "Cs"})


def desk_for(compose: Compose, given: Mapping[str, Any]) -> Desk:
    """The desk of a call with these common options; what the agents tell goes beside its answer."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    _tell_on_stderr()
    language = given["lang"] if given["lang"] in LANGUAGES else ""
    return Desk(compose, given["data"], given["as_json"], given["debug"], language)


def check(arguments: Sequence[str], language: str) -> None:
    """Refuse what no command can mean.

    Raises:
        WrongCall: naming the first.
    """
    _refuse_unreadable(list(arguments))
    if language and language not in LANGUAGES:
        allowed = ", ".join(LANGUAGES)
        raise WrongCall("cli.not_a_language", found=shorten(language), allowed=allowed)


def answer_fault(desk: Desk, context: Any, error: Exception) -> typer.Exit:
    """Tell what went wrong as one clear line; the exit that the command ends with."""
    return typer.Exit(_told(desk, context, error))


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
    from service.cli.faults import Told, tell  # noqa: PLC0415 - knows the faults of every room

    if page := help_asked(error):  # a group without a command shows what there is
        desk.complain(page)
        return WRONG_CALL
    if hasattr(error, "format_message"):  # a wrong option or argument, told by the parser
        named = getattr(error, "ctx", None) or context
        usage = str(named.command_path)
        detail = usage_text(desk.words, error)
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
