"""D8, 留痕与审计: the sentence on the whole, the records, what the last verification found."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Connection

import trail
from agents.world import root_of
from service.matters import find_seen, kept_from
from service.verifying import last_verified
from service.web.rooms.here import Here
from service.web.rooms.trail_verifying import Standing
from service.web.rooms.trail_words import record_line
from service.web.views.parts import Act, Choice, Link, Pager
from service.web.views.trail import AnchorLine, TrailPage, VerifyResult
from trail import KINDS, Record, Summary

PAGE = 30
#: Who exports the trail also sees what belongs to no organisation, such as sign-ins.
WHOLE = "trail.export"
#: Of the longest number that a record can have.
_DIGITS = 18
RECORDS, ANCHORS = "records", "anchors"
_ANCHORS_SHOWN = 200
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Asked:
    """The filters as they stand in the address; `cursor` is the last record of the page before."""

    q: str = ""
    kind: str = ""
    cursor: str = ""

    def address(self, path: str, **changed: str) -> str:
        """The address of `path` with these filters, some of them changed."""
        values = {"q": self.q, "kind": self.kind, "cursor": self.cursor} | changed
        kept = {name: value for name, value in values.items() if value}
        return f"{path}?{urlencode(kept)}" if kept else path


def sees_whole(here: Here) -> bool:
    """Whether this request shows every organisation, and so what belongs to none."""
    if here.org or not here.may(WHOLE):
        return False
    roots = {root_of(path) for path in here.directory.nodes}
    return bool(roots) and roots <= set(here.scopes)


def may_read(here: Here, connection: Connection, record: Record) -> bool:
    """Whether the person may see this record."""
    inside = here.signed.sees(record.org) if record.org else sees_whole(here)
    return inside and kept_from(connection, here.scopes).shows_record(record)


def find_records(here: Here, connection: Connection, asked: Asked, limit: int) -> list[Record]:
    """One page of records, newest first, inside what the person sees."""
    return find_seen(
        connection,
        here.scopes,
        kind=asked.kind if asked.kind in KINDS else None,
        org=None if sees_whole(here) else list(here.scopes),
        text=_needle(here, asked.q) or None,
        before_seq=_before(asked.cursor),
        limit=limit,
    )


def _before(cursor: str) -> int | None:
    """The number in an address, if it can be one of a record."""
    return int(cursor) if cursor.isdecimal() and len(cursor) <= _DIGITS else None


def every_record(here: Here, connection: Connection, asked: Asked, most: int) -> Iterable[Record]:
    """The filtered records, at most `most` of them."""
    cursor = asked.cursor
    while most > 0:
        wanted = Asked(asked.q, asked.kind, cursor)
        found = find_records(here, connection, wanted, min(_CHUNK, most))
        yield from found
        most -= len(found)
        if len(found) < _CHUNK:
            return
        cursor = str(found[-1].seq)


def _needle(here: Here, query: str) -> str:
    """What to look for: a person's name is an id in the records."""
    text = query.strip()
    return next((one.id for one in here.directory.people if one.name == text), text)


def trail_page(
    here: Here, connection: Connection, asked: Asked, tab: str, verification: Standing
) -> TrailPage:
    """The page; `verification` was asked for before `connection` was opened."""
    text, summary = here.text, trail.summary(connection)
    result = last_result(here, connection)
    tab = tab if tab == ANCHORS else RECORDS
    records = find_records(here, connection, asked, PAGE) if tab == RECORDS else []
    plain = not (asked.q.strip() or asked.kind) and sees_whole(here)
    next_url = asked.address("/trail", cursor=str(records[-1].seq)) if len(records) == PAGE else ""
    why_not = here.why_not(WHOLE)
    return TrailPage(
        sentence=_sentence(here, summary, result),
        result=result,
        tabs=(
            Link(text("ui.trail.records"), "/trail", tab == RECORDS),
            Link(text("ui.trail.anchors"), "/trail?tab=anchors", tab == ANCHORS),
        ),
        tab=tab,
        records=tuple(record_line(here, one) for one in records),
        pager=Pager(
            len(records),
            summary.size if plain else None,
            next_url=next_url,
            previous_url=asked.address("/trail", cursor="") if asked.cursor else "",
        ),
        part="" if sees_whole(here) else text("ui.trail.part"),
        kinds=tuple(
            Choice(one, text(f"ui.record_kind.{one}"), one == asked.kind) for one in sorted(KINDS)
        ),
        query=asked.q,
        anchors=tuple(_anchors(here, connection)) if tab == ANCHORS else (),
        verify=Act(text("ui.act.verify"), "/trail/verify", "verify", "primary"),
        export=Act(text("ui.act.export_bundle"), "/trail/export", "export", why_not=why_not),
        export_url=asked.address("/trail.xlsx", cursor="") if records else "",
        how_url="/trail/how",
        running=verification.progress,
        broke_off=verification.broke_off,
        anchor=_anchor_act(here),
        checkpoint=Act(
            text("ui.act.checkpoint"),
            "/trail/checkpoint",
            "checkpoint",
            why_not=why_not or ("" if summary.checkpoint_size else text("ui.record.not_sealed")),
        ),
    )


