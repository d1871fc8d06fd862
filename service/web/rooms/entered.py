"""A form that was sent and not taken comes back as it was filled in, each fault by its field."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from service.web.views.parts import Act


@dataclass(frozen=True, slots=True)
class Entered:
    """A form that was sent and not taken: its words are kept, each fault stands by its field.

    Attributes:
        verb: which act's form; empty for none.
        values: what was entered, by field.
        errors: sentences by field.
    """

    verb: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)


NOTHING_ENTERED = Entered()


def refilled(act: Act, entered: Entered) -> Act:
    """The act's form, open again with what was entered, where it is the one that was not taken."""
    if entered.verb != act.code:
        return act
    values, errors = entered.values, entered.errors
    fields = tuple(
        replace(one, value=values.get(one.name, ""), error=errors.get(one.name, ""))
        for one in act.fields
    )
    return replace(act, fields=fields, failed=True)
