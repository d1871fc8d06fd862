"""A `Query` as a WHERE clause with parameters; no value ever becomes SQL text."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from auditlog.errors import BadQueryError
from auditlog.port import PAGE_LIMIT, Query, Scope, StoredEvent
from store.types import from_microseconds, to_microseconds

NUMBER_FIELDS: Final = ("order", "voucher", "receipt", "alert", "object_id", "event_id")
TIMELINE_FIELDS: Final = (*NUMBER_FIELDS, "actor", "account")
_TEXT_FIELDS: Final = (
    *TIMELINE_FIELDS,
    "message",
    "attributes",
    "type",
    "source",
    "org",
    "product",
    "address",
)
_CURSOR = re.compile(r"(\d{1,18})\.(\d{1,18})", re.ASCII)
_WORDS_MOST = 20

Clause = tuple[str, list[Any]]


def naive_utc(at: datetime) -> datetime:
    """A time as the column holds it.

    Raises:
        BadQueryError: when it carries no offset.
    """
    if at.tzinfo is None:
        raise BadQueryError("a time without an offset")
    return at.astimezone(UTC).replace(tzinfo=None)


def scope_clause(orgs: Scope) -> Clause:
    """Rows at or below one of the paths; None sees all, an empty tuple nothing."""
    if orgs is None:
        return "TRUE", []
    parts: list[str] = []
    params: list[Any] = []
    for org in orgs:
        path = org.strip("/")
        parts.append("org = ? OR starts_with(org, ?)" if path else "org = ?")
        params += [path, f"{path}/"] if path else [""]
    return "(" + " OR ".join(parts or ["FALSE"]) + ")", params


def where(query: Query) -> Clause:
    """The filter of a query, without its cursor."""
    parts: list[str] = []
    params: list[Any] = []

    def add(clause: str, *values: Any) -> None:
        parts.append(clause)
        params.extend(values)

    for orgs in (query.orgs, (query.org,) if query.org else None):
        if orgs is not None:
            clause, values = scope_clause(orgs)
            add(clause, *values)
    for column, chosen in (
        ("kind", tuple(kind.value for kind in query.kinds)),
        ("source", query.sources),
        ("actor", query.actors),
        ("account", query.accounts),
        ("product", query.products),
        ("outcome", query.outcomes),
    ):
        if chosen:
            add(f"{column} IN ({_marks(chosen)})", *chosen)
    if query.types:
        clause, values = _types(query.types)
        add(clause, *values)
    if query.object:
        add(any_of(NUMBER_FIELDS), *[query.object] * len(NUMBER_FIELDS))
    for word in query.text.lower().split()[:_WORDS_MOST]:
        add(
            "(" + " OR ".join(f'contains(lower("{name}"), ?)' for name in _TEXT_FIELDS) + ")",
            *[word] * len(_TEXT_FIELDS),
        )
    _span(query, add)
    return " AND ".join(parts) or "TRUE", params


def any_of(fields: Sequence[str]) -> str:
    """One of the fields equals the parameter, given once a field."""
    return "(" + " OR ".join(f'"{name}" = ?' for name in fields) + ")"


def _types(types: Sequence[str]) -> Clause:
    parts: list[str] = []
    params: list[Any] = []
    for name in types:
        if name.endswith(".*"):
            parts.append("starts_with(type, ?)")
            params.append(name[:-1])
        else:
            parts.append("type = ?")
            params.append(name)
    return "(" + " OR ".join(parts) + ")", params


def _span(query: Query, add: Any) -> None:
    # the day is filtered too: its zone maps are what keeps the other days from being read
    if query.since is not None:
        since = naive_utc(query.since)
        add("day >= ? AND event_time >= ?", since.date(), since)
    if query.until is not None:
        until = naive_utc(query.until)
        add("day <= ? AND event_time < ?", until.date(), until)
    if query.after_position:
        add("position > ?", query.after_position)
    if query.until_position is not None:
        add("position <= ?", query.until_position)


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))


def ordering(query: Query) -> str:
    """ORDER BY of a page; the position settles equal times."""
    word = "DESC" if query.order == "newest" else "ASC"
    return f"ORDER BY event_time {word}, position {word}"


def paging(query: Query) -> Clause:
    """The rows behind the cursor.

    Raises:
        BadQueryError: for a cursor, limit or order that no page gave.
    """
    if not 1 <= query.limit <= PAGE_LIMIT:
        raise BadQueryError(f"limit must lie between 1 and {PAGE_LIMIT}")
    if query.order not in {"newest", "oldest"}:
        raise BadQueryError("order must be newest or oldest")
    if not query.cursor:
        return "TRUE", []
    found = _CURSOR.fullmatch(query.cursor)
    if found is None:
        raise BadQueryError("the cursor is not one that a page gave")
    try:
        at = naive_utc(from_microseconds(int(found[1])))
    except OverflowError as error:
        raise BadQueryError("the cursor is not one that a page gave") from error
    return _behind("<" if query.order == "newest" else ">", at, int(found[2]))


def _behind(sign: str, at: datetime, position: int) -> Clause:
    # the first comparison says no more than the second, but zone maps know it
    return (
        f"event_time {sign}= ? AND (event_time, position) {sign} (?, ?)",
        [at, at, position],
    )


def cursor_after(row: StoredEvent) -> str:
    """The cursor of the page that follows `row`."""
    return f"{to_microseconds(row.event.event_time)}.{row.position}"
