"""The tutorial is walked on a demo that serves: each page holds the words that it promises."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest

ROOT = Path(__file__).parents[2]
PATIENCE_S = 300
_TAG = re.compile(r"<(script|style|svg)\b.*?</\1>|<[^>]+>", re.DOTALL)


class Doors(NamedTuple):
    """Where the demo's console is, and the link that signs in."""

    address: str
    sign_in: str


@pytest.fixture(name="doors", scope="module")
def _doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    folder = tmp_path_factory.mktemp("tutorial")
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT),
                   "LANG": "en_US.UTF-8"}  # fmt: skip
    child = subprocess.Popen(
        [sys.executable, "-c", "import main; main.run()", "--json", "--data", str(folder / "data"),
         "demo"],
        cwd=folder, text=True, stdout=subprocess.PIPE, env=environment,
    )  # fmt: skip
    try:
        assert child.stdout is not None
        text = ""
        while "demo.address" not in text or not text.rstrip().endswith("}"):
            read = child.stdout.readline()
            assert read, "the demo ended"
            text += read
        said = json.loads(text[text.rindex('{\n  "said": "demo.address"') :])
        yield Doors(said["address"], said["sign_in"])
    finally:
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=PATIENCE_S)


class Reader:
    """A browser in one language that keeps what it has read since it was last asked."""

    def __init__(self, doors: Doors, language: str) -> None:
        self.client = httpx.Client(
            base_url=doors.address, headers={"Origin": doors.address}, follow_redirects=True,
            cookies={"hedgewarden_language": language}, timeout=60, trust_env=False,
        )  # fmt: skip
        self._read: list[str] = []

    def look(self, path: str) -> str:
        """A page as it is read; what it holds counts for the step."""
        return self._shown(self.client.get(path))

    def act(self, path: str, **form: str) -> str:
        """Press a button."""
        return self._shown(self.client.post(path, data=form))

    def enter_as(self, person: str) -> None:
        self.client.post("/logout")
        self.act("/login/as", person=person)

    def _shown(self, answer: httpx.Response) -> str:
        assert answer.status_code == 200, (str(answer.url), answer.status_code, answer.text[:300])
        text = " ".join(unescape(_TAG.sub(" ", answer.text)).split())
        self._read.append(text)
        return text

    def step(self, number: int, language: str) -> str:
        """What was read in a step; every word in bold of the tutorial must be in it."""
        found, self._read = " ".join(self._read), []
        bold = re.findall(r"\*\*(.+?)\*\*", manual_of(language, number), re.DOTALL)
        promised = {" ".join(one.split()) for one in bold}
        assert promised or number == 1
        missing = {one for one in promised if one.lower() not in found.lower()}
        assert missing == set(), f"step {number} in {language}"
        return found


def manual_of(language: str, number: int) -> str:
    """What the tutorial says of a step."""
    manual = (ROOT / "docs" / language / "tutorial.md").read_text(encoding="utf-8")
    section = re.search(rf"^## {number}\. .*?(?=^## )", manual, re.DOTALL | re.MULTILINE)
    assert section is not None
    return section[0]


def buttons(html: str) -> dict[str, str]:
    """What stands on the button of each person on the sign-in page."""
    found = re.findall(r'name="person" value="(\w+)">(.*?)</button>', html, re.DOTALL)
    return {person: " ".join(_TAG.sub(" ", inner).split()) for person, inner in found}


def enter_by_name(reader: Reader, name: str) -> None:
    """Choose somebody as the sign-in page names them."""
    reader.client.post("/logout")
    reader.look("/login")
    offered = buttons(reader.client.get("/login").text)
    (person,) = (who for who, told in offered.items() if name in told)
    reader.enter_as(person)


