"""Write predictions to a file that survives interruption and can be continued."""

from imgclf.inference.outputs.layout import Layout
from imgclf.inference.outputs.opening import Output, check_output, open_output

__all__ = ["Layout", "Output", "check_output", "open_output"]
