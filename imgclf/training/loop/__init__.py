"""The training loop.

In reading order: ``trainer`` (epochs and steps), ``learner`` (one step), ``validation``; what a step is made of:
``losses`` and ``focal``, ``optimizers``, ``schedule``, ``mixing``, ``averaging``, ``meter``; how long it goes on:
``phases``, ``budget`` and ``durations``, ``early_stopping``.
"""
