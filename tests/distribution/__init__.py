"""A wheel and an archive of the sources, tried in empty environments; see `__main__.py`."""
