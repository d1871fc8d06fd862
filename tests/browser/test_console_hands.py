"""What a person is doing on a page outlasts what happens around it."""

import pytest
from playwright.sync_api import expect

import workorders
from service.security import sessions
from tests.browser.test_console_pages import (
    GROUP_OFFICER,
    OFFICER,
    PASSWORD,
    ROBOTS_OFFICER,
    SignIn,
    Told,
    _told,
    _visitor,
)

__all__ = ["_told", "_visitor"]
pytestmark = pytest.mark.browser


def happens(told: Told, text: str) -> None:
    """Somebody else writes a note, so that open pages look again."""
    order = told.order(OFFICER)
    app = told.stage.app
    with app.store.unit_of_work("u_wang") as uow:
        workorders.note(uow, app.context(), order.id, text)


def notes(told: Told) -> list[str]:
    app = told.stage.app
    with app.store.reader() as connection:
        lines = workorders.reads.stream(connection, told.order(OFFICER).id)
    return [one.text for one in lines]


def test_focus_and_open_parts_outlast_a_refresh(told: Told, visitor: SignIn) -> None:
    here = visitor(OFFICER)
    page = here.page
    here.open_whole(f"/orders/{told.order(OFFICER).id}")
    page.locator("details.evidence > summary").nth(1).click()
    page.get_by_text("The whole rule", exact=True).first.click()
    page.locator(".order-acts [data-dialog]").last.focus()
    focused = page.evaluate("document.activeElement.textContent.trim()")
    happens(told, "The gate is open")
    page.locator("text=The gate is open").wait_for()
    page.wait_for_function(
        "(text) => document.activeElement.textContent.trim() === text", arg=focused
    )
    expect(page.locator("details.evidence").nth(1)).to_have_attribute("open", "")
    expect(page.locator("details.rule-words").first).to_have_attribute("open", "")
    assert here.complaints == []


def test_ticks_outlast_what_happens_meanwhile_and_the_page_says_so(
    told: Told, visitor: SignIn
) -> None:
    here = visitor(ROBOTS_OFFICER)
    page = here.page
    here.open_whole("/alerts")
    page.locator("#bulk [name=alert]").first.check()
    page.evaluate("document.activeElement.blur()")
    happens(told, "A lorry came")
    note = page.locator(".changed-note")
    expect(note).to_be_visible()
    expect(page.locator("#bulk [name=alert]").first).to_be_checked()
    page.locator("#bulk [name=alert]").first.uncheck()
    page.evaluate("document.activeElement.blur()")
    expect(note).to_be_hidden()


def test_a_session_that_ended_in_mid_act_leads_back_and_does_it_once(
    told: Told, visitor: SignIn
) -> None:
    here = visitor(OFFICER)
    page = here.page
    path = f"/orders/{told.order(OFFICER).id}"
    here.open_whole(path)
    page.locator("#note").fill("Called the harbour master")
    page.context.clear_cookies(name=sessions.COOKIE)
    page.get_by_role("button", name="Add note").click()
    expect(page.get_by_role("alert")).to_contain_text("was not done")
    assert "Called the harbour master" not in notes(told)
    page.fill("[name=login]", OFFICER)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url(f"**{path}")
    expect(page.locator("#note")).to_have_value("Called the harbour master")
    page.get_by_role("button", name="Add note").click()
    page.locator(".stream >> text=Called the harbour master").wait_for()
    page.go_back()
    page.go_forward()
    page.reload()
    page.locator(".stream >> text=Called the harbour master").wait_for()
    assert notes(told).count("Called the harbour master") == 1


def test_what_was_typed_into_a_refused_act_is_still_there(told: Told, visitor: SignIn) -> None:
    here = visitor(GROUP_OFFICER)
    page = here.page
    here.open_whole(f"/orders/{told.order(GROUP_OFFICER).id}")
    page.get_by_role("button", name="Escalate", exact=True).click()
    dialog = page.get_by_role("dialog", name="Escalate")
    dialog.get_by_label("Reason").fill("   \n ")
    dialog.get_by_role("button", name="Escalate").click()
    page.locator(".flash-bad").wait_for()
    expect(dialog).to_be_visible()
    expect(dialog.get_by_label("Reason")).to_have_value("   \n ")


def test_a_form_sent_past_the_browsers_check_comes_back_with_what_was_typed(
    told: Told, visitor: SignIn
) -> None:
    here = visitor(ROBOTS_OFFICER)
    page = here.page
    here.open_whole("/alerts")
    page.evaluate("document.querySelectorAll('form').forEach((one) => { one.noValidate = true; })")
    page.locator("[data-dialog$=alert-dismiss]").click()
    dialog = page.get_by_role("dialog")
    dialog.locator("[name=text]").fill("The bank told us")
    dialog.get_by_role("button", name="Dismiss").click()
    expect(page.locator(".flash-bad")).to_contain_text("Reason")
    expect(dialog).to_be_visible()
    expect(dialog.locator("[name=text]")).to_have_value("The bank told us")
    assert here.complaints == []


def test_a_file_that_was_refused_has_to_be_chosen_again_and_breaks_nothing(
    told: Told, visitor: SignIn
) -> None:
    """A script may not write into a box of files; trying once ended the page's other scripts."""
    here = visitor(OFFICER)
    page = here.page
    here.open_whole(f"/orders/{told.order(OFFICER).id}")
    page.locator("#file").set_input_files(
        {"name": "empty.pdf", "mimeType": "application/pdf", "buffer": b""}
    )
    page.locator("form:has(#file) button").click()
    page.locator(".flash-bad").wait_for()
    expect(page.locator("#file")).to_have_value("")
    page.wait_for_function("() => document.documentElement.classList.contains('has-script')")
    assert here.complaints == []


def test_without_script_an_act_is_done_and_said(told: Told, visitor: SignIn) -> None:
    here = visitor(OFFICER, java_script_enabled=False)
    page = here.page
    here.open(f"/orders/{told.order(OFFICER).id}")
    page.locator("#note").fill("Noted without script")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator(".flash")).to_be_visible()
    assert notes(told).count("Noted without script") == 1


def test_a_form_that_was_refused_comes_back_as_the_dialog_that_it_was(
    told: Told, visitor: SignIn
) -> None:
    """Above the page with its backdrop, what was typed in it, the focus on the field at fault."""
    here = visitor(OFFICER)
    page = here.page
    here.open_whole("/")
    page.get_by_role("button", name="Open a work order").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("What happened").fill("The scale is broken")
    dialog.get_by_label("Product code").fill("nosuch")
    dialog.get_by_role("button", name="Open a work order").click()
    expect(dialog.locator("[aria-invalid=true]")).to_be_focused()
    expect(page.locator("dialog:modal")).to_be_visible()
    expect(dialog.get_by_label("What happened")).to_have_value("The scale is broken")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
