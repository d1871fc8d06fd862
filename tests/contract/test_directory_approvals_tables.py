"""The directory and the approvals on both databases: one path through every table."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from sqlalchemy import Engine

import approvals
import trail
from approvals import Status, Subject, Wish
from directory import (
    Account,
    directory_from_mapping,
    grant,
    link_account,
    read_directory,
    revoke,
    save_directory,
    set_active,
)
from store import Store
from store.schema import metadata

AT = datetime(2024, 5, 14, 8, tzinfo=UTC)
ORG = "集团/甲"
HOUSE, _ = directory_from_mapping(
    {
        "organisations": [{"path": ORG, "settings": {"submit_limit": "1000.5"}}],
        "people": [
            {"id": "liu", "role": "trader", "unit": ORG},
            {"id": "chen", "role": "risk_officer", "unit": ORG},
            {"id": "wang", "role": "manager", "unit": ORG, "slack": {"team": "T", "user": "U"}},
        ],
        "roster": [{"org": ORG, "people": ["chen"]}],
        "holidays": {"CN": {2027: ["2027-01-01"]}},
    }
)
"""A directory that uses every table."""


def test_both_databases_hold_the_same(empty_database: Engine, tmp_path: Path):
    metadata.create_all(empty_database)
    keeper = trail.TrailKeeper(trail.open_keys(tmp_path / "keys").trail)
    store = Store(empty_database, clock=lambda: AT, before_commit=[keeper])
    with store.unit_of_work("cli:root") as uow:
        assert save_directory(uow, HOUSE)
        assert read_directory(uow.connection) == HOUSE
        link_account(uow, "chen", Account("slack", "T", "V"))
        assert set_active(uow, "wang", active=False)
        assert set_active(uow, "wang", active=True)
        grant(uow, "liu", "rules.write", approved_by="wang")
    order = Subject("hedge_order", "HO", ORG, "liu", amount=Decimal("5000000.01"))
    with store.unit_of_work("liu") as uow:
        house = read_directory(uow.connection)
        state = approvals.submit(uow, order, house).state
        assert revoke(uow, "liu", "rules.write")
        asked = approvals.request_grant(
            uow, "liu", "liu", "fund.transfer.cross_dept", org=ORG, directory=house
        ).state
    ends = AT + timedelta(days=1)
    wish = Wish("wang", ORG, None, ends, "away", "", Decimal("9.5"), "CNY")
    with store.unit_of_work("chen") as uow:
        lent = approvals.give_delegation(uow, wish, house).lending
        assert lent is not None
    with store.unit_of_work("wang") as uow:
        assert approvals.confirm_delegation(uow, lent.number, house).ok
        assert [one.number for one in approvals.untold(uow.connection, AT)] == [lent.number]
        assert approvals.mark_told(uow, lent.number, [state.id])
        assert not approvals.mark_told(uow, lent.number, [state.id])
        assert approvals.list_delegations(uow.connection, ["集团"])[0].cap == Decimal("9.5")
        assert approvals.end_delegation(uow, lent.number).ok
        assert approvals.list_delegations(uow.connection, [], "chen")[0].ended_by == "wang"
    for actor, request in (("chen", state), ("wang", state), ("wang", asked)):
        with store.unit_of_work(actor) as uow:
            done = approvals.act(uow, request.id, actor, "approve", 1, directory=house)
            again = approvals.act(uow, request.id, actor, "approve", 1, directory=house)
            assert (again.code, again.changed) == (done.code, False)
    with store.reader() as connection:
        assert approvals.read(connection, state.id).status is Status.APPROVED
        assert approvals.list_requests(connection, [ORG], "approved")
        assert approvals.waiting_for(connection, "wang") == ()
        assert approvals.due(connection, AT + timedelta(days=9)) == ()
        liu = read_directory(connection).person("liu")
        assert liu is not None
        assert [g.grant for g in liu.grants] == ["rules.write", "fund.transfer.cross_dept"]
        assert len(trail.find(connection, action="approval.approve")) == 3
