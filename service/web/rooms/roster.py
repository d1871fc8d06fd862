"""值班表: from the directory's duties and their changes to the calendar."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from urllib.parse import quote, urlencode

from directory import Answer, Role, conflicts, coverage, who_is_on_call
from directory.coverage import rosters
from directory.duty_changes import WRITE
from directory.roster import Absence, DutyOverride, RoutingReason, Swap
from service.i18n import problem_text
from service.moments import in_utc
from service.on_call import default_org
from service.web.rooms.entered import NOTHING_ENTERED, Entered, refilled
from service.web.rooms.here import Here
from service.web.rooms.log_search import moment
from service.web.rooms.manual_orders import units
from service.web.rooms.reach import reach_panel
from service.web.rooms.roster_days import Span, clock, midnight, parts_of, span_of
from service.web.views.parts import Act, Choice, FormField, Link
from service.web.views.roster import (
    RosterCalendar,
    RosterChange,
    RosterDay,
    RosterPage,
    Watch,
    WhoAt,
)
from store.problems import Problem

VIEWS: Final = ("week", "month")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for; empty texts stand for now and the reader's own unit."""

    view: str = "week"
    day: str = ""
    org: str = ""
    role: str = ""
    at: str = ""

    def address(self, **changed: str) -> str:
        """The page with these choices, some of them changed."""
        values = {"view": "" if self.view == "week" else self.view, "day": self.day} | changed
        kept = {name: value for name, value in values.items() if value}
        return f"/roster?{urlencode(kept)}" if kept else "/roster"


def roster_page(here: Here, asked: Asked, entered: Entered = NOTHING_ENTERED) -> RosterPage:
    """The page; `entered` is a form that was sent and not taken."""
    today = here.reader.format.local(here.now).date()
    span = span_of(asked.view, _day(asked.day) or today)
    zone = here.reader.format.zone
    start, end = midnight(span.start, zone), midnight(span.end, zone)
    seen = set(units(here))
    kept = [(org, role) for org, role in rosters(here.directory) if org in seen]
    return RosterPage(
        period=f"{span.first:%Y-%m-%d} – {span.last:%Y-%m-%d}",
        views=tuple(
            Link(here.text(f"ui.roster.{one}"), asked.address(view=one), one == span.view)
            for one in VIEWS
        ),
        previous_url=asked.address(day=span.beside(-1).isoformat()),
        next_url=asked.address(day=span.beside(1).isoformat()),
        today_url=asked.address(day=""),
        calendars=tuple(_calendar(here, org, role, span, today) for org, role in kept),
        faults=tuple(
            fault_words(here, one)
            for one in _conflicts(here, start, end)
            if one.params.get("org", "") in seen
        ),
        changes=tuple(_changes(here, seen, start, end)),
        who_fields=tuple(_who_fields(here, asked)),
        who=_who(here, asked, seen),
        acts=tuple(refilled(one, entered) for one in _acts(here)),
        reach=reach_panel(here),
    )


def _conflicts(here: Here, start: datetime, end: datetime) -> tuple[Problem, ...]:
    """What does not fit together from now on; of what is past nothing can be mended."""
    begins = max(start, here.now)
    return conflicts(here.directory, begins, end - begins) if begins < end else ()


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    # a month and a week around it must be dates too
    return found if 1900 < found.year < 2199 else None  # noqa: PLR2004 - the years of `moments`


# --- the calendar -------------------------------------------------------------------------------


def _calendar(here: Here, org: str, role: Role, span: Span, today: date) -> RosterCalendar:
    zone = here.reader.format.zone
    stretches = coverage(
        here.directory, org, role, midnight(span.start, zone), midnight(span.end, zone)
    )

    def watches(day: date) -> Iterable[Watch]:
        for part in parts_of(stretches, day, zone):
            one = part.stretch
            yield Watch(
                clock(part.start, here.reader.format.local),
                clock(part.end, here.reader.format.local),
                tuple(answer_words(here, answer) for answer in one.answers),
                one.gap,
                day == today and one.start <= here.now < one.end,
            )

    duties = [one for one in here.directory.duties if one.org == org and one.role is role]
    primary = dict.fromkeys(person for duty in duties for person in duty.people)
    deputies = dict.fromkeys(person for duty in duties for person in duty.deputies)
    return RosterCalendar(
        unit=here.names.unit(org),
        role=here.text(f"ui.role.{role.value}"),
        primary=here.names.people(list(primary)),
        deputies=here.names.people(list(deputies)),
        weeks=tuple(
            tuple(
                RosterDay(
                    day, tuple(watches(day)), day == today, not span.first <= day <= span.last
                )
                for day in week
            )
            for week in span.weeks
        ),
    )


