"""Codes for editing delivered cards, on both databases."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, func, select

from service.inbound.card_codes import StoredCodes
from service.inbound.tables import CardCodeRow
from store import Store
from store.schema import table

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
LIFE = timedelta(hours=72)


class Moving:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(name="clock")
def _clock() -> Moving:
    return Moving()


@pytest.fixture(name="store")
def _store(database: Engine, clock: Moving) -> Store:
    return Store(database, clock=clock)


def test_codes_are_kept_for_their_life_and_used_once(store: Store, clock: Moving):
    codes = StoredCodes(store, "wecom", LIFE)
    codes.keep("N1", "N1-a", "first")
    clock.now += timedelta(seconds=1)
    codes.keep("N1", "N1-b", "second")
    codes.keep("N1", "N1-b", "second")  # a click that came twice
    codes.keep("N2", "N2-a", "other")
    assert codes.of("N1") == (("N1-b", "second"), ("N1-a", "first"))
    assert StoredCodes(store, "feishu", LIFE).of("N1") == ()
    StoredCodes(store, "feishu", LIFE).spend("second")
    assert len(codes.of("N1")) == 2
    codes.spend("second")
    codes.spend("second")
    assert codes.of("N1") == (("N1-a", "first"),)
    clock.now = NOW + LIFE
    assert codes.of("N1") == ()
    codes.keep("N3", "N3-a", "newest")
    counted = select(func.count()).select_from(table(str(CardCodeRow.__tablename__)))
    with store.reader() as connection:
        assert connection.scalar(counted) == 2  # what was over is gone
