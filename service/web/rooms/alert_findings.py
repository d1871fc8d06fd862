"""What a detector found, in the reader's words: the sentence, usual beside seen, and the odds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any, Final

from auditlog.errors import LogError
from auditlog.events import Event
from auditlog.port import Query
from detectors.explain import ABSENT, sentence
from detectors.protocol import CAP, Explanation
from service.web.rooms.here import Here
from service.web.rooms.order_events import number_of as number_of_event
from service.web.rooms.order_events import timeline_url
from service.web.views.orders import Pair
from store.clock import parse_rfc3339
from workorders.evidence import cause_of, is_finding, number_of
from workorders.model import Alert

_DIGITS: Final = 2
#: A part with less excess surprise (nats) than this says nothing of its own.
_TELLING: Final = 1
_CELLS: Final = ("CELL_UNKNOWN", "CELL_NEW", "CELL_RARE")


@dataclass(frozen=True, slots=True)
class FindingWords:
    """A finding as the page tells it.

    Attributes:
        sentences: what was found; the strongest first.
        normal: what would have been usual (平时); `now` what was seen (本次).
        rows: cause, kind of evidence, odds, the document it is about.
    """

    sentences: tuple[str, ...]
    normal: str
    now: str
    rows: tuple[Pair, ...]


def finding_of(here: Here, alert: Alert) -> FindingWords | None:
    """The words of an alert that a detector raised; None for any other alert."""
    if not is_finding(alert.evidence):
        return None
    explanation = _explanation(alert.evidence["explanation"])
    said = _spoken(here, explanation)
    return FindingWords(
        sentences=tuple(dict.fromkeys(sentence(one, here.text) for one in _all(said))),
        normal=_normal(here, said),
        now=_now(here, said, alert),
        rows=tuple(_rows(here, alert, explanation)),
    )


def cause_words(here: Here, alert: Alert) -> str:
    """Why the alert was raised, in a few words; empty when no detector raised it."""
    return here.names.cause(cause_of(alert.evidence))


def subject_of(here: Here, alert: Alert) -> str:
    """Where, what, and which of several alike: of a detector's finding its cause and its person."""
    return here.names.matter(
        alert.code,
        alert.product,
        alert.month,
        cause=cause_of(alert.evidence),
        number=number_of(alert.evidence),
        actor=alert.actor,
    )


def odds(here: Here, surprise: Decimal) -> str:
    """The p-value as a sentence: how often chance alone would bring as much.

    Args:
        here: the reader.
        surprise: −log10 p; at the cap a rule was broken, which is no matter of chance.
    """
    if surprise >= CAP:
        return here.text("ui.finding.no_chance")
    number = Decimal(10) ** surprise
    step = Decimal(10) ** (number.adjusted() - _DIGITS + 1)
    rounded = (number / step).to_integral_value(ROUND_DOWN) * step
    p_value = 1 / number
    places = _DIGITS - 1 - p_value.adjusted()
    return here.text(
        "ui.finding.chance",
        number=here.reader.format.number(int(rounded)),
        p=f"{p_value:.{places}f}",
    )


def _explanation(given: Mapping[str, Any]) -> Explanation:
    """As the detectors made it, with the parts that stand out themselves."""
    parts = tuple(
        Explanation(str(part["code"]), dict(part.get("params", {})))
        for part in given.get("parts", ())
        if Decimal(str(part.get("params", {}).get("excess", CAP))) >= _TELLING
    )
    return Explanation(str(given["code"]), dict(given.get("params", {})), parts)


def _all(one: Explanation) -> Iterable[Explanation]:
    yield one
    yield from one.parts


def _spoken(here: Here, one: Explanation) -> Explanation:
    """The explanation with the names of people, verbs and units in place of their codes."""
    params = {name: _value(here, name, value) for name, value in one.params.items()}
    return Explanation(one.code, params, tuple(_spoken(here, part) for part in one.parts))


