"""The trail's pages: what an auditor reads, verifies, replays and takes along."""

import io
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from threading import Event
from time import monotonic, sleep
from typing import Any

import pytest
from flow_house import EAST, WEST, House, house
from sqlalchemy import text

import trail
import trail.merkle
from service.web.rooms import trail_page
from trail import Record

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(name="home", scope="module")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("trail")) as made:
        # Two changes at one instant would both be known then to who decides again.
        for org in (EAST, WEST):
            made.limit(1000, org)
            made.pass_time(seconds=1)
            made.buy(1300, org)
            made.pass_time(seconds=1)
            made.run_agents()
        made.pass_time(minutes=2)  # the next record brings a checkpoint over all before it
        made.signed_in("chen").get(f"/trail/records/{records(made, org=EAST)[0].seq}")
        yield made


def records(home: House, **wanted: str) -> list[Record]:
    with home.app.store.reader() as connection:
        return trail.find(connection, **wanted, limit=1000)  # type: ignore[arg-type]


def test_the_list_holds_the_records_of_the_units_that_a_person_sees(home: House) -> None:
    east, west = records(home, org=EAST), records(home, org=WEST)
    page = home.signed_in("shen").get("/trail?kind=match").text
    shown = {int(seq) for seq in re.findall(r'href="/trail/records/(\d+)"', page)}
    assert shown
    assert shown == {one.seq for one in east if one.kind == "match"}
    assert not shown & {one.seq for one in west}


def test_pages_follow_each_other_without_gap_or_repeat(home: House) -> None:
    client = home.signed_in("chen")
    for record in records(home, org=EAST)[:8] * 7:
        client.get(f"/trail/records/{record.seq}")
    found: list[int] = []
    url = "/trail"
    while url:
        page = client.get(url).text
        found += map(int, re.findall(r'<th scope="row"[^>]*><a[^>]*/trail/records/(\d+)"', page))
        following = re.search(r'href="(/trail\?cursor=\d+)"', page)
        url = following[1] if following else ""
    expected = [one.seq for one in records(home, org=EAST)]
    assert found == expected
    assert len(found) > 50


def test_who_may_not_read_the_trail_gets_no_page(home: House) -> None:
    assert home.signed_in("tmp").get("/trail").status_code == 403
    assert home.client().get("/trail").status_code == 303


def test_a_record_of_another_unit_is_as_if_it_were_not_there(home: House) -> None:
    client = home.signed_in("shen")
    foreign = records(home, org=WEST)[0].seq
    for path in (f"/trail/records/{foreign}", "/trail/records/99999999"):
        assert client.get(path).status_code == 404
    assert client.post(f"/trail/records/{foreign}/replay").status_code == 404
    assert client.post(f"/trail/records/{foreign}/proof").status_code == 404
    assert not [one for one in records(home, action="trail.read") if one.object_id == str(foreign)]


def test_reading_a_record_is_itself_recorded(home: House) -> None:
    record = next(one for one in records(home, org=EAST) if one.action == "order.open")
    page = home.signed_in("shen").get(f"/trail/records/{record.seq}").text
    assert record.leaf_hash.hex() in page
    assert "Work order opened" in page
    read = records(home, action="trail.read", actor="shen")[0]
    assert (read.kind, read.object_id, read.org) == ("access", str(record.seq), EAST)


def test_the_proof_on_the_page_leads_from_the_leaf_to_the_root(home: House) -> None:
    from trail.merkle import node_hash

    client = home.signed_in("chen")
    for record in records(home, org=EAST)[::7]:
        page = client.get(f"/trail/records/{record.seq}").text
        node = record.leaf_hash
        for side, step in re.findall(r"<li>(left|right) ([0-9a-f]{64})</li>", page):
            other = bytes.fromhex(step)
            node = node_hash(other, node) if side == "left" else node_hash(node, other)
        assert f'<div class="mono mb-2">{node.hex()}</div>' in page


def test_an_assessment_replayed_is_identical(home: House) -> None:
    record = next(one for one in records(home, org=EAST) if one.action == "assessment.run")
    page = home.signed_in("shen").post(f"/trail/records/{record.seq}/replay").text
    assert "Then" in page
    assert "Now" in page
    assert "✓ Identical" in page
    assert records(home, action="trail.replay")[0].outcome == "identical"


def test_what_holds_no_assessment_cannot_be_replayed(home: House) -> None:
    record = next(one for one in records(home, org=EAST) if one.action == "order.open")
    page = home.signed_in("shen").get(f"/trail/records/{record.seq}").text
    assert "Records of this kind hold no assessment to replay" in page


