"""``report.html``: the ``page`` with its ``checks`` and ``strips``; ``samples``, ``augmented`` and ``pictures`` on it."""
