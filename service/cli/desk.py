"""What every command has at hand: settings, words, the application, and the two ways to answer."""

import getpass
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol, cast
from zoneinfo import ZoneInfo

import typer

from service.cli.output import dump_json, print_table
from service.i18n import Format, Words, load_words, problem_text
from service.i18n.catalogue import LANGUAGES
from service.moments import SPAN, ahead_of, in_utc
from service.settings import Settings
from store.problems import Problem, did_you_mean, shorten

if TYPE_CHECKING:  # help and faults need no application
    from service.application import Application

ZONE = ZoneInfo("Asia/Shanghai")
TOKEN = "HEDGEWARDEN_TOKEN"  # noqa: S105 - the variable's name
GOOD, PROBLEMS, WRONG_CALL = 0, 1, 2
#: The variables of the system's locale; the first that is set counts.
_LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")


class Compose(Protocol):
    """`main.compose`."""

    def __call__(self, settings: Settings, *, role: str = "command") -> "Application":
        """Wire the application of one data folder."""


class WrongCall(Exception):  # noqa: N818 - what it is
    """The command was called wrongly: it ends with exit code 2 and this sentence.

    Attributes:
        key: of the catalogue; `params` fill it.
    """

    def __init__(self, key: str, **params: str) -> None:
        super().__init__(key)
        self.key = key
        self.params = params


@dataclass
class Desk:
    """One call of the command.

    Attributes:
        compose: makes the application.
        data: the data folder, when the caller named one.
        as_json: answer in JSON on standard output.
        debug: show tracebacks.
        language: of the answers, when the caller named one.
    """

    compose: Compose
    data: Path | None = None
    as_json: bool = False
    debug: bool = False
    language: str = ""
    out: Callable[[], IO[str]] = field(default=lambda: sys.stdout)

    @cached_property
    def settings(self) -> Settings:
        """From arguments, environment and the data folder's file."""
        return Settings(data=self.data) if self.data is not None else Settings()

    @cached_property
    def words(self) -> Words:
        """In the reader's language."""
        return load_words(self.language or language_of_environment() or self._set_language())

    def words_in(self, language: str) -> Words:
        """In `language`, if that is one that we speak; else in the reader's."""
        return load_words(language) if language in LANGUAGES else self.words

    def _set_language(self) -> str:
        try:
            settings = self.settings
        except ValueError:  # told when the settings are needed for the work itself
            return "zh"
        chosen = "language" in settings.model_fields_set
        return "en" if not chosen and has_plain_locale() else settings.language

    @contextmanager
    def open(self, *, begins: bool = False) -> "Iterator[Application]":
        """The application, closed at the end.

        Args:
            begins: whether the command is one that people begin with, so that it makes the data
                folder; the others would answer for a mistyped one that nothing is wrong there.

        Raises:
            WrongCall: there is no such installation.
        """
        if not begins:
            self._be_there()
        app = self.compose(self.settings, role="command")
        try:
            yield app
        finally:
            app.close()

    def _be_there(self) -> None:
        from service.composition import lost_database  # noqa: PLC0415 - brings the application

        settings = self.settings
        if not settings.has_database:
            code = "lost" if lost_database(settings) else "none"
            raise WrongCall(f"cli.folder.{code}", folder=shorten(str(settings.data)))

    def format(self, now: datetime) -> Format:
        """Figures and times as the reader has them."""
        return Format(self.words.language, ZONE, now)

    # --- answering ------------------------------------------------------------------------------

    def answer(self, document: Any, show: Callable[[], None]) -> None:
        """`document` as JSON when that is asked for; else what `show` prints."""
        if self.as_json:
            self.out().write(dump_json(document))
        else:
            show()

    def say(self, key: str, **params: Any) -> None:
        """A sentence to the reader."""
        typer.echo(self.words.text(key, **params))

    def complain(self, text: str) -> None:
        """A sentence about a fault, on standard error."""
        typer.echo(text, err=True)

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Rows under headings, which are keys of the catalogue."""
        print_table([self.words.text(head) for head in heads], rows)

    def problem(self, problem: Problem) -> dict[str, Any]:
        """A problem as JSON, with its sentence."""
        return {**problem.as_dict(), "message": self.sentence(problem)}

    def sentence(self, problem: Problem) -> str:
        """A problem in the reader's words, with its place."""
        return problem_text(self.words, problem)

    def level(self, level: str) -> str:
        """A colour in the reader's words."""
        return self.words.text(key) if (key := f"level.{level}") in self.words else level

    def code(self, code: str, **params: Any) -> str:
        """The words of a code, from wherever they stand."""
        return self.words.first(f"reason.{code}", f"problem.{code}", f"cli.code.{code}", **params)

    # --- who acts -------------------------------------------------------------------------------

    @property
    def actor(self) -> str:
        """Who is recorded for what the machine's user does."""
        return f"cli:{login()}"

    def acting(self, app: "Application", user: str) -> str:
        """The id of the person for whom `HEDGEWARDEN_TOKEN` speaks.

        Raises:
            WrongCall: without a token, or when it is not a valid one of that person.
        """
        from service.security import tokens  # noqa: PLC0415 - brings the web's part of signing in

        directory = app.directory
        person = directory.person(user) or directory.person_by_login(user)
        if person is None:
            hint = did_you_mean(user, [one.id for one in directory.people])
            raise WrongCall("cli.user.unknown", user=user, hint=hint)
        token = os.environ.get(TOKEN, "")
        if not token:
            raise WrongCall("cli.token.missing", user=user, variable=TOKEN)
        with app.store.reader() as connection:
            found = tokens.find(connection, token, app.clock())
        if found is None or (found.scopes and "command" not in found.scopes):
            raise WrongCall("cli.token.invalid", variable=TOKEN)
        if found.person != person.id:
            raise WrongCall("cli.token.other", user=user, variable=TOKEN)
        if not person.active:
            raise WrongCall("cli.user.inactive", user=user)
        return person.id


