"""Wrong calls to the directory. Bad data is a `store.problems.Problem` instead."""

# ruff: noqa: N818 - each name is the condition itself; they share the base DirectoryError

from collections.abc import Sequence

from store.problems import Problem


class DirectoryError(Exception):
    """The parent of this room's exceptions."""


class UnknownYear(DirectoryError):
    """The calendar holds no exchange holidays for this year, and never guesses.

    Attributes:
        year: the year that an administrator has to load.
        region: the holiday table's name (``CN``, ``US``, ``GB``, ``ICE``).
    """

    def __init__(self, year: int, region: str) -> None:
        super().__init__(f"no exchange holidays are known for {region} {year}")
        self.year = year
        self.region = region


class UnknownProduct(DirectoryError):
    """No session table covers this product.

    Attributes:
        product: the product as it was asked for.
        hint: the nearest product that has sessions, or empty.
    """

    def __init__(self, product: str, hint: str = "") -> None:
        super().__init__(f"no trading sessions are known for {product!r}")
        self.product = product
        self.hint = hint


class UnknownPermission(DirectoryError):
    """The permission is not in the catalogue; a typing mistake must not read as a refusal.

    Attributes:
        permission: the code as it was asked for.
        hint: the nearest known code, or empty.
    """

    def __init__(self, permission: str, hint: str = "") -> None:
        super().__init__(f"there is no permission {permission!r}")
        self.permission = permission
        self.hint = hint


class UnknownPerson(DirectoryError):
    """A change names a person who does not stand in the directory.

    Attributes:
        person: the id as it was given.
    """

    def __init__(self, person: str) -> None:
        super().__init__(f"there is no person {person!r} in the directory")
        self.person = person


class AccountTaken(DirectoryError):
    """The account in a chat is tied to another person; which one is not said."""

    def __init__(self, channel: str, team: str, user: str) -> None:
        super().__init__(f"the {channel} account {team}/{user} belongs to another person")


class InvalidDirectory(DirectoryError):
    """A directory value that no file could hold.

    Attributes:
        problems: what reading it back found.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        found = ", ".join(f"{p.code} {p.field} {p.found}".strip() for p in problems[:5])
        super().__init__(f"the directory cannot be written and read back: {found or 'it changed'}")
        self.problems = tuple(problems)
