"""What rows are read against: the directory, products and units as they stand, names for hints."""

from datetime import datetime
from functools import cache

from sqlalchemy import Connection

from book.products import shipped_specs
from book.read import read_state
from integrations.files import Terms
from service.application import Application
from service.i18n import load_words
from service.i18n.catalogue import LANGUAGES


def terms_of(app: Application, connection: Connection, now: datetime, decimal: str = "") -> Terms:
    """The terms of one reading at `now`, the company's own products and units among them.

    Args:
        app: its directories.
        connection: a reader's or a unit of work's.
        now: the time of the reading.
        decimal: the decimal sign, where it is agreed.
    """
    around = app.directories.around(connection)
    own = read_state(connection, as_of=now, known_at=now, orgs=())
    return Terms(
        now=now,
        directory=around.directory,
        specs=own.specs,
        units=own.units,
        names=product_names(),
        decimal=decimal,
    )


@cache
def product_names() -> dict[str, str]:
    """Names of products in both languages, in small letters → their code."""
    found: dict[str, str] = {}
    for language in LANGUAGES:
        words = load_words(language)
        for spec in shipped_specs().specs:
            key = f"product.{spec.product}"
            if key in words:
                found.setdefault(words.text(key).casefold(), spec.product)
    return found