def test_the_bundle_holds_what_the_person_sees_and_verifies(home: House, tmp_path: Path) -> None:
    home.pass_time(minutes=2)
    home.signed_in("chen").get(f"/trail/records/{records(home, org=EAST)[0].seq}")
    answer = home.signed_in("shen").post("/trail/export")
    assert answer.headers["content-type"] == "application/zip"
    zipfile.ZipFile(io.BytesIO(answer.content)).extractall(tmp_path)
    report = trail.verify_export(tmp_path / "trail", [home.app.keys.trail.verifier])
    assert report.ok
    assert report.size > 10
    held = (tmp_path / "trail" / "records.ndjson").read_text()
    assert EAST in held
    assert f'"org":"{WEST}"' not in held
    assert home.signed_in("liu").post("/trail/export").status_code == 403


def test_one_record_goes_out_with_its_proof(home: House, tmp_path: Path) -> None:
    record = records(home, org=EAST)[-1]
    answer = home.signed_in("shen").post(f"/trail/records/{record.seq}/proof")
    zipfile.ZipFile(io.BytesIO(answer.content)).extractall(tmp_path)
    report = trail.verify_export(tmp_path / "trail", [home.app.keys.trail.verifier])
    assert (report.ok, report.size) == (True, 1)
    assert (tmp_path / "trail" / "records.ndjson").read_bytes() == record.raw + b"\n"


def test_a_workbook_of_the_filtered_records(home: House) -> None:
    answer = home.signed_in("shen").get("/trail.xlsx?kind=decision")
    assert answer.status_code == 200
    names = zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
    assert "xl/worksheets/sheet1.xml" in names


def verified(client: Any) -> str:
    """The trail's page after a verification from it has ended."""
    assert client.post("/trail/verify").status_code == 303
    until = monotonic() + 60
    while "data-verifying" in (page := client.get("/trail").text):
        assert monotonic() < until
        sleep(0.05)
    return str(page)


def as_an_intruder(home: House, statement: str, **values: Any) -> None:
    """Change a row with the triggers out of the way."""
    with home.app.store.engine.begin() as connection:
        query = text("SELECT name FROM sqlite_master WHERE type='trigger'")
        for name in connection.scalars(query).all():
            connection.execute(text(f"DROP TRIGGER {name}"))
        connection.execute(text(statement), values)


