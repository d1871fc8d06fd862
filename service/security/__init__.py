"""Signing in, sessions, and what protects the console and the API from other sites."""

from service.security.errors import Forbidden, SignInNeeded
from service.security.gate import Gate, SignedIn, SignInResult, require, signed_in
from service.security.passwords import (
    hash_password,
    set_password,
    verify_password,
    with_password,
)

__all__ = [
    "Forbidden",
    "Gate",
    "SignInNeeded",
    "SignInResult",
    "SignedIn",
    "hash_password",
    "require",
    "set_password",
    "signed_in",
    "verify_password",
    "with_password",
]
