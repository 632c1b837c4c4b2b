"""An upgrade from the last released version and back, with both versions as processes on the same servers."""
