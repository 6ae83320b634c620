"""What is said of a dataset as a whole: ``counts`` of the classes, ``pixels``, and what the ``crop`` cuts off."""
