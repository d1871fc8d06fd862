"""Who is named on an approval, and how many of them still have to sign."""

from collections.abc import Sequence

from approvals import OpenStep, State
from directory import Directory

Sentences = list[dict[str, object]]


def name_of(directory: Directory, person: str) -> str:
    """A person's name; the id of one who is not known."""
    known = directory.person(person)
    return known.name if known is not None else person


def names_of(directory: Directory, people: Sequence[str]) -> list[str]:
    """The names of people by id."""
    return [name_of(directory, one) for one in people]


def unit_named(directory: Directory, org: str) -> dict[str, str]:
    """An organisation's own name in each language, without those above it."""
    node = directory.nodes.get(org)
    last = org.rpartition("/")[2]
    if node is None:
        return {"zh": last, "en": last}
    return {"zh": node.name_zh or last, "en": node.name_en or last}


def still_needed(state: State) -> int:
    """How many signatures the waiting step still needs."""
    step = state.current
    if step is None:
        return 0
    signed = {one.seat for one in state.signatures if one.step == state.step}
    of_signers = max(step.need - len(signed & set(step.signers)), 0)
    return of_signers + sum(1 for one in step.extra if one not in signed)


def mode_told(step: OpenStep) -> Sentences:
    """会签, 或签 or how many of how many, as a sentence; nothing where there is no choice."""
    if len(step.signers) < 2:  # noqa: PLR2004 - one alone is neither all nor any
        return []
    of = {"need": step.need, "of": len(step.signers)}
    return [{"say": f"approvals.mode.{step.mode.value}", **of}]
