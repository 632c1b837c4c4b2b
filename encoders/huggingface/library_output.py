"""What transformers writes by itself: left to the application's logging, instead of standard error."""

from __future__ import annotations

from transformers.utils.logging import disable_default_handler, disable_progress_bar, enable_propagation


def leave_output_to_logging() -> None:
    """Leave transformers' log lines to the application's logging, and draw no progress bars.

    It sets up a handler of its own on standard error when it is imported. Call it before a checkpoint is loaded; again
    does no harm.
    """
    disable_default_handler()
    enable_propagation()
    disable_progress_bar()
