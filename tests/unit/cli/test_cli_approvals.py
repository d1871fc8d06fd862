"""`approvals`: read and signed on the command line, judged as on every other surface."""

import json
from typing import Any

import pytest

import trail
from service.settings import Settings

CONTRACT = "contract_id,org,product,side,quantity,price\nP-1,华东钢铁,cu,buy,1000,71250\n"
PEOPLE = """\
organisations:
  - {path: 华东钢铁}
  - {path: 西部矿业}
people:
  - {id: qian, name: 钱多, roles: [manager], unit: 华东钢铁}
  - {id: li, name: 李四, roles: [auditor], unit: 华东钢铁, grants: [{grant: view, scope: 华东钢铁}]}
  - {id: far, name: 远方, roles: [manager], unit: 西部矿业}
"""


@pytest.fixture
def town(house: Any) -> Any:
    assert house("directory", "import", house.file("p.yaml", PEOPLE)).code == 0
    house("import", "contracts", house.file("c.csv", CONTRACT))
    return house


@pytest.fixture
def request_id(town: Any) -> str:
    (order,) = town("orders", "list", "--json").json["rows"]
    return str(town.asks("chen", order["id"]))


def act(town: Any, verb: str, request_id: str, person: str, *more: str, seen: str = "1") -> Any:
    token = town.token(person)
    words = ("approvals", verb, request_id, "--seen", seen, "--as", person, *more)
    return town(*words, "--json", token=token)


def records(town: Any, request_id: str) -> list[tuple[str, str, str]]:
    app = town.compose(Settings(data=town.data))
    with app.store.reader() as connection:
        found = trail.find(connection, object_id=request_id, action="approval.")
    app.close()
    decided = [one for one in found if one.kind == "decision"]
    return [(one.actor, one.action, one.outcome) for one in reversed(decided)]


def test_a_manager_signs_and_it_stands_on_every_surface(town: Any, request_id: str) -> None:
    (waiting,) = town("approvals", "list", "--status", "pending", "--json").json["rows"]
    assert (waiting["id"], waiting["still_needed"]) == (request_id, 1)
    assert set(waiting["waiting_for"]) == {"wang", "qian"}
    answer = act(town, "approve", request_id, "wang", "--text", "seen")
    assert (answer.code, answer.json["ok"], answer.json["changed"]) == (0, True, True)
    shown = town("approvals", "show", request_id, "--json").json
    assert (shown["status"], shown["decided_by"]) == ("approved", "wang")
    assert [one["by"] for one in shown["signatures"]] == ["wang"]
    assert [(one["by"], one["verb"], one["note"]) for one in shown["history"]][-1] == (
        "wang", "approve", "seen",
    )  # fmt: skip
    assert records(town, request_id)[-1] == ("wang", "approval.approve", "approved")
    again = act(town, "approve", request_id, "wang", "--text", "seen")
    assert (again.code, again.json["changed"]) == (0, False)
    late = act(town, "approve", request_id, "qian")
    assert (late.code, late.json["ok"]) == (1, False)


@pytest.mark.parametrize(
    ("person", "verb"),
    [
        ("chen", "approve"),  # asked for it
        ("li", "approve"),  # reads and nothing else
        ("li", "reject"),
        ("li", "withdraw"),
        ("li", "nudge"),
        ("zhao", "approve"),
    ],
)
def test_who_may_not_is_refused_and_it_is_on_record(
    town: Any, request_id: str, person: str, verb: str
) -> None:
    more = ("--reason", "PRICE") if verb == "reject" else ()
    answer = act(town, verb, request_id, person, *more)
    if person == "zhao":  # of a unit beneath: the request is not his to see
        assert answer.code == 2
        return
    assert (answer.code, answer.json["ok"]) == (1, False)
    assert answer.json["message"]
    assert records(town, request_id)[-1] == (person, f"approval.{verb}", "refused")
    shown = town("approvals", "show", request_id, "--json").json
    assert (shown["status"], shown["signatures"]) == ("pending", [])


def test_permission_is_what_it_is_when_the_act_is_done(town: Any, request_id: str) -> None:
    taken = PEOPLE.replace("roles: [manager], unit: 华东钢铁", "roles: [auditor], unit: 华东钢铁")
    assert town("directory", "import", town.file("t.yaml", taken)).code == 0
    answer = act(town, "approve", request_id, "qian")
    assert (answer.code, answer.json["ok"]) == (1, False)
    assert records(town, request_id)[-1] == ("qian", "approval.approve", "refused")


