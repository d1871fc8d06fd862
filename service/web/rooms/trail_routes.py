"""The trail's pages: records, verification, one record with its proof, bundles for the auditor."""

import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi import Path as InPath
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Connection

import trail
from service.matters import kept_from
from service.replaying import replayers_of
from service.web.rooms.here import Here, TrailReader
from service.web.rooms.record_page import record_page, seen_record
from service.web.rooms.sheets import Column, sheet_response
from service.web.rooms.trail_how import how_page
from service.web.rooms.trail_objects import called
from service.web.rooms.trail_page import (
    RECORDS,
    WHOLE,
    Asked,
    every_record,
    note_access,
    sees_whole,
    trail_page,
)
from service.web.rooms.trail_verifying import begin, standing_of
from service.web.rooms.trail_words import outcome, record_title
from trail import Record, TrailError

_EXPORTED = 20_000
_OBJECT = "trail_record"

router = APIRouter(include_in_schema=False)
Text = Annotated[str, Query(max_length=200)]
Seq = Annotated[int, InPath(ge=1, le=2**53)]


@router.get("/trail")
def show(
    here: TrailReader, *, q: Text = "", kind: Text = "", cursor: Text = "", tab: Text = RECORDS
) -> Response:
    """The sentence, the list, the anchors."""
    verification = standing_of(here)
    with here.app.store.reader() as connection:
        page = trail_page(here, connection, Asked(q, kind, cursor), tab, verification)
    return here.show("trail.html", page, "trail", live=False)


@router.post("/trail/verify")
def verify(here: TrailReader) -> Response:
    """立即验证 begins in the background; the page shows how far it is, then what it found."""
    # One that began says so by its bar, which goes when it ends; a message would stay beside the
    # result.
    if begin(here):
        return RedirectResponse("/trail", HTTPStatus.SEE_OTHER)
    return here.done("/trail", "ui.verify.under_way")


@router.get("/trail/how")
def how(here: TrailReader) -> Response:
    """How to check without the vendor, to be printed."""
    return here.show("trail_how.html", how_page(here), "trail", live=False)


@router.post("/trail/anchor")
def anchor(here: TrailReader) -> Response:
    """The newest checkpoint into the folder of the second owner."""
    here.signed.check(WHOLE)
    folder, back = here.app.settings.anchors, "/trail?tab=anchors"
    if folder is None:
        return here.refused(back, here.text("ui.trail.no_folder"))
    try:
        with here.app.store.reader() as connection:
            taken = trail.anchor(connection, folder)
    except OSError:
        return here.refused(back, here.text("ui.trail.folder_closed"))
    except TrailError:
        return here.refused(back, here.text("ui.trail.other_there"))
    if taken is None:
        return here.refused(back, here.text("ui.record.not_sealed"))
    with here.app.store.unit_of_work(here.person) as uow:
        trail.record_anchor(uow, taken)
    return here.done(back, "ui.said.done", what=here.text("ui.act.anchor"))


@router.post("/trail/checkpoint")
def checkpoint(here: TrailReader) -> Response:
    """The newest checkpoint as a file, to be kept by the reader."""
    here.signed.check(WHOLE)
    with here.app.store.reader() as connection:
        found = trail.newest_note(connection)
    if found is None:
        return here.refused("/trail?tab=anchors", here.text("ui.record.not_sealed"))
    size, note = found
    note_access(here, "trail.checkpoint", "checkpoint", str(size))
    disposition = f'attachment; filename="{size:012d}.checkpoint"'
    return Response(note, media_type="text/plain", headers={"Content-Disposition": disposition})


@router.get("/trail.xlsx")
def sheet(here: TrailReader, q: Text = "", kind: Text = "") -> Response:
    """The filtered records as a workbook."""
    note_access(here, "trail.list", "trail", "list", body={"q": q, "kind": kind})
    with here.app.store.reader() as connection:
        records = list(every_record(here, connection, Asked(q, kind), _EXPORTED))
    return sheet_response(here, "ui.nav.trail", _COLUMNS, records)


