"""Who calls: a token or a session, and what that caller sees and may do."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, cast

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials

from directory import Directory, Person, Scopes
from service.api.parameters import check_parameters
from service.application import Application
from service.security import Forbidden, Gate, SignInNeeded, sessions, tokens

_bearer = HTTPBearer(auto_error=False, scheme_name="token", description="`hedgewarden user token`")
_cookie = APIKeyCookie(
    name=sessions.COOKIE, auto_error=False, scheme_name="session", description="the console's own"
)


Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
Cookie = Annotated[str | None, Depends(_cookie)]


@dataclass(frozen=True, slots=True)
class Caller:
    """The person for whom a request is made.

    Attributes:
        person: from the directory, as it is now.
        directory: that decides what the person may see and do.
        at: the time of the request.
        scopes: permissions that the token is limited to; empty for no limit.
    """

    person: Person
    directory: Directory
    at: datetime
    scopes: frozenset[str] = frozenset()

    def may(self, permission: str, org: str = "") -> bool:
        """Whether the caller may act with `permission` at `org` (the own unit when empty)."""
        return not self._refusal(permission, org)

    def check(self, permission: str, org: str = "") -> None:
        """As `may`.

        Raises:
            Forbidden: with the reason.
        """
        if reason := self._refusal(permission, org):
            raise Forbidden(permission, reason)

    def reads(self, permission: str) -> Scopes:
        """The organisation paths whose rows the caller sees; nothing for no path.

        Raises:
            Forbidden: when the caller may not read such rows at all.
        """
        self.check(permission)
        return self.directory.visible_scopes(self.person.id, self.at)

    def sees(self, org: str) -> bool:
        """Whether the caller sees rows of `org`."""
        return self.directory.sees(self.person.id, org, self.at).allowed

    def _refusal(self, permission: str, org: str) -> str:
        if self.scopes and permission not in self.scopes:
            return "TOKEN_SCOPE"
        where = org or self.person.unit
        verdict = self.directory.may(self.person.id, permission, where, self.at)
        return "" if verdict.allowed else verdict.reason.value


def application(request: Request) -> Application:
    """The application behind this API."""
    return cast("Application", request.app.state.application)


def caller(
    request: Request,
    app: Annotated[Application, Depends(application)],
    bearer: Bearer,
    cookie: Cookie,
) -> Caller:
    """The caller of this request; a token goes before a session.

    Only who is known is told which parameters an address takes.

    Raises:
        SignInNeeded: when neither names an active person.
        ApiFault: when the address has a parameter that the route does not know.
    """
    if bearer is not None:
        found = _by_token(app, bearer.credentials)
    else:
        signed = cast("Gate", request.app.state.gate).who(cookie or "")
        if signed is None:
            raise SignInNeeded
        found = Caller(signed.person, signed.directory, signed.at)
    check_parameters(request)
    return found


def _by_token(app: Application, token: str) -> Caller:
    now = app.clock()
    with app.store.reader() as connection:
        found = tokens.find(connection, token, now)
        directory = app.directories.around(connection).directory
    person = directory.person(found.person) if found is not None else None
    if found is None or person is None or not person.active:
        raise SignInNeeded
    return Caller(person, directory, now, frozenset(found.scopes))


App = Annotated[Application, Depends(application)]
Who = Annotated[Caller, Depends(caller)]
