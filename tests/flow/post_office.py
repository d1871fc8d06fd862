"""What mail systems send back, written as they write it, and a mailbox that keeps it."""

import socket
import socketserver
import ssl
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tests.unit.integrations.own_tls import certificate

ADDRESS = "bounces@here.invalid"
USER, PASSWORD = "bounces", "a password of this test"


def report(
    back: str,
    *,
    action: str = "failed",
    status: str = "5.1.1",
    returned: str = "Subject: a notice\r\n\r\ntext",
    extra: str = "",
) -> bytes:
    """A report of delivery status as RFC 3464 has it."""
    return (
        "Return-Path: <>\r\n"
        f"Delivered-To: {back}\r\n"
        "From: Mail Delivery System <MAILER-DAEMON@mx.here.invalid>\r\n"
        f"To: {back}\r\n"
        "Subject: Delivery report\r\n"
        "Auto-Submitted: auto-replied\r\n"
        "MIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="xyz"\r\n'
        "\r\n"
        "--xyz\r\nContent-Type: text/plain\r\n\r\nThis is the mail system.\r\n" + extra + "\r\n"
        "--xyz\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.here.invalid\r\n\r\n"
        "Final-Recipient: rfc822; chen@here.invalid\r\n"
        f"Action: {action}\r\nStatus: {status}\r\n"
        "Diagnostic-Code: smtp; 550 no such user\r\n\r\n"
        f"--xyz\r\nContent-Type: message/rfc822\r\n\r\n{returned}\r\n"
        "--xyz--\r\n"
    ).encode()


def plain(
    back: str, text: str, *, author: str = "MAILER-DAEMON@mx.here.invalid", **more: str
) -> bytes:
    """A mail without a report."""
    heads = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in more.items())
    return (
        f"Delivered-To: {back}\r\nFrom: {author}\r\nTo: {back}\r\n{heads}"
        f"Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
    ).encode()


class Lmtp:
    """One delivery after the other, spoken over a socket as a mail server does."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 60)
        self._file = self._socket.makefile("rb")
        self.answer()
        self.say("LHLO mx.here.invalid")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()

    def answer(self) -> str:
        while True:
            line = self._file.readline().decode()
            if line[3:4] != "-":
                return line.strip()

    def write(self, raw: bytes) -> None:
        self._socket.sendall(raw)

    def say(self, line: str) -> str:
        self.write(line.encode() + b"\r\n")
        return self.answer()

    def begin(self, back: str, sender: str = "") -> str:
        """MAIL and RCPT; gives the answer to the latter."""
        assert self.say(f"MAIL FROM:<{sender}>").startswith("250")
        return self.say(f"RCPT TO:<{back}>")

    def deliver(self, back: str, mail: bytes, sender: str = "") -> str:
        """One whole mail; gives the last answer."""
        found = self.begin(back, sender)
        if not found.startswith("250"):
            self.say("RSET")
            return found
        assert self.say("DATA").startswith("354")
        stuffed = mail.replace(b"\r\n.", b"\r\n..")
        self.write(stuffed + (b"" if stuffed.endswith(b"\r\n") else b"\r\n") + b".\r\n")
        return self.answer()


@dataclass
class Letter:
    raw: bytes
    flags: set[str] = field(default_factory=set)


class MailboxServer(socketserver.ThreadingTCPServer):
    """As much of IMAP4rev1 over TLS as a reader of unread mail needs.

    Attributes:
        letters: the mailbox; a mail's number is its place, from 1.
        broken_at: a command at which the server breaks off, each time it comes.
        half: breaks off in the middle of a mail's text.
        longest: bytes of a mail that were asked for at once.
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        self.context, self.trust = certificate(folder, "localhost")
        super().__init__(("127.0.0.1", 0), _Session)
        self.letters: list[Letter] = []
        self.broken_at = ""
        self.half = False
        self.asked: list[str] = []
        self.longest = 0
        self.port = int(self.server_address[1])
        self._thread = threading.Thread(target=self.serve_forever, daemon=True)

    def get_request(self) -> tuple[socket.socket, Any]:
        line, address = super().get_request()
        line.settimeout(60)
        return self.context.wrap_socket(
            line, server_side=True, do_handshake_on_connect=False
        ), address

    def handle_error(self, *_: object) -> None:
        """A reader that hung up is no fault of the test."""

    def put(self, raw: bytes) -> Letter:
        letter = Letter(raw)
        self.letters.append(letter)
        return letter

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Session(socketserver.StreamRequestHandler):
    server: MailboxServer

    def handle(self) -> None:
        try:
            self.request.do_handshake()
        except (ssl.SSLError, OSError):
            return
        self._say("* OK IMAP4rev1 here")
        for line in self.rfile:
            tag, _, rest = line.decode().strip().partition(" ")
            words = rest.split()
            command = " ".join(words[:2] if words[0] == "UID" else words[:1]).upper()
            self.server.asked.append(command)
            if command == self.server.broken_at:
                return
            if not self._answer(tag, command, words, rest):
                return

    def _answer(  # noqa: C901 - one branch a command
        self, tag: str, command: str, words: list[str], rest: str
    ) -> bool:
        """Answer one command; False to break off."""
        done = f"{tag} OK done"
        letters = self.server.letters
        if command == "CAPABILITY":
            self._say("* CAPABILITY IMAP4rev1")
        elif command == "LOGIN":
            given = rest.split(" ", 2)
            if given[1:] != [USER, f'"{PASSWORD}"']:
                done = f"{tag} NO [AUTHENTICATIONFAILED] wrong"
        elif command == "SELECT":
            if words[1] != '"INBOX"':
                done = f"{tag} NO no such folder"
            else:
                self._say(f"* {len(letters)} EXISTS")
        elif command == "UID SEARCH":
            found = [str(n) for n, one in enumerate(letters, 1) if "\\Seen" not in one.flags]
            self._say(" ".join(["* SEARCH", *found]))
        elif command == "UID FETCH":
            number = int(words[2])
            most = int(rest.partition("<0.")[2].partition(">")[0])
            raw = letters[number - 1].raw[:most]
            self.server.longest = max(self.server.longest, len(raw))
            head = f"* {number} FETCH (UID {number} BODY[]<0> {{{len(raw)}}}\r\n".encode()
            if self.server.half:
                self.wfile.write(head + raw[: len(raw) // 2])
                return False
            self.wfile.write(head + raw + b")\r\n")
        elif command == "UID STORE":
            letters[int(words[2]) - 1].flags |= set(rest.partition("(")[2].rstrip(")").split())
        elif command == "LOGOUT":
            self._say("* BYE")
        self._say(done)
        return command != "LOGOUT"

    def _say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")