@router.post("/trail/export")
def export(here: TrailReader) -> Response:
    """The auditor's bundle: everything, or what this person sees, with proofs."""
    here.signed.check(WHOLE)
    with here.app.store.reader() as connection:
        whole = sees_whole(here) and not kept_from(connection, here.scopes).ids
    note_access(here, "trail.export", "trail", "bundle", body={"complete": whole})
    with here.app.store.reader() as connection:
        seqs = None if whole else list(_sealed(here, connection))
        data = _bundle(here, connection, seqs)
    if data is None:
        return here.refused("/trail", here.text("ui.record.not_sealed"))
    return _download(data, f"trail-{here.now:%Y%m%d-%H%M}.zip")


@router.get("/trail/records/{seq}")
def show_record(here: TrailReader, seq: Seq) -> Response:
    """One record; who read it is recorded."""
    with here.app.store.reader() as connection:
        record = seen_record(here, connection, seq)
    note_access(here, "trail.read", _OBJECT, str(seq), org=record.org)
    with here.app.store.reader() as connection:
        page = record_page(here, connection, record)
    return here.show("record.html", page, "trail", live=False)


@router.post("/trail/records/{seq}/replay")
def replay(here: TrailReader, seq: Seq) -> Response:
    """重放: decided again from its own inputs, then and now side by side."""
    with here.app.store.reader() as connection:
        record = seen_record(here, connection, seq)
        report = trail.replay(connection, seq, replayers_of(here.app, connection))
    note_access(
        here, "trail.replay", _OBJECT, str(seq), org=record.org, outcome=report.reason.lower()
    )
    with here.app.store.reader() as connection:
        page = record_page(here, connection, record, report)
    return here.show("record.html", page, "trail", live=False)


@router.post("/trail/records/{seq}/proof")
def proof(here: TrailReader, seq: Seq) -> Response:
    """The proof of one record as a bundle that is checked without this service."""
    with here.app.store.reader() as connection:
        record = seen_record(here, connection, seq)
        here.signed.check(WHOLE, record.org)
        data = _bundle(here, connection, [seq])
    if data is None:
        return here.refused(f"/trail/records/{seq}", here.text("ui.record.not_sealed"))
    note_access(here, "trail.export", _OBJECT, str(seq), org=record.org)
    return _download(data, f"trail-{seq}.zip")


# --- bundles ------------------------------------------------------------------------------------


def _sealed(here: Here, connection: Connection) -> Iterable[int]:
    """The records that this person sees and that a checkpoint covers."""
    size = trail.summary(connection).checkpoint_size
    for record in every_record(here, connection, Asked(cursor=str(size + 1)), _EXPORTED):
        if record.seq <= size:
            yield record.seq


def _bundle(here: Here, connection: Connection, seqs: Sequence[int] | None) -> bytes | None:
    """A zip of the bundle; None when no checkpoint covers what is wanted yet."""
    made = BytesIO()
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder) / "trail"
        verifiers = [here.app.keys.trail.verifier]
        try:
            trail.export(connection, bundle, verifiers=verifiers, seqs=seqs, files=_rules(here))
        except TrailError:
            return None
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(one for one in bundle.rglob("*") if one.is_file()):
                archive.write(file, file.relative_to(bundle.parent).as_posix())
    return made.getvalue()


def _rules(here: Here) -> dict[str, bytes]:
    """The rule files in force."""
    folder = here.app.rulebook_folder
    paths = {one.name: folder / one.name for one in here.app.rulebook.files}
    return {name: path.read_bytes() for name, path in paths.items() if path.is_file()}


def _download(data: bytes, name: str) -> Response:
    disposition = f'attachment; filename="{name}"'
    return Response(
        data, media_type="application/zip", headers={"Content-Disposition": disposition}
    )


_COLUMNS: Sequence[Column[Record]] = (
    Column("ui.column.seq", lambda one, _: one.seq),
    Column("ui.column.time", lambda one, _: one.at),
    Column("ui.column.kind", lambda one, here: here.text(f"ui.record_kind.{one.kind}")),
    Column("ui.column.what", lambda one, here: record_title(here, one)),
    Column("ui.column.object", lambda one, here: called(here, one).full),
    Column("ui.column.unit", lambda one, _: one.org),
    Column("ui.column.actor", lambda one, here: here.names.actor(one.actor)),
    Column("ui.column.outcome", lambda one, here: outcome(here, one)),
    Column("ui.column.reason", lambda one, here: here.names.reason(one.reason)),
    Column("ui.record.leaf", lambda one, _: one.leaf_hash.hex()),
)
