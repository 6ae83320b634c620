"""Pieces of HTML. Every name is escaped: classes are whatever folders are called, and files whatever people call them."""

import base64
from collections.abc import Iterable
from html import escape
from io import BytesIO
from typing import Any

from PIL import Image

from imgclf.runs import KeptImage
from imgclf.serving.api.schemas import PredictionResponse
from imgclf.serving.model.explaining import Explanation, data_url


def problem(sentence: str) -> str:
    """Return a sentence about what went wrong."""
    return f'<p class="note bad" role="alert">{escape(sentence)}</p>'


def hint(sentence: str) -> str:
    """Return a sentence about what to do."""
    return f'<p class="note">{escape(sentence)}</p>'


def prediction(given: PredictionResponse) -> str:
    """Return the prediction: its class, a bar for each of the best classes, and how long it took."""
    bars = "".join(_bar(one.label, one.confidence) for one in given.top_k)
    times = given.timings
    unknown = "" if given.prediction in given.probabilities else _unknown(given)
    return (
        f'<div class="answer"><p class="verdict"><b>{escape(given.prediction)}</b>'
        f"<span>{escape(percent(given.confidence))}</span></p>{unknown}"
        f'<ol class="bars">{bars}</ol>'
        f'<p class="faint">{times.decode_ms:.1f} ms to read, {times.inference_ms:.1f} ms to compute</p></div>'
    )


def explained(one: Explanation, method: str) -> str:
    """Return the image and, beside it, the same image under its map, which a method of this title made."""
    shown = one.maps[0]
    # Whole per cents: maps are computed in full precision, answers perhaps not.
    said = (
        f"What speaks for <b>{escape(shown['target'])}</b> ({escape(percent(shown['target_confidence'], 0))})"
    )
    layer = f" at layer <code>{escape(shown['layer'])}</code>" if shown["layer"] else ""
    remark = hint(shown["remark"]) if shown["remark"] else ""
    return (
        f'<div class="pair"><figure>{_picture(_jpeg(one.picture), "The image")}<figcaption>The image</figcaption>'
        f"</figure><figure>{_picture(data_url(shown['overlay']), 'The image under its map')}<figcaption>{said}, by "
        f"{escape(method)}{layer}</figcaption></figure></div>{remark}"
    )


def error_cards(errors: Iterable[tuple[int, tuple[KeptImage, str]]]) -> str:
    """Return a gallery of wrong answers: number, (image, its map as a data URL or an empty string)."""
    cards = "".join(_card(number, *one) for number, one in errors)
    return f'<div class="gallery">{cards}</div>'


def heading(card: dict[str, Any]) -> str:
    """Return the top of the page, with a place for the server's health."""
    about = f"{escape(card['architecture'])} · {len(card['classes'])} classes"
    return (
        f'<header class="top"><div><h1>{escape(card["name"])}</h1><p class="faint">{about}</p></div>'
        '<p class="health" data-health="pill" role="status">asking…</p></header>'
        '<p class="note bad refusal" role="alert" hidden></p>'
    )


def model_card(card: dict[str, Any]) -> str:
    """Return what ``GET /model`` tells as two tables and the class names."""
    height, width = card["preprocessing"]["image_size"]
    rows = {
        "run": card["name"],
        "architecture": card["architecture"],
        "input": f"{height} × {width}, {card['preprocessing']['resize_mode']}",
        "answers 'unknown' below": "never" if card["threshold"] is None else percent(card["threshold"]),
        "temperature": f"{card['temperature']:.3f}",
        **_scores(card["metrics"]),
        "computed by": f"{card['backend']} on {card['device']}, {card['precision']}",
        "images at once": f"{card['batch_cap']}",
        "fingerprint": card["fingerprint"],
    }
    names = "".join(f"<li>{escape(name)}</li>" for name in card["classes"])
    return f'<h3>Model</h3>{table(rows)}<h3>Classes</h3><ul class="classes">{names}</ul>'


def health_card() -> str:
    """Return an empty table that a script on the page fills every few seconds."""
    names = {
        "status": "status",
        "device": "device",
        "version": "version",
        "uptime": "running for",
        "queue": "images waiting",
    }
    rows = "".join(f'<tr><th>{name}</th><td data-health="{key}">…</td></tr>' for key, name in names.items())
    links = {
        "docs": "Try the API",
        "redoc": "Read about the API",
        "metrics": "Metrics",
        "model": "This model as JSON",
    }
    more = " · ".join(f'<a href="../{path}">{text}</a>' for path, text in links.items())
    return f'<h3>Server</h3><table class="facts">{rows}</table><p>{more}</p>'


def table(rows: dict[str, str]) -> str:
    """Return names and values."""
    lines = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows.items()
    )
    return f'<table class="facts">{lines}</table>'


def percent(value: float, digits: int = 1) -> str:
    """Return a probability as people read it; never 100 % for what is less, nor 0 % for what is more."""
    least = 0.1**digits
    if value > 0 and 100 * value < least:
        return f"< {least:.{digits}f} %"
    return f"{min(100 * value, 100 - least) if value < 1 else 100:.{digits}f} %"


def _bar(label: str, confidence: float) -> str:
    name = escape(label)
    return (
        f'<li><span class="name" title="{name}">{name}</span>'
        f'<span class="track"><i style="width:{100 * confidence:.2f}%"></i></span>'
        f'<span class="value">{escape(percent(confidence))}</span></li>'
    )


def _unknown(given: PredictionResponse) -> str:
    return hint(
        f"The model is less sure than it must be to answer. It would have said {given.top_k[0].label}."
    )


def _card(number: int, one: KeptImage, overlay: str) -> str:
    pictures = _picture(f"errors/{number}", one.true_label) + (
        _picture(overlay, "its map") if overlay else ""
    )
    sure = percent(one.confidence) if one.confidence is not None else ""
    return (
        f'<figure class="{"two" if overlay else "one"}"><div>{pictures}</div><figcaption>'
        f'<b class="wrong">{escape(one.label)}</b> <span class="faint">{sure}</span><br>'
        f'is <b>{escape(one.true_label)}</b><br><span class="faint" title="{escape(one.source)}">'
        f"{escape(one.source)}</span></figcaption></figure>"
    )


def _picture(address: str, text: str) -> str:
    return f'<img src="{escape(address)}" alt="{escape(text)}">'


def _jpeg(picture: Image.Image) -> str:
    buffer = BytesIO()
    picture.save(buffer, "JPEG", quality=90)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _scores(metrics: dict[str, float]) -> dict[str, str]:
    """Return what was measured on `val`; times and learning rates are of no use here."""
    return {
        name.replace("val_", "validation ").replace("_", " ").replace("f1", "F1"): f"{value:.4f}"
        for name, value in metrics.items()
        if name.startswith("val_")
    }
