"""Wrong calls into the detectors. Too little data is a value (`training.NotEnough`)."""


class DetectorError(Exception):
    """The base of this room's exceptions; `code` is its catalogue key."""

    code = "DETECTOR_ERROR"


class NotFitted(DetectorError):  # noqa: N818 - named as the field says it
    """A detector was asked for scores before it was fitted."""

    code = "DETECTOR_NOT_FITTED"

    def __init__(self, detector: str) -> None:
        super().__init__(f"{detector} has not been fitted")
        self.detector = detector


class ModelRefused(DetectorError):  # noqa: N818 - named as the field says it
    """A model file was changed, is signed with another key, or is none."""

    code = "MODEL_REFUSED"

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"the model file {name} is refused: {why}")
        self.name = name
        self.why = why


class UnknownColumn(DetectorError):  # noqa: N818 - named as the field says it
    """A table has no column of the name that was given."""

    code = "COLUMN_UNKNOWN"

    def __init__(self, column: str, hint: str = "") -> None:
        super().__init__(f"the table has no column {column!r}" + (f"; {hint}?" if hint else ""))
        self.column = column
        self.hint = hint


class UnusableTable(DetectorError):  # noqa: N818 - named as the field says it
    """A table in which nothing can be scored."""

    code = "TABLE_UNUSABLE"
