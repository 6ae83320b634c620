"""Everything that can be checked or built; `nox --list` shows it. `.ci/run` runs lint, types, docs and tests."""

from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
nox.options.sessions = ["lint", "types", "tests"]
nox.options.reuse_existing_virtualenvs = True


def install(session: nox.Session, *arguments: str) -> None:
    """Install into the session's own environment; with --no-venv everything is expected to be there."""
    if session.virtualenv.is_sandboxed:
        session.install("--upgrade", "pip")  # dependency groups need pip 25.1
        session.install(*arguments)


@nox.session
def lint(session: nox.Session) -> None:
    """Style (ruff) and the direction of imports (import-linter)."""
    install(session, "-e", ".", "--group", "dev")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """Types: the package and the example of the public API, strictly."""
    install(session, "-e", ".", "--group", "dev")
    session.run("mypy")
    session.run("mypy", "tests/typing/api.py")


@nox.session
def tests(session: nox.Session) -> None:
    """The tests and the examples in docstrings; arguments go to pytest."""
    install(session, "-e", ".", "--group", "test")
    session.run("pytest", *(session.posargs or ("-n", "auto", "--dist", "loadfile")))


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation, warnings as errors, and a check that the generated pages are up to date."""
    install(session, "-e", ".", "--group", "docs")
    session.run("python", "docs/generate_reference.py", "--check")
    session.run(
        "sphinx-build", "-W", "--keep-going", "-b", "html", "docs", "docs/_build/html", *session.posargs
    )


@nox.session
def links(session: nox.Session) -> None:
    """The documentation's links to other sites; needs a network."""
    install(session, "-e", ".", "--group", "docs")
    session.run("sphinx-build", "-b", "linkcheck", "docs", "docs/_build/links", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """The benchmarks, or one of them with its arguments: `nox -s bench -- training --help`."""
    install(session, "-e", ".")
    if session.posargs:
        name, *arguments = session.posargs
        session.run("python", f"benchmarks/{name}.py", *arguments)
    else:
        for script in sorted(Path("benchmarks").glob("*.py")):
            session.run("python", str(script))


@nox.session
def demo(session: nox.Session) -> None:
    """From the embedded digits to an evaluated and explained model, in a temporary folder."""
    install(session, "-e", ".")
    folder = session.create_tmp()
    with session.chdir(folder):
        session.run("imgclf", "train", "--epochs", "3")
        session.run("imgclf", "evaluate")
        session.run("imgclf", "explain")
        session.run("imgclf", "embed")
