"""What `orders show` tells beside the order itself: why, since when, until when, and what now."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from auditlog.errors import LogError
from auditlog.port import StoredEvent
from rules.explain import DATA_ISSUE_CODE
from service.application import Application
from service.cli.desk import Desk
from service.cli.order_matches import Matches
from service.closing import Reading, conditions_of
from service.events_behind import events_behind
from service.web.rooms.evidence import last_by_rule
from workorders import reads
from workorders.explain import Explanation
from workorders.guard import Condition, decide_close
from workorders.model import Closing, Corrective, WorkOrder
from workorders.states import PERMISSIONS, TERMINAL, Verb, is_legal, move


@dataclass(frozen=True, slots=True)
class Act:
    """One act on the order.

    Attributes:
        why: the code of what forbids it now; empty when nothing does.
    """

    verb: Verb
    why: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one order.

    Attributes:
        person: for whom acts are judged; empty: whoever has the right.
        events: of the log behind the matches; None when the log could not be asked.
    """

    order: WorkOrder
    person: str
    now: datetime
    explained: Explanation
    matches: Sequence[Mapping[str, Any]]
    events: Sequence[StoredEvent] | None
    acts: Sequence[Act]


def gather(
    app: Application, connection: Connection, order: WorkOrder, scopes: tuple[str, ...], person: str
) -> Evidence:
    """Read everything, as of now.

    Args:
        app: its rules, book and log.
        connection: in one read transaction.
        order: the order.
        scopes: what the reader sees.
        person: the reader, or empty from the machine.
    """
    now = app.clock()
    matches = reads.matches_of(connection, order_id=order.id)
    events: Sequence[StoredEvent] | None = []
    if not person or app.directory.may(person, "log.read", order.org, now).allowed:
        try:
            events = events_behind(app.log, scopes, order.org, matches)
        except LogError:
            events = None
    live = order.state not in TERMINAL
    conditions = conditions_of(Reading(connection, now), app, order) if live else []
    judge = _Judge(app, order, conditions, person, now)
    acts = [judge.act(verb) for verb in PERMISSIONS]
    explained = reads.explanation(connection, order)
    return Evidence(order, person, now, explained, matches, events, acts)


@dataclass(frozen=True, slots=True)
class _Judge:
    """What may be done with an order now, as the command itself would decide."""

    app: Application
    order: WorkOrder
    conditions: Sequence[Condition]
    person: str
    now: datetime

    def act(self, verb: Verb) -> Act:
        """The act, and what forbids it."""
        order, person = self.order, self.person
        if not is_legal(order, verb):
            refused = move(order, verb, actor="system:command", at=self.now)
            return Act(verb, refused.code, refused.params)
        if person:
            verdict = self.app.directory.may(person, PERMISSIONS[verb], order.org, self.now)
            if not verdict.allowed:
                return Act(verb, verdict.reason.value, {"permission": PERMISSIONS[verb]})
        if verb is Verb.CLOSE:
            # as if all that closing asks for had been said
            asked = Closing("fixed", "SHOWN", Corrective("SHOWN", person, self.now))
            guard = decide_close(order, self.conditions, asked, closer=person, may_override=False)
            return Act(verb, "" if guard.allowed else guard.code, guard.params)
        return Act(verb, "", {})


