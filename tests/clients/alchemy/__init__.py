"""SQLAlchemy's own tests of a dialect, as it ships them, asked of the gateway in a process of their own."""
