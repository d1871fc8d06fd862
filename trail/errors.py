"""What a wrong call into the trail raises."""

# ruff: noqa: N818 - each name is the condition itself; they share the base TrailError


class TrailError(Exception):
    """Any refusal by the trail: a record that it cannot hold, or a call that makes no sense."""


class RecordTooLarge(TrailError):
    """A record is larger than the trail keeps in one piece."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(
            f"a record of {size} bytes is over the limit of {limit};"
            " store the large part with trail.put_blob and name its hash in the body"
        )


class UnknownRecord(TrailError):
    """No record has that number."""

    def __init__(self, seq: int) -> None:
        super().__init__(f"the trail has no record {seq}")


class KeyFault(TrailError):
    """A key file is missing, readable by others, or no key.

    Attributes:
        code: ``KEY_OPEN_TO_OTHERS``, ``KEY_DAMAGED``, ``KEY_OF_ANOTHER_PURPOSE`` or ``KEY_LOST``
            for a file; empty for a key that was handed in.
        file: its name; several with commas between them.
    """

    def __init__(self, message: str, *, code: str = "", file: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.file = file


class VerificationFailed(TrailError):
    """The verification could not run to its end; that says nothing about the trail.

    Attributes:
        code: ``DISK_FULL``, ``DATABASE_BUSY`` or ``DATABASE_OUT_OF_REACH``.
    """

    def __init__(self, code: str) -> None:
        super().__init__(f"the verification could not run: {code}")
        self.code = code
