"""Mail: a link never acts by being opened; digits acknowledge; a sign-in does the rest."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from flow_house import House, house

from service.i18n import load_words
from service.web.reader import LANGUAGE_COOKIE
from workorders import State


@pytest.fixture(name="town")
def _town(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as made:
        yield made


def written_to(town: House, person: str, about: str = "") -> tuple[str, str]:
    """The path of the link and the digits of the newest mail to a person."""
    for mail in reversed(town.mail.mails):
        if mail.recipients == (f"{person}@here.invalid",) and about in mail.text:
            link = re.search(r"http://testserver(/m/\S+)", mail.text)
            digits = re.search(r"\b(\d{6})\b", mail.text.replace(link[1] if link else "", ""))
            if link and digits:
                return link[1], digits[1]
    raise AssertionError(f"no mail to {person}")


def nonce_of(page: str) -> str:
    found = re.search(r'name="nonce" value="([0-9a-f]{64})"', page)
    assert found, page
    return found[1]


def opened(town: House, path: str, client: TestClient | None = None) -> tuple[TestClient, str]:
    """A browser that has opened the page, and the page's nonce."""
    browser = client or town.client()
    browser.headers["Origin"] = "http://testserver"
    page = browser.get(path)
    assert page.status_code == 200, page.text
    return browser, nonce_of(page.text)


def test_scanners_change_nothing(town: House):
    order = town.breach()
    path, digits = written_to(town, "chen")
    before = town.actions()
    scanner = town.client()
    for _ in range(3):
        assert scanner.get(path).status_code == 200
        assert scanner.head(path).status_code == 200
    assert town.actions() == before
    nonce = nonce_of(scanner.get(path).text)
    # A scanner that follows the form: it knows the page, not the mail.
    origin = {"Origin": "http://testserver"}
    form = {"nonce": nonce, "verb": "acknowledge"}
    assert scanner.post(path, data=form, headers=origin).status_code in {303, 403}
    form["code"] = "000000" if digits != "000000" else "000001"
    assert scanner.post(path, data=form, headers=origin).status_code == 403
    # One that has the digits, but not the page with its cookie.
    for values in ({"verb": "acknowledge", "code": digits}, {**form, "code": digits}):
        stranger = town.client().post(path, data=values, headers=origin)
        assert stranger.status_code == 403
    other_site = {"Origin": "http://elsewhere.invalid"}
    stolen = scanner.post(path, data={**form, "code": digits}, headers=other_site)
    assert stolen.status_code == 403
    assert town.order(order.id).state is State.OPEN
    assert "order.acknowledge" not in town.actions()


def test_the_page_is_private_to_the_mail(town: House):
    town.breach()
    path, digits = written_to(town, "chen")
    page = town.client().get(path)
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "noindex" in page.headers["x-robots-tag"]
    assert digits not in page.text
    assert "<script" not in page.text
    assert not re.search(r'(src|href)="(https?:)?//', page.text)
    cookie = page.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


@pytest.mark.parametrize(("language", "tag", "other"), [("zh", "zh-CN", "en"), ("en", "en", "zh")])
def test_the_page_is_in_one_language_the_readers(
    town: House, language: str, tag: str, other: str
) -> None:
    """The person's own is English: who chose Chinese at this machine reads the card in Chinese."""
    town.breach()
    path, digits = written_to(town, "chen")
    browser = town.client()
    browser.cookies.set(LANGUAGE_COOKIE, language)
    browser, nonce = opened(town, path, browser)
    wrong = {"nonce": nonce, "verb": "acknowledge", "code": "x" * 6}
    refused = browser.post(path, data=wrong).text
    done = browser.post(path, data={**wrong, "code": digits}).text
    said, unsaid = load_words(language, strict=True), load_words(other, strict=True)
    for page in (browser.get(path).text, refused, done):
        assert f'<html lang="{tag}"' in page
        title = re.search("<title>(.*?)</title>", page)
        assert title
        assert title[1].endswith(f" · {said.text('ui.product')}")
        assert title[1].split(" · ")[0] == re.search("<h1[^>]*>(.*?) · ", page)[1]  # type: ignore[index]
        assert said.text("level.red") in title[1]
        assert unsaid.text("ui.product") not in page
    assert said.text("button.acknowledge") in refused
    assert unsaid.text("button.acknowledge") not in refused
    assert said.reason("BAD_CODE") in refused
    assert said.reason("DONE").split("{")[0].rstrip("。.;；") in done


