"""What any server needs around its endpoints.

Reading order: ``problems.py`` (every refusal), ``tracing.py`` (an id, a clock and an end for each request),
``bodies.py`` (limits on size and time), ``credentials.py`` and ``security.py`` (who may call, how often), ``logs.py``,
``metrics.py``.
"""
