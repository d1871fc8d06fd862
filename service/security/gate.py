"""Who is here, and what they may do: the dependencies that routes name.

A route writes ``signed: Annotated[SignedIn, Depends(require("order.close"))]``; for an object of
another unit it then calls ``signed.check("order.close", order.org)``. Roles are read from the
directory at every request, so a grant that is withdrawn is gone at the next click.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from fastapi import Request, Response

import trail
from directory import Directory, GrantVerdict, Person
from service.security import attempts, sessions
from service.security.errors import Forbidden, SignInNeeded
from service.security.passwords import read_hash, verify_password
from store import Store


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The person of this request.

    Attributes:
        person: from the directory, as it is now.
        directory: that decides what the person may see and do.
        at: the time of the request.
    """

    person: Person
    directory: Directory
    at: datetime

    def may(self, permission: str, org: str = "") -> bool:
        """Whether the person may act with `permission` at `org` (the own unit when empty)."""
        return self._verdict(permission, org).allowed

    def check(self, permission: str, org: str = "") -> None:
        """As `may`.

        Raises:
            Forbidden: when the person may not.
        """
        verdict = self._verdict(permission, org)
        if not verdict.allowed:
            raise Forbidden(permission, verdict.reason.value)

    def sees(self, org: str) -> bool:
        """Whether the person sees rows of `org`."""
        return self.directory.sees(self.person.id, org, self.at).allowed

    def _verdict(self, permission: str, org: str) -> GrantVerdict:
        return self.directory.may(self.person.id, permission, org or self.person.unit, self.at)


@dataclass(frozen=True, slots=True)
class SignInResult:
    """What came of an attempt.

    Attributes:
        code: ``SIGNED_IN``, ``WRONG_LOGIN`` or ``TOO_MANY_ATTEMPTS``.
        token: the session cookie's value, empty unless signed in.
        person: who signed in, or None.
    """

    code: str
    token: str = ""
    person: Person | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """The door of the service.

    Attributes:
        store: sessions, credentials and attempts.
        directory: returns the directory in force.
        secure: set the cookie for https only.
    """

    store: Store
    directory: Callable[[], Directory]
    secure: bool = False

    def sign_in(self, login: str, password: str, address: str) -> SignInResult:
        """Check a password; every attempt is recorded, a failed one without what was typed."""
        now = self.store.clock()
        directory = self.directory()
        person = directory.person_by_login(login) or directory.person(login)
        with self.store.reader() as connection:
            if attempts.closed(connection, login, address, now):
                return SignInResult("TOO_MANY_ATTEMPTS")
            stored = read_hash(connection, person.id) if person and person.active else None
        # Slow on purpose, and outside the transaction.
        if not verify_password(stored, password) or person is None:
            with self.store.unit_of_work("system:sign-in") as uow:
                attempts.failed(uow, login, address)
                trail.record(
                    uow,
                    kind="access",
                    action="session.refuse",
                    object_type="person",
                    object_id=person.id if person else "",
                    outcome="refused",
                    reason="WRONG_LOGIN",
                )
            return SignInResult("WRONG_LOGIN")
        return SignInResult("SIGNED_IN", self.begin(person, address, login=login), person)

    def begin(self, person: Person, address: str, *, login: str = "", how: str = "password") -> str:
        """Open a session for a person who has shown who they are; returns the cookie's value."""
        with self.store.unit_of_work(person.id) as uow:
            token = sessions.begin(uow, person.id, address)
            if login:
                attempts.succeeded(uow, login)
            trail.record(
                uow,
                kind="access",
                action="session.begin",
                object_type="person",
                object_id=person.id,
                org=person.unit,
                body={"how": how},
            )
        return token

    def sign_out(self, token: str) -> None:
        """End the session behind the cookie's value, if there is one."""
        with self.store.reader() as connection:
            session = sessions.find(connection, token, self.store.clock())
        if session is None:
            return
        with self.store.unit_of_work(session.person) as uow:
            sessions.end(uow, token)
            trail.record(
                uow,
                kind="access",
                action="session.end",
                object_type="person",
                object_id=session.person,
            )

    def who(self, token: str) -> SignedIn | None:
        """The person behind a cookie's value, or None when the session is over."""
        if not token:
            return None
        now = self.store.clock()
        with self.store.reader() as connection:
            session = sessions.find(connection, token, now)
        if session is None:
            return None
        directory = self.directory()
        person = directory.person(session.person)
        if person is None or not person.active:
            return None
        if session.stale(now):
            with self.store.unit_of_work(person.id) as uow:
                sessions.touch(uow, session)
        return SignedIn(person, directory, now)

    def set_cookie(self, response: Response, token: str) -> None:
        """Give the browser its session."""
        response.set_cookie(
            sessions.COOKIE,
            token,
            max_age=int(sessions.LONGEST.total_seconds()),
            httponly=True,
            samesite="lax",
            secure=self.secure,
            path="/",
        )

    def clear_cookie(self, response: Response) -> None:
        """Take the session away from the browser."""
        response.delete_cookie(
            sessions.COOKIE, httponly=True, samesite="lax", secure=self.secure, path="/"
        )


def signed_in(request: Request) -> SignedIn:
    """The person of this request; a FastAPI dependency.

    Raises:
        SignInNeeded: when nobody is signed in.
    """
    found = getattr(request.state, "signed_in", None)
    if found is None:
        gate = cast("Gate", request.app.state.gate)
        found = gate.who(request.cookies.get(sessions.COOKIE, ""))
        if found is None:
            raise SignInNeeded
        request.state.signed_in = found
    return cast("SignedIn", found)


def require(permission: str) -> Callable[[Request], SignedIn]:
    """A dependency: the signed-in person, who must hold `permission` at the own unit."""

    def checked(request: Request) -> SignedIn:
        found = signed_in(request)
        found.check(permission)
        return found

    return checked
