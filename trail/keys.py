"""The keys folder: one secret per purpose, made once, readable by its owner alone."""

import base64
import binascii
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from trail.errors import KeyFault
from trail.notes import Signer

PURPOSES: Final = ("trail", "models", "mail", "webhooks", "sessions")
SECRET_BYTES: Final = 32
_HEADING: Final = "hedgewarden secret key"


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """The secrets of one installation; never shown by `repr`.

    Attributes:
        trail: signs checkpoints.
        models: authenticates model files.
        mail: makes the tokens in mails.
        webhooks: checks and signs webhooks.
        sessions: signs session cookies.
    """

    trail: Signer
    models: bytes
    mail: bytes
    webhooks: bytes
    sessions: bytes

    def __repr__(self) -> str:
        return f"Keys(trail={self.trail.verifier})"


def open_keys(folder: Path | str, origin: str = "hedgewarden/trail", *, make: bool = True) -> Keys:
    """Read the keys, making those that do not exist yet.

    Args:
        folder: made with mode 0700 when absent; each key is a file of mode 0600.
        origin: the name under which checkpoints are signed.
        make: False where a trail was signed already: new keys would make it look false.

    Raises:
        KeyFault: when a file is no key, or others may read it; when one is gone that must not be
            made anew.
    """
    place = Path(folder)
    if not make and (lost := lost_keys(place)):
        names = ", ".join(lost)
        raise KeyFault(f"keys are gone: {names}", code="KEY_LOST", file=names)
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    secrets_ = {purpose: _secret(place / f"{purpose}.key", purpose) for purpose in PURPOSES}
    signer = Signer(origin, secrets_.pop("trail"))
    (place / "trail.pub").write_text(f"{signer.verifier}\n", encoding="utf-8")
    return Keys(trail=signer, **secrets_)


def lost_keys(folder: Path) -> list[str]:
    """The names of the key files that are not there."""
    files = (folder / f"{purpose}.key" for purpose in PURPOSES)
    return [one.name for one in files if not one.exists()]


def _secret(path: Path, purpose: str) -> bytes:
    with suppress(FileExistsError):
        _create(path, purpose)
    if path.stat().st_mode & 0o077:
        raise KeyFault(
            f"{path.name}: others may read this key; set its mode to 0600",
            code="KEY_OPEN_TO_OTHERS",
            file=path.name,
        )
    lines = path.read_text(encoding="utf-8").splitlines()
    try:
        heading, data = lines
        secret = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as fault:
        message = f"{path.name} holds no key"
        raise KeyFault(message, code="KEY_DAMAGED", file=path.name) from fault
    if heading != f"{_HEADING} {purpose}" or len(secret) != SECRET_BYTES:
        message = f"{path.name} holds no key for {purpose}"
        raise KeyFault(message, code="KEY_OF_ANOTHER_PURPOSE", file=path.name)
    return secret


def _create(path: Path, purpose: str) -> None:
    """Make a key file whole or not at all: a crash must not leave half a key under the name."""
    if path.exists():
        raise FileExistsError(path)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        secret = base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
        file.write(f"{_HEADING} {purpose}\n{secret}\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # fails when another process was first; its key is then the key
    finally:
        draft.unlink()
