"""The card that went out to the signers, kept with the approval: what signing meant then."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import orjson
from sqlalchemy import Connection

import trail
from trail.records import read_blob
from workorders.card import Card, CardKind, card_from_json

_LOOKED_AT = 50


@dataclass(frozen=True, slots=True)
class KeptCard:
    """A card on record.

    Attributes:
        at: when it was kept.
        seq: of the trail's record that names its hash.
        hash: SHA-256 of its canonical bytes, as the record names it.
        card: as it was; None when the bytes are gone or are no longer those of the hash.
    """

    at: datetime
    seq: int
    hash: str
    card: Card | None


def kept_card(connection: Connection, request_id: str) -> KeptCard | None:
    """The last card of a request that asked for a signature; None when none was sent."""
    found = trail.find(
        connection,
        action="approval.announce",
        object_type="approval",
        object_id=request_id,
        limit=_LOOKED_AT,
    )
    for record in found:
        name = str(record.body["blobs"]["card"])
        content = read_blob(connection, name)
        if content is None or sha256(content).hexdigest() != name:
            return KeptCard(record.at, record.seq, name, None)
        card = card_from_json(orjson.loads(content))
        if card.kind is CardKind.APPROVAL:
            return KeptCard(record.at, record.seq, name, card)
    return None
