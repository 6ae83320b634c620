"""The pages of the reference that come from the program itself, one module a page."""
