"""The agents of an application, with what they share."""

import os
import socket
from functools import partial

from agents.outfit import Agents, outfit
from service.application import Application, address_of, context_of
from service.channels import heartbeat_of, ping


def agents_of(app: Application, *, use_child: bool) -> Agents:
    """The agents of this process, with the ports of `app`.

    Args:
        app: whose rules, directory, log and channels they work with.
        use_child: whether durable_rules runs beside the reference.
    """
    heart = heartbeat_of(app.settings)
    directories = app.directories
    return outfit(
        app.store,
        app.log,
        rulebook=lambda: app.rulebook,
        around=directories.now,
        context=lambda around: context_of(around, app.channel_names, app.policy),
        channels=app.channels,
        address=lambda person, channel: address_of(
            directories.now().directory, person, channel, app.settings
        ),
        holder=f"{socket.gethostname()}:{os.getpid()}",
        models=app.settings.data / "models",
        model_key=app.keys.models,
        use_child=use_child,
        beat=None if heart is None else partial(ping, heart),
        beaten=None if heart is None else lambda: heart.result,
    )
