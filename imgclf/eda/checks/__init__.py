"""The health checks: ``findings`` (what a check is), ``run``, then ``quality`` (single images) and ``lookalikes`` (pairs)."""
