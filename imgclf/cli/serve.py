"""``imgclf serve``: a model behind a local API."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from imgclf.cli import render
from imgclf.cli.chosen import ModelChoice
from imgclf.cli.flags import OptionGroup
from imgclf.cli.options import (
    HARDWARE,
    INPUT,
    OUTPUT,
    DeviceOption,
    QuietOption,
    RuntimeOption,
    VerboseOption,
)
from imgclf.errors import RunError, UsageError

if TYPE_CHECKING:
    from imgclf.serving import ServerSettings

NETWORK = "Network"
ACCESS = "Access"
LIMITS = "Limits"


class Network(OptionGroup):
    """Where it listens."""

    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS", help="Address to listen on; 0.0.0.0 is every network.", rich_help_panel=NETWORK
        ),
    ] = "127.0.0.1"
    port: Annotated[
        int,
        typer.Option(
            metavar="PORT", min=0, max=65535, help="0 takes any free port.", rich_help_panel=NETWORK
        ),
    ] = 8000
    cors_origin: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ORIGIN",
            help="Let web pages of this origin call, such as https://example.org; repeatable.",
            rich_help_panel=NETWORK,
        ),
    ] = None
    keep_alive: Annotated[
        int,
        typer.Option(
            metavar="SECONDS",
            min=1,
            help="How long a connection without requests is kept; longer than the load balancer in front does.",
            rich_help_panel=NETWORK,
        ),
    ] = 75


class Access(OptionGroup):
    """Who may ask."""

    api_key_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Ask for a key of this file. Keys in IMGCLF_API_KEY, or in IMGCLF_USERNAME and IMGCLF_PASSWORD, "
            "count too.",
            rich_help_panel=ACCESS,
        ),
    ] = None
    new_key: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Add a key to --api-key-file, write it to stdout this once, and exit.",
            rich_help_panel=ACCESS,
        ),
    ] = None
    no_auth: Annotated[
        bool,
        typer.Option("--no-auth", help="Let everybody in who can reach the address.", rich_help_panel=ACCESS),
    ] = False


class Limits(OptionGroup):
    """How much may be asked."""

    rate_limit: Annotated[
        int,
        typer.Option(min=0, help="Requests a minute for each key; 0 is no limit.", rich_help_panel=LIMITS),
    ] = 0
    max_body_mb: Annotated[
        float,
        typer.Option(metavar="MB", min=0.001, help="Largest request, in megabytes.", rich_help_panel=LIMITS),
    ] = 10.0
    deadline: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            min=0.01,
            help="Seconds after which a request is given up.",
            rich_help_panel=LIMITS,
        ),
    ] = 30.0


class Work(OptionGroup):
    """How it computes."""

    device: DeviceOption = "auto"
    runtime: RuntimeOption = "auto"
    precision: Annotated[
        Literal["auto", "fp32", "bf16"],
        typer.Option(
            help="auto is bf16 where that is measured to be faster and to keep the answers.",
            rich_help_panel=HARDWARE,
        ),
    ] = "auto"
    workers: Annotated[
        int,
        typer.Option(
            min=1,
            help="Processes, each with its own model; one already uses all cores.",
            rich_help_panel=HARDWARE,
        ),
    ] = 1
    threads: Annotated[
        int,
        typer.Option(
            min=0, help="Computing threads of a process; 0 is one a core.", rich_help_panel=HARDWARE
        ),
    ] = 0


class Shown(OptionGroup):
    """What it shows of itself."""

    ui: Annotated[
        bool,
        typer.Option(
            "--ui",
            help="Also show a page for people: upload an image, see the answer and why. Needs the extra 'ui'.",
            rich_help_panel=OUTPUT,
        ),
    ] = False
    log_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Also log to a file for each day in this folder, kept for 30 days.",
            rich_help_panel=OUTPUT,
        ),
    ] = None
    log_format: Annotated[
        Literal["text", "json"],
        typer.Option(help="One line a request, for people or for programs.", rich_help_panel=OUTPUT),
    ] = "text"


def serve(
    model: ModelChoice,
    reload_model: Annotated[
        bool,
        typer.Option(
            "--reload-model",
            help="Watch the model file and swap it when it changes; a broken one is left alone.",
            rich_help_panel=INPUT,
        ),
    ] = False,
    *,
    network: Network,
    access: Access,
    limits: Limits,
    work: Work,
    shown: Shown,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Answer over HTTP what is in an image.

    Listens on this machine only, unless --host says otherwise; then it asks for a key.

    Example: imgclf serve --port 8000
    """
    if access.new_key is not None:
        _add_key(access.api_key_file, access.new_key)
        return
    from imgclf.serving import ServerSettings, bind, check_installed
    from imgclf.serving import serve as serve_model

    if shown.ui:
        check_installed()
    settings = ServerSettings(
        model=str(model.place()),
        device=work.device,
        runtime=work.runtime,
        precision=work.precision,
        threads=work.threads,
        deadline=limits.deadline,
        max_body=int(limits.max_body_mb * 1e6),
        keys_file=access.api_key_file,
        authenticate=not access.no_auth,
        rate_limit=limits.rate_limit,
        keep_alive=network.keep_alive,
        cors_origins=tuple(network.cors_origin or ()),
        local_names_only=_is_loopback(network.host),
        log_format=shown.log_format,
        log_dir=shown.log_dir,
        reload_model=reload_model,
        ui=shown.ui,
    )
    protected = _check_access(settings, network.host)
    _check_model(settings.model)
    listener = bind(network.host, network.port)
    _announce(network.host, listener.getsockname()[1], protected, "ui/" if shown.ui else "docs")
    serve_model(settings, listener, work.workers)


