"""Where inline media are kept, and how long."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

MIN_GRACE_S = 3_600.0
"""Much longer than a batch leaves its files untouched, than a write may land late, and than clocks differ."""
SIGNED = "signed"


@dataclass(frozen=True, slots=True)
class MediaStoreConfig:
    """Where inline media are kept, and how long those that no product shows."""

    url: str = ""
    """`s3://BUCKET/PREFIX`, for what speaks S3; it takes `vitrine[s3]`. Empty: the directory `media` of the data
    directory."""
    endpoint: str = ""
    """`https://HOST:PORT` of an S3 that is not Amazon's; `http://` where it has no TLS."""
    region: str = ""
    """Empty: as AWS' own variables say, or us-east-1."""
    access_key_id: str = ""
    """Empty: AWS' own variables, files and roles are used."""
    secret_access_key: str = field(default="", repr=False, metadata={"secret": True})
    links: str = ""
    """Where browsers get media in a bucket from. Empty: through the query workers; `signed`: from the bucket, by links
    that are good for an hour; an `https://` URL: from what serves the bucket's prefix there, to anybody."""
    grace_s: float = 86_400.0
    """How long a file stays after it was last put, at least."""
    collect_every_s: float = 3_600.0
    """How often an indexing worker removes what no product shows; 0: never, `vitrine media collect` does."""

    def __post_init__(self) -> None:
        if self.grace_s < MIN_GRACE_S:
            raise ValueError(f"media_store.grace_s must be at least {MIN_GRACE_S:g}, as events may be under way")
        if self.collect_every_s and self.collect_every_s < 1:
            raise ValueError("media_store.collect_every_s must be at least 1, or 0 for never")
        self._check_bucket()

    def _check_bucket(self) -> None:
        if self.url and (urlsplit(self.url).scheme != "s3" or not urlsplit(self.url).netloc):
            raise ValueError(f"media_store.url is s3://BUCKET or s3://BUCKET/PREFIX, not {self.url}")
        if self.endpoint and not self.endpoint.startswith(("http://", "https://")):
            raise ValueError(f"media_store.endpoint begins with https:// or http://, not {self.endpoint}")
        if bool(self.access_key_id) != bool(self.secret_access_key):
            raise ValueError("media_store.access_key_id and media_store.secret_access_key go together")
        if self.links not in ("", SIGNED) and not self.links.startswith(("http://", "https://")):
            raise ValueError(f"media_store.links is empty, {SIGNED} or begins with https://, not {self.links}")
        if not self.url and (self.endpoint or self.access_key_id or self.links):
            raise ValueError("media_store.endpoint, access_key_id and links are of a bucket: set media_store.url")
