"""A case as a test of its rule: the draft, what the checker says, and where to take it."""

from dataclasses import dataclass

from service.web.views.parts import Choice


@dataclass(frozen=True, slots=True)
class CaseTestPage:
    """The page.

    Attributes:
        number: of the order.
        rules: the rules that matched in the case, the chosen one marked.
        why: why there is no draft; empty for a draft.
        file: the rule file.
        line: the test alone.
        source: the whole file with the test.
        verdict: one sentence: whether it passes, or what the rule gives today.
        good: whether it passes.
        problems: what the checker says of the whole file.
        download_url: the whole file.
        check_url: the rule editor, which takes `source`.
        version_note: that the rule has changed since the case; empty for the same version.
    """

    number: str
    url: str
    rules: tuple[Choice, ...]
    why: str = ""
    file: str = ""
    line: str = ""
    source: str = ""
    verdict: str = ""
    good: bool = False
    problems: tuple[str, ...] = ()
    download_url: str = ""
    check_url: str = ""
    version_note: str = ""
