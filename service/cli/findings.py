"""What a check of `doctor` found.

A finding is ``red`` when the house does not do its work or its proof is in doubt, ``yellow`` when
it works and somebody should see to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

OK, YELLOW, RED = "ok", "yellow", "red"
SEVERITIES: Final = (OK, YELLOW, RED)
#: Other results with which nothing is wrong.
_FINE: Final = frozenset(
    {
        ("running", "none"),
        ("policy", "built_in"),
        ("port", "held"),
        ("reach", "off"),
        ("reach", "nobody"),
        ("channels", "demo"),
        ("returned_mail", "no_mail"),
    }
)
#: What is not as it should be and can wait; every other result that is not good is red.
_YELLOW: Final = frozenset(
    {
        ("space", "little"),
        ("custody", "shared"),
        ("anchor", "none"),
        ("anchor", "old"),
        ("database", "old"),
        ("people", "empty"),
        ("people", "no_administrator"),
        ("letters", "dead"),
        ("leases", "dead"),
        ("roster", "none"),
        ("roster", "conflicts"),
        ("channels", "none"),
        ("quarantine", "waiting"),
        ("reach", "untested"),
        ("returned_mail", "unconfirmed"),
        ("returned_mail", "silent"),
        ("returned_mail", "kept"),
        ("log", "busy"),
    }
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Attributes:
        check: its name.
        result: ``good`` or what is wrong, a word of the catalogue.
        params: for its sentence.
    """

    check: str
    result: str = "good"
    params: Mapping[str, str] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """The check and its result in capitals (``KEYS_MISSING``)."""
        return f"{self.check}_{self.result}".upper()

    @property
    def severity(self) -> str:
        """``ok``, ``yellow`` or ``red``."""
        if self.result == "good" or (self.check, self.result) in _FINE:
            return OK
        return YELLOW if (self.check, self.result) in _YELLOW else RED

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return self.severity == OK


def worst(findings: list[Finding]) -> str:
    """The gravest severity."""
    return max((one.severity for one in findings), key=SEVERITIES.index, default=OK)
