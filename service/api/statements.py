"""What a caller says of the full statement of accounts, and what it closed."""

from typing import Annotated, Literal

from pydantic import Field

from integrations.files import STATEMENTS, Full, Kind
from service.api.access import Caller
from service.api.events import when
from service.api.faults import ApiFault, out_of_scope
from service.api.shapes import In, Name, Number, Out, Time
from store.problems import Problem, did_you_mean, shorten


class CoveredIn(In):
    """An account that holds nothing any more, so that no row names it, and since when."""

    org: Name
    account: Annotated[str, Field(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    as_of: Time


class StatementIn(In):
    """Whether rows are the full statement of their accounts."""

    full: bool = False
    covers: Annotated[tuple[CoveredIn, ...], Field(max_length=100, strict=False)] = ()
    confirm_closing: Annotated[int, Field(ge=0, le=2**53)] | None = None


class ClosedOut(Out):
    """A row of the book that a full statement closed; `amount` is what stood there."""

    kind: Literal["futures", "options", "lots"]
    org: str
    account: str
    id: str
    amount: Number
    since: Time


def full_of(who: Caller, permission: str, kind: Kind, asked: StatementIn) -> Full | None:
    """What the caller says of a full statement; None for rows that are none.

    Raises:
        ApiFault: for what does not go together, a unit that there is not, or one for which the
            caller lacks the permission.
    """
    if not asked.full:
        if asked.covers:
            raise _unfit("IMPORT_FULL_NEEDED", "covers", "full = true")
        if asked.confirm_closing is not None:
            raise _unfit("IMPORT_FULL_NEEDED", "confirm_closing", "full = true")
        return None
    if kind not in STATEMENTS:
        allowed = ", ".join(one.value for one in STATEMENTS)
        raise _unfit("IMPORT_FULL_KIND", "full", allowed, found=kind.value)
    strange = sorted({one.org for one in asked.covers if not who.may(permission, one.org)})
    if strange:
        raise out_of_scope(permission, strange, ())
    covers = {}
    for one in asked.covers:
        if one.org not in who.directory.nodes:
            hint = did_you_mean(one.org, list(who.directory.nodes))
            raise _unfit("ORG_UNKNOWN", "covers.org", "", found=one.org, hint=hint)
        at = when(one.as_of, "covers.as_of", latest=who.at)
        if at is None:
            raise _unfit("TIME_INVALID", "covers.as_of", "2024-05-14T15:00:00+08:00")
        covers[one.org, one.account] = at
    return Full(covers=covers, confirmed=asked.confirm_closing)


def _unfit(code: str, field: str, allowed: str, *, found: str = "", hint: str = "") -> ApiFault:
    problem = Problem(code, field=field, found=shorten(found), allowed=allowed, hint=hint)
    return ApiFault(422, "BAD_REQUEST", problems=[problem])
