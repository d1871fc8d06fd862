"""Whoever changes the trail is told on, by the number of the record."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

import trail
from trail.keys import open_keys
from trail.merkle import Frontier, leaf_hash
from trail.notes import Checkpoint, Signer, Verifier, parse_checkpoint, read_note, sign

Sound = Callable[[Path], Any]
TEXTS = (
    "actor",
    "kind",
    "action",
    "object_type",
    "object_id",
    "org",
    "outcome",
    "reason",
    "uid",
)


def named(report: trail.VerifyReport) -> set[int]:
    """Every record that the faults name."""
    return {seq for fault in report.faults for seq in range(fault.seq, fault.last + 1)}


@pytest.mark.parametrize("seq", [1, 18, 37])
@pytest.mark.parametrize("column", TEXTS)
def test_a_changed_text_column_is_named(
    sound: Sound, tmp_path: Path, column: str, seq: int
) -> None:
    house = sound(tmp_path)
    house.tamper(
        f"UPDATE trail_record SET {column} = substr({column}, 2) || 'x' WHERE seq = :seq", seq=seq
    )
    report = house.verify()
    assert not report.ok
    assert named(report) == {seq}
    assert column in report.faults[0].detail


@pytest.mark.parametrize("seq", [1, 18, 37])
@pytest.mark.parametrize("column", ["body", "leaf_hash", "nodes"])
@pytest.mark.parametrize("where", ["first", "last"])
def test_one_changed_byte_of_a_binary_column_is_named(
    sound: Sound, tmp_path: Path, column: str, seq: int, where: str
) -> None:
    house = sound(tmp_path)
    with house.engine.connect() as connection:
        query = text(f"SELECT {column} FROM trail_record WHERE seq = :seq")
        value = bytearray(connection.scalar(query, {"seq": seq}))
    if not value:  # an odd record completes no node: one is invented for it
        value = bytearray(32)
    value[0 if where == "first" else -1] ^= 1
    house.tamper(
        f"UPDATE trail_record SET {column} = :value WHERE seq = :seq", value=bytes(value), seq=seq
    )
    report = house.verify()
    assert not report.ok
    assert seq in named(report)
    assert len(report.faults) <= 2


@pytest.mark.parametrize("change", ["at = at + 1", "body = 'text'", "actor = 7", "nodes = 0"])
def test_other_changes_to_a_row_are_named(sound: Sound, tmp_path: Path, change: str) -> None:
    house = sound(tmp_path)
    house.tamper(f"UPDATE trail_record SET {change} WHERE seq = 18")
    report = house.verify()
    assert not report.ok
    assert named(report) == {18}


@pytest.mark.parametrize("seq", [1, 2, 16, 18, 36, 37])
def test_a_removed_record_is_named(sound: Sound, tmp_path: Path, seq: int) -> None:
    house = sound(tmp_path)
    house.tamper("DELETE FROM trail_record WHERE seq = :seq", seq=seq)
    report = house.verify()
    assert [(fault.code, fault.seq, fault.last) for fault in report.faults] == [
        ("MISSING", seq, seq)
    ]


def test_two_swapped_records_are_named(sound: Sound, tmp_path: Path) -> None:
    house = sound(tmp_path)
    house.tamper(
        "UPDATE trail_record SET seq = -1 WHERE seq = 5",
        "UPDATE trail_record SET seq = 5 WHERE seq = 20",
        "UPDATE trail_record SET seq = 20 WHERE seq = -1",
    )
    report = house.verify()
    assert not report.ok
    assert {5, 20} <= named(report)


def forge(house: Any, seq: int) -> None:
    """Rewrite a record's body and its own hash, so that the row is right in itself."""
    with house.engine.connect() as connection:
        query = text("SELECT body FROM trail_record WHERE seq = :seq")
        body = connection.scalar(query, {"seq": seq}).replace(b'"12.5"', b'"99.5"')
    house.tamper(
        "UPDATE trail_record SET body = :body, leaf_hash = :leaf WHERE seq = :seq",
        body=body,
        leaf=leaf_hash(body),
        seq=seq,
    )