def test_verification_says_what_it_found_and_names_the_changed_record(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        home.breach()
        client = home.signed_in("shen")
        assert "not yet verified to be unchanged" in client.get("/trail").text
        page = verified(client)
        assert "✓" in page
        assert "not yet verified" not in page
        assert "has begun" not in page
        checked = len(records(home)) - 1
        assert f"The first {checked} records, unchanged since" in page
        assert "not verified yet" not in page
        home.buy(10)
        home.run_agents()
        later = len(records(home)) - 1 - checked
        assert later
        page = client.get("/trail").text
        assert f"The first {checked} records, unchanged since" in page
        assert re.search(rf"{later} records? since then not verified yet", page)
        assert "The list holds the records of your units" in page
        assert home.app.directory.person("shen").name in page[page.index("last verified") :][:200]

        victim = next(one for one in records(home, org=EAST) if one.action == "order.open")
        changed = victim.raw.replace(b'"open"', b'"shut"', 1)
        assert changed != victim.raw
        statement = "UPDATE trail_record SET body = :body WHERE seq = :seq"
        as_an_intruder(home, statement, body=changed, seq=victim.seq)
        page = verified(client)
        assert "trail-sentence is-broken" in page
        assert f"record {victim.seq}" in page.lower()
        assert "does not" in client.get(f"/trail/records/{victim.seq}").text.lower()


def test_a_verification_can_be_left_and_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, under_way = Event(), Event()
    real = trail.verify

    def slowly(connection: Any, **wanted: Any) -> trail.VerifyReport:
        wanted["progress"](50, 200)
        under_way.set()
        assert go_on.wait(60)
        return real(connection, **wanted)

    with house(tmp_path) as home:
        home.breach()
        monkeypatch.setattr("service.verifying.trail.verify", slowly)
        assert home.signed_in("shen").post("/trail/verify").status_code == 303
        assert under_way.wait(60)
        other = home.signed_in("chen")
        page = other.get("/trail").text
        assert 'value="25"' in page
        assert 'action="/trail/verify"' not in page
        other.post("/trail/verify")  # a second one is not begun beside it
        assert "under way" in other.get("/trail").text
        go_on.set()
        until = monotonic() + 60
        while "data-verifying" in other.get("/trail").text:
            assert monotonic() < until
            sleep(0.05)
        assert [one.actor for one in records(home, action="trail.verify")] == ["shen"]

        def breaks(connection: Any, **wanted: Any) -> trail.VerifyReport:
            raise OSError("no space")

        monkeypatch.setattr("service.verifying.trail.verify", breaks)
        assert "broke off" in verified(other)


def test_a_verification_that_ends_while_the_page_is_made_is_not_shown_as_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, under_way = Event(), Event()
    verify, last_result = trail.verify, trail_page.last_result

    def held(connection: Any, **wanted: Any) -> trail.VerifyReport:
        under_way.set()
        assert go_on.wait(60)
        return verify(connection, **wanted)

    with house(tmp_path) as home:
        home.breach()
        client = home.signed_in("shen")

        def ends_meanwhile(*given: Any) -> Any:
            read = last_result(*given)  # nothing found yet
            go_on.set()
            until = monotonic() + 60
            while not records(home, action="trail.verify") or client.app.state.verification.running:
                assert monotonic() < until
                sleep(0.01)
            return read

        monkeypatch.setattr("service.verifying.trail.verify", held)
        monkeypatch.setattr(trail_page, "last_result", ends_meanwhile)
        assert client.post("/trail/verify").status_code == 303
        assert under_way.wait(60)
        page = client.get("/trail").text
        assert "not yet verified" in page
        assert "data-verifying" in page  # so it is fetched again


def test_a_record_that_is_no_json_any_more_is_shown_with_its_fault(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        home.breach()
        victim = next(one for one in records(home, org=EAST) if one.action == "order.open")
        statement = "UPDATE trail_record SET body = :body WHERE seq = :seq"
        as_an_intruder(home, statement, body=b'{"at":"\xff<b>\x00', seq=victim.seq)
        client = home.signed_in("shen")
        answer = client.get(f"/trail/records/{victim.seq}")
        assert answer.status_code == 200
        assert "no longer JSON" in answer.text
        assert "\\xff&lt;b&gt;\\x00" in answer.text
        assert "The proof does not" in answer.text or "does not" in answer.text
        assert client.get("/trail").status_code == 200
        assert f"record {victim.seq}" in verified(client).lower()


@pytest.fixture(name="anchored")
def _anchored(tmp_path: Path) -> Iterator[tuple[House, Path]]:
    outside = tmp_path / "outside"
    with house(tmp_path / "home") as home:
        home.breach()
        home.pass_time(minutes=2)
        home.breach(WEST)
        settings = home.app.settings.model_copy(update={"anchors": outside})
        object.__setattr__(home.app, "settings", settings)
        yield home, outside


def test_a_checkpoint_is_copied_outside_and_compared_from_then_on(
    anchored: tuple[House, Path],
) -> None:
    home, outside = anchored
    client = home.signed_in("shen")
    assert client.post("/trail/anchor").status_code == 303
    (kept,) = outside.glob("*.checkpoint")
    page = client.get("/trail?tab=anchors").text
    assert "✓ agrees" in page
    page = verified(client)
    assert "is-unanchored" not in page
    assert "last outside anchor" in page
    handed = client.post("/trail/checkpoint")
    assert handed.text == kept.read_text()
    kept.write_text(kept.read_text().replace("\n", "\n\n", 1))
    assert "✕ DIFFERS" in client.get("/trail?tab=anchors").text
    client.post("/trail/anchor")
    assert "one of the two trails is false" in client.get("/trail?tab=anchors").text
    assert home.signed_in("liu").post("/trail/anchor").status_code == 403


def printed(client: Any) -> list[str]:
    page = client.get("/trail/how").text
    return [
        unescape(one) for one in re.findall(r"<pre[^>]*data-command>(.*?)</pre>", page, re.DOTALL)
    ]


def typed(command: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env={**os.environ, **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_api_sees_the_consoles_verification_and_names_what_it_found(
    anchored: tuple[House, Path],
) -> None:
    home, _ = anchored
    page, api = home.signed_in("chen"), home.client("chen")
    assert api.get("/api/v1/trail/verify").json()["last"] is None
    assert home.signed_in("shen").post("/trail/anchor").status_code == 303
    verified(page)
    first = api.get("/api/v1/trail/verify").json()["last"]
    assert (first["ok"], first["anchored"], first["actor"]) == (True, True, "chen")
    assert first["anchor_size"] > 0

    as_an_intruder(home, "UPDATE trail_record SET actor = 'nobody' WHERE seq = 2")
    assert api.post("/api/v1/trail/verify").status_code == 202
    until = monotonic() + 60
    while (found := api.get("/api/v1/trail/verify").json())["running"]:
        assert monotonic() < until
        sleep(0.05)
    (fault,) = found["last"]["faults"]
    assert (fault["seq"], fault["code"], found["last"]["ok"]) == (2, "COLUMN", False)
    assert "record 2" in fault["titles"]["en"]
    assert "is-broken" in page.get("/trail").text


def test_a_verification_that_broke_off_says_so(
    anchored: tuple[House, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, outside = anchored

    def breaks(connection: Any, **wanted: Any) -> trail.VerifyReport:
        assert wanted["anchors_dir"] == outside
        raise OSError("no space")

    api = home.client("chen")
    monkeypatch.setattr("service.verifying.trail.verify", breaks)
    api.post("/api/v1/trail/verify")
    until = monotonic() + 60
    while (found := api.get("/api/v1/trail/verify").json())["running"]:
        assert monotonic() < until
        sleep(0.05)
    assert (found["broke_off"], found["last"]) == (True, None)


@pytest.mark.parametrize("part", ["whole", "one"])
def test_the_printed_commands_check_a_bundle_without_this_program(
    anchored: tuple[House, Path], tmp_path: Path, part: str
) -> None:
    if not shutil.which("openssl"):
        pytest.skip("extra: no openssl")
    home, outside = anchored
    with home.app.store.reader() as connection:
        trail.anchor(connection, outside)
        bundle = tmp_path / "trail"
        seqs = None if part == "whole" else [2, 5]
        keys = [home.app.keys.trail.verifier]
        trail.export(connection, bundle, verifiers=keys, seqs=seqs)
    client = home.signed_in("shen")
    assert str(keys[0]) in unescape(client.get("/trail/how").text)
    _, leaf, tree, signature, compare = printed(client)
    first = trail.merkle.leaf_hash((bundle / "records.ndjson").read_bytes().split(b"\n")[0]).hex()
    assert typed(leaf, bundle).stdout.split()[0] == first
    done = typed(tree, bundle)
    assert (done.returncode, "agree" in done.stdout, done.stderr) == (0, True, "")
    done = typed(signature, bundle)
    assert done.returncode == 0, done.stderr
    assert typed(compare, bundle, KEPT=str(outside)).returncode == 0

    lines = (bundle / "records.ndjson").read_bytes()
    (bundle / "records.ndjson").write_bytes(lines.replace(b'"v":1', b'"v":2', 1))
    done = typed(tree, bundle)
    assert done.returncode == 1
    assert "DIFFER" in done.stdout
    note = max((bundle / "checkpoints").iterdir())
    note.write_text(note.read_text().replace("\n", "\n1", 1))
    assert typed(signature, bundle).returncode != 0
    assert typed(compare, bundle, KEPT=str(outside)).returncode != 0


# --- what a line says ---------------------------------------------------------------------------

DIGEST = "d5d0b0762e613441d671c82dc440b3b8407b44deeb68efaeb51e858b98ae4a88"


def lines(page: str) -> list[list[str]]:
    """The cells of the list, as read."""
    rows = re.findall(r"<tr data-line>(.*?)</tr>", page, re.DOTALL)
    cells = [re.findall(r"<t[dh]\b.*?</t[dh]>", row, re.DOTALL) for row in rows]
    return [[unescape(re.sub(r"<[^>]+>", "", one)).strip() for one in row] for row in cells]


@pytest.mark.parametrize(("language", "colours"), [("en", "RED"), ("zh", "红")])
def test_a_match_tells_its_title_once_and_then_its_colour(
    home: House, language: str, colours: str
) -> None:
    client = home.signed_in("chen")
    client.cookies.set("hedgewarden_language", language)
    found = lines(client.get("/trail?kind=match").text)
    assert found
    for _, _, _, title, _, _, outcome in found:
        assert title
        assert title not in outcome
    assert any(one[6].startswith(colours) for one in found)


@pytest.mark.parametrize(
    ("language", "named"), [("en", "Model d5d0b076…"), ("zh", "模型 d5d0b076…")]
)
def test_a_digest_is_named_for_what_it_is_and_cut_with_the_whole_beside_it(
    home: House, language: str, named: str
) -> None:
    with home.app.store.unit_of_work("system:trainer") as uow:
        ref = trail.record(
            uow, kind="decision", action="model.put_to_work", object_type="model",
            object_id=DIGEST, org=EAST, outcome="in_service",
        )  # fmt: skip
    client = home.signed_in("chen")
    client.cookies.set("hedgewarden_language", language)
    page = client.get(f"/trail?q={DIGEST}").text
    line, kind = lines(page)[0], named.partition(" ")[0]
    assert line[4] == named
    assert f'title="{kind} {DIGEST}"' in page
    whole = client.get(f"/trail/records/{ref.seq}").text
    assert f"{kind} {DIGEST}" in whole
