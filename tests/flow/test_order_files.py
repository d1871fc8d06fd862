"""Files on an order: kept by their content, proven by their hash, for those who see the order."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from typing import Any
from urllib.parse import unquote

import pytest
from flow_house import WEST, House, house

from trail import verify
from workorders import WorkOrder
from workorders.attachments import NAME_LIMIT, TEXT, UNKNOWN, clean_name, media_of

PAPER = b"%PDF-1.7 paid by the east\x00\xff"
DIGEST = sha256(PAPER).hexdigest()


@pytest.fixture(name="home")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("files")) as made:
        yield made


@pytest.fixture(name="order")
def _order(home: House) -> WorkOrder:
    return home.breach()


def add(client: Any, order: WorkOrder, name: str, content: bytes, **headers: str) -> Any:
    path = f"/api/v1/orders/{order.id}/files"
    return client.post(path, files={"file": (name, content)}, headers=headers)


def blobs(home: House) -> list[str]:
    with closing(sqlite3.connect(home.app.settings.data / "hedgewarden.db")) as connection:
        return [row[0] for row in connection.execute("SELECT hash FROM trail_blob")]


def test_a_file_goes_in_and_comes_out_as_it_was(home: House, order: WorkOrder) -> None:
    chen = home.client("chen")
    answer = add(chen, order, "../../发票 五月.pdf", PAPER)
    assert answer.status_code == 200, answer.text
    (listed,) = chen.get(f"/api/v1/orders/{order.id}/files").json()["items"]
    assert (listed["name"], listed["size"], listed["media"], listed["sha256"], listed["by"]) == (
        "发票 五月.pdf", len(PAPER), "application/pdf", DIGEST, "chen",
    )  # fmt: skip
    fetched = chen.get(f"/api/v1/orders/{order.id}/files/{DIGEST}")
    assert fetched.content == PAPER
    assert home.actions().count("order.file") == 1
    assert DIGEST in blobs(home)


def test_a_page_that_was_attached_is_saved_and_not_shown(home: House, order: WorkOrder) -> None:
    page = b"<!doctype html><script>alert(1)</script>"
    assert add(home.client("chen"), order, "a.html", page).status_code == 200
    digest = sha256(page).hexdigest()
    for client, base in ((home.client("chen"), "/api/v1"), (home.signed_in("chen"), "")):
        answer = client.get(f"{base}/orders/{order.id}/files/{digest}")
        assert answer.content == page
        headers = answer.headers
        assert headers["content-type"] == "text/plain"
        assert headers["content-disposition"] == "attachment; filename*=UTF-8''a.html"
        assert headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in headers["content-security-policy"]
        assert "script-src" not in headers["content-security-policy"]


def test_the_page_takes_a_file_and_hands_it_out(home: House, order: WorkOrder) -> None:
    chen = home.signed_in("chen")
    assert f'action="/orders/{order.id}/files"' in chen.get(f"/orders/{order.id}").text
    answer = chen.post(f"/orders/{order.id}/files", files={"file": ("paid.pdf", PAPER)})
    assert answer.status_code == 303, answer.text
    page = chen.get(answer.headers["location"]).text
    assert "The file was attached." in page
    assert "File attached: paid.pdf" in page
    assert f"/orders/{order.id}/files/{DIGEST}" in page
    assert chen.get(f"/orders/{order.id}/files/{DIGEST}").content == PAPER


def test_a_file_is_kept_once_and_is_on_an_order_once(home: House, order: WorkOrder) -> None:
    chen = home.client("chen")
    before = len(blobs(home))
    assert add(chen, order, "a.pdf", PAPER).status_code == 200
    again = add(chen, order, "b.pdf", PAPER)
    assert (again.status_code, again.json()["code"]) == (409, "FILE_KNOWN")
    assert "a.pdf" in again.json()["title"]
    assert len(blobs(home)) == before + 1
    assert len(chen.get(f"/api/v1/orders/{order.id}/files").json()["items"]) == 1


def test_the_same_sending_is_carried_out_once(home: House, order: WorkOrder) -> None:
    """The boundary of the form is another at the second try; the file is the same."""
    chen, key = home.client("chen"), {"Idempotency-Key": "f-1"}
    first, second = (add(chen, order, "a.pdf", PAPER, **key) for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 200)
    assert second.headers["Idempotent-Replayed"] == "true"
    other = add(chen, order, "a.pdf", PAPER + b"!", **key)
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


def test_what_is_no_attachment_is_refused_and_kept_nowhere(home: House, order: WorkOrder) -> None:
    before, chen = blobs(home), home.client("chen")
    found = [
        (answer.status_code, answer.json()["code"])
        for answer in (
            add(chen, order, "a.txt", b""),
            add(chen, order, "..", b"x"),
            add(chen, order, "a.bin", b"x" * (5 * 1024 * 1024 + 1)),
        )
    ]
    assert found == [(422, "FILE_EMPTY"), (422, "FILE_NAMELESS"), (413, "FILE_TOO_LARGE")]
    assert blobs(home) == before


def test_a_form_that_can_be_read_in_two_ways_is_refused(home: House, order: WorkOrder) -> None:
    path, chen = f"/api/v1/orders/{order.id}/files", home.client("chen")
    one = ("file", ("a.pdf", PAPER))
    answers = [
        chen.post(path, files=[one, one]),
        chen.post(path, files=[one], data={"name": "b.pdf"}),
        chen.post(path, files=[("paper", ("a.pdf", PAPER))]),
        chen.post(path, files={"note": (None, "text")}),
    ]
    assert [(one.status_code, one.json()["code"]) for one in answers] == [(422, "FILE_FIELD")] * 4
    plain = chen.post(path, json={"file": "a.pdf"})
    assert (plain.status_code, plain.json()["code"]) == (415, "MEDIA_TYPE")
    assert home.actions().count("order.file") == 0


def test_who_may_not_see_or_write_the_order_gets_no_file(home: House, order: WorkOrder) -> None:
    assert add(home.client("chen"), order, "a.pdf", PAPER).status_code == 200
    for client, base in ((home.client("zhao"), "/api/v1"), (home.signed_in("zhao"), "")):
        assert client.get(f"{base}/orders/{order.id}/files/{DIGEST}").status_code == 404
    assert add(home.client("zhao"), order, "b.pdf", b"b").status_code == 404
    assert add(home.client("shen"), order, "b.pdf", b"b").status_code == 403
    assert home.client().get(f"/api/v1/orders/{order.id}/files").status_code == 401


def test_a_file_of_one_order_is_not_read_through_another(home: House, order: WorkOrder) -> None:
    chen = home.client("chen")
    assert add(chen, order, "a.pdf", PAPER).status_code == 200
    other = home.breach(WEST)
    top = home.client("boss")
    assert top.get(f"/api/v1/orders/{other.id}").status_code == 200
    assert top.get(f"/api/v1/orders/{order.id}/files/{DIGEST}").status_code == 200
    assert top.get(f"/api/v1/orders/{other.id}/files/{DIGEST}").status_code == 404


def test_a_changed_byte_is_refused_and_told(home: House, order: WorkOrder) -> None:
    chen = home.client("chen")
    assert add(chen, order, "a.pdf", PAPER).status_code == 200
    file = home.app.settings.data / "hedgewarden.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("DROP TRIGGER trail_blob_update")
        changed = (PAPER[:-1] + b"\xfe", DIGEST)
        connection.execute("UPDATE trail_blob SET content = ? WHERE hash = ?", changed)
        connection.commit()
    answer = chen.get(f"/api/v1/orders/{order.id}/files/{DIGEST}")
    assert (answer.status_code, answer.json()["code"]) == (409, "FILE_CHANGED")
    page = home.signed_in("chen").get(f"/orders/{order.id}/files/{DIGEST}")
    assert page.status_code == 303
    assert PAPER[:8] not in page.content
    with home.app.store.reader() as connection:
        found = verify(connection, verifiers=[]).faults
    assert [DIGEST in one.detail for one in found if one.code == "BLOB"] == [True]


def test_a_finished_order_takes_no_more_and_keeps_what_it_has(
    home: House, order: WorkOrder
) -> None:
    chen, top = home.client("chen"), home.client("wang")
    assert add(chen, order, "a.pdf", PAPER).status_code == 200
    for act, who in (("acknowledge", chen), ("resolve", chen)):
        assert who.post(f"/api/v1/orders/{order.id}/{act}", json={}).status_code == 200
    closing = {
        "disposition": "fixed", "root_cause": "PROCESS_GAP", "override": "sold outside",
        "corrective": {"text": "look first", "owner": "lin", "due": "2024-06-01T00:00:00Z"},
    }  # fmt: skip
    assert top.post(f"/api/v1/orders/{order.id}/close", json=closing).status_code == 200
    refused = add(chen, order, "b.pdf", b"b")
    assert (refused.status_code, refused.json()["code"]) == (409, "ORDER_CLOSED")
    assert chen.get(f"/api/v1/orders/{order.id}/files/{DIGEST}").content == PAPER


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("C:\\Users\\chen\\paid.pdf", "paid.pdf"),
        ("/etc/passwd", "passwd"),
        ("a\r\nSet-Cookie: x.txt", "aSet-Cookie_ x.txt"),
        ("paid\u202efdp.exe", "paidfdp.exe"),
        (" .hidden. ", "hidden"),
        ("...", ""),
        ("发票.pdf", "发票.pdf"),
        ("x" * 300 + ".pdf", "x" * (NAME_LIMIT - 4) + ".pdf"),
        ("x" * 300, "x" * NAME_LIMIT),
    ],
)
def test_a_name_is_never_a_path_nor_a_disguise(given: str, kept: str) -> None:
    assert clean_name(given) == kept
    assert clean_name(unquote(given)) == kept


@pytest.mark.parametrize(
    ("content", "media"),
    [
        (b"%PDF-1.4", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n0", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"PK\x03\x04..", "application/zip"),
        ("发票".encode(), TEXT),
        ("发票".encode("gb18030"), UNKNOWN),
        (b"<svg onload=alert(1)>", TEXT),
        (b"a\x00b", UNKNOWN),
    ],
)
def test_the_type_is_told_by_the_content(content: bytes, media: str) -> None:
    assert media_of(content) == media
