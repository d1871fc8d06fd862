"""The outside world, in and out: chat, mail, files of other systems."""
