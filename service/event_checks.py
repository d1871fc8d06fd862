"""Events at the ways in: what concerns the book or raises an alert is checked before it is stored.

A faulty one goes to quarantine with everything that is wrong with it, good ones are kept. Events
that are the record of an audit alone (logins, vouchers …) pass as they are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson

from agents.event_faults import (
    RAISED,
    book_faults,
    concerns_book,
    defaults_of,
    hedge_order_faults,
    in_our_letters,
    is_hedge_order,
    level_fault,
    place_faults,
    raises_alert,
)
from agents.world import root_of
from auditlog.events import Event, parse_event
from auditlog.port import QuarantinedRow, Reject
from book.apply import Change, apply
from book.positions import Commitment, Receipt
from book.products import SpecBook, shipped_specs
from book.read import read_state
from book.state import BookState, Fact
from integrations.files import Terms
from service.application import Application
from service.event_lines import Told
from service.import_terms import product_names
from store.problems import Problem, shorten

#: What an earlier event of the same order or receipt may have told.
_LEANS_ON_EARLIER: Final = frozenset({"ORDER_INCOMPLETE", "RECEIPT_UNKNOWN"})
_EMPTY: Final = BookState()
_NO_CELLS: Final[Mapping[str, str]] = {}


class Sorted(NamedTuple):
    """Rows of one batch: events to store, and rows for quarantine."""

    events: list[Event]
    rejects: list[Reject]


class EventChecks:
    """The checks of one import or request.

    Args:
        app: its directory, book and log.
        now: when the rows came in.
        name: the file's name as the user gave it; ``api`` for a body.
    """

    def __init__(self, app: Application, now: datetime, name: str) -> None:
        self._app = app
        self._now = now
        self._name = name
        self._around = app.directories.now()
        self._terms = Terms(now, self._around.directory, names=product_names())
        self._lines: dict[int, int] = {}
        self._cells: dict[int, Mapping[str, str]] = {}
        self._books: dict[str, BookState] = {}
        self._said: dict[tuple[str, str], list[Fact]] = {}

    @property
    def told(self) -> Told:
        """For the reader of the rows: hears of each event the line and cells in which it stood."""

        def remember(event: Event, line: int, cells: Mapping[str, str] = _NO_CELLS) -> None:
            self._lines[id(event)] = line
            if cells:
                self._cells[id(event)] = cells

        return remember

    def sort(self, rows: Iterable[Event | Reject]) -> Sorted:
        """The rows of a batch, faulty events among the rejects; in the order in which they stood.

        An event is read after those of its batch that arrived before it, as the watcher does.
        """
        given = list(rows)
        events = [one for one in given if isinstance(one, Event)]
        found: dict[int, list[Problem]] = {}
        for event in sorted(events, key=lambda one: (one.arrival_time, one.seq)):
            problems = self.problems(event)
            if problems:
                found[id(event)] = problems
        rejects = [
            self._reject(one, found[id(one)]) if isinstance(one, Event) else one
            for one in given
            if isinstance(one, Reject) or id(one) in found
        ]
        kept = [one for one in events if id(one) not in found]
        self._lines.clear()
        self._cells.clear()
        self._said.clear()
        self._books.clear()
        return Sorted(kept, rejects)

    def unplaced(self, event: Event, home: str) -> Reject:
        """The row of an event whose organisation nobody knows; people of `home` find it."""
        problem = Problem(
            "ORG_UNKNOWN", field="org", found=shorten(event.org),
            allowed=self._terms.some_orgs(event.org),
            params={"event_id": event.event_id, "type": event.type},
        )  # fmt: skip
        return replace(self._reject(event, [self._placed(problem, event)]), org=home)

    def problems(self, event: Event) -> list[Problem]:
        """All that is wrong with an event; nothing for one of the audit alone."""
        defaults = defaults_of(self._around, event.org)
        faults: list[Problem] = []
        if concerns_book(event, defaults):
            specs = self._specs(event)
            change = self._change(event, specs)
            faults += book_faults(event, change, self._around, specs)
            if not faults:
                self._remember(event, change.facts)
        elif is_hedge_order(event):
            specs = self._specs(event)
            faults += hedge_order_faults(in_our_letters(event, specs), self._around, specs)
        elif event.type == RAISED and raises_alert(event, self._around):
            specs = self._specs(event)
            faults += place_faults(event, (event.product,), self._around, specs)
            level = level_fault(event, self._around)
            faults += [] if level is None else [level]
        return [self._placed(one, event) for one in faults]

    def _change(self, event: Event, specs: SpecBook) -> Change:
        read = in_our_letters(event, specs)
        defaults = defaults_of(self._around, event.org)
        change = apply(_EMPTY, read, defaults)
        if any(problem.code in _LEANS_ON_EARLIER for problem in change.problems):
            return apply(self._earlier(event), read, defaults)
        return change

    def _remember(self, event: Event, facts: Iterable[Fact]) -> None:
        held = [fact for fact in facts if isinstance(fact, Commitment | Receipt)]
        if held:
            self._said.setdefault((event.org, event.order or event.receipt), []).extend(held)

    def _earlier(self, event: Event) -> BookState:
        """What is known of the event's order or receipt: in the book, the log and this batch."""
        number = event.order or event.receipt
        if not number:
            return _EMPTY
        book = self._book(event.org)
        state = BookState().put(
            *filter(None, (book.commitment(event.org, number), book.receipt(event.org, number)))
        )
        defaults = defaults_of(self._around, event.org)
        for stored in self._app.log.timeline(number, orgs=(event.org,)):
            if stored.event.org == event.org:
                state = state.put(*apply(state, stored.event, defaults).facts)
        return state.put(*self._said.get((event.org, number), ()))

    def _specs(self, event: Event) -> SpecBook:
        """The shipped products; the company's own are read only for one that is not shipped."""
        shipped = shipped_specs()
        known = not event.product or shipped.match(event.product)
        return shipped if known else self._book(event.org).specs

    def _book(self, org: str) -> BookState:
        root = root_of(org)
        if root not in self._books:
            now = self._app.clock()
            with self._app.store.reader() as connection:
                self._books[root] = read_state(
                    connection, as_of=now, known_at=now, orgs=[root], prices_since=now
                )
        return self._books[root]

    def _placed(self, problem: Problem, event: Event) -> Problem:
        """The problem with its place, and what would have been right."""
        more: dict[str, Any] = {"file": self._name, "line": self._lines.get(id(event), 0)}
        more["cell"] = self._cells.get(id(event), _NO_CELLS).get(problem.field, "")
        if problem.code == "ORG_UNKNOWN":
            more["hint"] = self._terms.near_org(event.org)
        elif problem.code in {"PRODUCT_UNKNOWN", "PRODUCT_MISSING"}:
            more["allowed"] = self._terms.some_products(problem.found)
            more["hint"] = problem.hint or self._terms.near_product(problem.found)
        elif problem.code == "CALENDAR_YEAR_UNKNOWN":
            product = event.product or self._around.directory.settings(event.org).product
            more["allowed"] = self._terms.known_years(product, event.org)
        return replace(problem, **more)

    def _reject(self, event: Event, problems: Sequence[Problem]) -> Reject:
        raw = event.as_dict()
        if event.arrival_time == self._now:
            # told by nobody: the row is the same when it is sent once more
            del raw["arrival_time"]
        attributes = dict(raw.pop("attributes", {}))
        # what has to be mended stands at the top, where a replay lays the new value over it
        for problem in problems:
            if problem.field in attributes and problem.field not in raw:
                raw[problem.field] = attributes.pop(problem.field)
        if attributes:
            raw["attributes"] = attributes
        line = self._lines.get(id(event), 0)
        text = orjson.dumps(raw).decode()
        return Reject(text, tuple(problems), file=self._name, line=line, org=event.org)


def replay_faults(
    app: Application, row: QuarantinedRow, fields: Mapping[str, Any]
) -> list[Problem]:
    """What would still be wrong with a row of quarantine that is an event with these fields."""
    try:
        loaded = orjson.loads(row.reject.raw)
    except orjson.JSONDecodeError:
        loaded = {}
    now = app.clock()
    event = parse_event(
        {**(loaded if isinstance(loaded, dict) else {}), **fields},
        default_arrival=row.received_at,
        now=now,
        file=row.reject.file,
        line=row.reject.line,
    )
    if isinstance(event, list):
        return event
    checks = EventChecks(app, now, row.reject.file)
    checks.told(event, row.reject.line)
    return checks.problems(event)
