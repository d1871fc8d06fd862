"""The reader of one page: language, figures' form, theme; from cookies, person and browser."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import orjson
from fastapi import Request

from service.i18n import Format, Words, choose_language, load_words
from service.i18n.catalogue import LANGUAGES
from service.i18n.pseudo import PSEUDO

LANGUAGE_COOKIE = "hedgewarden_language"
THEME_COOKIE = "hedgewarden_theme"
MONEY_COOKIE = "hedgewarden_money"
ORG_COOKIE = "hedgewarden_org"
SAID_COOKIE = "hedgewarden_said"
THEMES = ("auto", "light", "dark")
MONEY_UNITS = ("1", "10k")
#: How the work orders are shown: a table, or a board with a column for each state.
ORDERS_COOKIE = "hedgewarden_orders"
ORDER_VIEWS = ("list", "board")

_SAID_LIMIT = 3000  # browsers keep 4,096 bytes of a cookie


@dataclass(frozen=True, slots=True)
class Said:
    """What an act says on the page that follows it.

    Attributes:
        key: of the catalogue; `params` fill it.
        tone: ``good``, ``warn``, ``bad`` or ``note``.
        undo_url: posting there takes it back; empty for none.
    """

    key: str
    params: Mapping[str, str] = field(default_factory=dict)
    tone: str = "good"
    undo_url: str = ""

    def packed(self) -> str:
        """As a cookie's value."""
        document = {"k": self.key, "p": dict(self.params), "t": self.tone, "u": self.undo_url}
        return base64.urlsafe_b64encode(orjson.dumps(document)).decode()[:_SAID_LIMIT]


def unpack_said(cookie: str) -> Said | None:
    """The message of a cookie, or None when there is none or it is damaged."""
    try:
        document: Any = orjson.loads(base64.urlsafe_b64decode(cookie))
        params = {str(name): str(value) for name, value in document["p"].items()}
        tone = document["t"] if document["t"] in {"good", "warn", "bad", "note"} else "note"
        return Said(str(document["k"]), params, tone, local_path(str(document["u"]), ""))
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        return None


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads this page, as far as its look goes.

    Attributes:
        words: of the language.
        format: of figures and times.
        theme: ``auto``, ``light`` or ``dark``.
    """

    words: Words
    format: Format
    theme: str = "auto"

    @property
    def language(self) -> str:
        """``zh``, ``en`` or ``xx``."""
        return self.words.language


def read_reader(
    request: Request,
    *,
    now: datetime,
    zone: ZoneInfo,
    person_language: str = "",
    default_language: str = "zh",
    strict: bool = False,
    pseudo: bool = False,
) -> Reader:
    """The reader of a request.

    Args:
        request: with its cookies and headers.
        now: the service's clock.
        zone: the organisation's time zone.
        person_language: the signed-in person's own setting.
        default_language: when nobody says anything.
        strict: a missing word raises (tests).
        pseudo: the language ``xx`` may be chosen (tests).
    """
    cookies = request.cookies
    language = choose_language(
        cookies.get(LANGUAGE_COOKIE, ""),
        person_language,
        request.headers.get("accept-language", ""),
        default=default_language,
        known=(*LANGUAGES, PSEUDO) if pseudo else LANGUAGES,
    )
    theme = cookies.get(THEME_COOKIE, "auto")
    money = cookies.get(MONEY_COOKIE, "10k")
    return Reader(
        words=load_words(language, strict=strict),
        format=Format(language, zone, now, money if money in MONEY_UNITS else "10k"),
        theme=theme if theme in THEMES else "auto",
    )


def local_path(url: str, otherwise: str = "/") -> str:
    """`url` when it is a path of our own, else `otherwise`: nobody is sent to another site."""
    if not url.startswith("/") or url.startswith(("//", "/\\")) or not url.isprintable():
        return otherwise
    parts = urlsplit(url)
    return otherwise if parts.scheme or parts.netloc or "\\" in url else url
