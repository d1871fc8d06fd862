"""Text that no database and no trail can keep: refused at every door, in words, never a fault."""

import copy
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

import pytest
from flow_house import EAST, House, house, slack_user

from integrations.slack_forms import unit_code
from service.demo.slack_server import TEAM, SignedRequest, sign

HALF, NUL = "\ud800", "a\0b"
SAID = {"ts": "1715652000.000100", "user": "U0OUTSIDE", "text": "hello"}


@pytest.fixture(name="home", scope="module")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("text")) as made:
        made.breach()
        yield made


def payload_of(asked: SignedRequest) -> Any:
    return json.loads(parse_qs(asked.body.decode())["payload"][0])


def texts_in(one: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where texts stand in a document."""
    if isinstance(one, dict):
        for name, value in one.items():
            yield from texts_in(value, (*path, name))
    elif isinstance(one, list):
        for number, value in enumerate(one):
            yield from texts_in(value, (*path, number))
    elif isinstance(one, str):
        yield path


def with_text(document: Any, path: tuple[Any, ...], text: str) -> Any:
    changed = copy.deepcopy(document)
    place = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = text
    return changed


def sent(home: House, body: bytes, path: str = "interactivity") -> int:
    signed = sign(body, home.slack.signing_secret, int(home.clock().timestamp()))
    return home.send(SignedRequest(body, signed), path).status_code


def test_no_text_of_a_signed_request_of_the_chat_breaks_it(home: House) -> None:
    (order,) = home.orders()
    chen = slack_user("chen")
    pressed = home.slack.press(home.card("chen", "acknowledge"), "acknowledge", chen)
    home.send(home.slack.shortcut(chen, SAID))
    written = home.slack.submit(
        home.slack.views[-1], org=unit_code(EAST), level="orange", product="CU"
    )
    tried = 0
    for asked in (pressed, home.slack.shortcut(chen, SAID), written):
        document = payload_of(asked)
        for path in texts_in(document):
            for text in (HALF, NUL):
                body = urlencode({"payload": json.dumps(with_text(document, path, text))})
                assert sent(home, body.encode()) == 400, (path, text)
                tried += 1
    assert tried > 60
    assert home.order(order.id).state == "open"
    assert len(home.orders()) == 1


def test_a_request_of_the_chat_nested_without_end_is_refused(home: House) -> None:
    assert sent(home, b"payload=" + b"%5B" * 50_000) == 400


@pytest.mark.parametrize("field", ["text", "user_id", "channel_id", "trigger_id", "command"])
def test_no_text_of_a_command_breaks_it(home: House, field: str) -> None:
    told = {
        "command": "/hedgewarden", "team_id": TEAM, "user_id": slack_user("chen"),
        "channel_id": "C1", "text": "orders", "trigger_id": "1",
    }  # fmt: skip
    assert sent(home, urlencode({**told, field: NUL}).encode(), "commands") == 400
    assert sent(home, urlencode(told).encode(), "commands") == 200


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("hold", {"objects": NUL, "reason": "look"}),
        ("escalate", {"reason": NUL}),
        ("note", {"text": NUL}),
        ("resolve", {"text": NUL}),
    ],
)
def test_a_form_with_such_a_text_is_refused_with_its_field(
    home: House, path: str, form: dict[str, str]
) -> None:
    (order,) = home.orders()
    before = len(home.actions())
    answer = home.signed_in("chen").post(f"/orders/{order.id}/{path}", data=form)
    assert answer.status_code == 422
    assert "Traceback" not in answer.text
    assert home.order(order.id).state == "open"
    assert not [one for one in home.actions()[before:] if one.startswith("order.")]


def test_addresses_of_pages_answer_whatever_stands_in_them(home: House) -> None:
    chen = home.signed_in("chen")
    assert chen.get("/metrics?x=1").status_code == 422
    assert chen.get(f"/trail?cursor={'9' * 20}").status_code == 200
    assert chen.get(f"/trail?cursor={quote('１２')}").status_code == 200


def test_the_name_of_a_file_is_taken_as_far_as_it_can_be_kept(home: House) -> None:
    (order,) = home.orders()
    body = (
        b'--bnd\r\nContent-Disposition: form-data; name="file"; filename="\\ud800.txt"\r\n'
        b"Content-Type: text/plain\r\n\r\nx\r\n--bnd--\r\n"
    )
    kind = "multipart/form-data; boundary=bnd; charset=unicode_escape"
    answer = home.client("chen").post(
        f"/api/v1/orders/{order.id}/files", content=body, headers={"Content-Type": kind}
    )
    assert answer.status_code < 500, answer.text
