"""Know the data before training: counts, samples, sizes, health.

In reading order: ``examine`` (the whole look), ``measuring`` (each image), ``facts`` and ``checks`` (all of them),
``page``, ``table`` and ``report`` (what is written and returned).
"""

from imgclf.eda.checks.findings import CHECK_NAMES, Check, Finding
from imgclf.eda.examine import eda
from imgclf.eda.report import EdaReport, parse_fail_on

__all__ = ["CHECK_NAMES", "Check", "EdaReport", "Finding", "eda", "parse_fail_on"]
