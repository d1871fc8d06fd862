"""From which rules an exemption can be given."""

from datetime import datetime

from rules.heading import Mode
from rules.model import Rule
from rules.rulebook import Rulebook, in_force
from rules.tree import field_names
from workorders.exemptions import MEASURED

#: What tells when a condition of a rule is over may look at the state of the data beside.
_CLEARING = MEASURED | {"data_state"}
_KIND = "exposure"


def exemptable_rules(rulebook: Rulebook, at: datetime) -> tuple[str, ...]:
    """The rules in force from which an exemption can be given, by id.

    They look at a measured exposure and its limit alone.
    """
    return tuple(sorted(one.id for one in rulebook.rules if _measures(one, at)))


def _measures(rule: Rule, at: datetime) -> bool:
    if rule.kind != _KIND or rule.heading.mode is not Mode.LIVE or not in_force(rule, at):
        return False
    conditions = (rule.when, *rule.lets.values(), *(row.condition for row in rule.rows))
    read = {name for one in conditions if one is not None for name in field_names(one.node)}
    asked = read - set(rule.lets)
    clears = field_names(rule.clears_when.node) if rule.clears_when is not None else set()
    return bool(asked) and asked <= MEASURED and clears <= _CLEARING
