"""Notices: which cards go out, to whom, on which channels; and what became of them.

A notice is a row here (for the figures and the stream) and a message in the outbox (for delivery),
written in the same transaction. Its key is the idempotency id of the delivery.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update

from store import outbox
from store.unit_of_work import UnitOfWork
from workorders import journal, rows
from workorders.about import subjects_of
from workorders.card import Card, CardKind, card_from_json
from workorders.cards import alert_card, order_card
from workorders.context import Context
from workorders.flapping import flap_score
from workorders.levels import Level
from workorders.model import Alert, EntryKind, State, WorkOrder
from workorders.muting import Muted, by_reason, mute_of
from workorders.noise import History, NoticeVerdict, Trigger, decide_notice, ladder_step
from workorders.policy import Policy, policy_from_json
from workorders.rows import NOTICES

_HOUR = timedelta(hours=1)
#: Why somebody neither answers for a matter nor is told of it: it is about that person.
OWN_MATTER = "OWN_MATTER"
#: Cards that were to go out and did not; each leaves a row, so that nothing is lost.
KEPT_BACK = frozenset({"PERSON_HOUR_LIMIT", "SILENCED", "INHIBITED"})
_LIVE = ("queued", "sent", "stale")
#: Tried, and the person was not told.
_TRIED = ("failed", "bounced")
_LAST_SENT = (
    select(
        NOTICES.c.person,
        func.max(NOTICES.c.due_at).label("last"),
        func.max(NOTICES.c.queued_at).label("drawn"),
    )
    .where(NOTICES.c.object_id == bindparam("object"), NOTICES.c.state.in_(_LIVE))
    .group_by(NOTICES.c.person)
)
_SENT_SINCE = (
    select(func.count())
    .where(
        NOTICES.c.person == bindparam("person"),
        NOTICES.c.state.in_(_LIVE),
        NOTICES.c.queued_at > bindparam("since"),
    )
    .group_by(NOTICES.c.channel)
)
_COUNT = select(func.count()).select_from(NOTICES).where(NOTICES.c.object_id == bindparam("object"))


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one happening.

    Attributes:
        people: who gets a card, each on every channel.
        held: reason code → people who do not.
    """

    people: tuple[str, ...]
    held: Mapping[str, tuple[str, ...]]


def _last_sent(uow: UnitOfWork, object_id: str, changed_at: datetime | None) -> dict[str, History]:
    """When each person was last sent a card about this, and when it was drawn."""
    found = uow.execute(_LAST_SENT, {"object": object_id})
    return {
        row["person"]: History(row["last"], row["drawn"], changed_at) for row in found.mappings()
    }


def last_noted(uow: UnitOfWork, object_id: str) -> datetime | None:
    """When a card about this last left, was to leave, or was kept back; None for never."""
    statement = select(func.max(NOTICES.c.due_at)).where(
        NOTICES.c.object_id == object_id, NOTICES.c.state.in_([*_LIVE, "held"])
    )
    found: datetime | None = uow.connection.scalar(statement)
    return found


def _sent_in_hour(uow: UnitOfWork, person: str) -> int:
    """Cards to this person within the hour, on the channel that got the most."""
    found = uow.connection.scalars(_SENT_SINCE, {"person": person, "since": uow.now - _HOUR})
    return max(found, default=0)


def number_of(uow: UnitOfWork, object_id: str) -> int:
    """The number of the next notice about this object."""
    return int(uow.connection.scalar(_COUNT, {"object": object_id}) or 0) + 1


