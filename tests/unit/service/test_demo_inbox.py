"""The demo's inbox shows a notice once, with everybody it went to."""

from datetime import UTC, datetime, timedelta

from service.demo.inbox import Item, copies, notices

AT = datetime(2024, 5, 14, 2, 0, 5, tzinfo=UTC)


def item(
    number: int, kind: str, person: str, subject: str, at: datetime, *, acts: bool = False
) -> Item:
    buttons = (("b", "Acknowledge"),) if acts else ()
    return Item(kind, number, person, subject, at, (), buttons)


def test_a_notice_to_two_people_by_two_channels_stands_once() -> None:
    first, later = AT, AT + timedelta(seconds=40)
    subject = "[RED] Net exposure · East · WO-20240514-001 · "
    items = [
        item(4, "mail", "lin", subject + "new", later),
        item(3, "chat", "lin", subject + "closed", later),  # its card was updated since
        item(2, "mail", "chen", subject + "new", first),
        item(1, "chat", "chen", subject + "closed", first, acts=True),
    ]
    (notice,) = notices(items)
    assert [one.number for one in notice] == [1, 4, 3, 2]  # what can be answered leads


def test_each_person_and_channel_is_named_once() -> None:
    items = [
        item(1, "chat", "chen", "WO-20240514-001", AT, acts=True),
        item(5, "mail", "chen", "WO-20240514-001", AT),
        item(4, "mail", "lin", "WO-20240514-001", AT),
        item(3, "chat", "chen", "WO-20240514-001", AT),  # sent again in its place
        item(2, "mail", "lin", "WO-20240514-001", AT),
    ]
    assert [one.number for one in copies(items)] == [5, 4]


def test_another_object_another_minute_or_no_object_is_another_notice() -> None:
    items = [
        item(1, "mail", "chen", "Net · WO-20240514-001", AT),
        item(2, "mail", "chen", "Net · WO-20240514-002", AT),
        item(3, "mail", "chen", "Net · WO-20240514-001", AT + timedelta(minutes=1)),
        item(4, "mail", "chen", "Weekly report", AT),
        item(5, "mail", "lin", "Weekly report", AT),
    ]
    assert [[one.number for one in notice] for notice in notices(items)] == [[1], [2], [3], [4, 5]]
