"""The root of the command: options that may stand anywhere, help in the reader's words, faults.

A command's module is loaded when that command is called. What only tells the version, or the list
of commands, loads none of them.
"""

# ruff: noqa: FBT002, PLR0917 - the parameters of a command are its options and arguments

from collections.abc import Iterator, Mapping
from importlib import import_module, metadata
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final

import typer
from typer.core import TyperGroup

from service.cli.arguments import hoisted, value_of
from service.cli.examples import write_examples
from service.cli.parser_words import formatter_of, speaking

if TYPE_CHECKING:
    from service.cli.desk import Compose
    from service.i18n import Words

_ARGUMENTS = "hedgewarden.arguments"
#: Each command and group, in the order of the help, and the module of this package that adds it.
MODULES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "init": "setting_up",
        "doctor": "setting_up",
        "directory": "setting_up",
        "serve": "running",
        "demo": "running",
        "assess": "booking",
        "exposure": "booking",
        "import": "importing",
        "quarantine": "importing",
        "events": "events",
        "alerts": "alerts",
        "oncall": "oncall",
        "orders": "orders",
        "metrics": "measuring",
        "delegation": "delegations",
        "approvals": "approving",
        "policy": "policies",
        "handover": "handovers",
        "drill": "drills",
        "review": "reviews",
        "rules": "rules",
        "silence": "silences",
        "exemption": "exemptions",
        "trail": "trail",
        "user": "users",
    }
)


class Commands(Mapping[str, Any]):
    """The commands by name; each is made when it is asked for."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made |= commands_of(MODULES[name])
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(MODULES)

    def __len__(self) -> int:
        return len(MODULES)


def commands_of(module: str) -> dict[str, Any]:
    """The commands and groups that a module adds, by name."""
    added = typer.Typer(rich_markup_mode=None)
    import_module(f"service.cli.{module}").add_to(added)
    return dict(typer.main.get_group(added).commands)


class RootContext(typer.Context):
    """The call; its help finds the reader's words when it is asked for."""

    def make_formatter(self) -> Any:
        """A formatter that speaks them."""
        assert isinstance(self.command, RootGroup)  # noqa: S101 - no other has this context
        self.formatter_class = formatter_of(self.command.spoken())
        return super().make_formatter()


class RootGroup(TyperGroup):
    """The command itself: common options may stand behind the subcommand too."""

    context_class = RootContext
    language: ClassVar[str]
    compose: ClassVar["Compose"]

    def __init__(self, **attrs: Any) -> None:
        super().__init__(**attrs)
        self.commands = Commands()  # type: ignore[assignment]  # nothing is ever added to it
        self._front: list[str] = []

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Common options come first, wherever the caller wrote them."""
        self._front = hoisted(args)
        ctx.meta[_ARGUMENTS] = list(args)
        return super().parse_args(ctx, list(self._front))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Help speaks the reader's language."""
        _translate_own(self, self.spoken())
        super().format_help(ctx, formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The commands with their first sentence, without loading them."""
        del ctx
        words = self.spoken()
        with formatter.section("Commands"):  # the formatter knows the parser's headings
            formatter.write_dl([(name, words.text(f"cli.help.{name}")) for name in MODULES])

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name with its help in the reader's words."""
        command = super().get_command(ctx, cmd_name)
        if command is not None:
            translate(command, self.spoken(), cmd_name)
        return command

    def invoke(self, ctx: Any) -> Any:
        """Run the subcommand; whatever goes wrong becomes one clear line."""
        from service.cli import calling  # noqa: PLC0415 - the help of a command needs none of it

        ctx.obj = calling.desk_for(type(self).compose, ctx.params)
        try:
            calling.check(ctx.meta[_ARGUMENTS], ctx.params["lang"])
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except Exception as error:
            raise calling.answer_fault(ctx.obj, ctx, error) from error

    def spoken(self) -> "Words":
        """As ``--lang`` says, else the environment, else the settings of the data folder."""
        from service.cli.desk import Desk  # noqa: PLC0415 - the version needs no words

        data = value_of("--data", self._front)
        named = value_of("--lang", self._front)
        folder = Path(data) if data else None
        desk = Desk(type(self).compose, folder, language=type(self).language)
        return desk.words_in(named)


def translate(command: Any, words: "Words", path: str) -> None:
    """Help texts are keys of the catalogue until here; the command at `path` gets its examples."""
    _translate_own(command, words)
    command.format_epilog = lambda _context, formatter: write_examples(
        formatter, path, words.text("cli.parser.examples")
    )
    for name, inner in getattr(command, "commands", {}).items():
        translate(inner, words, f"{path} {name}")


def _translate_own(command: Any, words: "Words") -> None:
    if not isinstance(command, RootGroup):  # the root finds its own when it is asked
        command.context_class = speaking(words)
    for name in ("help", "short_help"):
        text = getattr(command, name, None)
        if text and text in words:
            setattr(command, name, words.text(text))
    for parameter in command.params:
        text = getattr(parameter, "help", None)
        if text and text in words:
            parameter.help = words.text(text)


def make_app(compose: "Compose", language: str = "") -> typer.Typer:
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

    return app


def _version(value: bool) -> None:  # noqa: FBT001 - the parser's signature
    if value:
        typer.echo(f"hedgewarden {metadata.version('hedgewarden')}")
        raise typer.Exit
