"""The auditor's bundle: everything to check the trail, or part of it, without our server.

Layout: ``records.ndjson`` (each record's exact bytes, a line each), ``checkpoints/`` (signed
notes), ``proofs.ndjson`` (only when a part is exported: one inclusion proof a record), ``blobs/``,
``rules/`` (files handed in), ``trail.pub``, ``manifest.json``, ``reader.html``.
"""

import html
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, select

from trail.anchors import read_anchors
from trail.canonical import is_canonical
from trail.errors import KeyFault, TrailError
from trail.findings import Fault, VerifyReport
from trail.merkle import Frontier, leaf_hash, verify_inclusion
from trail.notes import Checkpoint, Verifier, broken_links, parse_checkpoint, read_note
from trail.proofs import prove, tree_size
from trail.tables import BLOB, CHECKPOINT, RECORD

_C = RECORD.c
_BATCH = 1_000
_SHOWN = 5_000
_TEMPLATE = Path(__file__).with_name("reader.html")


@dataclass(frozen=True, slots=True)
class Exported:
    """What a bundle holds."""

    folder: Path
    records: int
    complete: bool
    checkpoints: int
    blobs: int


def export(
    connection: Connection,
    out_dir: Path | str,
    *,
    verifiers: Sequence[Verifier],
    seqs: Iterable[int] | None = None,
    files: Mapping[str, bytes] | None = None,
) -> Exported:
    """Write a bundle into an empty or new folder.

    Args:
        connection: sees one moment.
        out_dir: the folder.
        verifiers: public keys to put into it; the auditor should also have them by another way.
        seqs: the records to export; None for all. A part must be covered by a checkpoint.
        files: rule files and the like, by file name.

    Raises:
        TrailError: when the folder is not empty, or a wanted record is not under a checkpoint yet.
    """
    folder = Path(out_dir)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise TrailError(f"{folder.name} is not empty")
    wanted = None if seqs is None else sorted(set(seqs))
    notes = list(connection.execute(select(CHECKPOINT).order_by(CHECKPOINT.c.size)))
    _write(folder / "trail.pub", "".join(f"{verifier}\n" for verifier in verifiers).encode())
    for row in notes:
        _write(folder / "checkpoints" / f"{row.size:012d}.checkpoint", row.note.encode())
    for name, content in (files or {}).items():
        _write(folder / "rules" / Path(name).name, content)
    named, shown, count = set(), [], 0
    with (folder / "records.ndjson").open("wb") as records:
        for _seq, body in _bodies(connection, wanted):
            records.write(body + b"\n")
            document = orjson.loads(body)
            named |= _blob_names(document)
            shown.append(document)
            del shown[:-_SHOWN]
            count += 1
    if wanted is not None:
        _write_proofs(connection, folder, wanted, notes[-1].size if notes else 0)
    blobs = connection.execute(select(BLOB).where(BLOB.c.hash.in_(named))) if named else ()
    written = [_write(folder / "blobs" / row.hash, bytes(row.content)) for row in blobs]
    manifest = {"v": 1, "complete": wanted is None, "records": count, "size": tree_size(connection)}
    _write(folder / "manifest.json", orjson.dumps(manifest))
    _write(folder / "reader.html", _reader(shown, count))
    return Exported(folder, count, wanted is None, len(notes), len(written))


def verify_export(
    out_dir: Path | str,
    verifiers: Sequence[Verifier] | None = None,
    anchors_dir: Path | str | None = None,
) -> VerifyReport:
    """Check a bundle with nothing but its files.

    A complete bundle is hashed anew up to every checkpoint; in a part, each record's proof must
    lead to a signed checkpoint.

    Args:
        out_dir: the bundle.
        verifiers: keys known by another way. Without them the bundle's own are used, which shows
            only that the bundle agrees with itself.
        anchors_dir: checkpoints that were kept outside; they count as the bundle's own do, and
            `anchored` says that at least one of them agrees.
    """
    folder = Path(out_dir)
    keys = list(_bundled_keys(folder)) if verifiers is None else list(verifiers)
    faults: list[Fault] = []
    checkpoints = _read_checkpoints(folder / "checkpoints", keys, "SIGNATURE", faults)
    faults += [Fault(at, "UNLINKED", detail, at) for at, detail in broken_links(checkpoints)]
    anchors = _read_checkpoints(Path(anchors_dir), keys, "ANCHOR", faults) if anchors_dir else {}
    for size, kept in anchors.items():
        if checkpoints.setdefault(size, kept).root != kept.root:
            faults.append(Fault(1, "ANCHOR", "the checkpoint kept outside has another root", size))
    lines = (folder / "records.ndjson").read_bytes().split(b"\n")[:-1]
    manifest = orjson.loads((folder / "manifest.json").read_bytes())
    if manifest["complete"]:
        root, proven = _check_whole(lines, checkpoints, faults), set(checkpoints)
    else:
        root, proven = _check_part(folder, lines, checkpoints, faults)
    if len(lines) != manifest["records"]:
        faults.append(Fault(0, "MISSING", f"{manifest['records']} records were exported"))
    _check_blobs(folder, lines, faults)
    # In a part only the checkpoint that its proofs lead to is compared with one kept outside.
    reached = [size for size in anchors if manifest["complete"] or size in proven]
    return VerifyReport(
        ok=not faults,
        size=len(lines),
        root=root,
        anchored=bool(reached) and not faults,
        anchor_size=max(reached, default=0) if not faults else 0,
        checkpoints=len(checkpoints),
        faults=tuple(faults),
    )