def test_a_request_of_others_is_as_none(town: Any, request_id: str) -> None:
    assert act(town, "approve", request_id, "far").code == 2
    token = town.token("far")
    assert town("approvals", "show", request_id, "--as", "far", token=token).code == 2
    rows = town("approvals", "list", "--as", "far", "--json", token=token).json["rows"]
    assert rows == []
    assert town("approvals", "show", "AP-0000000000000000").code == 2


def test_what_changed_since_is_not_signed(town: Any, request_id: str) -> None:
    stale = act(town, "approve", request_id, "wang", seen="0")
    assert (stale.code, stale.json["code"]) == (1, "APPROVAL_CHANGED")
    words = ("approvals", "approve", request_id, "--as", "wang")
    assert town(*words, token=town.token("wang")).code == 2, "the version must be said"


def test_every_verb_does_what_it_says(town: Any, request_id: str) -> None:
    assert act(town, "nudge", request_id, "chen").code == 0
    version = str(town("approvals", "show", request_id, "--json").json["version"])
    seated = act(town, "invite", request_id, "wang", "--to", "qian", seen=version)
    assert (seated.code, seated.json["code"]) == (1, "TARGET_NOT_ELIGIBLE")
    returned = act(town, "return", request_id, "wang", "--reason", "papers_missing", seen=version)
    assert (returned.code, returned.json["approval"]["status"]) == (0, "papers")
    gone = act(town, "withdraw", request_id, "chen", seen=str(returned.json["approval"]["version"]))
    assert (gone.code, gone.json["approval"]["status"]) == (0, "withdrawn")


def test_a_seat_is_handed_on(town: Any, request_id: str) -> None:
    later = """\
organisations: [{path: 华东钢铁}]
people: [{id: sun, name: 孙二, roles: [manager], unit: 华东钢铁}]
"""
    assert town("directory", "import", town.file("sun.yaml", later)).code == 0
    handed = act(town, "reassign", request_id, "wang", "--to", "sun")
    assert handed.code == 0, handed.out
    assert set(handed.json["approval"]["waiting_for"]) == {"sun", "qian"}
    seen = str(handed.json["approval"]["version"])
    assert act(town, "reassign", request_id, "qian", "--to", "nobody", seen=seen).code == 2
    later = later.replace("sun", "zhou").replace("孙二", "周三")
    assert town("directory", "import", town.file("zhou.yaml", later)).code == 0
    more = act(town, "invite", request_id, "sun", "--to", "zhou", seen=seen)
    assert (more.code, more.json["approval"]["still_needed"]) == (0, 2)
    seen = str(more.json["approval"]["version"])
    own = act(town, "reassign", request_id, "qian", "--to", "chen", seen=seen)
    assert (own.code, own.json["ok"]) == (1, False)


def test_a_rejection_has_its_reason(town: Any, request_id: str) -> None:
    wrong = act(town, "reject", request_id, "wang", "--reason", "PRISE")
    assert wrong.code == 2
    assert "PRICE" in wrong.err
    done = act(town, "reject", request_id, "wang", "--reason", "price")
    assert (done.code, done.json["approval"]["reason"]) == (0, "PRICE")


def test_what_waits_for_a_person_is_listed(town: Any, request_id: str) -> None:
    for person, numbers in (("wang", [request_id]), ("chen", []), ("li", [])):
        token = town.token(person)
        words = ("approvals", "list", "--waiting", "--as", person, "--json")
        assert [one["id"] for one in town(*words, token=token).json["rows"]] == numbers
    assert town("approvals", "list", "--waiting").code == 2
    unknown = town("approvals", "list", "--status", "pendign")
    assert unknown.code == 2
    assert "pending" in unknown.err


@pytest.mark.parametrize(
    ("lang", "needs", "done"),
    [("zh_CN.UTF-8", "还需 1 人签署", "已同意"), ("en_GB.UTF-8", "Still needed: 1", "approved")],
)
def test_it_speaks_the_readers_language(
    town: Any, request_id: str, lang: str, needs: str, done: str
) -> None:
    shown = town("approvals", "show", request_id, lang=lang).out
    assert needs in shown
    assert request_id in town("approvals", "list", lang=lang).out
    words = ("approvals", "approve", request_id, "--seen", "1", "--as", "wang")
    told = town(*words, token=town.token("wang"), lang=lang).out
    assert done in told.lower()
    after = town("approvals", "show", request_id, lang=lang).out
    assert "approvals." not in after
    assert "reason." not in after


def test_the_figures_of_the_card_are_told(town: Any, request_id: str) -> None:
    shown = json.loads(town("approvals", "show", request_id, "--json").out)
    assert {one["code"] for one in shown["figures"]} >= {"card.value", "card.limit"}
