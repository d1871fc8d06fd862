"""What is needed to say evidence in words: the same for a page and for the command line."""

from dataclasses import dataclass
from typing import Protocol

from directory import Directory
from service.application import Application
from service.web.reader import Reader
from service.web.rooms.names import Names


class Speaking(Protocol):
    """Whoever has the application at hand and a reader to speak to."""

    @property
    def app(self) -> Application:
        """Its rules and book."""

    @property
    def reader(self) -> Reader:
        """The language, the form of figures and times."""

    @property
    def names(self) -> Names:
        """How codes and people are called."""

    @property
    def directory(self) -> Directory:
        """People and organisations as they are now."""

    def text(self, key: str, **params: object) -> str:
        """Words of the catalogue."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """One who speaks outside a request: the command line."""

    app: Application
    reader: Reader
    names: Names
    directory: Directory

    def text(self, key: str, **params: object) -> str:
        """Words of the catalogue."""
        return self.reader.words.text(key, **params)
