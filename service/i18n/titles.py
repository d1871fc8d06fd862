"""Titles of rules by the codes of their matches, as the rule files have them."""

from rules.model import AnyRule, Rule
from rules.rulebook import Rulebook


def rule_titles(rulebook: Rulebook) -> dict[str, dict[str, str]]:
    """Code of a match → title by language; rows with codes of their own share the rule's title."""
    titles: dict[str, dict[str, str]] = {}
    every: tuple[AnyRule, ...] = (*rulebook.rules, *rulebook.correlations)
    for rule in every:
        title = {"zh": rule.heading.title.zh, "en": rule.heading.title.en}
        codes = [row.code for row in rule.rows] if isinstance(rule, Rule) else [rule.code]
        for code in (rule.id, *codes):
            if code:
                titles.setdefault(code, title)
    return titles
