"""The guard of read-only SQL: one plain query over the view `events`, nothing else.

DuckDB has no grants, so the query's syntax tree is checked against a short list before it runs: no
table but `events` and the query's own WITH parts, no table function that reads files or runs text,
no settings. What the tree holds that is not known here is refused.
"""

import threading
from collections.abc import Iterator
from typing import Any, Final

import duckdb
import orjson

from auditlog.duckdb_query import scope_clause
from auditlog.duckdb_schema import COLUMNS
from auditlog.errors import SqlRefusedError, SqlTimeoutError
from auditlog.port import Scope, SqlResult
from auditlog.wire import plain

_TABLE_FUNCTIONS: Final = frozenset({"unnest", "range", "generate_series"})
_TABLE_NODES: Final = frozenset(
    {"BASE_TABLE", "SUBQUERY", "JOIN", "TABLE_FUNCTION", "EMPTY", "EXPRESSION_LIST", "PIVOT"}
)
_REFUSED_FUNCTIONS: Final = frozenset(
    {
        "current_setting",
        "getenv",
        "getvariable",
        "nextval",
        "currval",
        "write_log",
        "json_execute_serialized_sql",
        "query",
        "query_table",
    }
)
_TEXT_MOST = 20_000

_UID: Final = (
    "strftime(day, '%Y%m%d') || '-' || "
    "substr(sha256(strlen(source) || ':' || source || event_id), 1, 24) AS uid"
)
# the view's columns; `order` is a word of SQL, so here it is order_no
_VIEW: Final = ", ".join(
    [
        "position",
        "day",
        _UID,
        *('"order" AS order_no' if name == "order" else f'"{name}"' for name in COLUMNS),
    ]
)


def run(
    con: duckdb.DuckDBPyConnection, text: str, orgs: Scope, seconds: float, limit: int
) -> SqlResult:
    """The rows of a query that `check` lets pass, stopped after `seconds`.

    Raises:
        SqlRefusedError: for anything but one plain query over the view, or one that fails.
        SqlTimeoutError: when it ran into its limit.
    """
    scope, params = scope_clause(orgs)
    timer = threading.Timer(seconds, con.interrupt)
    timer.daemon = True
    timer.start()
    try:
        tree = con.execute("SELECT json_serialize_sql(?::VARCHAR)", [text]).fetchall()
        check(text, tree[0][0])
        con.execute("BEGIN TRANSACTION READ ONLY")
        result = con.execute(scoped(text, scope), [*params, limit + 1])
        names = tuple(str(column[0]) for column in result.description or ())
        rows = result.fetchall()
    except duckdb.InterruptException as error:
        raise SqlTimeoutError(f"stopped after {seconds:g} s") from error
    except duckdb.FatalException:
        raise  # the store's failure, not the query's
    except duckdb.Error as error:
        raise SqlRefusedError(str(error).partition("\n")[0]) from error
    finally:
        timer.cancel()
    values = tuple(tuple(plain(value) for value in row) for row in rows[:limit])
    return SqlResult(names, values, len(rows) > limit)


def scoped(text: str, scope: str) -> str:
    """The checked query over the view, cut to the rows of `scope`."""
    query = text.strip().rstrip(";")
    return (
        f"WITH events AS (SELECT {_VIEW} FROM log_events WHERE {scope}) "  # noqa: S608 (checked text)
        f"SELECT * FROM (\n{query}\n) LIMIT ?"
    )


def check(text: str, serialised: str) -> None:
    """Refuse all but one query over `events`.

    Args:
        text: the query as written.
        serialised: DuckDB's own syntax tree of it (``json_serialize_sql``).

    Raises:
        SqlRefusedError: with the reason.
    """
    if len(text) > _TEXT_MOST:
        raise SqlRefusedError("the query is longer than 20,000 characters")
    tree = orjson.loads(serialised)
    if tree.get("error"):
        raise SqlRefusedError(str(tree.get("error_message", "not a query")))
    statements = tree.get("statements", [])
    if len(statements) != 1:
        raise SqlRefusedError("one query at a time")
    nodes = list(_nodes(statements))
    own = {
        str(entry["key"]).casefold()
        for node in nodes
        for entry in (node.get("cte_map") or {}).get("map", [])
    }
    if own & {"log_events", "log_quarantine"}:
        raise SqlRefusedError("a WITH part bears the name of a table")
    for node in nodes:
        _check_table(node, own)
        name = str(node.get("function_name", "")).casefold()
        if name in _REFUSED_FUNCTIONS:
            raise SqlRefusedError(f"the function {name} is not allowed")


def _check_table(node: dict[str, Any], own: set[str]) -> None:
    kind = node.get("type")
    if kind == "BASE_TABLE":
        name = str(node.get("table_name", ""))
        qualified = node.get("schema_name") or node.get("catalog_name")
        if qualified or name.casefold() not in own | {"events"}:
            raise SqlRefusedError(f"only the view events can be read, not {name}")
    elif kind == "TABLE_FUNCTION":
        function = str((node.get("function") or {}).get("function_name", "")).casefold()
        if function not in _TABLE_FUNCTIONS:
            raise SqlRefusedError(f"the function {function} is not allowed")
    elif "alias" in node and "sample" in node and kind not in _TABLE_NODES:
        # these two keys mark a place where rows come from
        raise SqlRefusedError(f"{kind} is not allowed")


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
