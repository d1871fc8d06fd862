"""The roster on the console: the calendar, who answers when, changes, and where nobody does."""

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from flow_house import EAST, WEST, House, house, people
from hypothesis import given, settings
from hypothesis import strategies as st

from directory import Role, coverage
from directory.loading import directory_from_mapping
from directory.writing import save_directory
from service.web.rooms.roster_days import midnight, parts_of, span_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
#: Nobody from Saturday 00:00 to Monday 00:00; one or the other by day and by night.
ROSTER = [
    {
        "org": EAST, "role": "risk_officer", "people": ["chen"], "deputies": ["wang"],
        "shift": "08:00-20:00", "weekdays": [1, 2, 3, 4, 5],
    },
    {
        "org": EAST, "role": "risk_officer", "people": ["lin"], "shift": "20:00-08:00",
        "weekdays": [1, 2, 3, 4],
    },
]  # fmt: skip


@pytest.fixture(name="home")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("roster")) as made:
        known, problems = directory_from_mapping({**people(), "roster": ROSTER})
        assert problems == []
        with made.app.store.unit_of_work("cli:test") as uow:
            save_directory(uow, known)
        yield made


def text_of(client: TestClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    main = answer.text[answer.text.index("<main") : answer.text.index("</main")]
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main)))


def after(client: TestClient, path: str, **data: Any) -> str:
    answer = client.post(path, data=data)
    assert answer.status_code == 303, (path, answer.status_code, answer.text[:300])
    return text_of(client, answer.headers["location"])


def changes(home: House) -> tuple[Any, ...]:
    with home.app.store.reader() as connection:
        known = home.app.directories.around(connection).directory
    return (*known.overrides, *known.swaps, *known.absences)


def test_the_week_shows_who_answers_and_where_nobody_does(home: House) -> None:
    page = text_of(home.signed_in("chen"), "/roster")
    assert "East · Risk officer on duty Chen Fang, Lin Hao · deputies Wang Qiang" in page
    assert "Tue 05-14 Today 00:00–08:00 Lin Hao 08:00–20:00 Chen Fang 20:00–24:00 Lin Hao" in page
    assert "✕ nobody on the roster" in page
    assert re.search(r"✕ Nobody is on call at East \(Risk officer\) from 2024-05-17 20:00", page)
    month = text_of(home.signed_in("chen"), "/roster?view=month")
    assert "2024-05-01 – 2024-05-31" in month
    assert "Mon 04-29" in month
    assert "Sun 06-02" in month
    # a unit that somebody does not see is not there
    assert "East" not in text_of(home.signed_in("zhao"), "/roster")


def test_the_top_bar_names_who_answers_and_says_when_that_is_not_by_the_roster(home: House) -> None:
    chen, zhao = home.signed_in("chen"), home.signed_in("zhao")
    answers = chen.get("/").text
    assert "On call: Chen Fang<" in answers
    # where the bar has no room for it, the menu has
    assert '<span class="menu-text menu-sentence">On call: Chen Fang</span>' in answers
    # a unit that keeps no roster has its officers; that is not nobody
    assert "No roster: Zhao Min<" in zhao.get("/").text
    home.pass_time(days=4)  # Saturday
    page = home.signed_in("chen").get("/").text
    assert "Roster gap: Chen Fang, Lin Hao, New Officer<" in page
    assert "Nobody is on call" not in page


def test_nobody_is_on_call_where_nobody_is_left(home: House) -> None:
    known, problems = directory_from_mapping(
        {
            "organisations": [{"path": "Lone"}],
            "people": [
                {
                    "id": "shen",
                    "name": "Shen",
                    "roles": ["auditor"],
                    "unit": "Lone",
                    "language": "en",
                }
            ],
        }
    )
    assert problems == []
    with home.app.store.unit_of_work("cli:test") as uow:
        save_directory(uow, known)
    assert "Nobody is on call<" in home.signed_in("shen").get("/").text


def test_who_is_on_call_is_exact_to_the_minute(home: House) -> None:
    chen = home.signed_in("chen")
    for at, name in (("2024-05-15T07:59", "Lin Hao"), ("2024-05-15T08:00", "Chen Fang")):
        page = text_of(chen, f"/roster?org={EAST}&role=risk_officer&at={at}")
        told = page[page.index("Ask ") : page.index("Change it")]
        assert f"Risk officer: {name} next change: 2024-05-15" in told
        assert "nobody on the roster from 2024-05-17 20:00:00" in told
    for wrong in (f"org={EAST}&at=soon", f"org={WEST}&at=2024-05-15T08:00"):
        assert "Give a time that can be meant." in text_of(chen, f"/roster?{wrong}")


def test_an_override_needs_the_permission_and_is_withdrawn(home: House) -> None:
    form = {
        "org": EAST, "person": "lin", "instead_of": "chen", "reason": "stocktaking",
        "start": "2024-05-15T08:00", "end": "2024-05-15T20:00",
    }  # fmt: skip
    chen, wang = home.signed_in("chen"), home.signed_in("wang")
    assert "Needs the permission" in text_of(chen, "/roster")
    assert "Refused: " in after(chen, "/roster/overrides", **form)
    assert changes(home) == ()
    page = after(wang, "/roster/overrides", **form)
    assert "The override stands." in page
    assert "Override East: Lin Hao in place of Chen Fang" in page
    assert "08:00–20:00 Lin Hao (in place of Chen Fang)" in page
    (made,) = changes(home)
    refused = wang.post("/roster/overrides", data={**form, "org": WEST})
    assert refused.status_code == 404
    unknown = wang.post("/roster/overrides", data={**form, "role": "x"})
    assert unknown.status_code == 422
    assert "role" in unknown.text
    bad = wang.post("/roster/overrides", data={**form, "end": "2024-05-15T07:00"})
    assert bad.status_code == 422
    assert "ends before" in bad.text
    gone = after(wang, f"/roster/changes/{made.id}/withdraw")
    assert "Withdrawn." in gone
    assert changes(home) == ()
    assert wang.post("/roster/changes/OV-0000/withdraw").status_code == 404


