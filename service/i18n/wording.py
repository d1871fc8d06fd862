"""The catalogues as the channels read them: words, and times on the reader's clock."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from service.i18n.catalogue import Words, load_words
from store.clock import parse_rfc3339
from workorders.card import grouped

#: Parameters whose value is a code, and the catalogue keys that may hold its words.
_CODED: Mapping[str, tuple[str, ...]] = {
    "code": ("rule.{}", "reason.{}"),
    "rule": ("rule.{}",),
    "level": ("level.{}",),
    "level_before": ("level.{}", "ui.level.{}"),
    "level_after": ("level.{}", "ui.level.{}"),
    "reason": ("reason.{}",),
    "why": ("reason.{}",),
    "state": ("state.{}", "ui.alert_state.{}"),
    "side": ("ui.value.{}",),
    "unit": ("unit.{}",),
    "verb": ("button.{}",),
    "signer_role": ("directory.role.{}",),
    "signer_permission": ("directory.permission.{}",),
    "approval_kind": ("approvals.kind.{}",),
    "approval_step": ("approvals.step.{}",),
    "commodity": ("product.{}",),
    "contract": ("ui.{}",),
    "measure": ("ui.measure.{}",),
    "way": ("ui.channel.{}",),
}
_PLACE = "place"
_LANGUAGES = frozenset({"zh", "en"})
_PEOPLE = frozenset({"actor", "person"})
#: Figures as decimal text.
_FIGURES = frozenset({"value", "limit", "margin", "change", "net_after"})
_TIMES = frozenset({"at", "since", "until", "due", "opens", "as_of", "event_time"})


def as_it_is(path: str, _language: str) -> str:
    """An organisation where nobody knows their names."""
    return path


@dataclass(frozen=True, slots=True)
class Spoken:
    """The words of one language, with codes, people and times in parameters made readable."""

    words: Words
    zone: ZoneInfo
    name_of: Callable[[str], str] = str
    unit_of: Callable[[str, str], str] = as_it_is

    def text(self, key: str, /, **params: Any) -> str:
        """The sentence of a key."""
        return self.words.text(key, **{name: self.value(name, v) for name, v in params.items()})

    def _composed(self, value: Any) -> Any:
        if isinstance(value, Mapping) and value.keys() == _LANGUAGES:
            return value["zh" if self.words.language == "zh" else "en"]
        if isinstance(value, list) and value and all(_is_sentence(one) for one in value):
            return self._sentences(value)
        return value

    def _sentences(self, told: Sequence[Mapping[str, Any]]) -> str:
        comma = self.words.text("ui.list_comma")
        between = "" if self.words.language == "zh" else " "
        return between.join(
            self.text(
                one["say"],
                **{
                    name: comma.join(each) if isinstance(each, list) else each
                    for name, each in one.items()
                    if name != "say"
                },
            )
            for one in told
        )

    def when(self, at: datetime, /) -> str:
        """A time on the reader's clock."""
        return at.astimezone(self.zone).strftime("%m-%d %H:%M")

    def value(self, name: str, value: Any) -> Any:
        """One parameter: a code becomes its words, a time a local time.

        A list of mappings is sentences: each names its key under ``say``, beside its parameters. A
        mapping by language holds the same in each.
        """
        if isinstance(value, Mapping | list):
            return self._composed(value)
        if not isinstance(value, str):
            return value
        if name in _CODED and value:
            return self._decoded(name, value)
        return self._told(name, value)

    def _decoded(self, name: str, code: str) -> str:
        for pattern in _CODED[name]:
            if (key := pattern.format(code)) in self.words:
                return self.words.text(key)
        return code

    def _told(self, name: str, text: str) -> str:
        if name in _PEOPLE:
            return self.name_of(text)
        if name == _PLACE:
            return self.unit_of(text, self.words.language)
        if name in _FIGURES:
            return grouped(text)
        if name in _TIMES and "T" in text:
            with suppress(ValueError):
                return self.when(parse_rfc3339(text))
        return text


def _is_sentence(value: Any) -> bool:
    return isinstance(value, Mapping) and "say" in value


@dataclass(frozen=True, slots=True)
class Catalogues:
    """Words by language, for the channels.

    Attributes:
        zone: the clock on which times in cards and mails are read.
        titles: rule code → title by language; a code without words of its own shows this.
        name_of: a person's name by id; who is not known keeps the id.
        unit_of: an organisation's own name by path and language.
    """

    zone: ZoneInfo
    titles: Mapping[str, Mapping[str, str]]
    name_of: Callable[[str], str] = str
    unit_of: Callable[[str, str], str] = as_it_is

    def words(self, language: str, /) -> Spoken:
        """The words of `language`, the rules' titles among them."""
        known = load_words(language)
        titles = {
            f"rule.{code}": by_language.get(language, "")
            for code, by_language in self.titles.items()
            if by_language.get(language)
        }
        return Spoken(
            Words(known.language, {**titles, **known.entries}),
            self.zone,
            self.name_of,
            self.unit_of,
        )