@pytest.mark.parametrize("seq", [1, 2, 17, 18, 36])
def test_a_forged_record_with_a_fitting_hash_is_named_by_the_tree(
    sound: Sound, tmp_path: Path, seq: int
) -> None:
    house = sound(tmp_path)
    forge(house, seq)
    report = house.verify()
    assert not report.ok
    assert seq in named(report)
    assert named(report) <= {seq - 1, seq, seq + 1}


def rebuild(house: Any, size: int) -> None:
    """Compute tree and head anew, as an owner of the database could."""
    frontier = Frontier()
    with house.engine.connect() as connection:
        rows = connection.execute(
            text("SELECT seq, body FROM trail_record ORDER BY seq LIMIT :size"), {"size": size}
        ).all()
    for seq, body in rows:
        leaf = leaf_hash(body)
        nodes = frontier.append(leaf)
        house.tamper(
            "UPDATE trail_record SET leaf_hash = :leaf, nodes = :nodes WHERE seq = :seq",
            leaf=leaf,
            nodes=nodes,
            seq=seq,
        )
    house.tamper("DELETE FROM trail_record WHERE seq > :size", size=size)
    house.tamper(
        "UPDATE trail_head SET size = :size, frontier = :frontier",
        size=size,
        frontier=frontier.to_bytes(),
    )


def test_a_tree_computed_anew_is_betrayed_by_the_checkpoints(sound: Sound, tmp_path: Path) -> None:
    house = sound(tmp_path)
    forge(house, 14)
    rebuild(house, 37)
    report = house.verify()
    assert [(fault.code, fault.seq, fault.last) for fault in report.faults] == [
        ("CHECKPOINT", 11, 20),
        ("CHECKPOINT", 11, 30),
    ]


def test_a_cut_tail_with_the_head_set_back_is_named_by_a_checkpoint(
    sound: Sound, tmp_path: Path
) -> None:
    house = sound(tmp_path)
    rebuild(house, 25)
    report = house.verify()
    assert [(fault.code, fault.seq, fault.last) for fault in report.faults] == [
        ("TRUNCATED", 26, 30)
    ]


def test_with_the_checkpoints_cut_too_the_copy_outside_tells(sound: Sound, tmp_path: Path) -> None:
    house = sound(tmp_path)
    outside = tmp_path / "outside"
    with house.store.reader() as connection:
        trail.anchor(connection, outside)
    before = house.verify(outside)
    assert (before.ok, before.anchored, before.anchor_size) == (True, True, 30)
    rebuild(house, 25)
    house.tamper(
        "DELETE FROM trail_checkpoint WHERE size > 25",
        "UPDATE trail_head SET checkpoint_size = 20,"
        " checkpoint_at = (SELECT at FROM trail_record WHERE seq = 20)",
    )
    alone = house.verify()
    assert (alone.ok, alone.anchored) == (True, False)  # why an outside copy is asked for
    report = house.verify(outside)
    assert [(fault.code, fault.seq, fault.last) for fault in report.faults] == [
        ("TRUNCATED", 26, 30)
    ]
    assert not report.anchored


def test_a_copy_outside_that_disagrees_is_a_fault(sound: Sound, tmp_path: Path) -> None:
    house = sound(tmp_path)
    outside = tmp_path / "outside"
    outside.mkdir()
    false = Checkpoint("test.example/trail", 20, bytes(32)).text()
    (outside / "000000000020.checkpoint").write_text(sign(false, [house.signer]))
    (outside / "000000000021.checkpoint").write_text("nothing\n")
    report = house.verify(outside)
    assert [(fault.code, fault.seq, fault.last) for fault in report.faults] == [
        ("ANCHOR", 0, 0),
        ("ANCHOR", 1, 20),
    ]
    assert not report.anchored


