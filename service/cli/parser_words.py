"""The parser's own words in the reader's language: headings of the help, and wrong usage.

The parser speaks English only. What it writes into a help page goes through a formatter that knows
its few words; what it raises is told by its kind and its parts, not by its sentence.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import typer
from typer._click.exceptions import (
    BadOptionUsage,
    BadParameter,
    MissingParameter,
    NoArgsIsHelpError,
    NoSuchOption,
)
from typer._click.formatting import HelpFormatter

if TYPE_CHECKING:
    from service.i18n import Words

_HEADINGS: Final = {"Options": "options", "Arguments": "arguments", "Commands": "commands"}
_OWN_HELP: Final = "Show this message and exit."
_REQUIRED: Final = re.compile(r"\[([^\[\]]*)\]$")
_DEFAULT: Final = re.compile(r"^default: (.*)$")

#: What the parser says of a value, and the key that says it; groups are parameters.
_VALUES: Final[Sequence[tuple[re.Pattern[str], str]]] = tuple(
    (re.compile(pattern), key)
    for pattern, key in (
        (r"Input should be a valid integer", "integer"),
        (r"Input should be a valid boolean", "flag"),
        (r"Input should be greater than or equal to (?P<bound>\S+)", "least"),
        (r"Input should be less than or equal to (?P<bound>\S+)", "most"),
    )
)
#: What it says of a call that is none of its own kinds.
_CALLS: Final[Sequence[tuple[re.Pattern[str], str]]] = tuple(
    (re.compile(pattern, re.DOTALL), key)
    for pattern, key in (
        (
            r"No such command '(?P<found>.*?)'\. Did you mean '?(?P<near>.*?)'?\?$",
            "command_near",
        ),
        (r"No such command '(?P<found>.*)'\.$", "command"),
        (r"Missing command\.", "no_command"),
        (r"Got unexpected extra argument\(s\) \((?P<found>.*)\)$", "extra"),
        (r"Option '(?P<found>[^']*)' requires an argument", "no_value"),
        (r"Option '(?P<found>[^']*)' does not take a value", "no_flag_value"),
    )
)


class SpokenFormatter(HelpFormatter):
    """Writes the parser's own words in a language; `speaking` makes one for each."""

    words: "Words"

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """The line of the usage."""
        super().write_usage(prog, args, prefix or self.words.text("cli.parser.usage"))

    def write_heading(self, heading: str) -> None:
        """The heading of a section; the words bring their own colon."""
        text = heading_text(self.words, heading)
        self.write(f"{'':>{self.current_indent}}{text}\n")

    def write_dl(
        self, rows: Sequence[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        """Options with what the parser adds: default, bounds, whether they are needed."""
        spoken = [(name, self._spoken(text)) for name, text in rows]
        super().write_dl(spoken, col_max, col_spacing)

    def _spoken(self, text: str) -> str:
        if text == _OWN_HELP:
            return self.words.text("cli.parser.help")
        return _REQUIRED.sub(lambda found: f"[{self._added(found[1])}]", text)

    def _added(self, text: str) -> str:
        said = []
        for part in text.split("; "):
            if part == "required":
                said.append(self.words.text("cli.parser.required"))
            elif default := _DEFAULT.match(part):
                said.append(self.words.text("cli.parser.default", value=default[1]))
            else:
                said.append(part)
        return "; ".join(said)


def heading_text(words: "Words", heading: str) -> str:
    """A heading of the help."""
    return words.text(f"cli.parser.{_HEADINGS[heading]}")


def speaking(words: "Words") -> type[typer.Context]:
    """The context of commands whose help speaks these words."""
    formatter = formatter_of(words)
    return type("SpokenContext", (typer.Context,), {"formatter_class": formatter})


def formatter_of(words: "Words") -> type[SpokenFormatter]:
    """The formatter of one language."""
    return type("Formatter", (SpokenFormatter,), {"words": words})


def help_asked(error: Exception) -> str:
    """The help page that a call without arguments means; empty when it is another fault."""
    return str(error) if isinstance(error, NoArgsIsHelpError) else ""


def usage_text(words: "Words", error: Any) -> str:
    """What was wrong with the call, in the reader's words."""
    from store.problems import shorten  # noqa: PLC0415 - the help needs no room

    if isinstance(error, MissingParameter):
        return words.text("cli.parser.missing", name=_name(error))
    if isinstance(error, BadParameter):
        return words.text("cli.parser.bad", name=_name(error), why=_why(words, error.message))
    if isinstance(error, NoSuchOption):
        near = ", ".join(sorted(error.possibilities or ()))
        key = "cli.parser.option_near" if near else "cli.parser.option"
        return words.text(key, found=shorten(error.option_name), near=near)
    message = str(error.message)
    if isinstance(error, BadOptionUsage):
        message = message.removesuffix(".")
    return _matched(words, _CALLS, message) or message


def _name(error: BadParameter) -> str:
    hint = error.param_hint
    if hint is None and error.param is not None:
        hint = error.param.get_error_hint()
    return str(hint or "").strip("'")


def _why(words: "Words", message: str) -> str:
    return _matched(words, _VALUES, message) or message


def _matched(words: "Words", table: Sequence[tuple[re.Pattern[str], str]], message: str) -> str:
    for pattern, key in table:
        if found := pattern.match(message):
            from store.problems import shorten  # noqa: PLC0415 - as above

            parts = {name: shorten(text) for name, text in found.groupdict().items()}
            return words.text(f"cli.parser.{key}", **parts)
    return ""