def answer_words(here: Here, answer: Answer) -> str:
    """A person, and why, where it is not the roster itself."""
    name = here.names.person(answer.person)
    if answer.reason is RoutingReason.ON_CALL:
        return name
    if answer.deputy_for:
        return here.text(
            f"ui.roster.for.{answer.reason.value}",
            name=name, person=here.names.person(answer.deputy_for),
        )  # fmt: skip
    return here.text(f"ui.roster.as.{answer.reason.value}", name=name)


def fault_words(here: Here, problem: Problem) -> str:
    """The sentence, with names in place of ids."""
    params = dict(problem.params)
    for name in ("person", "deputy", "first", "second"):
        if name in params:
            params[name] = here.names.person(str(params[name]))
    params["org"] = here.names.unit(str(params.get("org", "")))
    if "role" in params:
        params["role"] = here.text(f"ui.role.{params['role']}")
    return problem_text(here.reader.words, Problem(problem.code, params=params))


# --- who answers at a time ----------------------------------------------------------------------


def _who_fields(here: Here, asked: Asked) -> Iterable[FormField]:
    text = here.text
    places, chosen = units(here), asked.org or _usual_org(here)
    yield FormField(
        "org", text("ui.column.unit"), "select", chosen,
        choices=tuple(Choice(path, here.names.unit(path)) for path in places),
    )  # fmt: skip
    yield _role_field(here, asked.role)
    yield FormField("at", text("ui.roster.at"), "datetime-local", asked.at, required=True)


def _usual_org(here: Here) -> str:
    places = units(here)
    own = here.signed.person.unit
    return own if own in places else default_org(here.directory, Role.RISK_OFFICER)


def _who(here: Here, asked: Asked, seen: set[str]) -> WhoAt | None:
    if not asked.at:
        return None
    found = moment(here, asked.at)
    at = in_utc(found) if found is not None else None
    org = asked.org or _usual_org(here)
    role = Role(asked.role) if asked.role in set(Role) else Role.RISK_OFFICER
    if at is None or org not in seen:
        return WhoAt(here.text("reason.TIME_INVALID"), (), "", ())
    answer = who_is_on_call(here.directory, org, at, role)
    form = here.reader.format
    head = here.text(
        "ui.roster.who_at", at=form.moment(at), unit=here.names.unit(org),
        role=here.text(f"ui.role.{role.value}"),
    )  # fmt: skip
    return WhoAt(
        head,
        tuple(answer_words(here, one) for one in answer.people),
        here.text("ui.roster.next_change", at=form.moment(answer.next_change))
        if answer.next_change is not None
        else "",
        tuple(
            here.text("ui.roster.gap", start=form.moment(one.start), end=form.moment(one.end))
            for one in answer.gaps
        ),
    )


# --- what changes it ----------------------------------------------------------------------------


def _changes(here: Here, seen: set[str], start: datetime, end: datetime) -> Iterable[RosterChange]:
    known = here.directory
    for override in known.overrides:
        if override.org in seen and override.start < end and override.end > start:
            yield _override(here, override)
    for swap in known.swaps:
        first, last = swap_bounds(swap)
        if swap.org in seen and first < end and last > start:
            yield _swap(here, swap)
    for absence in known.absences:
        person = known.person(absence.person)
        unit = person.unit if person is not None else ""
        if unit in seen and absence.start < end and absence.end > start:
            yield _absence(here, absence, unit)


def swap_bounds(swap: Swap) -> tuple[datetime, datetime]:
    """From the first of its two periods to the end of the last."""
    sides = (swap.first, swap.second)
    return min(one.start for one in sides), max(one.end for one in sides)


def _override(here: Here, one: DutyOverride) -> RosterChange:
    key = "ui.roster.override_for" if one.instead_of else "ui.roster.override_all"
    names = here.names
    text = here.text(
        key, name=names.person(one.person), person=names.person(one.instead_of),
        unit=names.unit(one.org),
    )  # fmt: skip
    acts = _withdraw(here, one.id, one.end, (one.by,), one.org)
    return RosterChange(one.id, "override", text, one.start, one.end, _note(here, one), acts=acts)


def _absence(here: Here, one: Absence, unit: str) -> RosterChange:
    key = "ui.roster.absent_deputy" if one.deputy else "ui.roster.absent"
    text = here.text(key, name=here.names.person(one.person), person=here.names.person(one.deputy))
    acts = _withdraw(here, one.id, one.end, (one.by, one.person), unit)
    return RosterChange(one.id, "absence", text, one.start, one.end, _note(here, one), acts=acts)


