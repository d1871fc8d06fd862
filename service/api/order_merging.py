"""Tags of a work order and merging over HTTP."""

from fastapi import APIRouter
from fastapi.responses import Response

import workorders
from service.api.orders import OrderId, act_on
from service.api.shapes import ActOut, MergeIn, TagIn
from service.api.writing import Writing
from service.closing import over
from workorders.states import Verb

router = APIRouter(prefix="/orders", tags=["orders"])


@router.post("/{order_id}/tag", response_model=ActOut, summary="标签")
def tag(call: Writing, order_id: OrderId, asked: TagIn) -> Response:
    """Add and remove tags; `ALREADY_DONE` where nothing changes."""
    return act_on(
        call,
        order_id,
        Verb.TAG,
        lambda uow, ctx, order: workorders.tag(
            uow, ctx, order.id, add=asked.add, remove=asked.remove
        ),
    )


@router.post("/{order_id}/merge", response_model=ActOut, summary="合并")
def merge(call: Writing, order_id: OrderId, asked: MergeIn) -> Response:
    """The order ends in `into`, which answers for both; 409 with the reason where it cannot."""
    scopes = call.who.reads("view")
    return act_on(
        call,
        order_id,
        Verb.MERGE,
        lambda uow, ctx, order: over(
            uow,
            call.app,
            order.id,
            workorders.merge(
                uow,
                ctx,
                order.id,
                into=asked.into,
                text=asked.text,
                scopes=scopes,
                expected_version=asked.version,
                into_version=asked.into_version,
            ),
            "ORDER_MERGED",
        ),
    )