def _add_key(file: Path | None, name: str) -> None:
    from imgclf.serving import add_key

    if file is None:
        raise UsageError("--new-key needs a file to add the key to: give --api-key-file FILE as well.")
    render.data(add_key(file, name))
    render.message(f"This key is kept nowhere else; {file} has its hash only.")


def _check_model(model: str) -> None:
    """Say at once what is wrong with a run's name, before a port is taken and libraries are loaded."""
    from imgclf.inference import format_of
    from imgclf.runs import open_run, read_header

    if format_of(Path(model)):
        if not Path(model).is_file():
            raise RunError(f"There is no model file '{model}'.")
        return
    file = Path(model) if Path(model).suffix.lower() == ".safetensors" else open_run(model).model_file
    read_header(file)


def _check_access(settings: "ServerSettings", host: str) -> bool:
    """Return whether a key is asked for; a network may only be served without one when that is said aloud."""
    from imgclf.serving import load_keys

    if not settings.authenticate and settings.keys_file is not None:
        raise UsageError("--no-auth lets everybody in, and --api-key-file asks for a key: give one of them.")
    has_keys = settings.authenticate and bool(load_keys(settings.keys_file))
    if not has_keys and settings.authenticate and not _is_loopback(host):
        raise UsageError(
            f"Others can reach '{host}', so the server must ask for a key. Make one with: "
            f"imgclf serve --api-key-file keys.txt --new-key NAME, and start with --api-key-file keys.txt "
            f"(or set IMGCLF_API_KEY). To let everybody in: --no-auth."
        )
    if not settings.authenticate and not _is_loopback(host):
        render.warning(f"Everybody who can reach {host} may use this server (--no-auth).")
    return has_keys


def _is_loopback(host: str) -> bool:
    from ipaddress import ip_address

    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _announce(host: str, port: int, protected: bool, page: str) -> None:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    url = f"http://{shown}:{port}"
    key = " -H 'X-API-Key: KEY'" if protected else ""
    render.message(
        f"Serving at {url} as soon as the model is ready (in a browser: {url}/{page}). Stop with Ctrl+C."
    )
    render.message(f"Try: curl{key} -F file=@photo.jpg {url}/predict")
