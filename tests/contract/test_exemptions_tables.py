"""Exemptions on both databases: one path through their tables, from asking to the end."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine

import trail
from directory import Scopes
from tests.unit.workorders.workorders_house import CLEAR, ORG, START, House, exposure, house_on
from workorders import Level, Policy
from workorders.exempting import counts, looked, standing_matches, standing_now
from workorders.exemption_ending import grant, revoke
from workorders.exemption_rows import enter, list_exemptions, read_in_force, seen_exemption
from workorders.exemptions import Exemption, ExemptionState, Terms
from workorders.flapping import Crossing, record_crossing

LEAF = {"field": "use", "op": ">=", "value": "1", "truth": True}
TERMS = Terms(ORG, "cu", "EXPOSURE", Decimal(8000), "t", START, START + timedelta(days=3))


@pytest.fixture
def house(database: Engine, tmp_path: Path) -> House:
    signer = trail.open_keys(tmp_path / "keys").trail
    return house_on(database, signer, Policy(last_resort=("boss",)))


def given(house: House, number: str, terms: Terms = TERMS) -> None:
    asked = Exemption(number, terms, "late", "4", "chen", house.now[0], ExemptionState.ASKED)
    with house.as_person("chen") as uow:
        enter(uow, asked, subjects=["liu", "liu", ""])
    with house.as_person("boss") as uow:
        grant(uow, number, approved_by="boss")


def test_from_asking_to_the_end(house: House):
    found = replace(exposure(Level.ORANGE), leaves=(LEAF,), data_state="current")
    house.ingest(found)
    with house.as_person("system:assessor") as uow:
        record_crossing(uow, Crossing(CLEAR.fact_key, ORG, "", "orange", uow.now))
    assert len(house.read(standing_matches, TERMS)) == 1
    given(house, "EX-1")
    later = replace(found, event_time=START + timedelta(seconds=60), value=Decimal(-7600))
    assert house.ingest(later).exemption == "EX-1"
    assert house.ingest(later).duplicate
    assert house.read(counts, ["EX-1"]) == {"EX-1": 1}
    (standing,) = house.read(standing_now, [ORG], house.now[0])
    assert (standing.match.value, standing.count) == (Decimal(-7600), 1)
    reader = Scopes((ORG,), ("liu",), matters=True)
    assert house.read(list_exemptions, reader, person="liu") == []
    assert house.read(seen_exemption, "EX-1", reader, "liu") is None
    assert [one.id for one in house.read(list_exemptions, [ORG])] == ["EX-1"]
    with house.as_person("system:assessor") as uow:
        looked(uow, CLEAR.fact_key, [])
    assert house.read(standing_now, [ORG], house.now[0]) == []
    house.ingest(replace(later, event_time=START + timedelta(seconds=120)))
    house.pass_time(days=3)
    assert set(house.fire_due()) >= {"EXEMPTION_REMINDED", "EXEMPTION_ENDED"}
    assert house.orders()[0].value == Decimal(-7600)
    assert house.read(read_in_force, house.now[0]) == []


def test_revoked_it_raises_what_stands(house: House):
    given(house, "EX-1")
    found = replace(exposure(Level.ORANGE), leaves=(LEAF,), data_state="current")
    assert house.ingest(found).exemption == "EX-1"
    done = house.do("wang", revoke, "EX-1", reason="in")
    assert done.raised == tuple(one.id for one in house.alerts())
    assert len(house.orders()) == 1
