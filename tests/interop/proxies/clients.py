"""How long clients wait unless they are told otherwise: a line of JSON, from the names of `docs/proxies.md` to seconds."""

import importlib.metadata
import inspect
import json

import aiohttp
import httpx
import requests
import websocket
from websockets.asyncio.client import connect


def default_of(function, parameter):
    return inspect.signature(function).parameters[parameter].default


waits = {
    "requests": default_of(requests.Session.request, "timeout"),
    "httpx": httpx.Client().timeout.read,
    "aiohttp": aiohttp.client.DEFAULT_TIMEOUT.total,
    "websockets": default_of(connect.__init__, "ping_timeout"),
    "websocket-client": websocket.getdefaulttimeout(),
}
versions = {name: ".".join(importlib.metadata.version(name).split(".")[:2]) for name in waits}
print(json.dumps({f"Python {name} {versions[name]}": "none" if wait is None else f"{wait:g} s" for name, wait in waits.items()}))
