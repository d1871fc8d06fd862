"""Why a rule matched: its sentence, and each compared field with value, threshold and margin."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from rules.errors import UnknownRule
from rules.model import AnyRule, CorrelationRule
from rules.sentence import clearing_words, row_sentence, sentence
from rules.values import TEXTUAL
from service.application import Application
from service.web.rooms.order_events import timeline_url
from service.web.rooms.speaking import Speaking
from service.web.views.orders import Leaf, RuleLine
from service.web.views.parts import NO_FIGURE, Figure

_HASH_DIGITS = 8
_OBJECTS = frozenset({"order", "voucher", "receipt", "alert"})
_MONEY = frozenset({"amount", "loss_est", "difference"})
_QUANTITIES = frozenset(
    {"path_t", "recorded_net_t", "unposted_t", "net_if_posted_t", "limit_t"}
    | {"net", "gross", "limit", "unposted", "unsynced"}
)
_PRICES = frozenset({"spot", "futures", "basis", "previous_basis", "jump", "mean"})
_PLACES = 2
_COMPUTED = "is"


def last_by_rule(matches: Iterable[Mapping[str, Any]], lead: str) -> list[Mapping[str, Any]]:
    """The last match of each rule and code, the leading code first, then the gravest."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for one in matches:
        found[one["rule"], one["code"]] = one
    rank = {"red": 0, "orange": 1, "yellow": 2, "blue": 3}
    return sorted(
        found.values(), key=lambda one: (one["code"] != lead, rank.get(one["level"] or "", 4))
    )


def rule_lines(here: Speaking, matches: Sequence[Mapping[str, Any]]) -> list[RuleLine]:
    """The rules that matched, each with its words and what it compared."""
    return [_rule_line(here, one) for one in matches]


def _rule_line(here: Speaking, match: Mapping[str, Any]) -> RuleLine:
    rule = rule_of(here.app, match["rule"])
    whole = spoken_rule(here, rule) if rule is not None else ""
    decided = spoken_row(here, rule, match) if rule is not None else ""
    return RuleLine(
        here.names.title(match["code"]),
        decided or whole,
        match.get("clause", ""),
        f"v{match['version']}",
        str(match.get("rulebook", ""))[:_HASH_DIGITS],
        f"/rules?rule={quote(match['rule'])}" if rule is not None else "",
        match.get("level") or "",
        tuple(leaves_of(here, match)),
        rule_in_codes(here, rule) if rule is not None else "",
        whole if decided else "",
    )


def rule_of(app: Application, rule: str) -> AnyRule | None:
    """The rule in force of that id; None when it is gone."""
    try:
        return app.rulebook.find(rule)
    except UnknownRule:
        return None


def spoken_rule(here: Speaking, rule: AnyRule) -> str:
    """The rule as a sentence in the reader's language."""
    return sentence(rule, here.app.rulebook.schema, _language(here), here.names.code)


def spoken_row(here: Speaking, rule: AnyRule, match: Mapping[str, Any]) -> str:
    """The row of a table that decided, as a sentence; empty where the rule has no table.

    Empty too for a match of another version: its rows are not those of the rule in force.
    """
    number = match.get("row") or 0
    same = str(rule.heading.version) == match["version"]
    if isinstance(rule, CorrelationRule) or not same or not 0 < number <= len(rule.rows):
        return ""
    if len(rule.rows) == 1:
        return ""
    schema = here.app.rulebook.schema
    return row_sentence(rule, number, schema, _language(here), here.names.code)


def spoken_clearing(here: Speaking, rule: AnyRule) -> str:
    """What has to come about before the rule's condition counts as cleared."""
    return clearing_words(rule, here.app.rulebook.schema, _language(here), here.names.code)


def rule_in_codes(here: Speaking, rule: AnyRule) -> str:
    """The same sentence with the codes as the rule's source writes them."""
    return sentence(rule, here.app.rulebook.schema, _language(here))


def _language(here: Speaking) -> str:
    return "zh" if here.names.zh else "en"


def leaves_of(here: Speaking, match: Mapping[str, Any]) -> list[Leaf]:
    """The compared fields of a match, then what it computed."""
    rule = rule_of(here.app, match["rule"])
    return [_leaf(here, match, rule, leaf) for leaf in match.get("leaves", ())]


