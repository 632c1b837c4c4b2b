"""A bucket of an object store that speaks S3: calls with a deadline, and the one place where errors are translated."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from indexer.errors import AccessDenied, MissingExtra, StoreUnavailable
from indexer.media.config import MediaStoreConfig

if TYPE_CHECKING:
    from obstore.store import S3Store

DEADLINE_S = 60.0
"""Of one call, with its repetitions."""
_REQUEST_S = 30
_REPETITIONS = 3
_RETRY_AFTER_S = 1.0
_NO_BUCKET = "NoSuchBucket"
"""By which S3 tells a bucket that is not there from an object."""


def open_bucket(config: MediaStoreConfig, url: str) -> S3Store:
    """The objects under a URL, `s3://BUCKET/PREFIX`; nothing is asked yet.

    Raises:
        MissingExtra: obstore is not installed.
    """
    try:
        from obstore.store import S3Store
    except ImportError as error:
        raise MissingExtra(f"{url} takes obstore: pip install 'vitrine[s3]', or in a checkout: make setup") from error
    options: dict[str, Any] = {
        "endpoint": config.endpoint,
        "region": config.region,
        "access_key_id": config.access_key_id,
        "secret_access_key": config.secret_access_key,
    }
    return S3Store.from_url(
        url,
        client_options={"allow_http": config.endpoint.startswith("http://"), "timeout": timedelta(seconds=_REQUEST_S)},
        retry_config={"max_retries": _REPETITIONS, "retry_timeout": timedelta(seconds=_REQUEST_S)},
        # Of a bucket's own host name, only Amazon can be sure.
        virtual_hosted_style_request=not config.endpoint,
        **{name: value for name, value in options.items() if value},
    )


@asynccontextmanager
async def bucket_call(url: str, what: str) -> AsyncGenerator[None]:
    """Calls of a bucket within the deadline.

    Args:
        url: of the bucket.
        what: cannot be done where they fail: `read`, `written`.

    Raises:
        AccessDenied: it does not let us.
        StoreUnavailable: it does not answer.
    """
    with bucket_transfer(url, what):
        async with asyncio.timeout(DEADLINE_S):
            yield


@contextmanager
def bucket_transfer(url: str, what: str) -> Generator[None]:
    """Like `bucket_call`, for transfers, which may be long as a whole; each request of them has a deadline."""
    from obstore import exceptions

    try:
        yield
    except TimeoutError as error:
        raise StoreUnavailable(f"{url} cannot be {what}: it does not answer in time", _RETRY_AFTER_S) from error
    except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError) as error:
        raise AccessDenied(
            f"{url} cannot be {what}, as we are not let in: put right media_store.access_key_id and its secret, or the "
            "rights of the role (s3:GetObject, s3:PutObject, s3:DeleteObject, s3:ListBucket)"
        ) from error
    except (exceptions.BaseError, OSError) as error:
        raise StoreUnavailable(f"{url} cannot be {what}: {_reason(error)}", _RETRY_AFTER_S) from error


def no_object(error: FileNotFoundError) -> None:
    """None for an object that is not there. Raises the error where it is the bucket that is not."""
    if _NO_BUCKET in str(error):
        raise error


def _reason(error: BaseException) -> str:
    said = str(error)
    # What follows the first line is the client's own account of its values, many lines of it.
    return "there is no such bucket" if _NO_BUCKET in said else said.partition("\n")[0][:300]
