"""The libraries that compute, one file each; nothing here is imported before a model file asks for it."""
