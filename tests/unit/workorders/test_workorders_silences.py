"""Silences: who may, over what, how long; what they keep back, and that it is told at the end."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from workorders_house import ORG, START, House, exposure

from workorders import Level, LevelPolicy, Policy, acknowledge, ingest_match, reads
from workorders.preview import preview
from workorders.rows import NOTICES, SILENCES
from workorders.silences import Matchers, Silence, SilenceState, Subject, Wish, covers, silenced_by
from workorders.silencing import (
    change_silence,
    confirm_silence,
    create_silence,
    end_silence,
    find_silence,
    list_silences,
)

CALM = LevelPolicy(step_minutes=100_000)


@pytest.fixture(autouse=True)
def calm(house: House) -> None:
    levels = {Level.ORANGE: CALM, Level.RED: CALM}
    house.ctx = replace(house.ctx, policy=Policy(levels=levels, last_resort=("boss",)))


def wish(
    house: House, *, hours: float = 4, reason: str = "roll over, known", **matchers: Any
) -> Wish:
    return Wish(
        Matchers(**{"org": ORG, "product": "cu", **matchers}),
        house.now[0],
        house.now[0] + timedelta(hours=hours),
        reason,
    )


def made(house: House, author: str = "chen", **wanted: Any) -> Silence:
    outcome = house.do(author, create_silence, wish(house, **wanted))
    assert outcome.ok
    return outcome.silence


def cards(house: House, order_id: str) -> list[str]:
    return [
        row.payload["lines"][0]["code"].rpartition(".")[2]
        for row in house.messages(order_id, None)
        if (row.target, row.channel) == ("wang", "chat")
    ]


def held(house: House, order_id: str):
    found = house.read(lambda c: list(c.execute(NOTICES.select()).mappings()))
    return [row for row in found if row["object_id"] == order_id and row["state"] == "held"]


def test_what_is_silenced_is_recorded_and_says_why(house: House):
    silence = made(house)
    order_id = house.ingest(exposure()).order_id
    assert house.messages(order_id, None) == []
    assert {(r["person"], r["reason"], r["muted_by"]) for r in held(house, order_id)} == {
        ("chen", "SILENCED", silence.id),
        ("wang", "SILENCED", silence.id),
    }
    entry = next(e for e in house.read(reads.stream, order_id) if e.code == "notice.queue")
    assert entry.params["muted_by"] == {"chen": silence.id, "wang": silence.id}
    shown = next(e for e in house.read(reads.stream, order_id) if e.code == "notice.silenced")
    assert shown.params == {"people": ["chen", "wang"], "by": silence.id, "trigger": "opened"}
    (record,) = house.trail(action="silence.create")
    assert (record.kind, record.actor, record.outcome) == ("decision", "chen", "active")
    assert record.body["reason"] == "roll over, known"


def test_a_unit_asks_once_for_the_silences_and_anew_when_it_made_one(house: House):
    questions: list[str] = []
    event.listen(
        house.store._writing,
        "before_cursor_execute",
        lambda *args: questions.append(args[2]) if "silence.starts_at <=" in args[2] else None,
    )
    with house.as_person("chen") as uow:
        for number, account in enumerate(("a", "b")):
            told = ingest_match(uow, exposure(after=5_000 * number, account=account), house.ctx)
            assert told.opened
        assert len(questions) == 1
        assert create_silence(uow, house.ctx, wish(house)).ok
        quiet = ingest_match(uow, exposure(after=20_000, account="c"), house.ctx)
        assert quiet.opened
    assert house.messages(told.order_id, None)
    assert house.messages(quiet.order_id, None) == []


def test_its_end_tells_what_still_stands_and_only_that(house: House):
    silence = made(house)
    order_id = house.ingest(exposure()).order_id
    done = house.ingest(exposure(product="cu", org=f"{ORG}/Desk")).order_id
    house.do("boss", acknowledge, done)
    house.pass_time(hours=3, minutes=59)
    house.fire_due()
    assert cards(house, order_id) == []
    house.pass_time(minutes=1)
    assert "SILENCE_EXPIRED" in house.fire_due()
    assert cards(house, order_id) == ["silence_ended"]
    assert house.read(find_silence, silence.id).state is SilenceState.EXPIRED
    assert [r.actor for r in house.trail(action="silence.expire")] == ["system:escalator"]


def test_ended_early_it_tells_at_once_and_once(house: House):
    silence = made(house)
    order_id = house.ingest(exposure()).order_id
    ended = house.do("wang", end_silence, silence.id, reason="over sooner")
    assert (ended.code, ended.told) == ("DONE", (order_id,))
    assert house.do("wang", end_silence, silence.id).code == "ALREADY_DONE"
    house.pass_time(hours=5)
    house.fire_due()
    assert cards(house, order_id) == ["silence_ended"]


def test_a_second_silence_over_the_same_keeps_it_quiet_until_its_own_end(house: House):
    first, _second = made(house), made(house, hours=6, product="")
    order_id = house.ingest(exposure()).order_id
    house.do("chen", end_silence, first.id)
    assert cards(house, order_id) == []
    house.pass_time(hours=6)
    house.fire_due()
    assert cards(house, order_id) == ["silence_ended"]


def test_red_pierces_unless_it_is_named_and_a_second_person_agrees(house: House):
    made(house)
    red = house.ingest(exposure(Level.RED)).order_id
    assert cards(house, red) == ["opened"]
    asked = house.do("chen", create_silence, wish(house, product="al", levels=(Level.RED,)))
    assert (asked.ok, asked.code) == (True, "SILENCE_NEEDS_SECOND")
    waiting = asked.silence.id
    other = house.ingest(exposure(Level.RED, product="al")).order_id
    assert cards(house, other) == ["opened"]
    assert house.do("chen", confirm_silence, waiting).code == "SILENCE_NEEDS_SECOND"
    assert house.do("tmp", confirm_silence, waiting).code == "FORBIDDEN"
    agreed = house.do("wang", confirm_silence, waiting, expected_version=1)
    assert (agreed.code, agreed.silence.confirmed_by) == ("DONE", "wang")
    assert house.do("lin", confirm_silence, waiting).code == "ALREADY_DONE"
    third = house.ingest(exposure(Level.RED, product="al", org=f"{ORG}/Desk")).order_id
    assert cards(house, third) == []


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"reason": "  "}, "NEEDS_REASON"),
        ({"org": ""}, "NEEDS_ORG"),
        ({"hours": 0}, "SILENCE_ENDS_EARLY"),
        ({"hours": -1}, "SILENCE_ENDS_EARLY"),
        ({"hours": 7 * 24 + 0.1}, "SILENCE_TOO_LONG"),
        ({"org": "Group/West"}, "FORBIDDEN"),
    ],
)
def test_what_cannot_be_is_refused_and_on_record(house: House, changed: dict[str, Any], code: str):
    refused = house.do("chen", create_silence, wish(house, **changed))
    assert (refused.ok, refused.code) == (False, code)
    assert [r.reason for r in house.trail(action="silence.create")] == [code]
    assert house.read(lambda c: c.execute(SILENCES.select()).first()) is None


def test_a_viewer_and_a_trader_cannot_silence(house: House):
    for person in ("tmp", "zhao", "nobody"):
        assert house.do(person, create_silence, wish(house)).code == "FORBIDDEN"


def test_nobody_silences_what_they_caused(house: House):
    order_id = house.ingest(exposure(actor="chen")).order_id
    assert house.do("chen", create_silence, wish(house)).code == "OWN_BREACH"
    asked = house.do("wang", create_silence, wish(house, levels=(Level.RED, Level.ORANGE)))
    assert house.do("chen", confirm_silence, asked.silence.id).code == "OWN_BREACH"
    assert cards(house, order_id) == ["opened"]


def test_a_breach_that_the_author_causes_later_is_told(house: House):
    made(house)
    order_id = house.ingest(exposure(actor="chen")).order_id
    assert cards(house, order_id) == ["opened"]


def test_an_edit_is_a_new_version_and_tells_what_it_no_longer_covers(house: House):
    silence = made(house)
    order_id = house.ingest(exposure()).order_id
    narrower = wish(house, product="al")
    stale = house.do("wang", change_silence, silence.id, narrower, expected_version=7)
    assert stale.code == "SILENCE_CHANGED"
    changed = house.do("wang", change_silence, silence.id, narrower, expected_version=1)
    assert (changed.silence.version, changed.silence.author) == (2, "wang")
    assert changed.told == (order_id,)
    first = house.read(find_silence, silence.id, 1)
    assert (first.state, first.matchers.product) == (SilenceState.REPLACED, "cu")
    house.pass_time(hours=5)
    house.fire_due()
    assert house.do("wang", change_silence, silence.id, narrower, expected_version=2).code == (
        "SILENCE_OVER"
    )


def test_a_silence_for_one_person_leaves_the_others_told(house: House):
    assert house.do("chen", create_silence, wish(house, person="chen")).ok
    order_id = house.ingest(exposure()).order_id
    assert {row.target for row in house.messages(order_id, None)} == {"wang"}


def test_a_silence_of_one_rule_leaves_alone_what_another_broke_too(house: House):
    made(house, rule="EXPOSURE")
    order_id = house.ingest(exposure()).order_id
    assert cards(house, order_id) == []
    house.ingest(exposure(after=60, rule="OTHER", code="OTHER", measure="basis"))
    house.pass_time(minutes=6)
    house.fire_due()
    assert cards(house, order_id) == ["attached"]


def test_the_preview_counts_real_cards_and_what_stands(house: House):
    order_id = house.ingest(exposure()).order_id
    house.ingest(exposure(product="al"))
    house.deliver()
    house.pass_time(hours=1)
    seen = house.read(preview, Matchers(ORG, product="cu"), now=house.now[0], days=7)
    # Two people, one card each, whatever the number of channels.
    assert (seen.cards, seen.seen, seen.objects) == (2, 4, 1)
    assert {(one.object_id, one.person) for one in seen.latest} == {
        (order_id, "chen"),
        (order_id, "wang"),
    }
    assert [one.id for one in seen.now.orders] == [order_id]
    red = house.read(preview, Matchers(ORG, levels=(Level.RED,)), now=house.now[0])
    assert (red.cards, red.now.orders) == (0, ())
    old = house.read(preview, Matchers(ORG), now=house.now[0] + timedelta(days=8), days=7)
    assert (old.cards, old.seen) == (0, 0)
    assert house.trail(action="silence.create") == []


def test_the_list_shows_the_newest_version_inside_the_reader_scopes(house: House):
    one = made(house)
    house.do("chen", change_silence, one.id, wish(house, hours=2), expected_version=1)
    two = made(house, author="boss", org="Group", product="")
    ids = [(s.id, s.version) for s in house.read(list_silences, (ORG,))]
    assert sorted(ids) == sorted([(two.id, 1), (one.id, 2)])
    assert [s.id for s in house.read(list_silences, ("Group/West",))] == [two.id]
    assert house.read(list_silences, ()) == []
    house.do("chen", end_silence, one.id)
    live = house.read(list_silences, ("Group",), live_only=True, now=house.now[0])
    assert [s.id for s in live] == [two.id]


# --- properties -----------------------------------------------------------------------------------

words = st.sampled_from(["", "a", "b"])
orgs = st.sampled_from(["G", "G/E", "G/E/d", "G/Ex", "H"])
levels = st.sampled_from(Level)
matchers = st.builds(
    Matchers, orgs, words, words, words, words, st.lists(levels, max_size=2).map(tuple), words
)
subjects = st.builds(
    Subject, orgs, levels, words, words, words, st.frozensets(words), st.frozensets(words)
)


@given(matchers, subjects, words)
@settings(deadline=None)
def test_a_narrower_silence_never_covers_more(wide: Matchers, subject: Subject, person: str):
    if not covers(wide, subject, person):
        for name in ("product", "account", "measure", "rule", "person"):
            if not getattr(wide, name):
                assert not covers(replace(wide, **{name: "a"}), subject, person)
    elif subject.level is Level.RED:
        assert wide.names_red
    if covers(wide, subject, person):
        assert subject.org == wide.org or subject.org.startswith(wide.org + "/")


@given(matchers, subjects, words, st.integers(-10, 10), words, words)
@settings(deadline=None)
def test_no_silence_covers_its_signers_doing_or_counts_outside_its_time(  # noqa: PLR0917
    matchers: Matchers, subject: Subject, person: str, minute: int, author: str, second: str
):
    silence = Silence(
        id="SL-1",
        version=1,
        matchers=matchers,
        starts_at=START,
        ends_at=START + timedelta(minutes=5),
        author=author,
        reason="r",
        state=SilenceState.ACTIVE,
        created_at=START,
        confirmed_by=second,
    )
    found = silenced_by([silence], subject, person, START + timedelta(minutes=minute))
    if found:
        assert 0 <= minute < 5
        assert not ({author, second} - {""}) & subject.causers
    assert not silenced_by([replace(silence, state=SilenceState.WAITING)], subject, person, START)
