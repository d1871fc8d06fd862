"""Signed notes and checkpoints, in the C2SP formats `signed-note` and `tlog-checkpoint`.

A checkpoint is three lines (origin, size, root in base64) and, as the format lets a log add, a
line ``previous N`` with the size of the checkpoint before it; signed with Ed25519. Any program that
reads these formats can check ours.
"""

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from trail.errors import KeyFault

_ED25519 = b"\x01"
_DASH = "\N{EM DASH} "
_ID_BYTES = 4
_KEY_BYTES = 32
_PREVIOUS = "previous "
_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key under a name.

    Attributes:
        name: the key's name; no space, no plus sign.
        key: 32 bytes of Ed25519.
    """

    name: str
    key: bytes

    @property
    def key_id(self) -> bytes:
        """The first 4 bytes of SHA-256(name, newline, type, key)."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.key).digest()[:_ID_BYTES]

    def accepts(self, text: str, signature: bytes) -> bool:
        """True when `signature` over `text` was made by this key's owner."""
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(signature, text.encode())
        except (InvalidSignature, ValueError):
            return False
        return True

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{_b64(_ED25519 + self.key)}"

    @classmethod
    def parse(cls, text: str) -> "Verifier":
        """Read the form ``name+id+key`` that `str` writes.

        Raises:
            KeyFault: when it is anything else, or the id does not fit the key.
        """
        name, key_id, data = [*text.strip().split("+", 2), "", ""][:3]
        try:
            raw = base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError) as fault:
            raise KeyFault("a public key is written name+id+base64") from fault
        if not name or raw[:1] != _ED25519 or len(raw) != 1 + _KEY_BYTES:
            raise KeyFault("a public key is written name+id+base64, with an Ed25519 key")
        verifier = cls(name, raw[1:])
        if verifier.key_id.hex() != key_id:
            raise KeyFault(f"the id {key_id!r} does not belong to the key of {name!r}")
        return verifier


class Signer:
    """A private key under a name; makes signed notes."""

    __slots__ = ("_key", "name", "verifier")

    def __init__(self, name: str, seed: bytes) -> None:
        if not name or any(character.isspace() or character == "+" for character in name):
            raise KeyFault("a key's name has no space and no plus sign")
        self.name = name
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = Verifier(name, self._key.public_key().public_bytes_raw())

    def signature_line(self, text: str) -> str:
        """The line that goes under `text`."""
        signature = self._key.sign(text.encode())
        return f"{_DASH}{self.name} {_b64(self.verifier.key_id + signature)}\n"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint says: the log `origin` had `size` records under `root`.

    Attributes:
        origin: the log's name.
        size: records covered.
        root: the tree's root over them.
        previous: size of the checkpoint before it, 0 for the first one; None when it says nothing
            of it. So an older one cannot be taken away while a newer one stays.
    """

    origin: str
    size: int
    root: bytes
    previous: int | None = None

    def text(self) -> str:
        """The part that is signed."""
        link = "" if self.previous is None else f"{_PREVIOUS}{self.previous}\n"
        return f"{self.origin}\n{self.size}\n{_b64(self.root)}\n{link}"


def sign(text: str, signers: Iterable[Signer]) -> str:
    """The note: `text`, an empty line, one signature line per signer."""
    return text + "\n" + "".join(signer.signature_line(text) for signer in signers)


def read_note(note: str, verifiers: Iterable[Verifier]) -> tuple[str, tuple[str, ...]]:
    """The text of a note, and the names of the given keys that signed it.

    Signatures by unknown keys are passed over, as the format demands. A text that is no note has
    no signers.
    """
    text, mark, lines = note.rpartition("\n\n")
    if not mark or not lines.endswith("\n"):
        return note, ()
    text += "\n"
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    names = []
    for line in lines.splitlines():
        name, _, data = line.removeprefix(_DASH).partition(" ")
        try:
            raw = base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError):
            return text, ()
        if _b64(raw) != data:  # the last letter has spare bits: two texts, one signature
            return text, ()
        verifier = known.get((name, raw[:_ID_BYTES]))
        if not line.startswith(_DASH) or (
            verifier is not None and not verifier.accepts(text, raw[_ID_BYTES:])
        ):
            return text, ()
        if verifier is not None:
            names.append(name)
    return text, tuple(names)


def signature_lines(note: str) -> list[str]:
    """The lines of a note that hold signatures, known ones or not."""
    return note.rpartition("\n\n")[2].splitlines()


def parse_checkpoint(text: str) -> Checkpoint | None:
    """The checkpoint that a note's text states; None when it states none, or not in one form."""
    parts = text.split("\n")
    if len(parts) < 4 or parts[-1] or not parts[0] or not _is_size(parts[1]):  # noqa: PLR2004
        return None
    try:
        root = base64.b64decode(parts[2], validate=True)
    except (binascii.Error, ValueError):
        return None
    previous = parts[3].removeprefix(_PREVIOUS) if parts[3].startswith(_PREVIOUS) else ""
    linked = int(previous) if _is_size(previous) else None
    found = Checkpoint(parts[0], int(parts[1]), root, linked)
    return found if text.startswith(found.text()) else None


def broken_links(checkpoints: Mapping[int, Checkpoint]) -> Iterator[tuple[int, str]]:
    """Size and fault of each checkpoint that is not there, or that none of the others knows.

    Args:
        checkpoints: those that are in order in themselves, by size. The newest is named by no
            other one: that it is there must be known from elsewhere.
    """
    before = 0
    for size, said in sorted(checkpoints.items()):
        if said.previous is not None and said.previous != before:
            if said.previous and said.previous not in checkpoints:
                detail = f"the checkpoint before the one over {size} records is gone or broken"
                yield said.previous, detail
            else:
                yield before, f"the checkpoint over {size} records does not follow this one"
        before = size


def _is_size(text: str) -> bool:
    # Python refuses to read a number of thousands of digits, and a note may come from anywhere.
    return text.isdecimal() and len(text) <= _DIGITS


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
