"""静默: from the silences and what they cover to the page, and from its form to a wish."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote, urlencode

from sqlalchemy import Connection, select, union

from service.moments import in_utc
from service.web.rooms.here import Here
from service.web.rooms.log_search import moment
from service.web.rooms.manual_orders import units
from service.web.views.parts import Act, Choice, FormField, Link
from service.web.views.silences import (
    MutedCard,
    SilenceGroup,
    SilenceLine,
    SilencePreview,
    SilencesPage,
)
from workorders import rows
from workorders.levels import Level
from workorders.preview import Preview, preview
from workorders.reads import within
from workorders.rows import ALERTS, ORDERS
from workorders.silences import Matchers, Silence, SilenceState, Wish, judge
from workorders.silencing import PERMISSION, list_silences

DAYS: Final = 7
#: How long a silence lasts unless somebody says otherwise.
USUAL: Final = timedelta(hours=4)
_SHOWN: Final = 12
_OVER: Final = 50
_LEVELS: Final = ("red", "orange", "yellow", "blue")


@dataclass(frozen=True, slots=True)
class Asked:
    """The form as it stands in the address; empty fields do not restrict.

    Attributes:
        since, until: on the reader's clock, as the fields send them.
        look: whether a preview is wanted.
    """

    org: str = ""
    product: str = ""
    measure: str = ""
    account: str = ""
    rule: str = ""
    person: str = ""
    levels: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    reason: str = ""
    look: bool = False

    @property
    def matchers(self) -> Matchers:
        """What is to be covered."""
        levels = tuple(Level(one) for one in _LEVELS if one in self.levels)
        return Matchers(
            self.org, self.product, self.account, self.measure, self.rule, levels, self.person
        )

    def address(self) -> str:
        """The page with this form filled in."""
        names = ("org", "product", "measure", "account", "rule", "person", "since", "until",
                 "reason")  # fmt: skip
        values = [(name, value) for name in names if (value := getattr(self, name))]
        values += [("level", one) for one in self.levels]
        return f"/silences?{urlencode(values)}" if values else "/silences"


def wish_of(here: Here, asked: Asked) -> Wish | str:
    """What the form asks for, or the reason code of what cannot be meant."""
    start = _time(here, asked.since) if asked.since else here.now
    until = _time(here, asked.until)
    if start is None or until is None:
        return "TIME_INVALID"
    return Wish(asked.matchers, start, until, asked.reason.strip())


def fault_of(here: Here, connection: Connection, asked: Asked) -> str:
    """The code of a name in the form that is none of those offered; empty when all are."""
    if asked.product and asked.product not in products_raised(here, connection):
        return "UNKNOWN_PRODUCT"
    if asked.rule and asked.rule not in {one.rule.id for one in here.app.rulebook.files}:
        return "UNKNOWN_RULE"
    if asked.person and asked.person not in _people(here):
        return "UNKNOWN_PERSON"
    return ""


def silences_page(here: Here, connection: Connection, asked: Asked) -> SilencesPage:
    """The page; with `asked.look` also what the silence would do."""
    found = list_silences(connection, here.scopes)
    places = [path for path in units(here) if here.may(PERMISSION, path)]
    return SilencesPage(
        groups=tuple(_groups(here, found)),
        fields=tuple(_fields(here, connection, asked, places)) if places else (),
        levels=tuple(
            Choice(one, here.text(f"ui.level.{one}"), one in asked.levels) for one in _LEVELS
        ),
        why_not="" if places else here.why_not(PERMISSION),
        preview=_preview(here, connection, asked) if asked.look and places else None,
    )


# --- the list -----------------------------------------------------------------------------------


def _groups(here: Here, found: Sequence[Silence]) -> Iterable[SilenceGroup]:
    piles: dict[str, list[SilenceLine]] = {"waiting": [], "active": [], "over": []}
    for one in found:
        code = one.state.value if one.ends_at > here.now else "over"
        pile = piles.get(code, piles["over"])
        if pile is not piles["over"] or len(pile) < _OVER:
            pile.append(_line(here, one))
    for code, lines in piles.items():
        yield SilenceGroup(code, tuple(lines))


def _line(here: Here, one: Silence) -> SilenceLine:
    state = one.state
    if state in {SilenceState.ACTIVE, SilenceState.WAITING} and one.ends_at <= here.now:
        state = SilenceState.EXPIRED  # its timer fires in a moment
    levels = {level.value for level in one.matchers.covered}
    return SilenceLine(
        id=one.id,
        version=one.version,
        state=state.value,
        unit=here.names.unit(one.matchers.org),
        what=what_words(here, one.matchers),
        levels=tuple(level for level in _LEVELS if level in levels),
        starts_at=one.starts_at,
        ends_at=one.ends_at,
        author=here.names.actor(one.author),
        reason=one.reason,
        ended=_ended(here, one),
        acts=tuple(_acts(here, replace(one, state=state))),
    )


def what_words(here: Here, matchers: Matchers) -> str:
    """What is covered within the unit, in words."""
    names = here.names
    parts = [
        names.product(matchers.product) if matchers.product else "",
        names.title(matchers.rule) if matchers.rule else "",
        matchers.measure,
        matchers.account,
        here.text("ui.silences.cards_of", person=names.person(matchers.person))
        if matchers.person
        else "",
    ]
    return " · ".join(one for one in parts if one) or here.text("ui.silences.everything")


def _ended(here: Here, one: Silence) -> str:
    if one.ended_at is not None and one.state is SilenceState.ENDED:
        who, at = here.names.actor(one.ended_by), here.reader.format.minute(one.ended_at)
        return here.text("ui.silences.ended_by", person=who, at=at)
    if one.confirmed_at is not None:
        who, at = here.names.actor(one.confirmed_by), here.reader.format.minute(one.confirmed_at)
        return here.text("ui.silences.confirmed_by", person=who, at=at)
    return ""


def _acts(here: Here, one: Silence) -> Iterable[Act]:
    if one.state not in {SilenceState.ACTIVE, SilenceState.WAITING}:
        return
    text, base = here.text, f"/silences/{quote(one.id)}"
    why = here.why_not(PERMISSION, one.matchers.org)
    if one.state is SilenceState.WAITING:
        own = text("ui.silences.own") if one.author == here.person else ""
        version = FormField("version", kind="hidden", value=str(one.version))
        yield Act(
            text("ui.act.confirm_silence"), f"{base}/confirm", f"confirm-{one.id}", "primary",
            why or own, (version,), confirm=text("ui.silences.confirm_ask", reason=one.reason),
        )  # fmt: skip
    note = FormField("reason", text("ui.field.note"), "textarea")
    yield Act(
        text("ui.act.end_silence"), f"{base}/end", f"end-{one.id}", "plain", why, (note,),
        confirm=text("ui.silences.end_ask"),
    )  # fmt: skip


# --- the form -----------------------------------------------------------------------------------


def _fields(
    here: Here, connection: Connection, asked: Asked, places: Sequence[str]
) -> Iterable[FormField]:
    text, names = here.text, here.names
    anything = Choice("", text("ui.filters.all"))
    chosen = asked.org if asked.org in places else places[0]
    yield FormField(
        "org", text("ui.column.unit"), "select", chosen, required=True,
        choices=tuple(Choice(path, names.unit(path)) for path in places),
    )  # fmt: skip
    products = [Choice(one, names.product(one)) for one in products_raised(here, connection)]
    yield FormField(
        "product", text("ui.field.product"), "select", asked.product,
        choices=(anything, *products),
    )  # fmt: skip
    rules = sorted(
        (Choice(one.rule.id, names.title(one.rule.id)) for one in here.app.rulebook.files),
        key=lambda one: one.text,
    )
    yield FormField(
        "rule", text("ui.silences.rule"), "select", asked.rule, choices=(anything, *rules),
        hint=text("ui.silences.rule_hint"),
    )  # fmt: skip
    people = [Choice(one, names.person(one)) for one in _people(here)]
    yield FormField(
        "person", text("ui.silences.person"), "select", asked.person, choices=(anything, *people)
    )
    for name in ("measure", "account"):
        if value := getattr(asked, name):
            yield FormField(name, kind="hidden", value=value)
    until = asked.until or clock_field(here, here.now + USUAL)
    yield FormField("since", text("ui.silences.since"), "datetime-local", asked.since,
                    hint=text("ui.silences.since_hint"))  # fmt: skip
    yield FormField("until", text("ui.silences.until"), "datetime-local", until, required=True)
    yield FormField("reason", text("ui.field.reason"), "textarea", asked.reason, required=True)


def products_raised(here: Here, connection: Connection) -> list[str]:
    """Products that anything was ever raised about, where the reader may look."""
    each = [
        select(table.c.product).where(within(table.c.org, here.scopes), table.c.product != "")
        for table in (ALERTS, ORDERS)
    ]
    return sorted(str(row[0]) for row in connection.execute(union(*each)))


def _people(here: Here) -> list[str]:
    seen = set(units(here))
    return sorted(one.id for one in here.directory.people if one.active and one.unit in seen)


# --- the preview --------------------------------------------------------------------------------


def _preview(here: Here, connection: Connection, asked: Asked) -> SilencePreview:
    wish = wish_of(here, asked)
    fault = fault_of(here, connection, asked) or (wish if isinstance(wish, str) else "")
    found = preview(connection, asked.matchers, now=here.now, days=DAYS, show=_SHOWN)
    params: dict[str, object] = {}
    if isinstance(wish, Wish) and not fault:
        ruling = judge(
            wish, now=here.now, policy=here.app.context(here.around).policy, author=here.person,
            causers=found.now.causers,
        )  # fmt: skip
        fault, params = ruling.code, dict(ruling.params)
    return SilencePreview(
        sentence=here.text(
            "ui.silences.would",
            days=found.days,
            seen=found.seen,
            cards=found.cards,
            objects=found.objects,
        ),
        now=tuple(_links(found)),
        cards=tuple(_cards(here, connection, found)),
        fault=here.text(f"reason.{fault}", **params) if fault else "",
        red=asked.matchers.names_red,
        create=None if fault else _create(here, asked),
    )


def _links(found: Preview) -> Iterable[Link]:
    for order in found.now.orders:
        yield Link(order.id, f"/orders/{quote(order.id)}")
    for alert in found.now.alerts:
        yield Link(alert.id, f"/alerts?{urlencode({'alert': alert.id})}")


def _cards(here: Here, connection: Connection, found: Preview) -> Iterable[MutedCard]:
    for one in found.latest:
        is_order = rows.find_order(connection, one.object_id) is not None
        place = "/orders/" if is_order else "/alerts?alert="
        yield MutedCard(
            one.queued_at,
            one.level.value,
            Link(one.object_id, f"{place}{quote(one.object_id)}"),
            here.names.person(one.person),
        )


def _create(here: Here, asked: Asked) -> Act:
    names = ("org", "product", "measure", "account", "rule", "person", "since", "until", "reason")
    hidden = [FormField(one, kind="hidden", value=getattr(asked, one)) for one in names]
    hidden += [FormField("level", kind="hidden", value=one) for one in asked.levels]
    return Act(here.text("ui.act.silence"), "/silences", "silence", "primary", "", tuple(hidden))


def clock_field(here: Here, at: datetime) -> str:
    """A time as a field of the kind ``datetime-local`` wants it, on the reader's clock."""
    return f"{here.reader.format.local(at):%Y-%m-%dT%H:%M}"


def _time(here: Here, text: str) -> datetime | None:
    found = moment(here, text)
    return None if found is None else in_utc(found)