def _bodies(connection: Connection, wanted: list[int] | None) -> Iterator[tuple[int, bytes]]:
    last = 0
    places = range(0, len(wanted), _BATCH) if wanted is not None else None
    if places is not None and wanted is not None:
        for place in places:
            some = wanted[place : place + _BATCH]
            rows = connection.execute(
                select(_C.seq, _C.body).where(_C.seq.in_(some)).order_by(_C.seq)
            )
            yield from ((row.seq, bytes(row.body)) for row in rows)
        return
    while True:
        page = connection.execute(
            select(_C.seq, _C.body).where(_C.seq > last).order_by(_C.seq).limit(_BATCH)
        ).fetchall()
        yield from ((row.seq, bytes(row.body)) for row in page)
        if len(page) < _BATCH:
            return
        last = page[-1].seq


def _write_proofs(connection: Connection, folder: Path, wanted: list[int], sealed: int) -> None:
    if wanted and wanted[-1] > sealed:
        raise TrailError(f"record {wanted[-1]} is not under a checkpoint yet; seal the trail first")
    with (folder / "proofs.ndjson").open("wb") as file:
        for seq in wanted:
            proof = prove(connection, seq, sealed)
            path = [step.hex() for step in proof.path]
            file.write(orjson.dumps({"seq": seq, "size": sealed, "path": path}) + b"\n")


def _check_whole(
    lines: list[bytes], checkpoints: dict[int, Checkpoint], faults: list[Fault]
) -> str:
    tree, before = Frontier(), 0
    for seq, line in enumerate(lines, start=1):
        _check_line(seq, line, faults)
        tree.append(leaf_hash(line))
        if seq in checkpoints:
            if tree.root() != checkpoints[seq].root:
                detail = f"the records up to {seq} do not have the root that was signed"
                faults.append(Fault(before + 1, "CHECKPOINT", detail, seq))
            before = seq
    for size in sorted(checkpoints):
        if size > len(lines):
            detail = f"a checkpoint covers {size} records"
            faults.append(Fault(len(lines) + 1, "TRUNCATED", detail, size))
    return tree.root().hex()


def _check_part(
    folder: Path, lines: list[bytes], checkpoints: dict[int, Checkpoint], faults: list[Fault]
) -> tuple[str, set[int]]:
    proofs, proven = {}, set()
    for line in (folder / "proofs.ndjson").read_bytes().splitlines():
        proof = orjson.loads(line)
        proofs[proof["seq"]] = proof
    for line in lines:
        seq = _seq_of(line)
        _check_line(seq, line, faults)
        proof = proofs.pop(seq, None)
        checkpoint = checkpoints.get(proof["size"]) if proof else None
        path = [bytes.fromhex(step) for step in proof["path"]] if proof else []
        if checkpoint is None or not verify_inclusion(
            leaf_hash(line), seq - 1, checkpoint.size, path, checkpoint.root
        ):
            faults.append(Fault(seq, "PROOF", "not proven to be in a signed tree", seq))
        else:
            proven.add(checkpoint.size)
    faults.extend(Fault(seq, "MISSING", "a proof without its record", seq) for seq in proofs)
    return (checkpoints[max(proven)].root.hex() if proven else ""), proven


def _seq_of(line: bytes) -> int:
    try:
        found = orjson.loads(line)["seq"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return 0
    return found if isinstance(found, int) else 0


def _check_line(seq: int, line: bytes, faults: list[Fault]) -> None:
    if not is_canonical(line) or _seq_of(line) != seq:
        faults.append(Fault(seq, "FORM", "not a record of that number in canonical form", seq))


def _check_blobs(folder: Path, lines: list[bytes], faults: list[Fault]) -> None:
    for line in lines:
        if b'"blobs"' not in line or not is_canonical(line):
            continue
        for name in sorted(_blob_names(orjson.loads(line))):
            path = folder / "blobs" / Path(name).name
            if not path.is_file() or sha256(path.read_bytes()).hexdigest() != name:
                seq = _seq_of(line)
                faults.append(Fault(seq, "BLOB", f"{name} is gone or changed", seq))


def _blob_names(document: dict[str, Any]) -> set[str]:
    body = document.get("body")
    named = body.get("blobs") if isinstance(body, dict) else None
    return {str(name) for name in named.values()} if isinstance(named, dict) else set()


def _read_checkpoints(
    folder: Path, keys: list[Verifier], code: str, faults: list[Fault]
) -> dict[int, Checkpoint]:
    found = {}
    for path, note in read_anchors(folder):
        text, signers = read_note(note, keys)
        said = parse_checkpoint(text)
        if said is None or not signers:
            faults.append(Fault(0, code, f"{path.name}: not signed by a known key"))
        else:
            found[said.size] = said
    return found


def _bundled_keys(folder: Path) -> Iterator[Verifier]:
    for line in (folder / "trail.pub").read_text(encoding="utf-8").splitlines():
        try:
            yield Verifier.parse(line)
        except KeyFault:
            continue


def _reader(documents: list[dict[str, Any]], count: int) -> bytes:
    rows = []
    for document in documents:
        cells = [
            str(document["seq"]),
            document["at"],
            document["actor"],
            document["kind"],
            document["action"],
            f"{document['object']['type']} {document['object']['id']}",
            document["org"],
            document["outcome"],
            document["reason"],
        ]
        body = orjson.dumps(document["body"], option=orjson.OPT_INDENT_2).decode()
        row = "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
        detail = f"<td><details><summary>…</summary><pre>{html.escape(body)}</pre></details></td>"
        rows.append(f"<tr>{row}{detail}</tr>")
    page = _TEMPLATE.read_text(encoding="utf-8")
    page = page.replace("{{count}}", str(count)).replace("{{shown}}", str(len(rows)))
    return page.replace("{{rows}}", "\n".join(rows)).encode()


def _write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path
