"""What a record of the trail is about: the object as people call it, and its page."""

import re
from datetime import datetime
from typing import NamedTuple
from urllib.parse import quote

from service.web.rooms.here import Here
from service.web.rooms.order_events import timeline_url
from trail import Record

_LONGEST = 60
#: Nobody reads a digest; its beginning tells it from the others of the page.
_DIGEST = re.compile(r"[0-9a-f]{16,}")
_DIGITS = 8
#: A limit's condition: unit, account, product, month, and the measure with its project.
_BARS = 4
_EVERY = frozenset({"", "*"})
#: A price's key: organisation, product, month, kind, grade, place, source, time, number.
_PRICE = 8
_SPOT = "spot"
#: Types whose ids the timeline of the log knows.
_IN_LOG = frozenset({"order", "hedge_order", "voucher", "receipt", "event"})


class Called(NamedTuple):
    """An object in words; `whole` is its full name where `name` leaves something out."""

    name: str
    whole: str = ""

    @property
    def full(self) -> str:
        """All of its name."""
        return self.whole or self.name


def called(here: Here, record: Record) -> Called:
    """The object with what kind of thing it is, where its number alone would not say so."""
    name = _named(here, record)
    short = _DIGEST.sub(lambda found: f"{found[0][:_DIGITS]}…", name)
    if len(short) > _LONGEST:
        short = f"{short[:_LONGEST]}…"
    return Called(short, name if short != name else "")


def _named(here: Here, record: Record) -> str:  # noqa: PLR0911 - one case a type
    match record.object_type:
        case "person":
            return here.names.person(record.object_id)
        case "trail_record":
            number = here.reader.format.number(int(record.object_id))
            return here.text("ui.record.title", seq=number)
        case "trail":
            return here.text("ui.nav.trail")
        case "exposure":
            return here.names.contract(record.object_id.partition("|")[2])
        case "book.price" if record.object_id.count("|") == _PRICE:
            return _price(here, record.object_id)
        case "condition" if record.object_id.count("|") == _BARS:
            return _condition(here, record.object_id)
    # The book's keys begin with the organisation, which stands on the record already.
    parts = [one for one in record.object_id.split("|") if one and one != record.org]
    if record.object_type == "book.order":  # of an order that counts, its standing is no news
        standing = f"ui.order_standing.{parts[-1]}"
        parts[-1] = here.text(standing) if standing in here.reader.words else ""
        parts = [one for one in parts if one]
    name = " · ".join(parts)
    key = f"ui.trail_object.{record.object_type}"
    return here.text(key, id=name) if key in here.reader.words else name


def _price(here: Here, key: str) -> str:
    """A price as people call it; its number of the source is left to the record's own page."""
    _, product, month, kind, grade, location, source, at, _ = key.split("|")
    words = f"book.price.{kind}"
    moment = _when(at)
    parts = (
        here.names.contract(product, "" if month == _SPOT else month),
        here.text(words) if words in here.reader.words else kind,
        grade,
        location,
        source,
        here.reader.format.minute(moment) if moment is not None else at,
    )
    return " · ".join(one for one in parts if one)


def _when(text: str) -> datetime | None:
    """The time that a part of a key is; None where it is none."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _condition(here: Here, key: str) -> str:
    """A limit's condition: contract and measure; its unit stands on the record."""
    _, account, product, month, watched = key.split("|")
    measure, _, project = watched.partition(":")
    told = f"ui.measure.{measure}"
    parts = (
        "" if account in _EVERY else account,
        here.names.contract(product, month),
        here.text(told) if told in here.reader.words else measure,
        project,
    )
    return " · ".join(one for one in parts if one)


def object_url(here: Here, record: Record) -> str:
    """The page of the object; empty when it has none."""
    identity = quote(record.object_id, safe="")
    match record.object_type:
        case "work_order":
            return f"/orders/{identity}"
        case "alert":
            return f"/alerts?alert={identity}"
        case "trail_record":
            return f"/trail/records/{identity}"
        case kind if kind in _IN_LOG and here.may("log.read"):
            return timeline_url(record.object_id)
    return ""
