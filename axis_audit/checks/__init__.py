"""The checks, one module per family; a check is a small typed function (see registry.py)."""
