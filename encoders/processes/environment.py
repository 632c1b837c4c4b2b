"""Which environment variables worker processes get: those that are listed here, and no others.

The main process's environment has what opens the shop's servers: Milvus's token, the passwords of Redis and Kafka. A
process that takes bytes from outside has no use for them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Final, Literal

Inheritance = Literal["decoder", "model"]
"""`decoder`: what Python, the C library and GPU drivers read. `model`: also what fetches, caches and runs models."""

_DECODER_NAMES: Final = frozenset(
    {
        *("LANG", "LANGUAGE", "TZ", "LD_LIBRARY_PATH", "LD_PRELOAD", "GLIBC_TUNABLES", "SYSTEMROOT"),
        *("PYTHONHASHSEED", "PYTHONUTF8", "PYTHONIOENCODING", "PYTHONUNBUFFERED", "PYTHONFAULTHANDLER"),
        *("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "PYTHONWARNINGS", "PYTHONMALLOC", "PYTHONHOME"),
        *("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"),
    }
)
_DECODER_PREFIXES: Final = ("LC_", "MALLOC_", "CUDA_", "NVIDIA_", "HIP_", "ROCR_")
_MODEL_NAMES: Final = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TEMP", "TMP", "XDG_CACHE_HOME"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"),
        *("CC", "CXX", "CUBLAS_WORKSPACE_CONFIG", "TOKENIZERS_PARALLELISM"),
    }
)
_MODEL_PREFIXES: Final = (
    *("HF_", "HUGGINGFACE_", "TRANSFORMERS_", "TORCH", "PYTORCH_", "TRITON_", "NCCL_"),
    *("OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "NUMEXPR_", "OV_", "OPENVINO_", "TBB_", "ONEDNN_", "DNNL_"),
)


SMALL_PROCESS: Final = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(8 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(64 * 2**20),
}
"""For decoders: one thread computes. glibc, left alone, would keep the pages of a large picture after it is gone; of
small ones it shall keep them, as giving them back for each picture costs more than the picture."""


def worker_environment(
    inheritance: Inheritance, own: Mapping[str, str], inherited: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The environment of a worker process.

    Args:
        inheritance: which variables of this process it gets.
        own: variables of its own, which come before those.
        inherited: what there is to inherit; None: this process's environment.
    """
    source = os.environ if inherited is None else inherited
    # The worker imports from the same places as this process, and not from the directory that it is started in.
    path = os.pathsep.join(entry or str(os.curdir) for entry in sys.path)
    kept = {name: value for name, value in source.items() if _is_inherited(inheritance, name)}
    return {**kept, **own, "PYTHONPATH": path}


def _is_inherited(inheritance: Inheritance, name: str) -> bool:
    if name in _DECODER_NAMES or name.startswith(_DECODER_PREFIXES):
        return True
    return inheritance == "model" and (name in _MODEL_NAMES or name.startswith(_MODEL_PREFIXES))
