"""A company's own names, words and sources become ours as its files are read."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from auditlog.events import Event
from auditlog.mapping import load_mapping
from auditlog.port import Reject
from auditlog.reader_files import read_file

NOW = datetime(2024, 12, 31, tzinfo=UTC)
MAPPING = """
columns: {event_id: 流水号, event_time: 时间, type: 动作, actor: 操作, outcome: 结果码}
constants: {kind: business, region: CN}
values:
  outcome: {"1": success, "0": failure}
units: {wms-east: 集团/华东业务部, u_liu: /集团/财务部/}
"""
HEADER = "流水号,时间,动作,操作,结果码,source,org\n"


def read(path: Path, text: str) -> list[Event | Reject]:
    path.write_text(text, encoding="utf-8")
    mapping, problems = load_mapping(MAPPING, "own.yaml")
    assert problems == []
    return list(read_file(path, now=NOW, mapping=mapping))


def test_names_words_constants_and_units_of_a_table(tmp_path: Path):
    at = "2024-05-14T10:00:00Z"
    rows = f"1,{at},pay,u_liu,1,erp,集团/甲\n2,{at},pay,u_liu,0,wms-east,\n3,{at},pay,u_liu,7,,\n"
    found = read(tmp_path / "a.csv", HEADER + rows)
    assert [
        (one.event_id, one.kind.value, one.region, one.outcome, one.org)
        for one in found
        if isinstance(one, Event)
    ] == [
        ("1", "business", "CN", "success", "集团/甲"),
        ("2", "business", "CN", "failure", "集团/华东业务部"),
        ("3", "business", "CN", "7", "集团/财务部"),
    ]


def test_the_same_for_lines_of_json_under_any_of_our_names(tmp_path: Path):
    row = {
        "流水号": 1,
        "时间": "2024-05-14T10:00:00Z",
        "action": "pay",
        "event": {"provider": "wms-east", "outcome": 0},
        "log_class": "system",
    }
    (found,) = read(tmp_path / "a.ndjson", json.dumps(row, ensure_ascii=False))
    assert isinstance(found, Event)
    assert (found.event_id, found.type, found.outcome) == ("1", "pay", "failure")
    assert (found.kind.value, found.org) == ("system", "集团/华东业务部")


def test_a_bad_row_keeps_its_own_form_and_the_mapped_unit(tmp_path: Path):
    (found,) = read(tmp_path / "a.ndjson", '{"流水号": 1, "时间": "soon", "source": "wms-east"}')
    assert isinstance(found, Reject)
    assert "流水号" in found.raw
    assert found.org == "集团/华东业务部"
    assert {one.code for one in found.problems} == {"EVENT_TIME", "EVENT_FIELD_MISSING"}


@pytest.mark.parametrize(
    ("text", "code", "hint"),
    [
        ("colums: {}", "", "columns"),
        ("columns: {event_tme: 时间}", "FIELD_UNKNOWN", "event_time"),
        ("constants: [1]", "NOT_A_MAPPING", ""),
        ("values: {outcome: success}", "NOT_A_MAPPING", ""),
        ("units: 集团", "NOT_A_MAPPING", ""),
        ("columns: {", "NOT_YAML", ""),
    ],
)
def test_a_wrong_mapping_is_told(text: str, code: str, hint: str):
    _, problems = load_mapping(text, "own.yaml")
    assert len(problems) == 1
    assert code in {"", problems[0].code}
    assert problems[0].hint == hint
    assert problems[0].file == "own.yaml"


def test_a_value_that_is_no_text_is_left_to_the_reader(tmp_path: Path):
    (found,) = read(tmp_path / "a.ndjson", '{"流水号": [1], "source": {"a": {}}, "actor": [2]}')
    assert isinstance(found, Reject)
    assert "EVENT_FIELD_TYPE" in {one.code for one in found.problems}
