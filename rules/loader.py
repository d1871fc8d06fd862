"""Loads a rulebook: every file is checked, every fault reported in one run."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from rules.load_correlation import load_correlation
from rules.load_rule import load_rule
from rules.model import AnyRule, CorrelationRule, Rule
from rules.reader import Reader
from rules.rulebook import Rulebook, RuleFile, digest_of, make_rulebook
from rules.schema import Schema, load_schema
from rules.source import read_yaml
from rules.table_findings import table_findings
from store.problems import Problem, did_you_mean, not_utf8

_SCHEMA_FOLDER = "schema"


def read_rule(text: str, file: str, schema: Schema) -> tuple[AnyRule | None, list[Problem]]:
    """One rule file.

    Args:
        text: its content.
        file: the name that problems show.
        schema: the fact kinds.

    Returns:
        The checked rule or correlation, or None when the file holds an error; and all problems.
    """
    root, problems = read_yaml(text, file)
    if root is None:
        return None, problems
    reader = Reader(file, text, schema)
    reader.problems += problems
    if not isinstance(root.value, dict):
        reader.fault("EXPECTED_MAPPING", root, field="rule", found="")
        return None, reader.problems
    made: AnyRule | None = None
    if "rule" in root.value:
        made = load_rule(reader, root, root.value)
    elif "correlation" in root.value:
        made = load_correlation(reader, root, root.value)
    else:
        allowed = "rule, correlation"
        hint = next(
            (near for key in root.value if (near := did_you_mean(key, ("rule", "correlation")))), ""
        )
        reader.fault("MISSING_KEY", root, field="rule", found="rule", allowed=allowed, hint=hint)
    if isinstance(made, Rule) and not reader.failed:
        reader.problems += table_findings(made)
    return (None if reader.failed else made), reader.problems


def rule_paths(paths: Path | Iterable[Path]) -> list[tuple[str, Path]]:
    """The rule files under a folder, or the given files, each with the name that problems show."""
    if isinstance(paths, Path):
        paths = [paths]
    found: list[tuple[str, Path]] = []
    for path in paths:
        if path.is_dir():
            found += [
                (inner.relative_to(path).as_posix(), inner)
                for inner in sorted(path.rglob("*.yaml"))
                if inner.relative_to(path).parts[0] != _SCHEMA_FOLDER
            ]
        else:
            found.append((path.name, path))
    return found


def load_rulebook(
    paths: Path | Iterable[Path],
    schema: Schema | Path | None = None,
    *,
    previous: Rulebook | None = None,
) -> tuple[Rulebook, list[Problem]]:
    """Loads and compiles rule files.

    Args:
        paths: a folder (its sub-folder ``schema`` is left out), or files.
        schema: the fact kinds, the folder that declares them, or None for ``schema`` inside the
            rule folder.
        previous: the rulebook in force; a file that has become invalid keeps its rule from there.

    Returns:
        The rulebook of all valid files, and every problem of all files: errors keep a file out,
        warnings do not.
    """
    problems: list[Problem] = []
    listed = [paths] if isinstance(paths, Path) else list(paths)
    if schema is None:
        schema = listed[0] / _SCHEMA_FOLDER if listed else Path(_SCHEMA_FOLDER)
    if isinstance(schema, Path):
        schema, found = load_schema(schema)
        problems += found
    kept = {file.name: file for file in previous.files} if previous is not None else {}
    files: list[RuleFile] = []
    for name, path in rule_paths(listed):
        text, found = _read(name, path)
        rule: AnyRule | None = None
        if text is not None:
            rule, found = read_rule(text, name, schema)
        problems += found
        if rule is not None and text is not None:
            files.append(RuleFile(name, digest_of(text), rule))
        elif name in kept:
            files.append(kept[name])
    files, found = _cross_check(files)
    return make_rulebook(schema, files), problems + found


def _read(name: str, path: Path) -> tuple[str | None, list[Problem]]:
    try:
        return path.read_text(encoding="utf-8"), []
    except UnicodeDecodeError as error:
        return None, [not_utf8(error, name)]
    except OSError:
        return None, [Problem("FILE_UNREADABLE", name)]


def _cross_check(files: Sequence[RuleFile]) -> tuple[list[RuleFile], list[Problem]]:
    """Ids are unique, and a second-level correlation reads one that exists."""
    good: list[RuleFile] = []
    problems: list[Problem] = []
    seen: dict[str, RuleFile] = {}
    for file in files:
        first = seen.setdefault(file.rule.id, file)
        if first is file:
            good.append(file)
            continue
        problems.append(
            Problem(
                "DUPLICATE_RULE",
                file.name,
                file.rule.heading.line,
                1,
                found=file.rule.id,
                params={"other": first.name},
            )
        )
    correlations = {
        file.rule.id: file.rule for file in good if isinstance(file.rule, CorrelationRule)
    }
    for file in list(good):
        rule = file.rule
        source = rule.source if isinstance(rule, CorrelationRule) else ""
        if not source:
            continue
        target = correlations.get(source)
        if target is None or target.source or target.kind != rule.kind:
            good.remove(file)
            known = [name for name, one in correlations.items() if not one.source]
            problems.append(
                Problem(
                    "UNKNOWN_SOURCE",
                    file.name,
                    rule.heading.line,
                    1,
                    field="of",
                    found=source,
                    allowed=", ".join(known),
                    hint=did_you_mean(source, known),
                )
            )
    return good, problems
