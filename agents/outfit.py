"""The agents of one process, made together from the ports that they share."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from agents.delivery import Address
from agents.escalator import Escalator
from agents.facts import Surroundings
from agents.feeds import Feeds
from agents.replayer import Replayer
from agents.sentinel import Health, Sentinel
from agents.settler import Settler
from agents.trainer import Trainer
from agents.watcher import Watcher
from auditlog.port import LogPort
from rules.rulebook import Rulebook
from store import Store
from workorders.channel import Channel
from workorders.context import Context


class Agents(NamedTuple):
    """What runs by itself; each has `run_once(now)`."""

    watcher: Watcher
    escalator: Escalator
    settler: Settler
    trainer: Trainer
    sentinel: Sentinel
    replayer: Replayer
    feeds: Feeds


def outfit(
    store: Store,
    log: LogPort,
    *,
    rulebook: Callable[[], Rulebook],
    around: Callable[[], Surroundings],
    context: Callable[[Surroundings], Context],
    channels: Mapping[str, Channel],
    address: Address,
    holder: str,
    models: Path,
    model_key: bytes,
    use_child: bool = True,
    beat: Callable[[Health], None] | None = None,
    beaten: Callable[[], str | None] | None = None,
) -> Agents:
    """Make the agents.

    Args:
        store: the operational database.
        log: the audit log.
        rulebook: the rules in force.
        around: directory and calendar as of now.
        context: what `workorders` needs, for a directory.
        channels: adapters by name.
        address: where a person is reached on a channel.
        holder: this process, for leases.
        models: the folder of model files.
        model_key: authenticates them.
        use_child: whether durable_rules runs beside the reference.
        beat: pings a monitor outside.
        beaten: what became of the last ping.
    """
    watcher = Watcher(store, log, rulebook=rulebook, context=context, use_child=use_child)
    escalator = Escalator(
        store,
        channels=channels,
        address=address,
        context=lambda: context(around()),
        holder=holder,
    )
    trainer = Trainer(
        store,
        log,
        folder=models,
        key=model_key,
        directory=lambda: around().directory,
        put_to_work=watcher.use,
    )
    settler = Settler(store, watcher.world)
    feeds = Feeds(store, log, rulebook=rulebook, context=context)
    replayer = Replayer(store, log, rulebook=rulebook, context=context)
    sentinel = Sentinel(store, log, beat, beaten=beaten, around=around, context=context)
    return Agents(watcher, escalator, settler, trainer, sentinel, replayer, feeds)