def _value(here: Here, name: str, value: str) -> str:
    if name == "context":
        steps = [step.partition("=") for step in value.split(", ")]
        return ", ".join(
            f"{field}={_word(here, field, found)}" if sign else field
            for field, sign, found in steps
        )
    if name == "usual":
        return here.text("ui.list_comma").join(_share(here, one) for one in value.split(", "))
    if name == "first_seen" and value != ABSENT:
        return here.reader.format.minute(parse_rfc3339(value))
    if name == "earlier":
        return _earlier(here, value)
    return _word(here, name, value)


def _share(here: Here, text: str) -> str:
    """``order.create 82%`` with the verb in words."""
    value, space, share = text.rpartition(" ")
    return f"{_word(here, 'usual', value)} {share}" if space else _word(here, "usual", text)


def _word(here: Here, name: str, value: str) -> str:
    """A value in the reader's words; what has none stays as it is."""
    if value == ABSENT:
        return here.text("ui.finding.none")
    if name in {"role", "peers"}:
        return _roles(here, value)
    named = {"actor": here.names.actor, "org": here.names.unit, "product": here.names.product}
    if name in named:
        return named[name](value)
    key = f"ui.finding.value.{value}"
    if key in here.reader.words:
        return here.text(key)
    return here.names.event(value) or here.names.event_outcome(value)


def _roles(here: Here, value: str) -> str:
    keys = [f"ui.role.{one}" for one in value.split(",")]
    if any(key not in here.reader.words for key in keys):
        return value
    return here.text("ui.list_comma").join(map(here.text, keys))


def _earlier(here: Here, uid: str) -> str:
    """The earlier event by its document and time; its id when the log no longer has it."""
    try:
        found = here.app.log.get(uid)
    except LogError:
        return uid
    if found is None:
        return uid
    at = here.reader.format.minute(found.event.event_time)
    return " · ".join(one for one in (_number(found.event), at) if one)


def _normal(here: Here, said: Explanation) -> str:
    if said.code in _CELLS:
        return said.params.get("usual", "")
    if said.code == "NUMBER_HIGH":
        params = said.params
        return here.text("ui.finding.range", middle=params["middle"], high=params["high"])
    key = f"ui.finding.normal.{said.code}"
    return here.text(key) if key in here.reader.words else ""


def _now(here: Here, said: Explanation, alert: Alert) -> str:
    if said.code in _CELLS or said.code == "NUMBER_HIGH":
        return said.params.get("seen", "")
    return cause_words(here, alert)


def _rows(here: Here, alert: Alert, explanation: Explanation) -> Iterable[Pair]:
    text = here.text
    if cause := cause_words(here, alert):
        yield Pair(text("ui.finding.cause"), cause)
    family = f"detectors.family.{alert.evidence.get('family', '')}"
    if family in here.reader.words:
        yield Pair(text("ui.finding.family"), text(family))
    yield Pair(text("ui.finding.odds"), odds(here, Decimal(str(alert.evidence["surprise"]))))
    if verb := explanation.params.get("type"):
        yield Pair(text("ui.finding.act"), _word(here, "type", verb))
    if number := _document(here, alert, explanation):
        yield Pair(text("ui.finding.document"), number, timeline_url(number))


def _document(here: Here, alert: Alert, explanation: Explanation) -> str:
    """The number of the document that the event was about; empty for none."""
    given = explanation.params.get("at")
    if not given:
        return ""
    at = parse_rfc3339(given)
    wanted = Query(
        orgs=(alert.org,),
        actors=(alert.actor,) if alert.actor else (),
        types=(verb,) if (verb := explanation.params.get("type", "")) else (),
        since=at,
        until=at + timedelta(seconds=1),
        limit=1,
    )
    try:
        found = list(here.app.log.history(wanted))
    except LogError:
        return ""
    return _number(found[0].event) if found else ""


def _number(event: Event) -> str:
    """The document's own number, before the order that it belongs to."""
    return event.object_id or number_of_event(event)
