"""Everything that a request can be refused for: one exception, one shape of answer."""

from collections.abc import Mapping
from typing import Any, final

from starlette.responses import JSONResponse

from imgclf.errors import ImageError

IMAGE_STATUS = {
    "empty": 400,
    "unreadable": 400,
    "too_large": 413,
    "unsupported": 415,
    "damaged": 422,
    "too_slow": 504,
}
"""The HTTP status for each kind of :class:`imgclf.errors.ImageError`."""

CODES = {
    400: "bad_request",
    401: "unauthorized",
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    413: "too_large",
    415: "unsupported",
    422: "invalid_value",
    429: "rate_limited",
    499: "client_left",
    500: "internal_error",
    503: "overloaded",
    504: "deadline_exceeded",
}


@final
class RefusedError(Exception):
    """A request that gets no answer but a reason.

    Args:
        status: the HTTP status.
        sentence: what was given, what was expected, what to do next.
        code: a word that a program can compare; by default the status's own.
        headers: further headers of the response.
    """

    def __init__(
        self, status: int, sentence: str, code: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.code = code or CODES.get(status, "error")
        self.headers = dict(headers or {})

    @classmethod
    def of_image(cls, error: ImageError, name: str = "The image") -> "RefusedError":
        """Return what a client is told of an image that cannot be read."""
        sentence = f"{name} {error.reason}."
        return cls(IMAGE_STATUS[error.kind], sentence, f"image_{error.kind}")

    def body(self, request_id: str) -> dict[str, Any]:
        """Return the one shape of all errors; ``detail`` is what clients of FastAPI look for."""
        return {
            "error": self.sentence,
            "detail": self.sentence,
            "code": self.code,
            "status": self.status,
            "request_id": request_id,
        }

    def response(self, request_id: str) -> JSONResponse:
        """Return the HTTP response."""
        return JSONResponse(self.body(request_id), self.status, self.headers)


def overloaded(sentence: str, retry_after: int = 1) -> RefusedError:
    """Return a 503 that says when to come back."""
    return RefusedError(503, sentence, headers={"Retry-After": str(retry_after)})


def defect(request_id: str) -> RefusedError:
    """Return a 500 that says where the details are; a stranger learns none of them."""
    return RefusedError(
        500, f"Something went wrong on the server. Its log has the details under the request id {request_id}."
    )
