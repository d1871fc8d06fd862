"""Refusals; one handler turns them into a redirect, a page or problem+json."""

# ruff: noqa: N818 - each name is the condition itself; they share the base SecurityError


class SecurityError(Exception):
    """Any refusal of this room."""


class SignInNeeded(SecurityError):
    """Nobody is signed in, or the session is over."""


class Forbidden(SecurityError):
    """The person is known and may not do this.

    Attributes:
        permission: what was asked for.
        reason: why not, a code of the directory.
    """

    def __init__(self, permission: str, reason: str) -> None:
        super().__init__(f"{permission}: {reason}")
        self.permission = permission
        self.reason = reason


class WeakPassword(SecurityError):
    """A password is shorter than allowed.

    Attributes:
        least: the least number of characters.
    """

    def __init__(self, least: int) -> None:
        super().__init__(f"a password needs at least {least} characters")
        self.least = least