def link(html: str, start: str) -> str:
    """The first address on a page that begins so."""
    found = re.search(rf'href="({re.escape(start)}[^"?#]*)"', html)
    assert found is not None, start
    return found[1]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_step_finds_what_it_promises(doors: Doors, language: str) -> None:
    reader = Reader(doors, language)
    reader.look(urlsplit(doors.sign_in).path + "?" + urlsplit(doors.sign_in).query)
    assert "u_rk2" in reader.step(1, language)

    # the sign-in page says as whom there is something to do, by the same count as Today
    counted = re.search(r"(?:by deadline|按时限排序) · (\d+)", reader.look("/"))
    assert counted is not None
    offered = buttons(reader.client.get("/login").text)
    assert counted[1] in re.findall(r"\d+", offered["u_rk2"].removeprefix("u_rk2"))
    assert re.findall(r"\d+", offered["u_chen"].replace("u_chen", "")) == []

    order = link(reader.client.get("/").text, "/orders/WO-")
    reader.look(order)
    if language == "en":  # the second reader finds the order closed
        work_on(reader, order)
        reader.step(2, language)
    reader.look(order)
    reader._read.clear()

    reader.look("/alerts")
    waiting = set(re.findall(r"alert=(AL-20241230-\d+)", reader.client.get("/alerts").text))
    assert len(waiting) == 2
    enter_by_name(reader, "陈芳")
    assert "alert=AL-" in reader.client.get("/alerts").text
    reader.step(3, language)
    assert "`oe_" not in manual_of(language, 3)  # an id that stands nowhere on the page

    reader.enter_as("u_chen")
    closed = link(reader.client.get("/orders?state=closed").text, "/orders/WO-")
    reader.look("/orders?state=closed")
    shown = reader.look(closed)
    for figure in ("7,500 t", "500 t", "1,500"):
        assert figure in shown
    whole(shown, "u_wang")
    assert "u_rk2" not in reader.client.get("/orders").text
    reader.step(4, language)

    assert "WO-20240514-001" in reader.look("/inbox")
    card = reader.look("/inbox?message=chat-0")  # its order was closed since
    assert "【红】" in card
    assert "/inbox/0/" not in reader.client.get("/inbox?message=chat-0").text
    mail = link(reader.client.get("/inbox?message=mail-0").text, "/m/")
    assert reader.client.get(mail).status_code == 410
    reader.step(5, language)

    at = "as_of=2024-05-14T19:00&known_at=2024-05-14T19:00"
    reader.look(f"/exposure?{at}")
    assert 'class="cell-not_assessable' in reader.client.get(f"/exposure?{at}").text
    reader.look("/rules")
    assert "19532" in reader.look("/log?q=19532")
    reader.step(6, language)

    reader.look("/trail")
    reader.act("/trail/verify")
    reader.step(7, language)


def work_on(reader: Reader, order: str) -> None:
    """Acknowledge, note, resolve; closing asks for its three things."""
    reader.act(f"{order}/acknowledge", version=version_of(reader, order))
    reader.act(f"{order}/note", text="seen in the tutorial")
    shown = reader.act(f"{order}/resolve", version=version_of(reader, order), text="posted")
    assert "seen in the tutorial" in shown
    asked = reader.client.get(order).text
    assert 'name="disposition"' in asked
    assert 'name="root_cause"' in asked
    assert 'name="corrective"' in asked


def whole(page: str, person: str) -> None:
    """The person stands on it; no sentence with a place that nothing filled, no unit twice."""
    assert person in page
    assert re.search(r"\{\w+\}|1 min s|1 分 秒", page) is None


def version_of(reader: Reader, order: str) -> str:
    found = re.search(r'name="version" value="(\d+)"', reader.client.get(order).text)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("page", ["README.md", "docs/en/tutorial.md", "docs/zh/tutorial.md"])
def test_no_page_promises_a_port_that_the_demo_does_not_take(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert re.findall(r"127\.0\.0\.1:\d+|port \d{2,5}|\d{2,5} 端口", text) == []
    assert set(re.findall(r"HEDGEWARDEN_PORT=(\d+) make demo", text)) == {"9000"}
