"""Notices by an address of apprise's: through the outbox like others, told and never answered."""

from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flow_house import EAST, House, house
from pydantic import SecretStr, ValidationError
from sqlalchemy import select

import service.settings
from directory import save_directory
from service.channels import channel_names_of
from service.cli.doctor_channels import channel_findings
from service.settings import Settings
from tests.unit.integrations.chat_server import Fault
from tests.unit.integrations.notice_server import NoticeServer
from workorders.rows import NOTICES

pytestmark = [
    pytest.mark.extra,
    pytest.mark.skipif(find_spec("apprise") is None, reason="the extra apprise is not installed"),
]
TOKEN = "token-of-this-test"
ROUTE = "/api/v1/test-calls"


@pytest.fixture(name="service_")
def _service() -> Iterator[NoticeServer]:
    with NoticeServer(lambda: 0) as server:
        yield server


def address(server: NoticeServer, box: str) -> SecretStr:
    return SecretStr(f"json://{urlsplit(server.url).netloc}/box/{box}?-token={TOKEN}")


@pytest.fixture(name="town")
def _town(tmp_path: Path, service_: NoticeServer) -> Iterator[House]:
    with house(tmp_path, apprise_url=address(service_, "{email}")) as made:
        yield made


def states(town: House, object_id: str, person: str) -> dict[str, tuple[str, str]]:
    """What became of a person's notices: by channel the state and the error."""
    c = NOTICES.c
    wanted = select(c.channel, c.state, c.error).where(c.object_id == object_id, c.person == person)
    with town.app.store.reader() as connection:
        return {row.channel: (row.state, row.error) for row in connection.execute(wanted)}


def change(town: House, person: str, **fields: Any) -> None:
    known = town.app.directory
    people = tuple(replace(one, **fields) if one.id == person else one for one in known.people)
    with town.app.store.unit_of_work("cli:test") as uow:
        assert save_directory(uow, replace(known, people=people))


def test_an_order_is_told_there_too(town: House, service_: NoticeServer):
    order = town.breach()
    assert {one.user for one in service_.messages} == {"chen@here.invalid", "lin@here.invalid"}
    told = service_.messages[0].body
    assert told["title"].startswith("[Red]")
    assert f"http://testserver/orders/{order.id}" in told["message"]
    assert states(town, order.id, "chen")["apprise"] == ("sent", "")
    assert town.card("chen", "acknowledge")


def test_who_has_no_address_there_is_told_by_the_others(town: House, service_: NoticeServer):
    change(town, "chen", email="")
    order = town.breach()
    assert states(town, order.id, "chen")["apprise"] == ("failed", "NO_ADDRESS")
    assert {one.user for one in service_.messages} == {"lin@here.invalid"}


def test_an_outage_is_waited_out(town: House, service_: NoticeServer):
    service_.lasting = Fault(status=503)
    order = town.breach()
    assert states(town, order.id, "chen")["apprise"] == ("queued", "HTTP 503")
    service_.lasting = None
    town.pass_time(minutes=1)
    town.run_agents()
    assert states(town, order.id, "chen")["apprise"] == ("sent", "")
    assert len(service_.messages) == 2


def test_acknowledging_elsewhere_tells_nothing_anew(town: House, service_: NoticeServer):
    order = town.breach()
    before = len(service_.messages)
    town.press("chen", "acknowledge", about=order.id)
    town.run_agents()
    assert len(service_.messages) == before


