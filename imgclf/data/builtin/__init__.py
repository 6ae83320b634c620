"""The built-in datasets: plugins like everybody else's, declared as entry points in ``pyproject.toml``."""
