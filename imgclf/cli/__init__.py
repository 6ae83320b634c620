"""The command line: each command parses, calls one function and shows what it returned.

In reading order: ``main.py`` finds the command; ``flags.py`` makes options of config fields and of records, ``options.py`` has those
that commands share, ``grouped_help.py`` shows them, ``mistakes.py`` words what does not fit; ``chosen.py`` chooses the run;
``render.py`` is the only place that prints, ``progress.py`` draws bars. Then one file for each command: ``datasets.py``, ``eda.py``,
``models.py``, ``recipes.py``, ``train.py`` (with ``training_shown.py``), ``evaluate.py`` (with ``overlays.py``), ``review.py``,
``compare.py``, ``predict.py`` (with ``prediction_sinks.py``), ``explain.py``, ``embed.py``, ``serve.py``, ``export.py``, ``tune.py``
(with ``search_shown.py``), ``doctor.py``.
"""
