"""Where Milvus is, who we are to it, and how vectors are kept there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from indexer.milvus.vector_types import DTYPES, FLOAT32

EXACT_INDEX = "FLAT"
"""The index that is none: every vector is looked at."""
IVF_LISTS = 1_024
_BUILD_PARAMETERS: Mapping[str, Mapping[str, int]] = {
    EXACT_INDEX: {},
    "AUTOINDEX": {},
    "HNSW": {"M": 24, "efConstruction": 200},
    "IVF_FLAT": {"nlist": IVF_LISTS},
    "IVF_SQ8": {"nlist": IVF_LISTS},
}


_FILE = {"file": True}
"""Of settings that name a file, which is made absolute for the workers that `vitrine up` starts."""


@dataclass(frozen=True, slots=True)
class MilvusConfig:
    """The vector store."""

    uri: str = ""
    """`http://host:port`, `https://…` for TLS; empty: the embedded Milvus Lite."""
    token: str = field(default="", repr=False, metadata={"secret": True})
    """`user:password`, or an API key."""
    token_file: str = field(default="", metadata=_FILE)
    """A file with the token, looked at before each call."""
    ssl_cafile: str = field(default="", metadata=_FILE)
    """Who Milvus' certificate must be signed by, PEM; empty: the authorities that gRPC brings along."""
    ssl_certfile: str = field(default="", metadata=_FILE)
    """The certificate that we show, PEM, where Milvus asks for one; it takes a `ssl_cafile`, too."""
    ssl_keyfile: str = field(default="", metadata=_FILE)
    """Its key, PEM."""
    ssl_server_name: str = ""
    """Whom the certificate must be for; empty: the host of `uri`."""
    deadline_s: float = 5.0
    """The longest that one call may take."""
    index_type: str = "FLAT"
    """How vectors are searched in generations made from now on: FLAT looks at every one, which is right up to some
    hundred thousand products and on the embedded engine. HNSW, IVF_FLAT, IVF_SQ8 or AUTOINDEX propose candidates,
    which are scored exactly: for a cluster with more; they take three times the memory."""
    vector_type: str = FLOAT32
    """How vectors are kept in generations made from now on: float32, or float16 for half the space and scores that
    are off in the fourth digit. The embedded engine has float16 with FLAT alone, and searches it some six times as
    long."""
    hnsw_ef: int = 1_500
    """HNSW: how many candidates a search keeps in view. More find more, slower."""
    ivf_nprobe: int = 128
    """IVF_FLAT and IVF_SQ8: how many of their 1,024 lists a search looks through."""
    exact_below: int = 50_000
    """With an approximate index: filters that leave no more products than this have all of those scored."""
    full_text: bool = True
    """Whether generations made from now on are searched by words, for which Milvus has to be 2.5 or later. False:
    they are searched by vectors alone, on an older server too, and answers say so; to try things, not for a shop."""
    lite_database: str = ""
    """The file of a Milvus Lite server on this machine, to be given the index by primary key that it lacks; by files
    beside it, all processes have their reads wait for upserts, in the middle of which products are not there. The
    embedded one's is known."""

    def __post_init__(self) -> None:
        if self.deadline_s <= 0:
            raise ValueError("milvus.deadline_s must be positive")
        if self.index_type not in _BUILD_PARAMETERS:
            raise ValueError(f"milvus.index_type must be one of {', '.join(_BUILD_PARAMETERS)}, not {self.index_type}")
        if self.vector_type not in DTYPES:
            raise ValueError(f"milvus.vector_type must be one of {', '.join(DTYPES)}, not {self.vector_type}")
        if self.hnsw_ef < 1 or self.ivf_nprobe < 1 or self.exact_below < 0:
            raise ValueError("milvus.hnsw_ef and milvus.ivf_nprobe must be positive, milvus.exact_below at least 0")
        self._check_access()

    def _check_access(self) -> None:
        if self.token and self.token_file:
            raise ValueError("milvus.token and milvus.token_file are two tokens: give one")
        if bool(self.ssl_certfile) != bool(self.ssl_keyfile) or (self.ssl_certfile and not self.ssl_cafile):
            raise ValueError("milvus.ssl_certfile, milvus.ssl_keyfile and milvus.ssl_cafile go together")
        if (self.ssl_cafile or self.ssl_server_name) and not self.uri.startswith("https://"):
            raise ValueError("milvus.ssl_cafile and milvus.ssl_server_name need a milvus.uri that begins with https://")

    def search_parameters(self, index_type: str, limit: int) -> dict[str, int]:
        """What a search of an approximate index is told."""
        if index_type == "HNSW":
            return {"ef": max(self.hnsw_ef, limit)}
        return {"nprobe": min(self.ivf_nprobe, IVF_LISTS)} if index_type.startswith("IVF") else {}


def build_parameters(index_type: str) -> dict[str, int]:
    """What an index is made with."""
    return dict(_BUILD_PARAMETERS[index_type])
