import os
from decimal import Decimal
from typing import Any

import orjson
import pytest
import rfc8785

import trail
from store.clock import rfc3339


def leave(uow: Any, **changes: Any) -> trail.RecordRef:
    values = {"kind": "decision", "action": "a.b", "object_type": "order", "object_id": "1"}
    return trail.record(uow, **{**values, **changes})


def test_a_record_holds_exactly_its_canonical_bytes(house: Any) -> None:
    body = {"qty": Decimal("12.50"), "names": ["王", "李"], "none": None}
    with house.store.unit_of_work("li.wei") as uow:
        ref = leave(uow, org="集团", outcome="hold", reason="DATA_GATE", body=body)
        now = uow.now
    with house.store.reader() as connection:
        record = trail.read(connection, 1)
        assert trail.read_uid(connection, ref.uid) == record
    expected = {
        "v": 1,
        "seq": 1,
        "at": rfc3339(now),
        "actor": "li.wei",
        "kind": "decision",
        "action": "a.b",
        "object": {"type": "order", "id": "1"},
        "org": "集团",
        "outcome": "hold",
        "reason": "DATA_GATE",
        "uid": ref.uid,
        "body": {"qty": "12.5", "names": ["王", "李"], "none": None},
    }
    assert record.raw == rfc8785.dumps(expected)
    assert orjson.loads(record.raw) == expected
    assert (record.body, record.at, record.actor) == (expected["body"], now, "li.wei")


def test_numbers_run_without_gap_over_commits_of_any_size(house: Any) -> None:
    refs = []
    for size in (1, 3, 2, 50, 1):
        with house.store.unit_of_work("li.wei") as uow:
            refs += [leave(uow) for _ in range(size)]
    assert [ref.seq for ref in refs] == list(range(1, 58))
    assert len({ref.uid for ref in refs}) == 57
    assert house.verify().ok


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "rumour"},
        {"action": ""},
        {"object_type": ""},
        {"object_id": "a\x00b"},
        {"body": {"a": 0.5}},
        {"outcome": "\ud800"},
    ],
)
def test_what_cannot_be_kept_is_refused_where_it_is_said(house: Any, changes: Any) -> None:
    with house.store.unit_of_work("li.wei") as uow, pytest.raises(trail.TrailError):
        leave(uow, **changes)
    assert house.verify().size == 0


def test_a_large_part_goes_into_a_blob(house: Any) -> None:
    large = "价" * 30_000
    with house.store.unit_of_work("li.wei") as uow:
        with pytest.raises(trail.RecordTooLarge, match="put_blob"):
            leave(uow, body={"evidence": large})
        name = trail.put_blob(uow, large.encode())
        assert trail.put_blob(uow, large.encode()) == name
        leave(uow, body={"blobs": {"evidence": name}})
    with house.store.reader() as connection:
        assert trail.read_blob(connection, name) == large.encode()
        assert trail.read_blob(connection, "0" * 64) is None
    assert house.verify().ok


def test_a_record_of_64000_bytes_fits_and_one_more_does_not(house: Any) -> None:
    with house.store.unit_of_work("li.wei") as uow:
        leave(uow, body={"x": ""})
        frame = len(uow.buffers["trail"][0].before) + len(uow.buffers["trail"][0].after) + 16
        leave(uow, body={"x": "a" * (64_000 - frame)})
        with pytest.raises(trail.RecordTooLarge):
            leave(uow, body={"x": "a" * (64_001 - frame)})
    with house.store.reader() as connection:
        assert 63_900 < len(trail.read(connection, 2).raw) <= 64_000


def test_checkpoints_come_by_count_by_time_and_on_demand(house: Any) -> None:
    def sealed() -> int:
        with house.store.reader() as connection:
            return trail.summary(connection).checkpoint_size

    house.append(9)
    assert sealed() == 0
    house.append(1)
    assert sealed() == 10
    house.append(1)
    house.seal()
    assert sealed() == 11
    house.seal()  # nothing new: no second checkpoint of the same tree
    house.now = house.now.replace(hour=12)
    house.append(1)
    assert sealed() == 12


