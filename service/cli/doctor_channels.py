"""What `doctor` asks of the chats and gateways: whether they let us in. Nobody is told."""

from collections.abc import Callable, Iterator

from directory import PHONES
from service.channels import (
    apprise_of,
    channel_names_of,
    dingtalk_web_of,
    feishu_web_of,
    gateway_of,
    wecom_web_of,
)
from service.cli.desk import ZONE
from service.cli.findings import Finding
from service.i18n.wording import Catalogues
from service.settings import Settings
from store.clock import system_clock
from workorders.errors import ChannelFailed, ChannelRetry


def channel_findings(settings: Settings) -> Iterator[Finding]:
    """One finding for each chat that can be asked."""
    if settings.wecom_corp_id:
        yield _let_in("wecom", wecom_web_of(settings).token)
    if settings.feishu_app_id:
        yield _let_in("feishu", feishu_web_of(settings).token)
    if settings.dingtalk_app_key:
        yield _let_in("dingtalk", dingtalk_web_of(settings).token)
    if settings.apprise_url.get_secret_value():
        words = Catalogues(ZONE, {})
        yield _let_in("apprise", apprise_of(settings, words, lambda _: settings.language).check)
    for name in PHONES:
        if name in channel_names_of(settings):
            yield _let_in(name, gateway_of(settings, name, system_clock).ask)


def _let_in(chat: str, ask: Callable[[], object]) -> Finding:
    try:
        ask()
    except ChannelFailed as fault:
        return Finding(chat, "refused", {"code": fault.code})
    except ChannelRetry as fault:
        return Finding(chat, "unreachable", {"detail": str(fault)})
    return Finding(chat)
