"""The demo's inbox: what landed in mail and chat, with buttons that press the real ones.

A button sends a properly signed request to the real endpoint, as the person to whom the card was
sent; a mail's button opens the page behind its link. Exists only in the demo's composition.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Annotated
from urllib.parse import urlencode, urlsplit

import httpx
from fastapi import APIRouter, Depends, Form
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from service.demo.mail_server import Mail
from service.demo.slack_server import Message
from service.demo.stage import Stage
from service.inbound.clicks import work_off
from service.web.rooms.here import Here, here
from service.web.views.inbox import InboxPage, MessageDetail, MessageLine
from service.web.views.parts import Act, Choice, Facet, FormField, Link

SHOWN = 60
#: The buttons of an approval that want a reason chosen before.
_WITH_REASON = frozenset({"reject", "return"})
_LINK = re.compile(r"https?://\S+/m/\S+")
_TIMEOUT_S = 20
_NUMBER = re.compile(r"(?:WO|AL)-\d{8}-\d+")
_LEVELS = {"红": "red", "橙": "orange", "黄": "yellow", "蓝": "blue",
           "RED": "red", "ORANGE": "orange", "YELLOW": "yellow", "BLUE": "blue"}  # fmt: skip
_HEAD = re.compile(r"[【\[]([^】\]]+)[】\]]")

Signed = Annotated[Here, Depends(here)]


@dataclass(frozen=True, slots=True)
class Item:
    """One message of either kind; `number` is its place among its kind."""

    kind: str
    number: int
    person: str
    subject: str
    at: datetime
    lines: tuple[str, ...]
    buttons: tuple[tuple[str, str], ...] = ()
    reasons: tuple[tuple[str, str], ...] = ()
    link: str = ""
    updates: int = 0

    @property
    def id(self) -> str:
        """Names the message in addresses."""
        return f"{self.kind}-{self.number}"


def inbox_router(stage: Stage) -> APIRouter:
    """`/inbox` of one demo."""
    router = APIRouter(include_in_schema=False)

    @router.get("/inbox")
    def show(at: Signed, person: str = "", message: str = "") -> Response:
        items = _items(stage)
        mine = [one for one in items if not person or one.person == person]
        picked = next((one for one in items if one.id == message), None)
        page = InboxPage(
            people=_people(at, items, person),
            messages=tuple(
                replace(
                    _line(at, one[0], person, picked),
                    also=tuple(_copy(at, other, person, picked) for other in copies(one)),
                )
                for one in notices(mine)[:SHOWN]
            ),
            picked=_detail(at, picked, person) if picked is not None else None,
        )
        return at.show("inbox.html", page, "inbox", live=False)

    @router.post("/inbox/{number}/{verb}")
    def press(
        at: Signed, number: int, verb: str, reason: Annotated[str, Form(max_length=64)] = ""
    ) -> Response:
        messages = stage.slack.messages
        if not 0 <= number < len(messages):
            raise HTTPException(404)
        message = messages[number]
        user = message.channel.removeprefix("D")
        try:
            asked = stage.slack.press(message, verb, user, reason=reason)
        except KeyError:
            raise HTTPException(404) from None
        answer = httpx.post(
            f"{stage.app.settings.public_url}/integrations/slack/interactivity",
            content=asked.body,
            headers=asked.headers,
            timeout=_TIMEOUT_S,
            trust_env=False,
        )
        work_off(stage.app)
        url = "/inbox?" + urlencode({"message": f"chat-{number}"})
        if answer.is_error:
            return at.refused(url, str(answer.status_code))
        return at.done(url, "demo.pressed", verb=at.text(f"button.{verb}"))

    return router


def _items(stage: Stage) -> list[Item]:
    """All messages, the newest first."""
    people = stage.app.directory.people
    by_user = {tied.user: who.id for who in people if (tied := who.account("slack"))}
    by_mail = {person.email: person.id for person in people if person.email}
    found = [
        _chat(number, one, by_user.get(one.channel.removeprefix("D"), ""))
        for number, one in enumerate(stage.slack.messages)
    ]
    found += [
        _mail(number, one, by_mail.get(one.recipients[0], ""))
        for number, one in enumerate(stage.mail.mails)
    ]
    return sorted(found, key=lambda one: (one.at, one.kind, one.number), reverse=True)


def notices(items: Sequence[Item]) -> list[tuple[Item, ...]]:
    """Messages of one notice together, the newest notice first; one with buttons leads.

    A notice goes to several people by several channels, and a card may have been updated since; so
    what belongs together is told by the object's number and the minute.
    """
    found: dict[tuple[str, datetime], list[Item]] = {}
    for one in items:
        named = _NUMBER.search(one.subject)
        what = named.group() if named is not None else one.subject
        found.setdefault((what, one.at.replace(second=0, microsecond=0)), []).append(one)
    return [tuple(sorted(one, key=lambda item: not item.buttons)) for one in found.values()]


def copies(notice: Sequence[Item]) -> list[Item]:
    """The other messages of a notice: one for each person and channel, the newest."""
    found: dict[tuple[str, str], Item] = {(one.person, one.kind): one for one in notice[:1]}
    for one in notice[1:]:
        found.setdefault((one.person, one.kind), one)
    return list(found.values())[1:]


def _copy(at: Here, item: Item, person: str, picked: Item | None) -> Link:
    line = _line(at, item, person, picked)
    text = at.text("demo.copy", channel=at.text(f"ui.channel.{item.kind}"), name=line.to)
    return Link(text, line.url, line.current)


def _chat(number: int, message: Message, person: str) -> Item:
    lines = tuple(str(message.body.get("text", "")).splitlines())
    return Item(
        "chat",
        number,
        person,
        lines[0] if lines else "",
        datetime.fromtimestamp(int(message.ts.partition(".")[0]), UTC),
        lines,
        buttons=tuple(
            (str(button["action_id"]), str(button["text"]["text"])) for button in message.buttons
        ),
        reasons=tuple(message.reasons),
        updates=len(message.versions) - 1,
    )


def _mail(number: int, mail: Mail, person: str) -> Item:
    text = mail.text
    link = _LINK.search(text)
    return Item(
        "mail",
        number,
        person,
        str(mail.message["Subject"]),
        parsedate_to_datetime(str(mail.message["Date"])),
        tuple(text.splitlines()),
        link=urlsplit(link.group()).path if link else "",
    )


def _people(at: Here, items: Sequence[Item], chosen: str) -> tuple[Facet, ...]:
    counts: dict[str, int] = {}
    for one in items:
        counts[one.person] = counts.get(one.person, 0) + 1
    every = Facet(at.text("ui.filters.all"), "/inbox", len(items), current=not chosen)
    return (
        every,
        *(
            Facet(
                at.names.actor(person),
                "/inbox?" + urlencode({"person": person}),
                count,
                current=person == chosen,
            )
            for person, count in sorted(counts.items())
            if person
        ),
    )


def _line(at: Here, item: Item, person: str, picked: Item | None) -> MessageLine:
    query = {"message": item.id} | ({"person": person} if person else {})
    return MessageLine(
        id=item.id,
        channel=item.kind,
        to=at.names.actor(item.person),
        subject=item.subject,
        at=item.at,
        url="/inbox?" + urlencode(query),
        level=_level(item.subject),
        current=picked is not None and picked.id == item.id,
        unread=bool(item.buttons),
    )


def _reason(at: Here, item: Item) -> tuple[FormField, ...]:
    """The card's own list of reasons, asked for before the button that needs one."""
    if not item.reasons:
        return ()
    choices = tuple(Choice(value, label) for value, label in item.reasons)
    label = at.text("ui.field.reason")
    return (FormField("reason", label, "select", required=True, choices=choices),)


def _detail(at: Here, item: Item, person: str) -> MessageDetail:
    acts = [
        Act(
            label,
            f"/inbox/{item.number}/{verb}",
            verb,
            "primary" if turn == 0 else "plain",
            fields=_reason(at, item) if verb in _WITH_REASON else (),
        )
        for turn, (verb, label) in enumerate(item.buttons)
    ]
    if item.link:
        acts.append(Act(at.text("mail.act"), item.link, "open", "primary", method="get"))
    return MessageDetail(
        line=_line(at, item, person, item),
        sender="hedgewarden",
        lines=item.lines,
        acts=tuple(acts),
        updates=item.updates,
    )


def _level(subject: str) -> str:
    """The colour that the first line names in its brackets."""
    for found in _HEAD.findall(subject):
        for word, level in _LEVELS.items():
            if word in found.upper():
                return level
    return ""