def _swap(here: Here, one: Swap) -> RosterChange:
    form, names = here.reader.format, here.names
    text = here.text(
        "ui.roster.swap_of",
        first=names.person(one.first.person), first_at=form.minute(one.first.start),
        second=names.person(one.second.person), second_at=form.minute(one.second.start),
        unit=names.unit(one.org),
    )  # fmt: skip
    start, end = swap_bounds(one)
    both = {one.first.person, one.second.person}
    acts: list[Act] = []
    stands = one.by == here.person or here.person in one.consents
    if not one.agreed and end > here.now and not stands:
        why = "" if here.person in both else here.why_not(WRITE, one.org)
        acts.append(
            Act(here.text("ui.act.agree_swap"), f"/roster/swaps/{quote(one.id)}/agree",
                f"agree-{one.id}", "primary", why)
        )  # fmt: skip
    concerned = () if one.agreed else (one.by, *both)
    begun = one.agreed and start <= here.now
    acts += () if begun else _withdraw(here, one.id, end, concerned, one.org)
    state = "agreed" if one.agreed else "open"
    return RosterChange(one.id, "swap", text, start, end, _note(here, one), state, tuple(acts))


def _note(here: Here, one: DutyOverride | Absence | Swap) -> str:
    return " · ".join(part for part in (here.names.actor(one.by) if one.by else "", one.reason)
                      if part)  # fmt: skip


def _withdraw(
    here: Here, change_id: str, ends: datetime, concerned: Sequence[str], org: str
) -> tuple[Act, ...]:
    """Taking it back; offered to those alone who may, for each line says what it is."""
    may = here.person in concerned or here.may(WRITE, org)
    if not change_id or ends <= here.now or not may:
        return ()
    return (
        Act(
            here.text("ui.act.withdraw_change"), f"/roster/changes/{quote(change_id)}/withdraw",
            f"withdraw-{change_id}", "plain", confirm=here.text("ui.roster.withdraw_ask"),
        ),
    )  # fmt: skip


# --- new changes --------------------------------------------------------------------------------


def _role_field(here: Here, chosen: str = "") -> FormField:
    usual = chosen or Role.RISK_OFFICER.value
    choices = tuple(Choice(one.value, here.text(f"ui.role.{one.value}")) for one in Role)
    return FormField("role", here.text("ui.roster.role"), "select", usual, choices=choices)


def _person_field(
    here: Here, name: str, key: str, *, empty: str = "", value: str = ""
) -> FormField:
    """A person of the units that the reader sees; `empty` is the words for nobody in particular."""
    seen = set(units(here))
    people = sorted(one.id for one in here.directory.people if one.active and one.unit in seen)
    choices = [Choice(one, here.names.person(one)) for one in people]
    first = [Choice("", here.text(empty))] if empty else []
    return FormField(
        name, here.text(key), "select", value, required=not empty, choices=(*first, *choices)
    )


def _period(here: Here, prefix: str = "") -> tuple[FormField, FormField]:
    return (
        FormField(
            f"{prefix}start", here.text(f"ui.roster.{prefix}start"), "datetime-local", required=True
        ),
        FormField(
            f"{prefix}end", here.text(f"ui.roster.{prefix}end"), "datetime-local", required=True
        ),
    )


def _acts(here: Here) -> Iterable[Act]:
    text = here.text
    places = [path for path in units(here) if here.may(WRITE, path)]
    why = "" if places else here.why_not(WRITE)
    offered = places or units(here)
    unit = FormField(
        "org", text("ui.column.unit"), "select", required=True,
        choices=tuple(Choice(path, here.names.unit(path)) for path in offered),
    )  # fmt: skip
    reason = FormField("reason", text("ui.field.reason"), "textarea")
    yield Act(
        text("ui.act.roster_override"), "/roster/overrides", "override", "plain", why,
        (unit, _role_field(here), _person_field(here, "person", "ui.roster.who_takes"),
         _person_field(here, "instead_of", "ui.roster.instead", empty="ui.roster.whole_duty"),
         *_period(here), FormField("reason", text("ui.field.reason"), "textarea", required=True)),
    )  # fmt: skip
    absent = _person_field(here, "person", "ui.roster.who_away", value=here.person)
    if not places:
        absent = FormField("person", kind="hidden", value=here.person)
    yield Act(
        text("ui.act.roster_absence"), "/roster/absences", "absence", "plain", "",
        (absent, _person_field(here, "deputy", "ui.roster.deputy", empty="ui.roster.by_roster"),
         *_period(here), reason),
    )  # fmt: skip
    own = here.person if not places else ""
    first = (
        FormField("first", kind="hidden", value=own)
        if own
        else _person_field(here, "first", "ui.roster.first", value=here.person)
    )
    everywhere = tuple(Choice(path, here.names.unit(path)) for path in units(here))
    swap_unit = FormField(
        "org", text("ui.column.unit"), "select", _usual_org(here), required=True,
        choices=everywhere,
    )  # fmt: skip
    yield Act(
        text("ui.act.roster_swap"), "/roster/swaps", "swap", "plain", "",
        (swap_unit, _role_field(here), first, *_period(here, "first_"),
         _person_field(here, "second", "ui.roster.second"), *_period(here, "second_"), reason),
    )  # fmt: skip
