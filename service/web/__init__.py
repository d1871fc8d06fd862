"""The console: view models, templates, and the application around them."""

from service.errors import FrontEndMissing
from service.web.assets import Assets
from service.web.factory import make_web_app
from service.web.frame import Flash, Frame, Room, SourceChip
from service.web.pages import Look, Pages
from service.web.reader import Reader, Said

__all__ = [
    "Assets",
    "Flash",
    "Frame",
    "FrontEndMissing",
    "Look",
    "Pages",
    "Reader",
    "Room",
    "Said",
    "SourceChip",
    "make_web_app",
]
