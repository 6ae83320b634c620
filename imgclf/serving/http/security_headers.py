"""What a browser is told to keep from: the headers of every response, and one of three content-security policies.

https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Content-Security-Policy
"""

from imgclf.serving.settings import PAGE

_DOCS = ("/docs", "/redoc", "/swagger")

_ALWAYS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]
_NOTHING_LOADS = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_OWN_SCRIPTS = (
    b"content-security-policy",
    b"default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    b"img-src 'self' data:; worker-src blob:; frame-ancestors 'none'",
)
_PAGE_SCRIPTS = (
    b"content-security-policy",
    # Gradio turns its templates into functions, hence eval; no script, style or font comes from elsewhere, and nothing
    # can be sent elsewhere.
    b"default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    b"img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; manifest-src 'self'; base-uri 'self'; "
    b"form-action 'none'; frame-ancestors 'none'",
)


def security_headers(path: str) -> list[tuple[bytes, bytes]]:
    """Return the headers for a response at this path: nothing loads but on the API's pages and the page for people."""
    if path.startswith(PAGE):
        return [*_ALWAYS, _PAGE_SCRIPTS]
    return [*_ALWAYS, _OWN_SCRIPTS if path.startswith(_DOCS) else _NOTHING_LOADS]
