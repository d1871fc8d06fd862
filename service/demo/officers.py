"""Scripted officers: they act as people would, through the doors that people use.

The first who is told acknowledges in the chat; they mend what the order says would bring it back
(receipts posted, a grant asked for and signed by another, stray orders cancelled), resolve, a
second person closes, and days later the first ends the corrective action. They know the set-up of
an incident, never what is expected of it.

Theirs are the orders of the incidents while those are replayed, and the approvals that they asked
for themselves. An order on which somebody else has done anything is left alone from then on.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import httpx
import structlog

from agents.triage import REVIEW_TYPES
from service.demo.comparison import owner
from service.demo.incidents import Incident
from service.demo.simulation import Simulation
from service.demo.slack_server import Message
from service.demo.stage import ACTOR, Stage
from service.inbound.clicks import work_off
from service.security import tokens
from store.clock import rfc3339
from workorders import reads

ACKNOWLEDGE_AFTER: Final = timedelta(seconds=40)
SIGN_AFTER: Final = timedelta(seconds=20)
MEND_AFTER: Final = timedelta(minutes=13, seconds=20)
RESOLVE_AFTER: Final = timedelta(minutes=14)
CLOSE_AFTER: Final = timedelta(minutes=14, seconds=30)
CORRECT_AFTER: Final = timedelta(days=3)
_LIFE: Final = timedelta(days=365)
_ORDER: Final = "WO-"
_ROOT_CAUSE: Final = {
    "FUND_TRANSFER_FAILED": "ROLE_MISSING_PERMISSION",
    "TEMP_ACCOUNT_AFTER_HOURS": "ACCOUNT_MISUSE",
    "REPLICA_LAG": "REPLICATION_DELAY",
    "DUP_VOUCHER": "DUPLICATE_POSTING",
}

_log = structlog.get_logger(__name__)

Act = Callable[[datetime], None]


class Officers:
    """All of them, each with a token of their own.

    Args:
        stage: the demo.
        address: of the console, where the endpoints are.
        leave: organisations whose orders nobody touches: they wait for the visitor.
    """

    def __init__(self, stage: Stage, address: str, leave: Sequence[str] = ()) -> None:
        self._stage = stage
        self._leave = tuple(leave)
        self._client = httpx.Client(base_url=address, timeout=30, trust_env=False)
        self._tokens: dict[str, str] = {}
        self._read = 0
        self._nodes = tuple(one.org for one in stage.incidents)
        self._reviews = {
            (one.actor, one.arrival_time) for one in stage.events if one.type in REVIEW_TYPES
        }
        #: Orders in their hands, and how many lines people have left in each stream.
        self._left: dict[str, int] = {}
        #: Approvals that they asked for, and under which order.
        self._asked: dict[str, str] = {}
        self._known: set[str] = set()
        self._simulation: Simulation | None = None
        self._numbers = 0

    def join(self, simulation: Simulation) -> None:
        """Act on this run's clock."""
        self._simulation = simulation

    def retire(self) -> None:
        """Do nothing more: what happens from now on is the visitor's."""
        self._simulation = None

    def look(self, now: datetime) -> None:
        """Read the chat messages that came since the last look, and plan what to do."""
        messages = self._stage.slack.messages
        new, self._read = messages[self._read :], len(messages)
        for message in new:
            number = str(_payload(message).get("object_id", ""))
            if number in self._asked:
                self._plan(self._asked[number], now + SIGN_AFTER, self._signing(message))
            elif number.startswith(_ORDER) and number not in self._known:
                self._known.add(number)
                self._order(number, message, now)

    def _order(self, number: str, message: Message, now: datetime) -> None:
        first = self._person(message)
        shown = self._get(first, f"/api/v1/orders/{number}")
        org = str(shown.get("order", {}).get("org", ""))
        if owner(org, self._nodes) in {"", *self._leave} or self._lines_of_people(number):
            return
        self._left[number] = 0
        team = [one for one in shown["order"]["assignees"] if one != first]
        second = team[0] if team else first
        self._plan(number, now + ACKNOWLEDGE_AFTER, lambda _: self._press(message, "acknowledge"))
        self._plan(number, now + MEND_AFTER, lambda at: self._mend(number, first, at))
        self._plan(number, now + RESOLVE_AFTER, lambda _: self._resolve(number, first))
        self._plan(number, now + CLOSE_AFTER, lambda at: self._close(number, second, first, at))

    # --- what they do ---------------------------------------------------------------------------

    def _mend(self, number: str, first: str, at: datetime) -> None:
        """Do what the order says would bring it back."""
        shown = self._get(first, f"/api/v1/orders/{number}")
        order = shown["order"]
        codes = {str(match.get("code", "")) for match in shown["matches"]}
        objects = [str(one) for match in shown["matches"] for one in match.get("objects", ())]
        events: list[dict[str, Any]] = []
        remedies = {
            str(remedy[0]) for match in shown["matches"] for remedy in match.get("remedies", ())
        }
        if "post_receipts" in remedies:
            receipts = self._named(first, order["org"], "inbound.timeout", "receipt")
            events += [self._event(order, first, at, "receipt.post", receipt=r) for r in receipts]
        if "ERP_UNSYNCED" in codes:
            strays = self._named(first, order["org"], "order.create", "order")
            events += [
                self._event(order, first, at, "order.cancel", order=stray)
                for stray in strays
                if stray in objects
            ]
        if events:
            self._post(first, "/api/v1/events", events)
        wanted = self._incident(order["org"]).setup.get("missing_grant")
        if wanted and "FUND_TRANSFER_FAILED" in codes:
            material = {"person": wanted["person"], "grant": wanted["grant"]}
            body = {"kind": "grant", "material": material}
            asked = self._post(first, f"/api/v1/orders/{number}/request-approval", body)
            if approval := asked.get("approval"):
                self._asked[str(approval)] = number

    def _resolve(self, number: str, person: str) -> None:
        self._post(person, f"/api/v1/orders/{number}/resolve", {"text": "已按恢复条件处置"})

    def _close(self, number: str, person: str, owner: str, at: datetime) -> None:
        shown = self._get(person, f"/api/v1/orders/{number}")
        codes = [str(match.get("code", "")) for match in shown.get("matches", ())]
        cause = next((_ROOT_CAUSE[code] for code in codes if code in _ROOT_CAUSE), "CONFIRMED_RISK")
        body = {
            "disposition": "fixed",
            "root_cause": cause,
            "corrective": {
                "text": "复核流程与权限，避免再次发生",
                "owner": owner,
                "due": rfc3339(at + timedelta(days=14)),
            },
            "note": "复核完毕",
        }
        self._post(person, f"/api/v1/orders/{number}/close", body)
        self._plan(number, at + CORRECT_AFTER, lambda _: self._correct(number, owner))

    def _correct(self, number: str, owner: str) -> None:
        done = {"text": "流程与权限已复核，相关人员已培训"}
        self._post(owner, f"/api/v1/correctives/{number}/finish", done)

    def _signing(self, message: Message) -> Act:
        def sign(_: datetime) -> None:
            if any(button["action_id"] == "approve" for button in message.buttons):
                self._press(message, "approve")

        return sign

    def _press(self, message: Message, verb: str) -> None:
        """Press a button in the chat: a signed request, as the chat sends it."""
        if not any(button["action_id"] == verb for button in message.buttons):
            return
        user = message.channel.removeprefix("D")
        asked = self._stage.slack.press(message, verb, user)
        answer = self._client.post(
            "/integrations/slack/interactivity", content=asked.body, headers=asked.headers
        )
        if answer.is_error:
            _log.warning("a click was refused", verb=verb, status=answer.status_code)
        work_off(self._stage.app)

    # --- how they reach the service -------------------------------------------------------------

    def _plan(self, number: str, at: datetime, act: Act) -> None:
        """Act at that time, unless the order is out of their hands by then."""

        def still(now: datetime) -> None:
            if self._simulation is None or self._lines_of_people(number) != self._left[number]:
                return
            act(now)
            self._left[number] = self._lines_of_people(number)

        if self._simulation is not None:
            self._simulation.at(at, still)

    def _lines_of_people(self, number: str) -> int:
        """How often people have acted on an order, the officers among them.

        A review of alerts that the incident itself tells of is nobody's hand on the order.
        """
        people = {one.id for one in self._stage.app.directory.people}
        with self._stage.app.store.reader() as connection:
            stream = reads.stream(connection, number)
        by_people = ((one.actor, one.at) for one in stream if one.actor in people)
        return sum(one not in self._reviews for one in by_people)

    def _named(self, person: str, org: str, kind: str, field: str) -> list[str]:
        """The numbers that events of a type name, each once, oldest first."""
        found = self._get(person, f"/api/v1/events?type={kind}&org={org}&order=oldest&limit=100")
        return list(dict.fromkeys(str(one[field]) for one in found["items"] if one.get(field)))

    def _event(
        self, about: Mapping[str, Any], person: str, at: datetime, kind: str, **fields: str
    ) -> dict[str, Any]:
        self._numbers += 1
        return {
            "event_id": f"{about['id']}-{self._numbers}",
            "event_time": rfc3339(at),
            "kind": "business",
            "type": kind,
            "source": "console",
            "org": about["org"],
            "actor": person,
            **fields,
        }

    def _incident(self, org: str) -> Incident:
        node = owner(org, self._nodes)
        return next(one for one in self._stage.incidents if one.org == node)

    def _person(self, message: Message) -> str:
        user = message.channel.removeprefix("D")
        team = self._stage.app.directory
        accounts = ((one.id, one.account("slack")) for one in team.people)
        return next(who for who, found in accounts if found and found.user == user)

    def _headers(self, person: str) -> dict[str, str]:
        if person not in self._tokens:
            with self._stage.app.store.unit_of_work(ACTOR) as uow:
                self._tokens[person] = tokens.issue(uow, person, name="demo", life=_LIFE)
        return {"Authorization": f"Bearer {self._tokens[person]}"}

    def _get(self, person: str, path: str) -> dict[str, Any]:
        return self._answer(self._client.get(path, headers=self._headers(person)))

    def _post(self, person: str, path: str, body: Any) -> dict[str, Any]:
        return self._answer(self._client.post(path, json=body, headers=self._headers(person)))

    def _answer(self, answer: httpx.Response) -> dict[str, Any]:
        found: dict[str, Any] = answer.json() if answer.content else {}
        if answer.is_error:
            _log.warning(
                "an officer was refused",
                path=str(answer.request.url.path),
                status=answer.status_code,
                code=found.get("code", ""),
            )
        return found


def _payload(message: Message) -> Mapping[str, Any]:
    metadata = message.body.get("metadata") or {}
    payload: Mapping[str, Any] = metadata.get("event_payload", {})
    return payload