def notify(
    uow: UnitOfWork,
    ctx: Context,
    matter: WorkOrder | Alert,
    people: Sequence[str],
    trigger: Trigger,
    *,
    rung: int = 0,
    params: Mapping[str, Any] | None = None,
    changed_at: datetime | None = None,
    new: bool = False,
) -> Sent:
    """Queue a card to each of `people` on each channel, or say why not.

    Args:
        uow: the transaction.
        ctx: policy and channels.
        matter: the order or alert.
        people: ids; each gets one card a channel.
        trigger: what happened.
        rung: of the escalation ladder.
        params: for the sentence about the reason.
        changed_at: when the new evidence came (`Trigger.ATTACHED`).
        new: the matter came into being in this unit; nothing was told of it before.
    """
    if isinstance(matter, WorkOrder):
        policy = policy_from_json(matter.policy) if matter.policy else ctx.policy
        state = matter.state
    else:
        policy, state = ctx.policy, State.OPEN
    # Who opened or raised it has left them out already.
    own = () if new else _own(uow, ctx, matter, people, policy)
    last = {} if new else _last_sent(uow, matter.id, changed_at)
    mute = mute_of(uow, matter, trigger, policy)
    kept: dict[str, Muted] = {}
    step = ladder_step(trigger, rung)
    numbers = count(1 if new else number_of(uow, matter.id))
    decide = partial(decide_notice, trigger, matter.level, state, at=uow.now, policy=policy)
    told: list[str] = []
    held: dict[str, tuple[str, ...]] = {OWN_MATTER: own} if own else {}
    for person in dict.fromkeys(one for one in people if one not in own):
        before = last.get(person, History())
        verdict = decide(before)
        if verdict.notify:
            kept[person] = mute(person)
            if kept[person].reason:
                verdict = NoticeVerdict(False, kept[person].reason, uow.now)
            elif matter.level is not Level.RED:  # which no limit holds back
                verdict = decide(replace(before, sent_in_hour=_sent_in_hour(uow, person)))
        if verdict.notify:
            for channel in policy.levels[matter.level].channels_at(step) or ctx.channels:
                queue_card(
                    uow,
                    matter,
                    person,
                    channel,
                    number=next(numbers),
                    verdict=verdict,
                    rung=rung,
                    params=params or {},
                )
            told.append(person)
        else:
            held[verdict.reason] = (*held.get(verdict.reason, ()), person)
            if verdict.reason in KEPT_BACK:
                _row(
                    uow,
                    matter,
                    person,
                    "",
                    number=next(numbers),
                    verdict=verdict,
                    rung=rung,
                    state="held",
                    muted_by=kept[person].by,
                )
    sent = Sent(tuple(told), held)
    if told or KEPT_BACK & held.keys():
        _report(uow, matter, sent, trigger, rung, kept)
    return sent


def _own(
    uow: UnitOfWork,
    ctx: Context,
    matter: WorkOrder | Alert,
    people: Sequence[str],
    policy: Policy,
) -> tuple[str, ...]:
    """Those whom the matter is about; the last resort hears of it all the same."""
    never = ctx.people.called(subjects_of(uow.connection, matter))
    return tuple(one for one in people if one in never and one not in policy.last_resort)


def queue_card(
    uow: UnitOfWork,
    matter: WorkOrder | Alert,
    person: str,
    channel: str,
    *,
    number: int,
    verdict: NoticeVerdict,
    rung: int,
    params: Mapping[str, Any],
) -> None:
    """Queue one card to one person on one channel: its row and its message."""
    key = _row(
        uow, matter, person, channel, number=number, verdict=verdict, rung=rung, state="queued"
    )
    card: Card
    if isinstance(matter, WorkOrder):
        card = order_card(
            matter,
            person,
            notice_id=key,
            reason=verdict.reason,
            params=params,
            crossings=_flapping(uow, matter),
        )
    else:
        card = alert_card(matter, person, notice_id=key, reason=verdict.reason)
    outbox.put(
        uow,
        channel=channel,
        target=person,
        payload=card.as_json(),
        key=key,
        due_at=verdict.not_before,
        group=matter.id,
        first=True,  # the key is the notice's own, made in this unit
    )


def _flapping(uow: UnitOfWork, order: WorkOrder) -> int:
    """How often its conditions came and went within a day, when that is often; else 0."""
    score = flap_score(uow.connection, {clear.fact_key for clear in order.clears}, uow.now)
    policy = policy_from_json(order.policy) if order.policy else Policy()
    return score if score >= policy.flap_threshold else 0


