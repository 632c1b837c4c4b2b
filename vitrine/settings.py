"""Every setting: `Settings` is the one list of sections.

A section is a frozen dataclass whose defaults are the documented defaults; its fields become
`VITRINE_<SECTION>_<NAME>` and keys of `[section]` in `vitrine.toml`. Packages own their sections; those with no
owner are here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_type_hints

from encoders.inference.runtime import Backend, Precision, Runtime
from encoders.inference.truncation import split_name
from encoders.liveness.config import LivenessConfig
from encoders.loading import MINI, STANDARD
from encoders.pretrained import standard
from encoders.processes.image_decoding import DecodingConfig
from encoders.processes.media_decoding import ClipsConfig
from encoders.processes.recogniser import SpeechConfig
from encoders.service.opening import socket_of
from encoders.tracing.config import TracesConfig
from indexer.media.config import MediaStoreConfig
from indexer.milvus.connection import MilvusConfig
from indexer.privacy import PrivacyConfig
from indexer.redis.client import RedisConfig
from query_api.config import QueryConfig
from streams.config import IndexingConfig, KafkaConfig, LabellingConfig
from streams.media.fetching import FetchLimits
from vitrine.settings_loading import EffectiveConfig, environment_variable, load_config


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """The model that turns products and queries into embeddings."""

    name: str = ""
    """A built-in name, a directory or a hub name; empty: the index's own; for a new index `standard` where its packages
    are installed, else `mini`. `NAME#64` cuts its embeddings to their first 64 dimensions."""
    device: str = "auto"
    """`auto` (the best there is), `cpu`, `cuda`, `cuda:1` or `mps`."""
    backend: Backend = "auto"
    """What runs it: `torch`, `openvino` (CPUs), or `auto`: the fastest that is there and gives the same embeddings."""
    precision: Precision = "auto"
    """`float32`, `bfloat16`, `float16` or `int8`; `auto`: the fastest that gives the same embeddings. Another than
    `auto` and `float32` is an embedding space of its own, and needs a rebuild."""
    compile: bool = False
    """Compiles it by torch, which takes minutes at each start, and is faster on a GPU."""
    threads: int = 0
    """Of a CPU; 0: as many as the process may use cores."""
    cache_dir: str = ""
    """Where models made ready for `openvino` are kept; empty: `vitrine/models` in the user's cache directory."""
    service: str = "auto"
    """The encoder service, one model on one device for all workers of a machine. `unix:PATH`: its socket, for it and
    them. `auto`: `vitrine up` starts one where an NVIDIA GPU is; `always`, `never`. Without, workers have their own."""
    health_host: str = "127.0.0.1"
    health_port: int = 0
    """Where the encoder service's /healthz, /readyz and /metrics are served; 0: a free port."""

    def __post_init__(self) -> None:
        # Refuses what no runtime takes, and what is no socket.
        _ = self.runtime, self.service_path

    @property
    def service_path(self) -> Path | None:
        """The socket of the encoder service; None: the settings name none."""
        return None if self.service in ("auto", "always", "never") else socket_of(self.service)

    @property
    def runtime(self) -> Runtime:
        """How to run it."""
        return Runtime(self.device, self.backend, self.precision, self.compile, self.threads, self.cache_dir)

    @property
    def name_for_new_index(self) -> str:
        """The name of the encoder that a new index gets."""
        return self.name or (STANDARD if standard.is_available() else MINI)

    @property
    def name_for_nameless_index(self) -> str:
        """The name of the encoder of an index that notes none: it was made when there was just one by default."""
        return self.name or MINI


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration in force, by section."""

    data_dir: Path
    """Absolute; all state of the embedded servers."""
    kafka: KafkaConfig
    milvus: MilvusConfig
    redis: RedisConfig
    encoder: EncoderConfig
    indexing: IndexingConfig
    labelling: LabellingConfig
    query: QueryConfig
    media: FetchLimits
    media_store: MediaStoreConfig
    privacy: PrivacyConfig
    decoding: DecodingConfig
    clips: ClipsConfig
    speech: SpeechConfig
    liveness: LivenessConfig
    traces: TracesConfig

    @property
    def media_directory(self) -> Path:
        """Where inline pictures are kept, if not in a bucket."""
        return self.data_dir / "media"

    @property
    def media_place(self) -> str:
        """Where inline pictures are kept, for people."""
        return self.media_store.url or str(self.media_directory)


def as_environment(settings: Settings) -> dict[str, str]:
    """The settings that are not the defaults, as the variables that a process of ours reads them from."""
    changed: dict[str, str] = {}
    for name, kind in section_types().items():
        default, section = kind(), getattr(settings, name)
        for item in fields(kind):
            value = getattr(section, item.name)
            if value != getattr(default, item.name):
                text = str(Path(value).absolute()) if item.metadata.get("file") else _as_text(value)
                changed[environment_variable(f"{name}.{item.name}")] = text
    if settings.encoder.name:
        changed[environment_variable("encoder.name")] = absolute_encoder_name(settings.encoder.name)
    return changed


def absolute_encoder_name(encoder: str) -> str:
    """The name of an encoder as it is good in any working directory."""
    model, suffix = split_name(encoder)
    return str(Path(model).absolute()) + suffix if Path(model).is_dir() else encoder


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def section_types() -> Mapping[str, type[Any]]:
    """Each section's dataclass, by name."""
    return {name: kind for name, kind in get_type_hints(Settings).items() if name != "data_dir"}


def effective_config(
    environ: Mapping[str, str], file: Path | None = None, flags: Mapping[str, Any] | None = None
) -> EffectiveConfig:
    """The settings with their origins. Raises `InvalidSetting`, naming every fault at once."""
    return load_config(section_types(), environ, file, flags)


def load_settings(
    environ: Mapping[str, str], file: Path | None = None, flags: Mapping[str, Any] | None = None
) -> Settings:
    """The settings, from defaults, the file, the environment and flags (by `section.name`), the later the stronger.

    Raises:
        InvalidSetting: naming every unknown key and every bad value at once.
    """
    config = effective_config(environ, file, flags)
    return Settings(config.data_dir, **config.sections)