@pytest.mark.parametrize(
    ("statement", "code", "seq"),
    [
        (
            "UPDATE trail_checkpoint SET note = replace(note, '20', '21') WHERE size = 20",
            "CHECKPOINT",
            20,
        ),
        ("UPDATE trail_checkpoint SET root = zeroblob(32) WHERE size = 20", "CHECKPOINT", 20),
        (
            "UPDATE trail_checkpoint SET note = replace(note, '— ', '- ') WHERE size = 20",
            "SIGNATURE",
            20,
        ),
        ("DELETE FROM trail_checkpoint WHERE size = 30", "CHECKPOINT", 30),
        ("DELETE FROM trail_checkpoint WHERE size = 20", "UNLINKED", 20),
        ("DELETE FROM trail_checkpoint WHERE size = 10", "UNLINKED", 10),
        ("DELETE FROM trail_checkpoint WHERE size < 30", "UNLINKED", 20),
        ("UPDATE trail_head SET frontier = zeroblob(96)", "HEAD", 37),
        ("DELETE FROM trail_head", "UNEXPECTED", 1),
        ("UPDATE trail_head SET size = 36", "UNEXPECTED", 37),
        ("UPDATE trail_head SET size = 40", "MISSING", 38),
    ],
)
def test_a_tampered_head_or_checkpoint_is_named(
    sound: Sound, tmp_path: Path, statement: str, code: str, seq: int
) -> None:
    house = sound(tmp_path)
    house.tamper(statement)
    report = house.verify()
    assert not report.ok
    assert (report.faults[0].code, report.faults[0].seq) == (code, seq)


def test_an_inserted_record_is_named(sound: Sound, tmp_path: Path) -> None:
    house = sound(tmp_path)
    for seq in (0, 38):
        house.tamper(
            "INSERT INTO trail_record SELECT :seq, at, actor, kind, action, object_type, object_id,"
            " org, outcome, reason, uid || :seq, leaf_hash, nodes, body FROM trail_record"
            " WHERE seq = 37",
            seq=seq,
        )
    report = house.verify()
    assert {("UNEXPECTED", 0), ("UNEXPECTED", 38)} <= {(f.code, f.seq) for f in report.faults}


def test_a_changed_or_missing_blob_is_named_by_its_record(house: Any) -> None:
    for content in (b"one", b"two", b"three"):
        with house.store.unit_of_work("li.wei") as uow:
            name = trail.put_blob(uow, content)
            body = {"blobs": {"evidence": name}}
            trail.record(
                uow, kind="decision", action="a", object_type="o", object_id="1", body=body
            )
    house.tamper("UPDATE trail_blob SET content = x'00' WHERE content = :two", two=b"two")
    house.tamper("DELETE FROM trail_blob WHERE content = :three", three=b"three")
    assert [(fault.code, fault.seq) for fault in house.verify().faults] == [
        ("BLOB", 2),
        ("BLOB", 3),
    ]


def test_a_changed_personal_value_is_found(house: Any) -> None:
    with house.store.unit_of_work("li.wei") as uow:
        trail.commit_personal(uow, subject="p", field="mail", value="a@b")
        trail.commit_personal(uow, subject="p", field="mail", value="c@d")
        trail.record(uow, kind="access", action="a", object_type="o", object_id="1")
    house.tamper("UPDATE trail_pii SET value = 'x' WHERE value = 'a@b'")
    house.tamper("UPDATE trail_pii SET value = NULL, salt = NULL WHERE value = 'c@d'")
    assert sorted(fault.code for fault in house.verify().faults) == ["PERSONAL", "PERSONAL"]


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_any_changed_byte_of_any_record_is_named(
    sound: Sound, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    house = sound(tmp_path_factory.mktemp("bytes"))
    seq = data.draw(st.integers(1, 37))
    with house.engine.connect() as connection:
        query = text("SELECT body FROM trail_record WHERE seq = :seq")
        body = bytearray(connection.scalar(query, {"seq": seq}))
    body[data.draw(st.integers(0, len(body) - 1))] ^= data.draw(st.integers(1, 255))
    statement = "UPDATE trail_record SET body = :body, leaf_hash = :leaf WHERE seq = :seq"
    leaf = leaf_hash(bytes(body))
    house.tamper(statement, body=bytes(body), leaf=leaf, seq=seq)
    report = house.verify()
    house.engine.dispose()
    # The very last record stands under no node and no checkpoint yet; its bytes' form and columns
    # cannot tell a changed body value, but the head's right edge does.
    assert not report.ok
    assert seq in named(report)


# keys and notes


def test_keys_are_made_once_and_only_for_their_owner(tmp_path: Path) -> None:
    keys = open_keys(tmp_path / "keys")
    again = open_keys(tmp_path / "keys")
    assert keys.trail.verifier == again.trail.verifier
    assert (keys.mail, keys.models) == (again.mail, again.models)
    assert len({keys.models, keys.mail, keys.webhooks, keys.sessions}) == 4
    assert "b'" not in repr(keys)
    for path in (tmp_path / "keys").glob("*.key"):
        assert path.stat().st_mode & 0o777 == 0o600
    (tmp_path / "keys" / "mail.key").chmod(0o644)
    with pytest.raises(trail.KeyFault, match="0600"):
        open_keys(tmp_path / "keys")


@pytest.mark.parametrize("content", ["", "hedgewarden secret key mail\nAAAA\n", "x\ny\n"])
def test_a_file_that_is_no_key_is_refused(tmp_path: Path, content: str) -> None:
    open_keys(tmp_path)
    (tmp_path / "mail.key").write_text(content)
    with pytest.raises(trail.KeyFault, match=r"mail\.key"):
        open_keys(tmp_path)


def test_a_note_is_read_as_the_format_says() -> None:
    # Example of golang.org/x/mod/sumdb/note: key, text and signature are published there.
    peter = Verifier.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    wise = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n"
    )
    note = (
        wise
        + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvq"
        "fqdngotpRZb6KE6RyyBwJnAM=\n"
    )
    assert read_note(note, [peter]) == (wise, ("PeterNeumann",))
    assert read_note(note.replace("answer", "Answer"), [peter])[1] == ()
    assert read_note(note, [])[1] == ()
    assert str(peter).startswith("PeterNeumann+c74f20a3+")


