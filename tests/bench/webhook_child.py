"""The process that the webhook bench measures and kills: log and agents, notices to one address.

``python -m tests.bench.webhook_child FOLDER URL`` serves until it is killed.
"""

import sys
import threading
from pathlib import Path

import httpx

from auditlog.owner import own_log, serve_log
from main import compose
from service.serving import schedulers_of, steady
from service.settings import Settings
from store import locks
from workorders import Level, Policy
from workorders.card import Card
from workorders.channel import Handle, Inbound, RawInbound, Refusal, Updated
from workorders.errors import ChannelRetry
from workorders.policy import LevelPolicy


class Webhook:
    """Posts a card's JSON; whatever is no 2xx comes back later."""

    name = "email"  # so that a person's address is found; what goes out is a webhook
    interactive = False

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = httpx.Client(timeout=5, trust_env=False)

    def send(self, card: Card, address: str) -> Handle:
        """Post it."""
        body = {"order": card.object_id, "notice": card.notice_id, "to": address}
        try:
            self._client.post(self._url, json=body).raise_for_status()
        except httpx.HTTPError as fault:
            raise ChannelRetry(0, type(fault).__name__) from None
        return Handle(self.name, {"notice": card.notice_id})

    def update(self, handle: Handle, card: Card) -> Updated:
        """A second post."""
        self.send(card, str(handle.reference))
        return Updated.SUPERSEDED

    def verify(self, raw: RawInbound) -> Inbound | Refusal:
        """Nothing comes back."""
        del raw
        return Refusal("MALFORMED")


def main(folder: Path, url: str) -> None:
    """Serve until killed."""
    settings = Settings(data=folder)
    red = LevelPolicy(step_minutes=60, group_wait_s=0)
    policy = Policy()
    policy = Policy(levels={**policy.levels, Level.RED: red})
    with locks.hold(folder, "serve"):
        log = own_log(folder, role="serve", wait=30)
        serve_log(folder, log)
        app = compose(settings, log=log, channels={"email": Webhook(url)}, policy=policy)
        schedulers = schedulers_of(app)
        schedulers.hear(app)
        steady()
        for scheduler in schedulers:
            scheduler.start()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
