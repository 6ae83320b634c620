"""A local API over one model: the web application, what it is made of, and the server under it."""
