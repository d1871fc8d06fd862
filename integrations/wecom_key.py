"""The form of WeCom's EncodingAESKey, without what it takes to use one."""

_CHARACTERS = 43


def valid_aes_key(text: str) -> bool:
    """Whether this is an EncodingAESKey: 43 letters and digits."""
    return len(text) == _CHARACTERS and text.isascii() and text.isalnum()