def test_the_digits_acknowledge_once_and_again_shows_what_is_on_record(town: House):
    order = town.breach()
    path, digits = written_to(town, "chen")
    browser, nonce = opened(town, path)
    form = {"nonce": nonce, "verb": "acknowledge", "code": digits}
    done = browser.post(path, data=form)
    assert done.status_code == 200, done.text
    assert town.order(order.id).acknowledged_by == "chen"
    again = browser.post(path, data=form)
    assert again.status_code == 200
    assert "on record" in again.text
    assert town.actions().count("order.acknowledge") == 1


def test_the_digits_give_no_more_than_an_acknowledgement(town: House):
    order = town.breach()
    path, digits = written_to(town, "chen")
    browser, nonce = opened(town, path)
    for verb in ("take_over", "escalate"):
        answer = browser.post(path, data={"nonce": nonce, "verb": verb, "code": digits})
        assert answer.status_code == 303
        assert answer.headers["location"] == f"/login?next={path}"
    close = browser.post(path, data={"nonce": nonce, "verb": "close", "code": digits})
    assert close.status_code == 403
    assert town.order(order.id).state is State.OPEN


def test_five_wrong_codes_close_the_way(town: House):
    order = town.breach()
    path, digits = written_to(town, "chen")
    browser, nonce = opened(town, path)
    wrong = f"{(int(digits) + 1) % 1_000_000:06d}"
    form = {"nonce": nonce, "verb": "acknowledge"}
    answers = [browser.post(path, data={**form, "code": wrong}).status_code for _ in range(5)]
    assert answers == [403] * 5
    late = browser.post(path, data={**form, "code": digits})
    assert late.status_code == 429
    assert town.order(order.id).state is State.OPEN
    officer = town.signed_in("chen")
    officer, nonce = opened(town, path, officer)
    assert officer.post(path, data={"nonce": nonce, "verb": "acknowledge"}).status_code == 200
    assert town.order(order.id).acknowledged_by == "chen"


def test_an_approval_needs_the_sign_in_of_whom_it_was_written_to(town: House):
    order = town.breach()
    asked = town.client("chen").post(
        f"/api/v1/orders/{order.id}/request-approval", json={"kind": "override"}
    )
    approval = asked.json()["approval"]
    town.run_agents()
    path, digits = written_to(town, "wang", approval)
    browser, nonce = opened(town, path)
    weak = browser.post(path, data={"nonce": nonce, "verb": "approve", "code": digits})
    assert weak.status_code == 303
    other = town.signed_in("lin")
    other, nonce = opened(town, path, other)
    assert other.post(path, data={"nonce": nonce, "verb": "approve"}).status_code == 303
    manager = town.signed_in("wang")
    manager, nonce = opened(town, path, manager)
    done = manager.post(path, data={"nonce": nonce, "verb": "approve"})
    assert done.status_code == 200, done.text
    shown = town.client("chen").get(f"/api/v1/approvals/{approval}").json()
    assert (shown["status"], shown["decided_by"]) == ("approved", "wang")
    again = manager.post(path, data={"nonce": nonce, "verb": "approve"})
    assert "Wang Qiang" in again.text


def test_old_and_forged_links_are_refused(town: House):
    order = town.breach()
    path, digits = written_to(town, "chen")
    browser, nonce = opened(town, path)
    forged = path[:-3] + ("abc" if path[-3:] != "abc" else "abd")
    assert browser.get(forged).status_code == 404
    assert browser.post(forged, data={"nonce": nonce, "verb": "acknowledge"}).status_code == 404
    assert browser.get("/m/%00").status_code == 404
    assert browser.get("/m/é").status_code == 404
    town.clock.set(town.clock() + timedelta(days=3))
    assert browser.get(path).status_code == 410
    late = browser.post(path, data={"nonce": nonce, "verb": "acknowledge", "code": digits})
    assert late.status_code == 410
    assert town.order(order.id).acknowledged_at is None


def test_a_card_that_was_overtaken_is_answered_with_the_present_state(town: House):
    order = town.breach()
    path, digits = written_to(town, "chen")
    browser, nonce = opened(town, path)
    assert town.press("lin", "acknowledge").status_code == 200
    answer = browser.post(path, data={"nonce": nonce, "verb": "acknowledge", "code": digits})
    assert answer.status_code == 200
    assert "Lin Hao" in answer.text
    assert town.order(order.id).acknowledged_by == "lin"


def test_the_page_speaks_the_reader_s_language(town: House):
    town.breach()
    path, _ = written_to(town, "chen")
    assert "Six digits from the mail" in town.client().get(path).text
    chinese = town.client()
    chinese.cookies.set("hedgewarden_language", "zh")
    assert "六位验证码" in chinese.get(path).text
