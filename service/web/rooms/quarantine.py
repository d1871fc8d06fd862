"""隔离区: rows that could not be read, why, and the acts that settle them."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

import orjson

from auditlog.errors import UnknownRowError
from auditlog.fields import NAMES, TARGET, EventKind
from auditlog.port import QuarantinedRow, RejectState, Scope
from integrations.files import Quarantined, quarantined
from service.event_checks import replay_faults
from service.i18n.catalogue import problem_text
from service.settling_rows import DISMISS, REPLAY, Answered, Wish, record_refused, settle
from service.web.rooms.here import Here
from service.web.rooms.log_search import known_unit, scope_of
from service.web.rooms.manual_orders import units
from service.web.views.log import QuarantineLine, QuarantinePage
from service.web.views.parts import Act, Choice, Facet, FormField, Link, Pager
from store.problems import Problem

WRITE = "import.write"
PATH = "/log/quarantine"
PAGE = 50
_TALLY = 1000
#: What a row needs to be an event at all.
NEEDED = ("source", "event_id", "event_time", "type")
#: The name of a form's field is this and the event's field.
PREFIX = "field."
_RAW = 600
_TIMES = frozenset({"event_time", "arrival_time"})
_STATES: tuple[RejectState, ...] = ("open", "replayed", "dismissed")


class Shown(NamedTuple):
    """Which rows are shown: how they stand, and after which number."""

    state: RejectState = "open"
    after: int = 0

    def address(self, path: str, **changed: str) -> str:
        """The address of `path` with this, some of it changed."""
        state = "" if self.state == "open" else self.state
        values = {"state": state, "after": str(self.after or "")} | changed
        kept = {name: value for name, value in values.items() if value}
        return f"{path}?{urlencode(kept)}" if kept else path


class Done(NamedTuple):
    """What was done with a row, by the key of the sentence that says so."""

    key: str


def quarantine_tabs(here: Here, current: str) -> tuple[Facet, ...]:
    """Events, and the rows in quarantine: of the log, and of the book for who may read it."""
    held = len(here.app.log.quarantine(orgs=scope_of(here), limit=_TALLY))
    tabs = [("/log", "ui.log.events", None), (PATH, "ui.log.quarantine", held)]
    if here.may("book.read"):
        with here.app.store.reader() as connection:
            rows = len(quarantined(connection, orgs=scope_of(here), limit=_TALLY))
        tabs.append((f"{PATH}/book", "ui.log.quarantine_book", rows))
    return tuple(Facet(here.text(key), url, rows, url == current) for url, key, rows in tabs)


def quarantine_page(here: Here, wanted: Shown) -> QuarantinePage:
    """The rows that are open, or those that were settled."""
    rows = here.app.log.quarantine(
        state=wanted.state, orgs=scope_of(here), after=wanted.after, limit=PAGE + 1
    )
    lines = [line_of(here, row) for row in rows]
    return page_of(here, lines, wanted, PATH, "ui.log.quarantine")


def page_of(
    here: Here, lines: list[QuarantineLine], wanted: Shown, path: str, key: str
) -> QuarantinePage:
    """A page of either quarantine; `lines` are one more than it holds when others follow.

    `key` is that of its title; its note has the same with ``_note``.
    """
    shown = tuple(lines[:PAGE])
    more = wanted.address(path, after=str(shown[-1].number)) if len(lines) > PAGE else ""
    first = wanted.address(path, after="")
    return QuarantinePage(
        shown,
        Pager(len(shown), next_url=more, previous_url=first if wanted.after else ""),
        tabs=quarantine_tabs(here, path),
        states=tuple(
            Link(
                here.text(f"ui.quarantine.{state}"), Shown(state).address(path),
                state == wanted.state,
            )
            for state in _STATES
        ),
        export_url=wanted.address(f"{path}.xlsx", after="") if shown else "",
        title=here.text(key),
        note=here.text(f"{key}_note") if wanted.state == "open" else "",
        state=wanted.state,
    )  # fmt: skip


def settled_of(here: Here, row: QuarantinedRow | Quarantined) -> str:
    """Who settled a row, when and why; empty for an open one."""
    if row.settled_at is None:
        return ""
    said_so = (here.names.actor(row.settled_by), here.reader.format.moment(row.settled_at))
    return " · ".join(one for one in (*said_so, row.reason) if one)


def line_of(here: Here, row: QuarantinedRow) -> QuarantineLine:
    """One row, with its buttons while it is open."""
    raw, org = row.reject.raw, row.reject.org
    replay_act, dismiss_act = acts_of(
        here, f"{PATH}/{row.number}", org, form_of(here, row) if row.state == "open" else None
    )
    return QuarantineLine(
        number=row.number,
        source=source_of(row),
        received_at=row.received_at,
        reason=reason_of(here, row),
        raw=raw if len(raw) <= _RAW else f"{raw[:_RAW]}…",
        replay=replay_act,
        dismiss=dismiss_act,
        settled=settled_of(here, row),
    )


def acts_of(
    here: Here, path: str, org: str, fields: Iterable[FormField] | None
) -> tuple[Act | None, Act | None]:
    """The two acts on an open row, below `path`; none on a settled one (`fields` None)."""
    if fields is None:
        return None, None
    why = here.why_not(WRITE, known_unit(here, org))
    mending = Act(
        here.text("ui.act.replay_row"), f"{path}/replay", "replay", why_not=why,
        fields=tuple(fields),
    )  # fmt: skip
    if why:  # the reason why not is said once, below the first button
        return mending, None
    reason = FormField("reason", here.text("ui.field.reason"), "textarea", required=True)
    return mending, Act(here.text("ui.act.dismiss"), f"{path}/dismiss", "dismiss", fields=(reason,))


def source_of(row: QuarantinedRow) -> str:
    """Where the row came from: the file and line, or the source that it names."""
    reject = row.reject
    named = _value(_loaded(row), "source")
    if not reject.file:
        return named
    place = f"{reject.file}:{reject.line}" if reject.line else reject.file
    return f"{place} · {named}" if named else place


def reason_of(here: Here, row: QuarantinedRow) -> str:
    """All that is wrong with it, in the reader's words; the place stands beside."""
    return " ".join(said(here, problem) for problem in row.reject.problems)


