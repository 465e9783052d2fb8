"""The pages over HTTP: few addresses, each for one purpose; nothing of Label Studio's is reached through them."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fieldguide.annotation.label_studio.client import ServerError
from fieldguide.annotation.serving.given import RefusedError
from fieldguide.annotation.serving.site import Site
from fieldguide.annotation.serving.visitors import Keys, Visitor
from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import sha256_bytes

ASSETS = Path(__file__).resolve().parent / "assets"
MOST_BYTES = 64 << 10
"""Of what a browser may send at once."""
_TYPES = {"html": "text/html", "js": "text/javascript", "css": "text/css"}
_YEAR = 365 * 24 * 3600
_HEADERS = {
    b"content-security-policy": b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    b"connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
}
Dashboard = Callable[[], str]


class Doorway:
    """The application's state: the site, and whose keys are accepted now. `dashboard` gives the manager's page."""

    def __init__(self, site: Site, dashboard: Dashboard) -> None:
        self.site, self.dashboard = site, dashboard
        # Cookies of one host are sent to all of its ports: each benchmark has a name of its own.
        self.cookie = f"fieldguide_{sha256_bytes(site.annotation.benchmark.encode())[:8]}"

    def visitor(self, request: Request) -> Visitor:
        """Whose key came with a request, in the cookie or as a bearer token.

        Raises:
            RefusedError: none, or nobody's.
        """
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        key = token if scheme.lower() == "bearer" else request.cookies.get(self.cookie, "")
        found = Keys(self.site.accounts, self.site.annotation.asked).visitor(key) if key else None
        if found is None:
            raise RefusedError("open the link that you were given: your key is missing, or not accepted any more", 401)
        return found


def application(site: Site, dashboard: Dashboard, hosts: Sequence[str]) -> ASGIApp:
    """The pages as an ASGI application.

    Args:
        site: what they do.
        dashboard: makes the manager's page.
        hosts: names under which browsers may ask for them; others are refused, so that no name of another site
            leads a browser here.
    """
    pages = Doorway(site, dashboard)
    app = Starlette(
        routes=[
            Route("/", _asset("site.html")),
            *(Route(f"/assets/{path.name}", _asset(path.name)) for path in sorted(ASSETS.glob("*.*s"))),
            Route("/favicon.ico", _nothing),
            Route("/enter", _entered(pages), methods=["POST"]),
            Route("/leave", _left(pages), methods=["POST"]),
            Route("/api/me", _reading(pages, lambda visitor, _: site.me(visitor))),
            Route("/api/next", _reading(pages, _next(site))),
            Route("/api/answered", _reading(pages, lambda visitor, _: site.answered(visitor))),
            Route("/api/questions", _reading(pages, lambda visitor, _: site.questions(visitor))),
            Route("/api/questions", _writing(pages, _asked(site)), methods=["POST"]),
            Route("/api/rulings", _reading(pages, lambda visitor, _: site.rulings(visitor))),
            Route("/api/guidelines", _reading(pages, lambda visitor, _: {"html": site.guidelines()})),
            Route(
                "/api/pages/{key:str}",
                _reading(pages, lambda visitor, request: site.page(visitor, request.path_params["key"])),
            ),
            Route("/api/pages/{key:str}", _writing(pages, _submitted(site)), methods=["POST"]),
            Route("/api/training/{key:str}", _writing(pages, _trained(site)), methods=["POST"]),
            Route("/image/{image:str}", _image(pages)),
            Route("/manager", _manager(pages)),
        ],
        exception_handlers={RefusedError: _refused, ServerError: _unreachable, FieldguideError: _unreachable},
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False),
            Middleware(_Guarded),
        ],
    )
    return app


class _Guarded:
    """Headers that keep a browser from doing more than these pages need; no request greater than `MOST_BYTES`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                more = [item for item in _HEADERS.items() if item[0] not in given]
                message["headers"] = [*message["headers"], *more]
            await send(message)

        await self.app(scope, receive, guarded if scope["type"] == "http" else send)


Endpoint = Callable[[Request], Awaitable[Response]]


def _asset(name: str) -> Endpoint:
    media_type = _TYPES[name.rpartition(".")[2]]

    async def endpoint(request: Request) -> Response:
        return FileResponse(
            ASSETS / name, media_type=f"{media_type}; charset=utf-8", headers={"cache-control": "no-cache"}
        )

    return endpoint