def _leaf(
    here: Speaking, match: Mapping[str, Any], rule: AnyRule | None, leaf: Mapping[str, Any]
) -> Leaf:
    name = str(leaf.get("field", ""))
    computed = leaf.get("op") == _COMPUTED
    unit = str(match.get("unit") or "")
    raw = match.get("evidence", {}).get(name, leaf.get("value")) if computed else leaf.get("value")
    value = figure(here, name, raw, unit)
    threshold = NO_FIGURE if computed else figure(here, name, leaf.get("threshold"), unit)
    margin = figure(here, name, leaf["margin"], unit) if leaf.get("margin") else NO_FIGURE
    if margin.kind == "ratio":  # a difference of percentages is no percentage of anything
        margin = replace(margin, kind="points")
    label = label_of(here, name, rule)
    comparison = "" if computed else f"ui.op.{leaf.get('op')}"
    if comparison in here.reader.words:
        label = f"{label} {here.text(comparison)}"
    broken = leaf.get("truth") is True and not computed
    return Leaf(label, value, threshold, margin, broken, source_of(here, match, name))


def label_of(here: Speaking, name: str, rule: AnyRule | None) -> str:
    """A field's name in words."""
    key = f"ui.evidence.{name}"
    if key in here.reader.words:
        return here.text(key)
    if rule is not None:
        kind = here.app.rulebook.schema.kind(rule.kind)
        bare = name.rpartition(".")[2] if isinstance(rule, CorrelationRule) else name
        if bare in kind.fields:
            known = kind.fields[bare]
            return known.zh if here.names.zh else known.en
    return name


def figure(here: Speaking, name: str, value: Any, unit: str = "") -> Figure:
    """A value of evidence as it is shown."""
    if value is None or value == "":
        return NO_FIGURE
    if isinstance(value, bool):
        return Figure(kind="text", text=here.text("ui.yes" if value else "ui.no"))
    if isinstance(value, list):
        return Figure(kind="text", text=here.text("ui.list_comma").join(str(one) for one in value))
    text = str(value)
    number = _number(text)
    if number is None or name in _OBJECTS or _is_code(here, name):
        url = timeline_url(text) if name in _OBJECTS else ""
        return Figure(kind="text", text=_words(here, text), url=url)
    return _numeric(here, name, number, unit)


def _is_code(here: Speaking, name: str) -> bool:
    """Whether facts hold the field as text: account 6111 is a name, not a number."""
    bare = name.rpartition(".")[2]
    kinds = here.app.rulebook.schema.kinds.values()
    types = [kind.fields[bare].type.base for kind in kinds if bare in kind.fields]
    return bool(types) and all(base in TEXTUAL for base in types)


def _is_ratio(here: Speaking, name: str) -> bool:
    """Whether people read the field in percent, as the fact kinds say."""
    bare = name.rpartition(".")[2]
    kinds = here.app.rulebook.schema.kinds.values()
    return any(kind.fields[bare].percent for kind in kinds if bare in kind.fields)


def _numeric(here: Speaking, name: str, number: Decimal, unit: str) -> Figure:
    if _is_ratio(here, name):
        return Figure(number, kind="ratio")
    if name in _MONEY:
        return Figure(number, "CNY", kind="money")
    if name in _QUANTITIES or name in _PRICES:
        return Figure(number, unit)
    if name.endswith("_s"):
        return Figure(kind="text", text=here.reader.format.duration(int(number)))
    exponent = number.as_tuple().exponent
    long = isinstance(exponent, int) and exponent < -_PLACES
    return Figure(number, places=_PLACES if long else None)


def shown(here: Speaking, value: Figure) -> str:
    """A figure as text, for sentences."""
    form = here.reader.format
    if value.kind == "text" or value.value is None:
        return value.text or "…"
    if value.kind == "ratio":
        return form.use(value.value)
    if value.kind == "points":
        return form.points(value.value)
    if value.kind == "money":
        return form.money(value.value, value.unit)
    return form.quantity(value.value, value.unit)


def _number(text: str) -> Decimal | None:
    try:
        found = Decimal(text)
    except ArithmeticError:
        return None
    return found if found.is_finite() else None


def _words(here: Speaking, text: str) -> str:
    """An enumerated value in words, where there are any."""
    if (key := f"ui.value.{text}") in here.reader.words:
        return here.text(key)
    if here.directory.person(text) is not None:
        return here.names.person(text)
    return here.names.event(text) or text


def source_of(here: Speaking, match: Mapping[str, Any], name: str) -> str:
    """The parts of a figure in one sentence, from the evidence of its match."""
    evidence = match.get("evidence", {})
    unit = str(match.get("unit") or "")
    if name == "use" and "recorded_net_t" in evidence:
        shown = {
            key: here.reader.format.quantity(_number(str(evidence.get(source))), unit)
            for key, source in (
                ("net", "recorded_net_t"),
                ("limit", "limit_t"),
                ("unposted", "unposted_t"),
                ("after", "net_if_posted_t"),
            )
        }
        return here.text("ui.evidence_source.use", **shown)
    people = [str(match.get("actor") or "")]
    objects = [str(one) for one in match.get("objects", ())][:3]
    parts = [here.names.actor(one) for one in people if one]
    return " · ".join([*parts, *objects])