def said(here: Here, problem: Problem) -> str:
    """One fault as a sentence without its file and line."""
    bare = Problem(**problem.as_dict() | {"file": "", "line": 0, "column": 0, "cell": ""})
    return problem_text(here.reader.words, bare)


def form_of(here: Here, row: QuarantinedRow) -> Iterator[FormField]:
    """What to mend: the fields that are wrong, and those without which it is no event."""
    loaded = _loaded(row)
    wrong: dict[str, str] = {}
    for problem in row.reject.problems:
        if problem.field:
            wrong.setdefault(_field(problem.field), said(here, problem))
    missing = [name for name in NEEDED if name not in wrong and not _value(loaded, name)]
    words = here.reader.words
    for name in (*wrong, *missing):
        if name == "org":
            continue
        if name == "kind":
            yield FormField(
                f"{PREFIX}kind", words.text("ui.column.kind"), "select", required=True,
                choices=tuple(Choice(one.value, words.text(f"ui.kind.{one.value}"))
                              for one in EventKind), error=wrong.get(name, ""),
            )  # fmt: skip
            continue
        key = f"auditlog.field.{name}"
        yield FormField(
            PREFIX + name,
            words.text(key) if key in words else name,
            "text",
            _value(loaded, name),
            required=name in NEEDED and name != "source",
            error=wrong.get(name, ""),
            hint=here.text("ui.log.time_hint") if name in _TIMES and name not in wrong else "",
        )
    if "org" in wrong or not known_unit(here, row.reject.org):
        choices = [Choice(path, here.names.unit(path)) for path in units(here)]
        yield FormField(
            f"{PREFIX}org", here.text("ui.column.unit"), "select", required=True,
            choices=tuple(choices), error=wrong.get("org", ""),
        )  # fmt: skip


def replay(here: Here, row: QuarantinedRow, form: Mapping[str, str]) -> Answered:
    """Lay the form over the row and store it; what came of it is recorded.

    Raises:
        Forbidden: when the person may not bring in data for the unit of the row, before or after.
        UnknownRowError: when somebody settled it in between.
    """
    here.signed.check(WRITE, known_unit(here, row.reject.org))
    fields = {
        one.name.removeprefix(PREFIX): form[one.name].strip()
        for one in form_of(here, row)
        if form.get(one.name, "").strip()
    }
    if "org" in fields:
        here.signed.check(WRITE, fields["org"])
    values = {
        name: _moment(here, text) if name in _TIMES else text for name, text in fields.items()
    }
    wish = Wish(
        row.number, REPLAY, here.person, here.now, row.reject.key,
        fields.get("org", row.reject.org), values,
    )  # fmt: skip
    faults = replay_faults(here.app, row, values)
    if faults:
        record_refused(here.app, wish, faults[0].code)
        return faults
    return settle(here.app, wish)


def mend(here: Here, row: QuarantinedRow, form: Mapping[str, str]) -> Done | str:
    """Mend and store the row: what was done, or in sentences what is still wrong with it."""
    found = replay(here, row, form)
    if isinstance(found, list):
        return " ".join(said(here, one) for one in found)
    if found is not None and found.quarantined:
        return here.text("ui.log.id_reused")
    # None: the same wish was carried to its end by the job, and its counts are not known
    known = found is not None and not found.accepted
    return Done("ui.said.replayed_known" if known else "ui.said.replayed")


def dismiss(here: Here, row: QuarantinedRow, reason: str) -> None:
    """Close the row without storing it; it stays readable.

    Raises:
        Forbidden: when the person may not bring in data for the unit of the row.
        UnknownRowError: when somebody settled it in between.
    """
    here.signed.check(WRITE, known_unit(here, row.reject.org))
    org, key = row.reject.org, row.reject.key
    settle(
        here.app,
        Wish(row.number, DISMISS, here.person, here.now, key, org, reason=reason),
    )


def open_row(here: Here, number: int) -> QuarantinedRow | None:
    """The open row with this number, if the person sees it.

    Raises:
        UnknownRowError: when it is settled already.
    """
    row = here.app.log.quarantine_read(number)
    if row is None or not _inside(row.reject.org, scope_of(here)):
        return None
    if row.state != "open":
        raise UnknownRowError(number)
    return row


def _inside(org: str, scopes: Scope) -> bool:
    return scopes is None or any(org == one or org.startswith(f"{one}/") for one in scopes)


def _loaded(row: QuarantinedRow) -> Mapping[str, Any]:
    try:
        loaded = orjson.loads(row.reject.raw)
    except orjson.JSONDecodeError:
        return {}
    return loaded if isinstance(loaded, dict) else {}


def _field(name: str) -> str:
    """The event's own name of a field that a row calls otherwise."""
    return TARGET[name][0] if name in TARGET else name


def _value(loaded: Mapping[str, Any], name: str) -> str:
    """What stands in the row for a field, under any of its names."""
    for given in NAMES.get(name, (name,)):
        value = loaded.get(given)
        if isinstance(value, (str, int)) and value != "":
            return str(value)
    return ""


def _moment(here: Here, text: str) -> str:
    """A time without an offset is on the reader's clock."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return text if at.tzinfo else at.replace(tzinfo=here.reader.format.zone).isoformat()
