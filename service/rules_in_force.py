"""The rulebook that the settings name, or the one that ships."""

from pathlib import Path

import rules
from rules.loader import load_rulebook
from rules.rulebook import Rulebook, RuleFile, digest_of
from rules.schema import Schema, load_schema
from service.errors import BrokenRulebook
from service.settings import Settings


def shipped_rulebook() -> Path:
    """The folder of rule files that ships; it stands beside the packages."""
    return Path(rules.__file__).parents[1] / "rulebook"


def rulebook_folder(settings: Settings) -> Path:
    """Where the rule files stand."""
    return settings.rulebook or shipped_rulebook()


def fact_kinds() -> Schema:
    """The fact kinds, which ship with the program.

    Raises:
        BrokenRulebook: when the shipped schema is damaged.
    """
    schema, problems = load_schema(shipped_rulebook() / "schema")
    if problems:
        raise BrokenRulebook(problems)
    return schema


def rules_in_force(settings: Settings) -> Rulebook:
    """The checked rulebook.

    Raises:
        BrokenRulebook: when a file has an error; a broken file never comes into force.
    """
    rulebook, problems = load_rulebook(rulebook_folder(settings), fact_kinds())
    if any(one.severity == "error" for one in problems):
        raise BrokenRulebook(problems)
    return rulebook


def text_in_force(folder: Path, file: RuleFile) -> str | None:
    """The text of a rule file as it is in force; None when it is gone or has changed since."""
    try:
        text = (folder / file.name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    return text if digest_of(text) == file.digest else None
