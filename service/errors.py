"""Wrong calls that end a command with a message instead of a traceback."""

from collections.abc import Sequence

from store.problems import Problem


class ServiceError(Exception):
    """The base of this room's exceptions."""


class BrokenRulebook(ServiceError):  # noqa: N818 - named after what the reader must mend
    """The rulebook has errors, so nothing of it comes into force.

    Attributes:
        problems: what is wrong, with file, line and column.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(f"{len(problems)} problems in the rulebook")
        self.problems = tuple(problems)


class WrongFolder(ServiceError):  # noqa: N818 - named after what the reader must mend
    """A demo folder where a live one is meant, or the other way round.

    Attributes:
        code: the catalogue key of the sentence.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class UnplayableFile(ServiceError):  # noqa: N818 - named after what the reader must mend
    """Nothing of a file of incidents can be played.

    Attributes:
        problems: what is wrong with it.
        usable: whether it is a list of incidents at all.
    """

    def __init__(self, problems: Sequence[Problem], *, usable: bool) -> None:
        super().__init__(f"{len(problems)} problems in the file of incidents")
        self.problems = tuple(problems)
        self.usable = usable


class UnsafeAddress(ServiceError):  # noqa: N818 - named after what the reader must mend
    """An address beyond this machine, without TLS and without a proxy that has it.

    Attributes:
        host: the address that was asked for.
    """

    def __init__(self, host: str) -> None:
        super().__init__(f"{host} needs TLS or --behind-proxy")
        self.host = host


class FrontEndMissing(ServiceError):  # noqa: N818 - named as the condition
    """The console's front end was not built."""

    def __init__(self) -> None:
        super().__init__("the front end is not built; run `make front`")