def _anchor_act(here: Here) -> Act:
    """The act that takes the newest checkpoint to the second owner's folder."""
    text = here.text
    why_not = here.why_not(WHOLE)
    if not why_not and here.app.settings.anchors is None:
        why_not = text("ui.trail.no_folder")
    return Act(text("ui.act.anchor"), "/trail/anchor", "anchor", "primary", why_not=why_not)


def _sentence(here: Here, summary: Summary, result: VerifyResult) -> str:
    """The whole trail in one sentence; it says unchanged only after a verification said so."""
    form = here.reader.format
    if summary.since is None:
        return here.text("ui.trail.sentence_empty")
    said = {
        "count": form.number(summary.size),
        "since": form.local(summary.since).date().isoformat(),
    }
    if result.state in {"broken", "unknown"}:
        faults = form.number(len(result.faults))
        return here.text(f"ui.trail.sentence_{result.state}", faults=faults, **said)
    # Only what was gone over is called unchanged; the record of the verification is its own.
    later = max(summary.size - result.checked - 1, 0)
    if summary.anchor_at is None:
        anchor = here.text("ui.trail.no_anchor")
    else:
        anchor = here.text("ui.trail.last_anchor", at=form.moment(summary.anchor_at))
    said |= {"count": form.number(result.checked), "anchor": anchor}
    if not later:
        return here.text("ui.trail.sentence", **said)
    return here.text("ui.trail.sentence_later", later=form.number(later), **said)


def _anchors(here: Here, connection: Connection) -> Iterable[AnchorLine]:
    """Copies that were taken, newest first; those in the folder are compared with the record."""
    folder = here.app.settings.anchors
    found = trail.find(connection, kind="key", action="trail.anchor", limit=_ANCHORS_SHOWN)
    for one in found:
        size, root = int(one.body["size"]), str(one.body["root"])
        agrees = _agrees(folder, size, root) if folder is not None else None
        yield AnchorLine(one.at, size, str(one.body.get("place", "")), root, agrees)


def _agrees(folder: Path, size: int, root: str) -> bool | None:
    note = trail.kept_note(folder, size)
    return None if note is None else trail.note_root(note) == root


# --- verification -------------------------------------------------------------------------------


def last_result(here: Here, connection: Connection) -> VerifyResult:
    """What the last verification from the console found; it left a record."""
    record = last_verified(connection)
    if record is None:
        return VerifyResult("unknown")
    body = record.body
    state = "broken"
    if record.outcome != "broken":
        state = "ok" if body.get("anchored") else "unanchored"
    faults = tuple(fault_text(here, one) for one in body.get("faults", ()))
    left_out = int(body.get("fault_count", 0)) - len(faults)
    if left_out > 0:
        faults = (*faults, here.text("ui.trail.more_faults", count=left_out))
    return VerifyResult(
        state,
        record.at,
        int(body["size"]),
        str(body["seconds"]),
        here.names.actor(record.actor),
        faults,
    )


def fault_text(here: Here, fault: dict[str, Any]) -> str:
    """A fault as a sentence that names its records."""
    number = here.reader.format.number
    seq, last = int(fault["seq"]), int(fault["last"])
    return here.text(f"trail.fault.{fault['code']}", seq=number(seq), last=number(last or seq))


# --- who looked -----------------------------------------------------------------------------------


def note_access(
    here: Here,
    action: str,
    object_type: str,
    object_id: str,
    *,
    org: str = "",
    outcome: str = "",
    body: dict[str, Any] | None = None,
) -> None:
    """Leave a record of kind access, in a transaction of the person."""
    with here.app.store.unit_of_work(here.person) as uow:
        trail.record(
            uow,
            kind="access",
            action=action,
            object_type=object_type,
            object_id=object_id,
            org=org,
            outcome=outcome,
            body=body,
        )
