"""Who may ask: issues signed session tokens and verifies them."""

import hashlib
import hmac
import time
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aiopslab.rehearsal.services.app import Service

_KEY = hashlib.sha256(b"a rehearsal protects nothing").digest()
_LIFETIME_S = 90


def sign(user: str, expires: int) -> str:
    """Return a session token.

    Examples
    --------
    >>> verified(sign("u-01", 2_000_000_000), now=1_900_000_000)
    'u-01'
    """
    text = f"{user}.{expires}"
    return f"{text}.{hmac.new(_KEY, text.encode(), 'sha256').hexdigest()}"


def verified(token: str, now: float) -> str | None:
    """Return the user that a token stands for; ``None`` if it is forged or has expired.

    Examples
    --------
    >>> verified(sign("u-01", 1_900_000_000), now=2_000_000_000) is None
    True
    """
    text, _, signature = token.rpartition(".")
    user, _, expires = text.partition(".")
    genuine = hmac.compare_digest(hmac.new(_KEY, text.encode(), "sha256").hexdigest(), signature)
    return user if genuine and float(expires) > now else None


def build(service: Service) -> Sequence[Route]:
    """Return what the service answers."""
    rejected = service.metrics.counter("auth_rejections", "Tokens that were not accepted.")

    async def login(request: Request) -> Response:
        user = (await request.json())["user"]
        known = await service.call("database", "GET", f"/users/{user}")
        if known is None:
            rejected.inc()
            return JSONResponse({"error": "unknown user"}, status_code=401)
        service.log.info("session opened for %s", user)
        return JSONResponse({"token": sign(user, int(time.time()) + _LIFETIME_S)})

    async def verify(request: Request) -> Response:
        user = verified((await request.json())["token"], time.time())
        if user is None:
            rejected.inc()
            service.log.warning("token rejected: it has expired")
            return JSONResponse({"error": "token expired"}, status_code=401)
        profile = await service.call("database", "GET", f"/users/{user}")
        return JSONResponse(profile)

    return [
        Route("/login", login, methods=["POST"]),
        Route("/verify", verify, methods=["POST"]),
    ]