async def _nothing(request: Request) -> Response:
    return Response(status_code=204)


def _reading(pages: Doorway, read: Callable[[Visitor, Request], Any]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        visitor = pages.visitor(request)
        value = await run_in_threadpool(read, visitor, request)
        return JSONResponse(value, headers={"cache-control": "no-store"})

    return endpoint


def _writing(pages: Doorway, write: Callable[[Visitor, Request, dict[str, Any]], Any]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        given = await _body(request)
        visitor = pages.visitor(request)
        if given.get("person", visitor.name) != visitor.name:
            raise RefusedError(f"somebody else ({visitor.name}) has opened their link in this browser: open yours", 401)
        value = await run_in_threadpool(write, visitor, request, given)
        return JSONResponse(value if value is not None else {}, headers={"cache-control": "no-store"})

    return endpoint


async def _body(request: Request) -> dict[str, Any]:
    """The JSON object of a request that no form of another site can send.

    Raises:
        RefusedError: it is none.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise RefusedError("send JSON", 415)
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MOST_BYTES:
            raise RefusedError(f"more than {MOST_BYTES} bytes", 413)
    try:
        value = json.loads(bytes(data))
    except (ValueError, RecursionError):
        raise RefusedError("not JSON", 400) from None
    if not isinstance(value, dict):
        raise RefusedError("not an object of JSON", 400)
    return value


def _entered(pages: Doorway) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        given = await _body(request)
        key = str(given.get("key", ""))
        found = Keys(pages.site.accounts, pages.site.annotation.asked).visitor(key)
        if found is None:
            raise RefusedError("this key is not accepted; ask whoever runs this for your link", 401)
        reply = JSONResponse({"name": found.name, "role": found.role})
        secure = request.url.scheme == "https" or request.headers.get("x-forwarded-proto") == "https"
        reply.set_cookie(pages.cookie, key, max_age=_YEAR, httponly=True, samesite="strict", secure=secure)
        return reply

    return endpoint


def _left(pages: Doorway) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        await _body(request)
        reply = JSONResponse({})
        reply.delete_cookie(pages.cookie, httponly=True, samesite="strict")
        return reply

    return endpoint


def _next(site: Site) -> Callable[[Visitor, Request], Any]:
    def read(visitor: Visitor, request: Request) -> Any:
        skip = [key for key in request.query_params.getlist("skip") if re.fullmatch(r"[0-9a-f]{64}", key)]
        return {"pages": site.next(visitor, skip), "me": site.me(visitor)}

    return read


def _submitted(site: Site) -> Callable[[Visitor, Request, dict[str, Any]], Any]:
    def write(visitor: Visitor, request: Request, given: dict[str, Any]) -> Any:
        site.submit(visitor, request.path_params["key"], given)
        return {"me": site.me(visitor)}

    return write


def _trained(site: Site) -> Callable[[Visitor, Request, dict[str, Any]], Any]:
    return lambda visitor, request, given: site.train(visitor, request.path_params["key"], given)


def _asked(site: Site) -> Callable[[Visitor, Request, dict[str, Any]], Any]:
    return lambda visitor, request, given: site.ask(visitor, given)


def _image(pages: Doorway) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        visitor = pages.visitor(request)
        path = await run_in_threadpool(pages.site.image, visitor, request.path_params["image"])
        headers = {"cache-control": "private, max-age=86400"}
        return FileResponse(path, media_type="image/jpeg", headers=headers)

    return endpoint


def _manager(pages: Doorway) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        if pages.visitor(request).role != "manager":
            raise RefusedError("this page is for the manager alone", 403)
        html = await run_in_threadpool(pages.dashboard)
        # The page is static and holds its own styles and pictures.
        policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'"
        return HTMLResponse(html, headers={"cache-control": "no-store", "content-security-policy": policy})

    return endpoint


async def _refused(request: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, RefusedError) else 422
    return JSONResponse({"error": str(error)}, status, headers={"cache-control": "no-store"})


async def _unreachable(request: Request, error: Exception) -> Response:
    said = str(error) if isinstance(error, ServerError) else "the server could not do this; see what it printed"
    return JSONResponse({"error": said}, 503, headers={"cache-control": "no-store", "retry-after": "3"})
