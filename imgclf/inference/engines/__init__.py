"""Ways to share the work of a predictor among many processes and machines."""
