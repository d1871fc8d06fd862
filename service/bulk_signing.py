"""Several requests signed at once: each judged on its own, each with its own answer.

The requests are those that the person ticked, in the versions that the person saw. One that is
refused holds no other back; all that is done is done in the transaction of the caller.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

import approvals
from approvals import State, UnknownRequest, Verb
from service.application import Application
from service.approval_effect import level_of
from service.approving import act
from store import UnitOfWork
from workorders.context import Context
from workorders.levels import Level

#: So many at once; more would keep others waiting.
MOST = 50
#: A red one is read and signed by itself.
RED_ALONE = "RED_SIGNED_ALONE"
NOT_FOUND = "NOT_FOUND"


@dataclass(frozen=True, slots=True)
class Ticked:
    """A request as the person saw it."""

    id: str
    version: int


@dataclass(frozen=True, slots=True)
class Signed:
    """What came of one request; `state` as it stands now, None for one that the person sees not."""

    id: str
    ok: bool
    code: str
    state: State | None = None


def sign_all(
    uow: UnitOfWork,
    app: Application,
    ctx: Context,
    ticked: Sequence[Ticked],
    *,
    sees: Callable[[Connection, State], str],
    note: str = "",
) -> list[Signed]:
    """Sign each as the unit's actor, in the order given; a request named twice is signed once.

    Args:
        uow: the transaction; its actor signs.
        app: the application.
        ctx: around this moment.
        ticked: at most `MOST` of them.
        sees: why the person may not act on a request here; empty when nothing forbids it.
        note: goes with each signature.

    Raises:
        ValueError: for more than `MOST`.
    """
    once = list({one.id: one for one in ticked}.values())
    if len(once) > MOST:
        raise ValueError(len(once))
    return [_sign(uow, app, ctx, one, sees, note) for one in once]


def _sign(  # noqa: PLR0917 - as `sign_all`
    uow: UnitOfWork,
    app: Application,
    ctx: Context,
    one: Ticked,
    sees: Callable[[Connection, State], str],
    note: str,
) -> Signed:
    try:
        state = approvals.read(uow.connection, one.id)
    except UnknownRequest:
        return Signed(one.id, ok=False, code=NOT_FOUND)
    refusal = sees(uow.connection, state)
    if refusal:
        return Signed(one.id, ok=False, code=refusal, state=None if refusal == NOT_FOUND else state)
    if not state.status.final and level_of(uow.connection, state) is Level.RED:
        return Signed(one.id, ok=False, code=RED_ALONE, state=state)
    decided = act(uow, app, ctx, one.id, Verb.APPROVE, one.version, note=note)
    return Signed(one.id, decided.accepted, decided.code, decided.state)
