"""The bearer token for a call of our own: as given, or fetched for a service account."""

from __future__ import annotations

import threading
from typing import Any

from policykit.adapters.base import Settings
from policykit.errors import UsageError

_SCOPES = ("https://www.googleapis.com/auth/firebase.messaging",)
_ACCOUNTS: dict[str, Any] = {}  # path -> google-auth credentials, which remember their token until it expires
_LOCK = threading.Lock()


def bearer(settings: Settings) -> str:
    """The access token. Raises `UsageError` when there is none, never with anything of the credentials.

    A service account is the one place where an adapter uses the network: Google gives tokens for an hour.
    """
    token = settings.credentials.get("access_token")
    if token:
        return token
    path = settings.credentials.get("service_account")
    if not path:
        what = "`providers.fcm` has no credential `access_token` or `service_account`"
        raise UsageError(what, "write e.g. `credentials: {service_account: GOOGLE_APPLICATION_CREDENTIALS}`")
    return _of_account(path)


def _of_account(path: str) -> str:
    try:
        from google.auth.exceptions import GoogleAuthError  # optional: google-auth
        from google.auth.transport.requests import Request
        from google.oauth2.service_account import Credentials
    except ImportError:
        what = "a service account for `providers.fcm` needs google-auth"
        raise UsageError(what, "`pip install policykit-fcm[service-account]`") from None
    with _LOCK:
        try:
            if path not in _ACCOUNTS:
                load: Any = Credentials.from_service_account_file  # google-auth has no types
                _ACCOUNTS[path] = load(path, scopes=_SCOPES)
            if not _ACCOUNTS[path].valid:
                _ACCOUNTS[path].refresh(Request())
        except (GoogleAuthError, OSError, ValueError, KeyError) as error:
            # No cause: the errors of google-auth may quote the key file or the answer.
            what = f"no access token for the service account of `providers.fcm` ({type(error).__name__})"
            raise UsageError(what, "check the file, and that Google's token endpoint can be reached") from None
        return str(_ACCOUNTS[path].token)
