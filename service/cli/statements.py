"""`import --full`: what a sender says of a full statement, and what it closed."""

from collections.abc import Sequence

from integrations.files import STATEMENTS, Full, ImportResult, Kind, Terms
from service.cli.desk import Desk, WrongCall
from store.problems import shorten

_HEADS = (
    "cli.head.org", "cli.head.account", "cli.head.object", "cli.head.amount_then", "cli.head.since",
)  # fmt: skip


def check_options(
    kind: Kind, *, full: bool, covers: Sequence[str], confirm: int | None, as_of: str
) -> None:
    """That the options go together.

    Raises:
        WrongCall: naming the one that does not.
    """
    if full and kind not in STATEMENTS:
        allowed = ", ".join(one.value for one in STATEMENTS)
        raise WrongCall("cli.import.not_full", kind=kind.value, allowed=allowed)
    given = {"--covers": bool(covers), "--confirm-closing": confirm is not None}
    for option, used in given.items():
        if used and not full:
            raise WrongCall("cli.import.full_only", option=option)
    if covers and not as_of:
        raise WrongCall("cli.import.covers_when")


def full_of(terms: Terms, covers: Sequence[str], confirm: int | None) -> Full:
    """What the options say of the statement.

    Raises:
        WrongCall: an account whose organisation the directory does not know.
    """
    found = {}
    for text in covers:
        org, mark, account = text.rpartition(":")
        place = (org.strip().strip("/"), account.strip())
        if not mark or not terms.knows_org(place[0]):
            near = terms.near_org(place[0]) if mark else ""
            raise WrongCall("cli.import.covers_form", found=shorten(text), hint=near)
        found[place] = terms.as_of or terms.now
    return Full(covers=found, confirmed=confirm)


def show_closed(desk: Desk, result: ImportResult) -> None:
    """The rows that a full statement closed, or would close."""
    if not result.closed:
        return
    desk.say(
        "cli.import.closed" if result.written else "cli.import.would_close",
        count=len(result.closed),
    )
    rows = [one.as_dict() for one in result.closed]
    shape = desk.format(max(one.since for one in result.closed))
    desk.table(
        _HEADS,
        [
            [
                one["org"],
                one["account"] or "-",
                one["id"],
                one["amount"],
                shape.moment(one["since"]),
            ]
            for one in rows
        ],
    )
