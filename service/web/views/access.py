"""Sign-in and the pages that say no."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """One person of the demo as whom a visitor may sign in.

    Attributes:
        roles: codes.
        waiting: how many orders, alerts and approvals wait for the person now.
    """

    id: str
    name: str
    roles: tuple[str, ...]
    unit: str = ""
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class SignInPage:
    """The sign-in page.

    Attributes:
        login: what was typed before.
        error: code ``WRONG_LOGIN`` or ``TOO_MANY_ATTEMPTS``, or empty.
        next_url: where to go afterwards; only paths of our own.
        people: the demo's people; empty outside the demo.
        undone: true when an act was sent without a session: it has not been done.
        without_people: true while no login exists: the page then names the command.
    """

    login: str = ""
    error: str = ""
    next_url: str = "/"
    people: tuple[DemoPerson, ...] = ()
    without_people: bool = False
    undone: bool = False


@dataclass(frozen=True, slots=True)
class FaultPage:
    """A refusal or a fault; `code` picks the words ``ui.fault.<code>``.

    Attributes:
        status: of HTTP.
        detail: what was found, as a sentence; never a traceback.
        reference: an id to quote to the operators; empty for refusals.
        back_url: the page that the reader came from; empty when it is not known.
    """

    status: int
    code: str
    detail: str = ""
    reference: str = ""
    back_url: str = ""
