"""Receipts of notices, from gateways and mail systems: each noted once, in whatever order."""

from collections.abc import Callable
from typing import Final, TypeVar

from integrations.receipts import ANSWERED, BOUNCED, DELAYED, DELIVERED, FAILED, RELAYED, Receipt
from service.application import Application
from service.inbound.clicks import actor_of
from service.inbound.done import keep_done
from service.retrying import retried
from store import UnitOfWork, inbox
from workorders.deliveries import record_receipt

_T = TypeVar("_T")
_NOTED: Final = "DONE"
_ARRIVED: Final = (DELIVERED, ANSWERED)
#: What is not news any more once one of the others is known.
_AFTER: Final = {
    FAILED: _ARRIVED,
    BOUNCED: _ARRIVED,
    DELAYED: (*_ARRIVED, BOUNCED),
    RELAYED: (*_ARRIVED, BOUNCED),
}


class Overtaken(Exception):  # noqa: N818 - it only ends a transaction
    """The same request was done meanwhile: what came of it is found the next time."""


def once(do: Callable[[], _T]) -> _T:
    """What `do` gives; done anew when the same request came by another process at once."""
    try:
        return retried(do)
    except Overtaken:
        return retried(do)


def note(app: Application, receipt: Receipt) -> str:
    """Note what came back about a notice.

    Each kind of receipt counts once for each notice; what arrived did not fail, whatever comes
    last. A receipt changes nothing but the delivery.

    Returns:
        ``DONE``, ``ALREADY_DONE``, or as `workorders.deliveries.record_receipt` refuses.
    """
    return once(lambda: _note(app, receipt))


def _note(app: Application, receipt: Receipt) -> str:
    key = f"{receipt.notice_id}/{receipt.status}"
    with app.store.unit_of_work(actor_of(receipt.channel)) as uow:
        later = _AFTER.get(receipt.status, ())
        if any(_known(uow, receipt, status) for status in (receipt.status, *later)):
            return "ALREADY_DONE"
        code = record_receipt(
            uow,
            app.context(app.directories.around(uow.connection)),
            receipt.notice_id,
            receipt.channel,
            receipt.status,
            receipt.code,
        )
        if not code:
            given = {"code": receipt.code}
            if not keep_done(uow, receipt.channel, key, given, {"code": _NOTED}):
                raise Overtaken
    return code or _NOTED


def _known(uow: UnitOfWork, receipt: Receipt, status: str) -> bool:
    key = f"{receipt.notice_id}/{status}"
    return inbox.outcome(uow.connection, receipt.channel, key) is not None