class Telling:
    """The evidence in the reader's words, and as JSON."""

    def __init__(self, desk: Desk, app: Application, found: Evidence) -> None:
        self._desk = desk
        self._app = app
        self._found = found
        self._spoken = app.catalogues.words(desk.words.language)
        self._format = desk.format(found.now)
        self._matches = Matches(desk, app, self._format)
        lead = str(found.order.title_params.get("code", ""))
        self._findings = last_by_rule(found.matches, lead)

    # --- JSON -----------------------------------------------------------------------------------

    def document(self) -> dict[str, Any]:
        """The keys that `orders show --json` adds to those of the order."""
        found, explained = self._found, self._found.explained
        return {
            "matches": [{**one, "why": self._matches.why(one)} for one in found.matches],
            "broke": self._line(explained.broke.code, explained.broke.params),
            "since": self._line(explained.since.code, explained.since.params),
            "back": [self._line(one.code, one.params) for one in explained.back],
            "clocks": [
                {"clock": name, "due": due, "overdue": due < found.now, "left": due - found.now}
                for name, due in self._clocks()
            ],
            "acts": [
                {
                    "verb": one.verb.value,
                    "possible": not one.why,
                    "why": one.why,
                    "message": self._reason(one),
                    "permission": PERMISSIONS[one.verb],
                    "params": dict(one.params),
                }
                for one in found.acts
            ],
            "events": None if found.events is None else [_event(one) for one in found.events],
        }

    def _line(self, code: str, params: Mapping[str, Any]) -> dict[str, Any]:
        text = self._spoken.text(code, **params)
        return {"code": code, "params": dict(params), "message": text}

    # --- text -----------------------------------------------------------------------------------

    def show(self) -> None:
        """What is wrong, the evidence for it, then what is due and what can be done."""
        known = [one for one in self._findings if one["code"] != DATA_ISSUE_CODE]
        unknown = [one for one in self._findings if one["code"] == DATA_ISSUE_CODE]
        for text in self._matches.wrong(self._found.order, self._findings, self._found.matches):
            self._desk.say("cli.order.line", text=text)
        if known:
            self._head("matches")
        seen = Counter((one["rule"], one["code"]) for one in self._found.matches)
        for match in known:
            self._matches.show(match, seen[match["rule"], match["code"]])
        if unknown:
            self._head("unknown_rules")
        for match in unknown:
            self._matches.show_unknown(match)
        self._head("events")
        self._show_events()
        self._head("clocks")
        for line_text in self._clock_lines():
            self._desk.say("cli.order.line", text=line_text)
        self._head("acts")
        self._show_acts()
        self._head("stream")

    def _show_acts(self) -> None:
        found = self._found
        possible = [self._verb(one) for one in found.acts if not one.why]
        self._desk.say(
            "cli.order.possible" if possible else "cli.order.nothing_possible",
            acts=self._desk.words.text("cli.order.comma").join(possible),
        )
        refused: dict[str, list[str]] = {}
        for one in found.acts:
            if one.why:
                refused.setdefault(self._reason(one), []).append(self._verb(one))
        for why, acts in refused.items():
            listed = self._desk.words.text("cli.order.comma").join(acts)
            self._desk.say("cli.order.not_possible", acts=listed, why=why)

    def _head(self, name: str) -> None:
        self._desk.say("cli.order.head", text=self._desk.words.text(f"cli.order.{name}"))

    def _verb(self, act: Act) -> str:
        return str(self._spoken.value("verb", act.verb.value))

    def _reason(self, act: Act) -> str:
        if not act.why:
            return ""
        params = {name: self._spoken.value(name, value) for name, value in act.params.items()}
        return self._desk.code(act.why, **params)

    def _clocks(self) -> Iterator[tuple[str, datetime]]:
        order = self._found.order
        if order.acknowledge_due is not None and order.acknowledged_at is None:
            yield "acknowledge", order.acknowledge_due
        if order.resolve_due is not None:
            yield "resolve", order.resolve_due
        if order.snoozed_until is not None:
            yield "snooze", order.snoozed_until

    def _clock_lines(self) -> Iterator[str]:
        order, shape, words = self._found.order, self._format, self._desk.words
        for done, at, by in (
            ("acknowledged", order.acknowledged_at, order.acknowledged_by),
            ("resolved", order.resolved_at, order.resolved_by),
            ("closed", order.closed_at, order.closed_by),
        ):
            if at is not None:
                yield words.text(f"cli.order.{done}", at=shape.moment(at), person=by)
        running = list(self._clocks())
        for name, due in running:
            late = due < self._found.now
            yield words.text(
                f"cli.order.due_{name}" + ("_late" if late else ""),
                at=shape.moment(due),
                span=shape.duration(abs(due - self._found.now)),
            )
        if not running:
            yield words.text("cli.order.no_clock")

    def _show_events(self) -> None:
        events = self._found.events
        if events is None:
            self._desk.say("cli.order.no_log")
            return
        self._desk.table(
            ("cli.head.time", "cli.head.event", "cli.head.actor", "cli.head.what"),
            [
                [
                    self._format.moment(one.event.event_time),
                    one.event.event_id,
                    one.event.actor,
                    self._said(one),
                ]
                for one in events
            ],
        )

    def _said(self, stored: StoredEvent) -> str:
        event = stored.event
        about = event.order or event.receipt or event.voucher or event.alert or event.object_id
        return " · ".join(filter(None, (event.type, about, event.outcome, event.message)))


def _event(stored: StoredEvent) -> dict[str, Any]:
    return {**stored.event.as_dict(), "position": stored.position, "late": stored.late}
