"""The matches of an order in words: what is wrong, what each rule found, compared and missed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from service.application import Application
from service.cli.desk import Desk
from service.i18n import Format
from service.i18n.titles import rule_titles
from service.web.reader import Reader
from service.web.rooms.evidence import figure, label_of, rule_of, shown, spoken_rule
from service.web.rooms.names import Names
from service.web.rooms.order_lines import happened, remedies_of, since_text
from service.web.rooms.speaking import Speaker
from store.clock import parse_rfc3339
from workorders.model import WorkOrder
from workorders.states import TERMINAL

_OPERATORS: Final = {"==": "=", "!=": "≠", "<=": "≤", ">=": "≥"}
_COMPUTED: Final = "is"
_ASKED: Final = "has"


class Matches:
    """Matches as one reader is told of them."""

    def __init__(self, desk: Desk, app: Application, shape: Format) -> None:
        self._desk = desk
        self._words = desk.words
        self._format = shape
        self._app = app
        names = Names(desk.words, app.directory, rule_titles(app.rulebook))
        self._speaker = Speaker(app, Reader(desk.words, shape), names, app.directory)

    def wrong(
        self,
        order: WorkOrder,
        findings: Sequence[Mapping[str, Any]],
        matches: Sequence[Mapping[str, Any]],
    ) -> Iterator[str]:
        """What is wrong with an order: what broke, since when, and what would bring it back.

        Args:
            order: the order.
            findings: the last match of each rule, the one that opened the order first.
            matches: all of them, oldest first.
        """
        lead = findings[0] if findings else {}
        title = self._speaker.names.title(str(order.title_params.get("code", "")))
        yield happened(self._speaker, lead) or title
        yield since_text(self._speaker, order, lead, matches)
        if order.state in TERMINAL:
            return
        for one in remedies_of(self._speaker, lead):
            yield one.text if one.possible else f"{one.text} {one.why_not}"

    def show(self, match: Mapping[str, Any], times: int) -> None:
        """What a rule found last, why, what it compared and what it rests on.

        Args:
            match: the last of the rule.
            times: how often it matched.
        """
        self._desk.say(
            "cli.order.found" if times == 1 else "cli.order.found_again",
            at=self._format.moment(parse_rfc3339(match["event_time"])),
            level=self._desk.level(match.get("level") or ""),
            title=self._speaker.names.title(match["code"]),
            times=times,
        )
        if said := happened(self._speaker, match):
            self._desk.say("cli.order.compared", text=said)
        self._desk.say("cli.order.because", rule=match["rule"], why=self.why(match))
        for text in (*self._compared(match), *self._evidence(match)):
            self._desk.say("cli.order.compared", text=text)

    def show_unknown(self, match: Mapping[str, Any]) -> None:
        """A rule that could not say whether it holds: which value it missed, what is known."""
        rule = rule_of(self._app, match["rule"])
        names = [label_of(self._speaker, one, rule) for one in missing(match)]
        title = match["rule"]
        if rule is not None:
            title = rule.heading.title.zh if self._words.language == "zh" else rule.heading.title.en
        self._desk.say(
            "cli.order.missing" if names else "cli.order.missing_unnamed",
            at=self._format.moment(parse_rfc3339(match["event_time"])),
            title=title,
            names=self._words.text("cli.order.comma").join(names),
        )
        for text in self._evidence(match):
            self._desk.say("cli.order.compared", text=text)

    def why(self, match: Mapping[str, Any]) -> str:
        """The rule in words; its id alone when it is no longer in force."""
        rule = rule_of(self._app, match["rule"])
        return str(match["rule"]) if rule is None else spoken_rule(self._speaker, rule)

    def _compared(self, match: Mapping[str, Any]) -> Iterator[str]:
        """What was compared with what; what held comes with a tick."""
        rule, unit = rule_of(self._app, match["rule"]), str(match.get("unit") or "")
        for leaf in match.get("leaves", ()):
            name, operator = str(leaf.get("field", "")), str(leaf.get("op", ""))
            if operator == _COMPUTED:
                continue
            label = label_of(self._speaker, name, rule)
            value = self._shown(name, leaf.get("value"), unit)
            limit, held = leaf.get("threshold"), leaf.get("truth")
            than = ""
            if limit is not None and not isinstance(limit, bool):
                than = f"{_OPERATORS.get(operator, operator)} {self._shown(name, limit, unit)}"
            if held is True:
                yield f"✓ {label}: {value} {than}".rstrip()
            elif held is None:
                yield self._words.text("cli.order.not_known", label=label)
            elif than:
                yield self._words.text("cli.order.not_so", label=label, value=value, than=than)
            else:
                yield f"· {label}: {value}"

    def _evidence(self, match: Mapping[str, Any]) -> Iterator[str]:
        """The figures that the match rests on."""
        rule, unit = rule_of(self._app, match["rule"]), str(match.get("unit") or "")
        for name, value in match.get("evidence", {}).items():
            written = self._shown(name, value, unit)
            yield f"{label_of(self._speaker, name, rule)}: {written}"

    def _shown(self, name: str, value: Any, unit: str) -> str:
        """A value as the order page shows it: a ratio in percent, a quantity with its unit."""
        if value is None or value == "":
            return "—"
        return shown(self._speaker, figure(self._speaker, name, value, unit))


def missing(match: Mapping[str, Any]) -> list[str]:
    """The fields without a value that kept a rule from saying whether it holds.

    What a rule first asks after (``has``) may be absent.
    """
    leaves = match.get("leaves", ())
    asked = {one["field"] for one in leaves if one.get("op") == _ASKED}
    unknown = (one["field"] for one in leaves if one.get("truth") is None)
    return [one for one in dict.fromkeys(unknown) if one not in asked]
