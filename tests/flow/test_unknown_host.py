"""A request for a name that is none of ours is refused, before anything is read (DNS rebinding)."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from flow_house import House, house

from service.security.hosts import Hosts


@pytest.fixture(name="town", scope="module")
def _town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("hosts"), hosts=["risk.example.com"]) as made:
        made.breach()
        yield made


STRANGE = ("evil.example", "evil.example:8600", "127.0.0.1.evil.example", "localhost.evil.example",
           "testserver.evil.example", "10.1.2.3", "a@localhost", "localhost/x", "",
           "localhost:port", "[::1", "0.0.0.0")  # fmt: skip
OURS = ("testserver", "TESTSERVER:80", "localhost:8600", "127.0.0.1:8600", "[::1]:8600",
        "risk.example.com", "risk.example.com.", "risk.example.com:443")  # fmt: skip


@pytest.mark.parametrize("host", STRANGE)
@pytest.mark.parametrize("path", ["/", "/login", "/healthz", "/api/v1/orders", "/static/icon.svg"])
def test_another_host_is_refused(town: House, host: str, path: str) -> None:
    answer = town.client("boss").get(path, headers={"Host": host})
    assert answer.status_code == 421
    assert "WO-" not in answer.text


@pytest.mark.parametrize("host", OURS)
def test_our_own_names_are_served(town: House, host: str) -> None:
    assert town.client("boss").get("/api/v1/orders", headers={"Host": host}).status_code == 200


def test_the_refusal_is_in_the_readers_language(town: House) -> None:
    client = TestClient(town.web)
    for language, words in (("zh", "此地址不属于本系统"), ("en", "This address is none of this")):
        headers = {"Host": "evil.example", "Accept-Language": language}
        assert words in client.get("/", headers=headers).text
        problem = client.get("/api/v1/orders", headers=headers)
        assert problem.headers["content-type"] == "application/problem+json"
        assert problem.json()["code"] == "UNKNOWN_HOST"
        assert words in problem.json()["title"]


def test_a_click_in_the_chat_comes_by_the_public_address(town: House) -> None:
    assert town.press("chen", "acknowledge").status_code == 200


def test_on_all_interfaces_a_bare_address_is_ours_and_a_name_is_not() -> None:
    hosts = Hosts(bound="0.0.0.0")
    assert hosts.ours("10.1.2.3:8600")
    assert hosts.ours("[fe80::1]")
    assert not hosts.ours("evil.example")
    assert not Hosts(bound="10.1.2.3").ours("10.1.2.4")
    assert Hosts(bound="10.1.2.3").ours("10.1.2.3")
