"""D6, 规则: the rule book by chapter, one rule read, checked and tested."""

from dataclasses import dataclass

from service.web.views.orders import Pair
from service.web.views.parts import Act


@dataclass(frozen=True, slots=True)
class RuleEntry:
    """One rule in the tree; `state` is ``live``, ``draft``, ``in_review`` or ``observe``."""

    id: str
    title: str
    state: str
    url: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class Chapter:
    """One chapter of the policy; `language` is that of its title where the reader's is another."""

    title: str
    rules: tuple[RuleEntry, ...]
    language: str = ""


@dataclass(frozen=True, slots=True)
class LiveProblem:
    """A fault in the source: where, what, how to mend it; `severity` ``error`` or ``warning``."""

    line: int
    column: int
    message: str
    severity: str = "error"
    file: str = ""


@dataclass(frozen=True, slots=True)
class TestLine:
    """One of the rule's own tests.

    Attributes:
        language: of its name, where that is not the reader's.
    """

    __test__ = False  # pytest would collect it by its name

    name: str
    passed: bool
    expected: str = ""
    found: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class TierLine:
    """One row of the grid: a condition and the colour it gives.

    Attributes:
        condition: in words; empty for the row that is left.
        level: the colour; empty for none.
        code: the code of the match, `title` its words.
        source: the condition as the file writes it.
    """

    condition: str
    level: str
    code: str
    title: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class RuleDetail:
    """The picked rule.

    Attributes:
        clause_language: of the clause, where that is not the reader's.
        source: YAML as it stands in the file; `editable` lets it be changed into a draft.
        words: the rule as sentences.
        tiers: the grid's rows.
        tests: its own tests as last run.
        facts: version, fact kind, window, hits in 30 days and so on.
        check_url: where the source is posted for a check; the answer is this page again.
        acts: 检查, 测试, 影响面, 提交复核, 发布, 回滚; greyed ones say why.
    """

    id: str
    title: str
    state: str
    version: str
    clause: str
    file: str
    source: str
    words: tuple[str, ...]
    clause_language: str = ""
    tiers: tuple[TierLine, ...] = ()
    tests: tuple[TestLine, ...] = ()
    problems: tuple[LiveProblem, ...] = ()
    checked: bool = False
    broken: bool = False
    facts: tuple[Pair, ...] = ()
    editable: bool = False
    check_url: str = ""
    tab: str = "source"
    grid_url: str = ""
    source_url: str = ""
    acts: tuple[Act, ...] = ()

    @property
    def marks(self) -> list[dict[str, str | int]]:
        """The problems as the editor marks them."""
        return [
            {
                "line": fault.line,
                "column": fault.column,
                "severity": fault.severity,
                "message": fault.message,
            }
            for fault in self.problems
        ]


@dataclass(frozen=True, slots=True)
class RulesPage:
    """The page; `rulebook` is the hash of the rule book in force."""

    rulebook: str
    chapters: tuple[Chapter, ...]
    total: int
    problems: tuple[LiveProblem, ...] = ()
    picked: RuleDetail | None = None
    export_url: str = ""
