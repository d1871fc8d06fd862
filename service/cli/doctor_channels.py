"""What `doctor` asks of the chats that are set up: whether they let us in. Nobody is told."""

from collections.abc import Callable, Iterator

from service.channels import dingtalk_web_of, feishu_web_of, wecom_web_of
from service.cli.findings import Finding
from service.settings import Settings
from workorders.errors import ChannelFailed, ChannelRetry


def channel_findings(settings: Settings) -> Iterator[Finding]:
    """One finding for each chat that can be asked."""
    if settings.wecom_corp_id:
        yield _let_in("wecom", wecom_web_of(settings).token)
    if settings.feishu_app_id:
        yield _let_in("feishu", feishu_web_of(settings).token)
    if settings.dingtalk_app_key:
        yield _let_in("dingtalk", dingtalk_web_of(settings).token)


def _let_in(chat: str, token: Callable[[], str]) -> Finding:
    try:
        token()
    except ChannelFailed as fault:
        return Finding(chat, "refused", {"code": fault.code})
    except ChannelRetry as fault:
        return Finding(chat, "unreachable", {"detail": str(fault)})
    return Finding(chat)