def test_the_summary_says_since_when_and_how_far_it_was_taken_outside(
    house: Any, tmp_path: Any
) -> None:
    with house.store.reader() as connection:
        empty = trail.summary(connection)
        assert (empty.size, empty.since, empty.anchor_at) == (0, None, None)
        assert trail.anchor(connection, tmp_path / "outside") is None
    house.append(10)
    with house.store.reader() as connection:
        anchored = trail.anchor(connection, tmp_path / "outside")
    assert anchored is not None
    with house.store.unit_of_work("system:sentinel") as uow:
        trail.record_anchor(uow, anchored)
    with house.store.reader() as connection:
        summary = trail.summary(connection)
        first = trail.read(connection, 1)
        assert (summary.size, summary.since) == (11, first.at)
        assert (summary.checkpoint_size, summary.anchor_size) == (10, 10)
        assert summary.anchor_at == trail.read(connection, 11).at


def test_a_checkpoint_stands_outside_whole_or_not_at_all(
    house: Any, tmp_path: Any, monkeypatch: Any
) -> None:
    house.append(10)
    outside = tmp_path / "outside"

    def full(_file: int) -> None:
        raise OSError("no space left")

    with house.store.reader() as connection:
        with monkeypatch.context() as broken:
            broken.setattr(os, "fsync", full)
            with pytest.raises(OSError, match="no space"):
                trail.anchor(connection, outside)
        assert list(outside.iterdir()) == []

        def no_links(*_names: Any) -> None:
            raise OSError("not on this share")

        with monkeypatch.context() as share:
            share.setattr(os, "link", no_links)
            anchored = trail.anchor(connection, outside)
        assert anchored is not None
        assert anchored.new
        assert list(outside.iterdir()) == [anchored.path]
        again = trail.anchor(connection, outside)
    assert again is not None
    assert not again.new


def test_an_unknown_number_is_refused(house: Any) -> None:
    with house.store.reader() as connection:
        for call in (trail.read, trail.prove):
            with pytest.raises(trail.UnknownRecord):
                call(connection, 1)


def test_a_personal_value_is_found_until_it_is_erased(house: Any) -> None:
    with house.store.unit_of_work("li.wei") as uow:
        name = trail.commit_personal(uow, subject="p-17", field="mail", value="wang@example.org")
        other = trail.commit_personal(uow, subject="p-18", field="mail", value="wang@example.org")
        leave(uow, body={"to": name})
    assert name != other  # equal values are not seen to be equal
    with house.store.unit_of_work("admin") as uow:
        assert trail.erase_personal(uow, subject="p-17", reason="REQUEST") == 1
        assert trail.erase_personal(uow, subject="p-17", reason="REQUEST") == 0
    with house.store.reader() as connection:
        assert trail.personal_values(connection, [name, other]) == {other: "wang@example.org"}
        assert b"wang" not in trail.read(connection, 1).raw
    assert house.verify().ok


def test_replaying_gives_the_same_or_says_what_differs(house: Any) -> None:
    body = {"inputs": {"qty": Decimal(5)}, "leaves": [{"field": "use", "truth": True}]}
    house.append(1, action="assess", body=body)

    def same(then: dict[str, Any]) -> dict[str, Any]:
        return {**then, "inputs": {"qty": Decimal(then["inputs"]["qty"])}}

    def other(then: dict[str, Any]) -> dict[str, Any]:
        return {"inputs": then["inputs"], "leaves": [{"field": "use", "truth": False}], "new": 1}

    def broken(then: dict[str, Any]) -> dict[str, Any]:
        return {"x": then["gone"]}

    with house.store.reader() as connection:
        assert trail.replay(connection, 1, {"assess": same}).identical
        report = trail.replay(connection, 1, {"assess": other})
        assert (report.identical, report.reason) == (False, "DIFFERENT")
        assert [(d.path, d.then, d.now) for d in report.explanation] == [
            ("leaves[0].truth", "true", "false"),
            ("new", None, "1"),
        ]
        assert trail.replay(connection, 1, {}).reason == "NO_REPLAYER"
        failed = trail.replay(connection, 1, {"assess": broken})
        assert (failed.reason, failed.explanation[0].now) == ("FAILED", "KeyError: 'gone'")