def _row(
    uow: UnitOfWork,
    matter: WorkOrder | Alert,
    person: str,
    channel: str,
    *,
    number: int,
    verdict: NoticeVerdict,
    rung: int,
    state: str,
    muted_by: str = "",
) -> str:
    key = f"{matter.id}/{number}"
    uow.add(
        NOTICES,
        {
            "key": key,
            "object_id": matter.id,
            "person": person,
            "channel": channel,
            "reason": verdict.reason,
            "level": matter.level.value,
            "rung": rung,
            "queued_at": uow.now,
            "due_at": verdict.not_before,
            "state": state,
            "sent_at": None,
            "handle": {},
            "error": "",
            "muted_by": muted_by,
        },
    )
    return key


def _report(  # noqa: PLR0917 - one step of `notify`
    uow: UnitOfWork,
    matter: WorkOrder | Alert,
    sent: Sent,
    trigger: Trigger,
    rung: int,
    kept: Mapping[str, Muted],
) -> None:
    is_order = isinstance(matter, WorkOrder)
    params = {
        "people": list(sent.people),
        "held": {reason: list(people) for reason, people in sent.held.items()},
        "trigger": trigger.value,
        "rung": rung,
        "level": matter.level.value,
        "muted_by": by_reason(kept),
    }
    missing = next((one.missing for one in kept.values() if one.missing), ())
    if missing:
        # Said wherever the card goes: a red order stands there and could not be compared.
        params["scope_missing"] = list(missing)
    journal.record(
        uow,
        "notification",
        "notice.queue",
        object_type="work_order" if is_order else "alert",
        object_id=matter.id,
        org=matter.org,
        outcome="queued" if sent.people else "held",
        reason=trigger.value.upper(),
        body=params,
    )
    rows.entry(
        uow,
        EntryKind.NOTIFICATION,
        "notice.queue",
        params,
        order_id=matter.id if is_order else "",
        alert_id="" if is_order else matter.id,
        case_id=matter.case_id,
    )
    for reason in sorted(KEPT_BACK & sent.held.keys()):
        people = sent.held[reason]
        by = sorted({kept[person].by for person in people if person in kept} - {""})
        rows.entry(
            uow,
            EntryKind.NOTIFICATION,
            f"notice.{reason.lower()}",
            {"people": list(people), "by": ", ".join(by), "trigger": trigger.value},
            order_id=matter.id if is_order else "",
            alert_id="" if is_order else matter.id,
            case_id=matter.case_id,
        )


def redraw(uow: UnitOfWork, order: WorkOrder) -> int:
    """Draw the cards that still wait for company as the order now stands; returns how many."""
    redrawn = 0
    for row in outbox.find(uow.connection, order.id):
        if row.state != "pending" or row.attempts or row.payload.get("kind") != CardKind.ORDER:
            continue
        why = card_from_json(row.payload).lines[0]
        reason = why.code.rpartition(".")[2]
        card = order_card(
            order,
            row.target,
            notice_id=row.key,
            reason=reason,
            params=why.params,
            crossings=_flapping(uow, order),
        )
        redrawn += outbox.redraw(uow, row.key, card.as_json())
    return redrawn


def withdraw(uow: UnitOfWork, object_id: str) -> int:
    """Cancel what nobody has picked up for delivery yet; returns how many messages."""
    cancelled_now = outbox.cancel(uow, group=object_id)
    if cancelled_now:
        cancelled = [
            row.key for row in outbox.find(uow.connection, object_id) if row.state == "cancelled"
        ]
        uow.execute(
            update(NOTICES)
            .where(NOTICES.c.key.in_(cancelled), NOTICES.c.state == "queued")
            .values(state="cancelled")
        )
    return cancelled_now


def told_people(connection: Connection, object_id: str) -> tuple[str, ...]:
    """Everybody who was sent a card about this, first told first."""
    found = connection.scalars(
        select(NOTICES.c.person)
        .where(NOTICES.c.object_id == object_id, NOTICES.c.state.in_([*_LIVE, *_TRIED]))
        .order_by(NOTICES.c.queued_at, NOTICES.c.key)
    )
    return tuple(dict.fromkeys(found))
