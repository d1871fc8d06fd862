"""A card as its reader sees it in a chat: the text of the reader's language and the page behind."""

from collections.abc import Callable
from dataclasses import dataclass

from integrations.wording import CardText, Wording, Words, card_text
from workorders.card import Card


@dataclass(frozen=True, slots=True)
class Face:
    """What a chat shows of one card.

    Attributes:
        text: in the reader's language.
        words: of that language.
        url: the page behind the card; empty for none.
    """

    text: CardText
    words: Words
    url: str


class Faces:
    """Makes them.

    Args:
        wording: the catalogues.
        language_of: the language of a person's cards.
        public_url: the console's address, for the link; empty when there is none.
    """

    def __init__(
        self, wording: Wording, language_of: Callable[[str], str], public_url: str = ""
    ) -> None:
        self._wording = wording
        self._language_of = language_of
        self._public_url = public_url.rstrip("/")

    def words(self, person: str) -> Words:
        """The words of a person's language."""
        return self._wording.words(self._language_of(person))

    def of(self, card: Card) -> Face:
        """The card for the person it is made for."""
        words = self.words(card.person)
        text = card_text(card, words, self._public_url)
        url = self._public_url + card.path if self._public_url and card.path else ""
        return Face(text, words, url)