def test_an_absence_that_nobody_covers_is_told_at_once(home: House) -> None:
    chen = home.signed_in("chen")
    span = {"start": "2024-05-15T08:00", "end": "2024-05-15T20:00"}
    first = after(home.signed_in("wang"), "/roster/absences", person="wang", **span)
    assert "The absence is noted." in first
    page = after(chen, "/roster/absences", person="chen", deputy="", reason="leave", **span)
    assert "Recorded. Mind: Nobody is on call" in page
    assert "Absence Chen Fang is away" in page
    # another's absence is not one's own to note
    after(chen, "/roster/absences", person="lin", **span)
    assert len(changes(home)) == 2


def test_a_swap_counts_once_the_other_agreed(home: House) -> None:
    form = {
        "org": EAST, "first": "chen", "second": "lin",
        "first_start": "2024-05-15T08:00", "first_end": "2024-05-15T20:00",
        "second_start": "2024-05-15T20:00", "second_end": "2024-05-16T08:00",
    }  # fmt: skip
    chen, lin = home.signed_in("chen"), home.signed_in("lin")
    page = after(chen, "/roster/swaps", **form)
    assert "The swap is proposed" in page
    assert "waits for consent" in page
    assert "swapped with" not in page
    (made,) = changes(home)
    assert f"/roster/swaps/{made.id}/agree" not in chen.get("/roster").text
    assert f"/roster/swaps/{made.id}/agree" in lin.get("/roster").text
    own = after(chen, f"/roster/swaps/{made.id}/agree")
    assert "waits for consent" in own
    agreed = after(lin, f"/roster/swaps/{made.id}/agree")
    assert "The swap is agreed." in agreed
    assert "08:00–20:00 Lin Hao (swapped with Chen Fang)" in agreed
    assert {"roster.swap_propose", "roster.swap_agree"} <= set(home.actions())


@settings(deadline=None, max_examples=60)
@given(day=st.dates(date(2023, 1, 1), date(2027, 12, 31)), view=st.sampled_from(["week", "month"]))
def test_the_days_hold_the_whole_coverage_once(day: date, view: str) -> None:
    known, _ = directory_from_mapping({**people(), "roster": ROSTER})
    span = span_of(view, day)
    assert span.first <= day <= span.last
    assert span.start.weekday() == 0
    assert [len(week) for week in span.weeks] == [7] * len(span.weeks)
    days = [one for week in span.weeks for one in week]
    assert days[0] <= span.first
    assert span.last <= days[-1] < span.end
    assert span_of(view, span.beside(1)).first == span.last + timedelta(days=1)
    assert span_of(view, span.beside(-1)).last == span.first - timedelta(days=1)
    start, end = midnight(span.start, SHANGHAI), midnight(span.end, SHANGHAI)
    stretches = coverage(known, EAST, Role.RISK_OFFICER, start, end)
    shown = [
        (part.start or midnight(one, SHANGHAI),
         part.end or midnight(one + timedelta(days=1), SHANGHAI), part.stretch)
        for one in days
        for part in parts_of(stretches, one, SHANGHAI)
    ]  # fmt: skip
    # neighbours meet: no hole, nothing twice, from the first midnight to the last
    bounds: list[datetime] = [shown[0][0], *(one[1] for one in shown)]
    assert [one[0] for one in shown] == bounds[:-1]
    assert (bounds[0], bounds[-1]) == (start, end)
    assert all(one[2].start <= one[0] and one[1] <= one[2].end for one in shown)


@pytest.mark.parametrize(
    ("path", "form", "field", "words"),
    [
        ("overrides", {"person": "lin", "start": "never"}, "start", "a time that can be meant"),
        ("overrides", {"person": "lin", "end": "2024-05-01T08:00"}, "end", "end"),
        ("overrides", {"person": "shen"}, "person", ""),
        ("absences", {"person": "wang", "deputy": "wang"}, "deputy", ""),
    ],
)
def test_a_change_that_is_refused_comes_back_as_it_was_filled_in(
    home: House, path: str, form: dict[str, str], field: str, words: str
) -> None:
    wang = home.signed_in("wang")
    filled = {
        "org": EAST, "start": "2024-05-15T08:00", "end": "2024-05-15T20:00",
        "reason": "her daughter's wedding", **form,
    }  # fmt: skip
    answer = wang.post(f"/roster/{path}", data=filled)
    assert answer.status_code == 422
    page = unescape(answer.text)
    dialog = page[page.index('<dialog class="ask"', page.index(" open aria-labelledby=") - 60) :]
    dialog = dialog[: dialog.index("</dialog>")]
    assert "her daughter's wedding" in dialog
    if "end" not in form:
        assert 'value="2024-05-15T20:00"' in dialog
    (wrong,) = re.findall(r'name="(\w+)"[^>]*aria-invalid="true"', dialog)
    assert wrong == field
    assert words in dialog
    assert changes(home) == ()
