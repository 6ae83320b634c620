"""Know the data before training: counts, samples, sizes, health."""

from imgclf.eda.examine import eda
from imgclf.eda.findings import CHECK_NAMES, Check, Finding
from imgclf.eda.report import EdaReport, parse_fail_on

__all__ = ["CHECK_NAMES", "Check", "EdaReport", "Finding", "eda", "parse_fail_on"]
