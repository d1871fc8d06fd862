"""From an event on disk to a delivered notice: the whole way, on the machine's clock.

Peer: handing the same mail to the same server without anything before it.
"""

import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from smtplib import SMTP

from auditlog.events import Event, parse_event
from directory.loading import directory_from_mapping
from directory.writing import save_directory
from main import compose
from service.demo.mail_server import MailServer
from service.settings import Settings
from tests.bench.table import BenchRow

EVENTS = 100
_PEOPLE = {
    "organisations": [{"path": "bench", "routing": ["officer"]}],
    "people": [
        {"id": "officer", "name": "Officer", "role": "risk_officer", "unit": "bench",
         "email": "officer@demo.invalid"},
    ],
}  # fmt: skip


def _event(number: int) -> Event:
    now = datetime.now(UTC)
    parsed = parse_event(
        {
            "event_id": f"B-{number}", "org": "bench", "ts": now.isoformat(), "seq": number,
            "log_class": "risk", "type": "alert.raised", "actor": "robot",
            "alert": f"B{number}", "level": "red",
        },
        default_arrival=now,
        now=now + timedelta(seconds=1),
    )  # fmt: skip
    assert isinstance(parsed, Event), parsed
    return parsed


def run() -> list[BenchRow]:
    """p50 and p99 over a hundred red alerts, one at a time."""
    with tempfile.TemporaryDirectory() as folder, MailServer() as mail:
        settings = Settings(
            data=Path(folder), smtp_host="127.0.0.1", smtp_port=mail.port, public_url="http://bench"
        )
        app = compose(settings)
        try:
            directory, problems = directory_from_mapping(_PEOPLE)
            assert not problems, problems
            with app.store.unit_of_work("system:bench") as uow:
                save_directory(uow, directory)
            took = []
            for number in range(EVENTS):
                event = _event(number)
                before = len(mail.mails)
                started = time.perf_counter()
                app.log.append([event])
                app.watcher.run_once(app.clock())
                app.escalator.run_once(app.clock())
                took.append((time.perf_counter() - started) * 1000)
                assert len(mail.mails) == before + 1
        finally:
            app.close()
        peer = [_plain(mail) for _ in range(EVENTS)]
    rows = []
    for name, at in (("p50", 0.50), ("p99", 0.99)):
        ours, theirs = _quantile(took, at), _quantile(peer, at)
        rows.append(
            BenchRow(
                f"event to delivered notice, {name}", ours, "ms", "the same mail alone", theirs,
                ours / theirs, "p99 < 2000 ms",
            )
        )  # fmt: skip
    return rows


def _plain(mail: MailServer) -> float:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@b", "officer@demo.invalid", "peer"
    message.set_content("peer")
    started = time.perf_counter()
    with SMTP("127.0.0.1", mail.port) as session:
        session.send_message(message)
    return (time.perf_counter() - started) * 1000


def _quantile(values: list[float], at: float) -> float:
    return statistics.quantiles(values, n=1000, method="inclusive")[int(at * 1000) - 1]