def desk_of(context: typer.Context) -> Desk:
    """The desk of this call."""
    return cast("Desk", context.find_root().obj)


def login() -> str:
    """The name of the machine's user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def language_of_environment(environment: Mapping[str, str] | None = None) -> str:
    """``zh`` or ``en`` as the environment has it; empty when it does not say.

    Our own setting comes before the system's.
    """
    known = os.environ if environment is None else environment
    for name in ("HEDGEWARDEN_LANG", "HEDGEWARDEN_LANGUAGE", *_LOCALE):
        tag = known.get(name, "").replace("-", "_").split("_")[0].split(".")[0].lower()
        if tag in LANGUAGES:
            return tag
    return ""


def has_plain_locale(environment: Mapping[str, str] | None = None) -> bool:
    """Whether the system's locale is ``C`` or ``POSIX``, whose words are English."""
    known = os.environ if environment is None else environment
    first = next((known[one] for one in _LOCALE if known.get(one)), "")
    return first.partition(".")[0] in {"C", "POSIX"}


def moment(text: str, *, name: str, end: bool = False, latest: datetime | None = None) -> datetime:
    """The time that an option names; a bare day is its beginning, or its `end`.

    Args:
        text: as it was typed; without an offset it is on the clock of the house.
        name: of the option.
        end: whether a bare day means its last moment.
        latest: now, where nothing later can be asked for; the day of `latest` ends with it.

    Raises:
        WrongCall: when it is no time, or none that can be meant.
    """
    from integrations.files.values import parse_time  # noqa: PLC0415 - brings the readers of files

    found = parse_time(text)
    if found is None:
        raise WrongCall("cli.not_a_time", option=name, found=shorten(text))
    bare = not isinstance(found, datetime)
    given = found if isinstance(found, datetime) else _edge(found, end=end)
    at = in_utc(given if given.tzinfo is not None else given.replace(tzinfo=ZONE))
    if at is None:
        raise WrongCall("cli.time_out_of_range", option=name, found=shorten(text), allowed=SPAN)
    if latest is None or not ahead_of(at, latest):
        return at
    if bare and found == latest.astimezone(ZONE).date():
        return latest
    allowed = f"≤ {latest.astimezone(ZONE):%Y-%m-%d %H:%M:%S}"
    raise WrongCall("cli.time_ahead", option=name, found=shorten(text), allowed=allowed)


def _edge(day: date, *, end: bool) -> datetime:
    return datetime.combine(day, time.max if end else time())
