"""Wrong calls into the rules room. Faults in rule files and facts are `Problem` values instead."""


class RulesError(Exception):
    """The base of this room's exceptions."""


class UnknownFactKind(RulesError):  # noqa: N818 - named as the field says it
    """A fact kind that the schema does not declare."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"the schema declares no fact kind {kind!r}")
        self.kind = kind


class UnknownRule(RulesError):  # noqa: N818 - named as the field says it
    """A rule id that the rulebook does not hold."""

    def __init__(self, rule: str) -> None:
        super().__init__(f"the rulebook holds no rule {rule!r}")
        self.rule = rule


class NotCompiled(RulesError):  # noqa: N818 - named as the field says it
    """An expression that only the interpreter evaluates (an aggregate over a correlation)."""

    def __init__(self, node: str) -> None:
        super().__init__(f"{node} is evaluated by the interpreter, not compiled")