def test_two_keys_sign_while_one_replaces_the_other() -> None:
    old, new = Signer("log", bytes(32)), Signer("log", bytes([1]) * 32)
    text_ = Checkpoint("log", 7, bytes(32)).text()
    note = sign(text_, [old, new])
    assert read_note(note, [new.verifier])[1] == ("log",)
    assert read_note(note, [old.verifier])[1] == ("log",)
    assert parse_checkpoint(text_) == Checkpoint("log", 7, bytes(32))
    assert parse_checkpoint(text_.replace("7", "07")) is None
    with pytest.raises(trail.KeyFault):
        Verifier.parse("log+00000000+" + str(old.verifier).rpartition("+")[2])


@pytest.mark.parametrize("digits", ["1" * 5_000, "\N{ARABIC-INDIC DIGIT ONE}", "-1", "01"])
def test_a_number_that_no_checkpoint_would_state_is_none(digits: str) -> None:
    right = Checkpoint("log", 1, bytes(32), 1).text()
    assert parse_checkpoint(right) == Checkpoint("log", 1, bytes(32), 1)
    assert parse_checkpoint(right.replace("\n1\n", f"\n{digits}\n", 1)) is None
    odd = parse_checkpoint(right.replace("previous 1", f"previous {digits}"))
    assert odd is None or odd.previous is None  # a line of its own, of which we know nothing


def test_a_checkpoint_beside_the_chain_is_named(sound: Sound, tmp_path: Path) -> None:
    house = sound(tmp_path)
    with house.store.reader() as connection:
        root = trail.prove(connection, 15, 15).root
    note = sign(Checkpoint("test.example/trail", 15, root, 10).text(), [house.signer])
    house.tamper("INSERT INTO trail_checkpoint VALUES (15, :root, :note)", root=root, note=note)
    assert [(one.code, one.seq) for one in house.verify().faults] == [("UNLINKED", 15)]


@pytest.mark.parametrize("size", [10, 20])
def test_an_older_checkpoint_taken_out_of_a_bundle_is_named(
    sound: Sound, tmp_path: Path, size: int
) -> None:
    house = sound(tmp_path)
    with house.store.reader() as connection:
        trail.export(connection, tmp_path / "b", verifiers=house.keeper.verifiers)
    (tmp_path / "b" / "checkpoints" / f"{size:012d}.checkpoint").unlink()
    faults = trail.verify_export(tmp_path / "b", house.keeper.verifiers).faults
    assert [(one.code, one.seq) for one in faults] == [("UNLINKED", size)]


# the auditor's bundle