def test_a_test_call_says_that_nothing_comes_back(town: House, service_: NoticeServer):
    body = {"person": "chen", "channel": "apprise"}
    (made,) = town.client("wang").post(ROUTE, json=body).json()["tests"]
    assert made["ends_at"] == made["started_at"]
    town.run_agents()
    (told,) = service_.messages
    assert told.body["title"].startswith("[Test]")
    assert "There is nothing to confirm here." in told.body["message"]

    def known() -> dict[str, Any]:
        found = town.client("chen").get(ROUTE, params={"person": "chen"}).json()["items"]
        return next(one for one in found if one["channel"] == "apprise")

    assert known()["status"] == "told"
    town.pass_time(days=3)
    assert known()["status"] == "told"
    assert "sent; nothing comes back here" in town.signed_in("wang").get("/roster").text
    service_.unknown.add("chen@here.invalid")
    assert town.client("wang").post(ROUTE, json=body).status_code == 201
    town.run_agents()
    assert (known()["status"], known()["test"]["error"]) == ("failed", "APPRISE_HTTP_404")


def test_a_place_for_all_is_reached_by_everybody(tmp_path: Path, service_: NoticeServer):
    with house(tmp_path, apprise_url=address(service_, "room")) as town:
        change(town, "chen", email="", phone="")
        town.breach()
        first = {one.body["message"].splitlines()[0] for one in service_.messages}
        assert first == {"For Chen Fang:", "For Lin Hao:"}
        assert {one.user for one in service_.messages} == {"room"}


def test_no_page_and_no_record_shows_the_address(town: House):
    order = town.breach()
    officer = town.signed_in("chen")
    for path in ("/", f"/orders/{order.id}", "/roster", "/trail"):
        assert TOKEN not in officer.get(path).text
    assert TOKEN not in repr(town.app.settings)


# --- settings and doctor ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        f"json:/{TOKEN}", f"://{TOKEN}", f"JSON ://{TOKEN}", f"json://{TOKEN}/{{name}}",
        f"json://{TOKEN}/{{email}}/{{phone}}", f"json://{TOKEN} json://x", f"json://{TOKEN}/€",
        f"json://{TOKEN}/{{", "json://",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_without_showing_it(tmp_path: Path, url: str):
    with pytest.raises(ValidationError) as fault:
        Settings(data=tmp_path, apprise_url=SecretStr(url))
    assert [one["loc"][0] for one in fault.value.errors()] == ["apprise_url"]
    assert TOKEN not in str(fault.value)


def test_without_the_extra_the_setting_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(service.settings, "find_spec", lambda _name: None)
    with pytest.raises(ValidationError, match=r"hedgewarden\[apprise\]"):
        Settings(data=tmp_path, apprise_url=SecretStr("json://here.invalid/x"))
    assert channel_names_of(Settings(data=tmp_path)) == ()


@pytest.mark.parametrize(
    ("url", "result", "code"),
    [
        ("json://127.0.0.1:1/{person}", "good", ""),
        ("json://127.0.0.1:1/{phone}", "good", ""),
        ("mailto://me:secret@here.invalid", "refused", "APPRISE_NOT_HTTP"),
        ("slack://half", "refused", "APPRISE_ADDRESS"),
    ],
)
def test_doctor_says_whether_the_address_can_be_used(
    tmp_path: Path, url: str, result: str, code: str
):
    settings = Settings(data=tmp_path, apprise_url=SecretStr(url))
    (found,) = channel_findings(settings)
    assert (found.check, found.result, found.params.get("code", "")) == ("apprise", result, code)


def test_a_rung_may_name_it(tmp_path: Path, service_: NoticeServer):
    from workorders.company_policy import set_policy
    from workorders.policy_file import Known, load_policy

    with house(tmp_path, apprise_url=address(service_, "{person}")) as town:
        text = "levels: {red: {channels: [slack], rung_channels: {1: [apprise]}}}"
        known = Known([one.id for one in town.app.directory.people], town.app.channel_names)
        policy, problems = load_policy(text, "p.yaml", known)
        assert problems == []
        assert policy is not None
        with town.app.store.unit_of_work("cli:test") as uow:
            assert set_policy(uow, policy, "p.yaml")
        order = town.breach()
        assert order.org == EAST
        assert service_.messages == []
        town.pass_time(minutes=5)
        town.run_agents()
        assert [one.user for one in service_.messages] == ["boss"]
