"""Asking the API of a server: its address, what authenticates, retries, errors without secrets.

A redirect is never followed and a secret never shown, whatever a server answers.
"""

from aiopslab.sources.http.address import split
from aiopslab.sources.http.client import MISFITS, Client, HttpError, TooLargeError
from aiopslab.sources.http.credentials import Credentials, credentials, openai_credentials

__all__ = [
    "MISFITS",
    "Client",
    "Credentials",
    "HttpError",
    "TooLargeError",
    "credentials",
    "openai_credentials",
    "split",
]
