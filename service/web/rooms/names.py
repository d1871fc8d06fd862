"""How codes, ids and paths are called on pages: people, units, products, what a match says."""

from collections.abc import Mapping
from dataclasses import dataclass

from directory import Directory
from service.i18n.catalogue import Words

_SPOT = "spot"
_ANY = "*"


def going_on(title: str) -> str:
    """An English title inside a sentence: in small letters, unless it begins an abbreviation."""
    return title[:1].lower() + title[1:] if title[1:2].islower() else title


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one reader's language.

    Attributes:
        words: of the language.
        directory: people and organisations as they are now.
        titles: of the rules, by the codes of their matches.
    """

    words: Words
    directory: Directory
    titles: Mapping[str, Mapping[str, str]]

    @property
    def zh(self) -> bool:
        """Whether names are written in Chinese."""
        return self.words.language == "zh"

    def person(self, person: str) -> str:
        """A person's name; the id of one who is not known."""
        known = self.directory.person(person)
        return known.name if known is not None else person

    def people(self, people: tuple[str, ...] | list[str]) -> str:
        """Several people."""
        return self.words.text("ui.list_comma").join(self.person(one) for one in people)

    def actor(self, actor: str) -> str:
        """Who acted: a person, a part of the service, or what the source calls itself."""
        kind, colon, name = actor.partition(":")
        if colon and kind == "system":
            return self.words.first(f"ui.actor.{name}", "ui.actor.system")
        if colon and kind == "cli":
            return self.words.text("ui.actor.cli", login=name)
        if colon and kind == "feed":
            return self.words.text("ui.actor.feed", name=name)
        if (key := f"ui.feed.{actor}") in self.words:
            return self.words.text(key)
        return self.person(actor)

    def unit(self, org: str) -> str:
        """An organisation's own name, without those above it."""
        node = self.directory.nodes.get(org)
        named = (node.name_zh if self.zh else node.name_en) if node is not None else ""
        return named or org.rpartition("/")[2]

    def product(self, code: str) -> str:
        """A commodity's name; the code of one without a name."""
        key = f"product.{code}"
        return self.words.text(key) if key in self.words else code

    def contract(self, product: str, month: str = "") -> str:
        """A commodity and its delivery month: 沪铜 cu2406; 沪铜 现货; 沪铜."""
        name = self.product(product)
        if not product or month in {"", _ANY}:
            return name
        code = self.words.text("ui.spot") if month == _SPOT else f"{product}{month}"
        return f"{name} {code}"

    def month(self, month: str) -> str:
        """A delivery month as the head of a column."""
        return self.words.text("ui.spot") if month == _SPOT else month

    def title(self, code: str) -> str:
        """What a match of this code means, in a few words."""
        key = f"ui.subject.{code}"
        if key in self.words:
            return self.words.text(key)
        known = self.titles.get(code, {})
        return known.get("zh" if self.zh else "en", "") or code

    def subject(self, code: str, product: str = "", month: str = "") -> str:
        """Product, month and what is wrong: 沪铜 cu2406 净敞口越限."""
        title = self.title(code)
        place = self.contract(product, month)
        if not place:
            return title
        return f"{place} {going_on(title)}"

    def cause(self, code: str) -> str:
        """Why a detector raised an alert, in a few words; empty when it has none."""
        key = f"detectors.cause.{code}"
        return self.words.text(key) if key in self.words else ""

    def matter(
        self,
        code: str,
        product: str = "",
        month: str = "",
        *,
        cause: str = "",
        number: str = "",
        actor: str = "",
    ) -> str:
        """An alert or order among its likes: of a detector's finding its cause and its person."""
        if words := self.cause(cause):
            who = self.actor(actor) if actor else ""
            return " · ".join(one for one in (self.contract(product, month), words, who) if one)
        return f"{self.subject(code, product, month)} {number}".rstrip()

    def code(self, code: str) -> str:
        """What a rule names by a code: an event type, a value, its own result."""
        for key in (f"ui.event.{code}", f"ui.value.{code}"):
            if key in self.words:
                return self.words.text(key)
        return self.title(code)

    def event(self, event_type: str) -> str:
        """A dotted verb of the audit log in words, or empty when it has none."""
        key = f"ui.event.{event_type}"
        return self.words.text(key) if key in self.words else ""

    def event_outcome(self, outcome: str) -> str:
        """What came of an event (``success``, ``denied``); a source's own word as it came."""
        key = f"ui.event_outcome.{outcome.casefold()}"
        return self.words.text(key) if key in self.words else outcome

    def reason(self, code: str) -> str:
        """A reason code in words; the code itself when it has none."""
        return self.words.text(f"reason.{code}") if f"reason.{code}" in self.words else code

    def permission(self, code: str) -> str:
        """A permission in words."""
        return self.words.text(f"directory.permission.{code}")
