"""What `doctor` asks of the chats that are set up: whether they let us in. Nobody is told."""

from service.channels import wecom_web_of
from service.cli.findings import Finding
from service.settings import Settings
from workorders.errors import ChannelFailed, ChannelRetry


def channel_findings(settings: Settings) -> list[Finding]:
    """One finding for each chat that can be asked."""
    return [_wecom(settings)] if settings.wecom_corp_id else []


def _wecom(settings: Settings) -> Finding:
    try:
        wecom_web_of(settings).token()
    except ChannelFailed as fault:
        return Finding("wecom", "refused", {"code": fault.code})
    except ChannelRetry as fault:
        return Finding("wecom", "unreachable", {"detail": str(fault)})
    return Finding("wecom")