def test_a_whole_bundle_verifies_without_the_database(sound: Sound, tmp_path: Path) -> None:
    house = sound(tmp_path)
    with house.store.reader() as connection:
        exported = trail.export(
            connection,
            tmp_path / "bundle",
            verifiers=house.keeper.verifiers,
            files={"limits.yaml": b"rules: []\n"},
        )
        with pytest.raises(trail.TrailError, match="not empty"):
            trail.export(connection, tmp_path / "bundle", verifiers=house.keeper.verifiers)
    assert (exported.records, exported.complete, exported.checkpoints) == (37, True, 3)
    report = trail.verify_export(tmp_path / "bundle")
    assert (report.ok, report.size, report.root) == (True, 37, house.verify().root)
    page = (tmp_path / "bundle" / "reader.html").read_text()
    assert "第36条" in page
    assert "{{" not in page


@pytest.mark.parametrize("seq", [1, 20, 30])
def test_a_changed_line_of_a_bundle_is_named(sound: Sound, tmp_path: Path, seq: int) -> None:
    house = sound(tmp_path)
    for part, wanted in (("whole", None), ("part", [seq, 3])):
        folder = tmp_path / part
        with house.store.reader() as connection:
            trail.export(connection, folder, verifiers=house.keeper.verifiers, seqs=wanted)
        assert trail.verify_export(folder, house.keeper.verifiers).ok
        path = folder / "records.ndjson"
        lines = path.read_bytes().split(b"\n")
        at = next(at for at, line in enumerate(lines) if b'"seq":%d,' % seq in line)
        lines[at] = lines[at].replace(b"12.5", b"99.5")
        path.write_bytes(b"\n".join(lines))
        report = trail.verify_export(folder, house.keeper.verifiers)
        assert not report.ok
        assert seq in named(report)
        foreign = Signer("test.example/trail", bytes([9]) * 32).verifier
        assert {f.code for f in trail.verify_export(folder, [foreign]).faults} >= {"SIGNATURE"}


def test_a_part_that_no_checkpoint_covers_is_not_exported(sound: Sound, tmp_path: Path) -> None:
    house = sound(tmp_path)
    with house.store.reader() as connection, pytest.raises(trail.TrailError, match="seal"):
        trail.export(connection, tmp_path / "b", verifiers=house.keeper.verifiers, seqs=[37])


def test_a_bundle_carries_its_blobs_and_misses_them(house: Any, tmp_path: Path) -> None:
    with house.store.unit_of_work("li.wei") as uow:
        name = trail.put_blob(uow, b"evidence")
        body = {"blobs": {"evidence": name}}
        trail.record(uow, kind="decision", action="a", object_type="o", object_id="1", body=body)
        house.keeper.seal(uow)
    with house.store.reader() as connection:
        exported = trail.export(connection, tmp_path / "b", verifiers=house.keeper.verifiers)
    assert exported.blobs == 1
    assert trail.verify_export(tmp_path / "b").ok
    (tmp_path / "b" / "blobs" / name).write_bytes(b"other")
    assert [(f.code, f.seq) for f in trail.verify_export(tmp_path / "b").faults] == [("BLOB", 1)]


def test_a_bundle_is_anchored_by_a_checkpoint_that_was_kept_outside(
    sound: Sound, tmp_path: Path
) -> None:
    house = sound(tmp_path)
    keys = house.keeper.verifiers
    with house.store.reader() as connection:
        trail.anchor(connection, tmp_path / "outside")
        trail.export(connection, tmp_path / "whole", verifiers=keys)
        trail.export(connection, tmp_path / "part", verifiers=keys, seqs=[5, 6])
    for part in ("whole", "part"):
        assert not trail.verify_export(tmp_path / part, keys).anchored
        report = trail.verify_export(tmp_path / part, keys, tmp_path / "outside")
        assert (report.ok, report.anchored, report.anchor_size) == (True, True, 30)
    false = Checkpoint("test.example/trail", 30, bytes(32)).text()
    (tmp_path / "outside" / "000000000030.checkpoint").write_text(sign(false, [house.signer]))
    for part in ("whole", "part"):
        report = trail.verify_export(tmp_path / part, keys, tmp_path / "outside")
        assert (report.ok, report.anchored) == (False, False)
        assert report.faults[0].code == "ANCHOR"
