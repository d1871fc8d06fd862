"""What was asked of the orders: the filters in the address, and the rows that they mean."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, or_, select

from service.web.rooms.asking import one_of
from service.web.rooms.here import Here
from store.json_search import is_one_of
from workorders import reads
from workorders.levels import Level
from workorders.model import OrderKind, State
from workorders.rows import ALERTS, ORDERS
from workorders.tags import clean_tag

ACTIVE = "active"
ALL = "all"
MINE = "mine"
LEVELS = ("red", "orange", "yellow", "blue")


@dataclass(frozen=True, slots=True)
class Asked:
    """The filters as they stand in the address."""

    q: str = ""
    state: str = ACTIVE
    level: str = ""
    unit: str = ""
    kind: str = ""
    whose: str = ""
    tag: str = ""
    cursor: str = ""

    def address(self, path: str, **changed: str) -> str:
        """The address of `path` with these filters, some of them changed."""
        kept = replace(self, **changed).narrowed
        return f"{path}?{urlencode(kept)}" if kept else path

    @property
    def narrowed(self) -> dict[str, str]:
        """What differs from a page for which nothing was asked."""
        default = asdict(Asked())
        return {
            name: value for name, value in asdict(self).items() if value and value != default[name]
        }


def check(asked: Asked) -> None:
    """What the list is narrowed by is something that there can be.

    Raises:
        NotMeant: a state, colour, kind or person that there is none of.
    """
    one_of("state", asked.state, [ACTIVE, ALL, *(one.value for one in State)])
    one_of("level", asked.level, LEVELS)
    one_of("kind", asked.kind, [one.value for one in OrderKind])
    one_of("whose", asked.whose, [MINE])


def filter_of(here: Here, asked: Asked) -> reads.Filter:
    """The rows that the links and selects mean; the text is not among them."""
    return reads.Filter(
        states=states_of(asked.state),
        levels=[Level(asked.level)] if asked.level in LEVELS else [],
        org=asked.unit,
        person=here.person if asked.whose == MINE else "",
        kinds=[asked.kind] if asked.kind in set(OrderKind) else [],
        tag=clean_tag(asked.tag),
    )


def states_of(code: str) -> Sequence[str]:
    """Codes of the states that a filter lets through; none for every state."""
    if code == ALL:
        return ()
    if code in set(State):
        return (code,)
    return tuple(one.value for one in reads.ACTIVE)


def conditions_of(here: Here, asked: Asked) -> list[ColumnElement[bool]]:
    """What the orders that are asked for have in common."""
    found = reads.order_conditions(here.scopes, filter_of(here, asked))
    return [*found, _named(here, asked.q.strip())] if asked.q.strip() else found


def _named(here: Here, text: str) -> ColumnElement[bool]:
    """That a text names the order: number, product, person, code, tag."""
    c, a = ORDERS.c, ALERTS.c
    people = [one.id for one in here.directory.people if text in {one.id, one.name}]
    products = [text, *_products(here, text)]
    by_alert = select(a.order_id).where(
        or_(
            a.actor == text,
            a.actor.in_(people),
            a.code == text,
            a.cause.contains(text, autoescape=True),
        )
    )
    return or_(
        c.id.contains(text, autoescape=True),
        c.product.in_(products),
        c.month == text,
        c.owner.in_(people),
        c.org.contains(text, autoescape=True),
        c.id.in_(by_alert),
        is_one_of(c.tags, clean_tag(text)),
    )


def _products(here: Here, text: str) -> Iterable[str]:
    """Codes of products that are called so."""
    for key, name in here.reader.words.entries.items():
        if key.startswith("product.") and text in name:
            yield key.removeprefix("product.")
