"""Catalogues and event logs in files, as events: what `vitrine publish` reads."""
