"""Settings from defaults, `vitrine.toml`, the environment and flags, each knowing where its value came from."""

from __future__ import annotations

import difflib
import math
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, get_origin, get_type_hints

import msgspec

from vitrine.errors import InvalidSetting
from vitrine.masking import MASK, mask_credentials

PREFIX = "VITRINE_"
DEFAULT_FILE = Path("vitrine.toml")

CLIENTS_VARIABLES = ("VITRINE_API_KEY",)
"""No settings: what clients of a worker send, which the worker itself does not read."""

_SECRET_NAME = re.compile(r"(^|_)(token|password|secret|api_key)$")


@dataclass(frozen=True, slots=True)
class Setting:
    """One effective value.

    Attributes:
        key: `section.name`, or `data_dir`.
        origin: `default`, `file PATH`, `environment VARIABLE` or `flag`.
        secret: never shown.
    """

    key: str
    value: Any
    origin: str
    secret: bool = False

    @property
    def shown(self) -> Any:
        """The value as it may be printed."""
        if self.secret:
            return MASK if self.value else self.value
        return mask_credentials(self.value) if isinstance(self.value, str) else self.value


@dataclass(frozen=True, slots=True)
class EffectiveConfig:
    """The configuration in force.

    Attributes:
        data_dir: absolute; all state of the embedded servers.
        sections: each section's dataclass, by name.
        settings: every value with its origin, in the order of the sections.
    """

    data_dir: Path
    sections: Mapping[str, Any]
    settings: tuple[Setting, ...]


@dataclass(frozen=True, slots=True)
class _RawValue:
    """A value as somebody gave it; `text`: from a variable or flag, where everything is a string."""

    value: Any
    origin: str
    text: bool


def load_config(
    sections: Mapping[str, type[Any]],
    environ: Mapping[str, str],
    file: Path | None = None,
    flags: Mapping[str, Any] | None = None,
) -> EffectiveConfig:
    """Read the effective configuration: defaults, then the file, then the environment, then flags.

    Args:
        sections: each section's frozen dataclass, by name; `msgspec.Meta` and `__post_init__` bound its values.
        environ: `VITRINE_<SECTION>_<NAME>`; an empty variable counts as unset, tuples are comma-separated.
        file: must exist; None: `vitrine.toml` in the working directory if there is one.
        flags: by `section.name` or `data_dir`; None: not given.

    Raises:
        InvalidSetting: naming every unknown key and every bad value at once.
    """
    problems: list[str] = []
    known = ["data_dir", *(f"{name}.{item.name}" for name, kind in sections.items() for item in fields(kind))]
    given: dict[str, _RawValue] = {}
    given |= _from_file(file, known, problems)
    given |= _from_environment(environ, known, problems)
    given |= {key: _RawValue(value, "flag", True) for key, value in (flags or {}).items() if value is not None}
    built: dict[str, Any] = {}
    settings = [_data_dir(given.get("data_dir"), environ, problems)]
    for name, kind in sections.items():
        built[name] = _build(name, kind, given, problems)
        if built[name] is not None:
            settings += _settings(name, built[name], given)
    if problems:
        raise InvalidSetting(problems)
    return EffectiveConfig(Path(settings[0].value), built, tuple(settings))


def environment_variable(key: str) -> str:
    """The environment variable of a setting: `kafka.partitions` → `VITRINE_KAFKA_PARTITIONS`."""
    return PREFIX + key.replace(".", "_").upper()


def _from_file(file: Path | None, known: list[str], problems: list[str]) -> dict[str, _RawValue]:
    path = file or DEFAULT_FILE
    if file is None and not path.is_file():
        return {}
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        problems.append(f"{path} cannot be read: {error.strerror}")
        return {}
    except ValueError as error:
        problems.append(f"{path} is not TOML: {error}")
        return {}
    flat = dict(_flatten(table))
    problems += [f"{path}: unknown key `{key}`{_hint(key, known)}" for key in flat if key not in known]
    return {key: _RawValue(value, f"file {path}", False) for key, value in flat.items()}


def _flatten(table: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}.{inner}", item) for inner, item in value.items())
        else:
            yield name, value


def _from_environment(environ: Mapping[str, str], known: list[str], problems: list[str]) -> dict[str, _RawValue]:
    keys = {environment_variable(key): key for key in known}
    ours = sorted(name for name in environ if name.startswith(PREFIX) and name not in CLIENTS_VARIABLES)
    problems += [f"unknown environment variable {name}{_hint(name, list(keys))}" for name in ours if name not in keys]
    return {keys[n]: _RawValue(environ[n], f"environment {n}", True) for n in ours if n in keys and environ[n] != ""}


def _hint(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _data_dir(given: _RawValue | None, environ: Mapping[str, str], problems: list[str]) -> Setting:
    if given is None:
        # The XDG specification: a relative XDG_DATA_HOME is invalid and ignored.
        base = Path(environ.get("XDG_DATA_HOME", ""))
        base = base if base.is_absolute() else Path("~/.local/share").expanduser()
        return Setting("data_dir", str(base / "vitrine"), "default")
    if not isinstance(given.value, str | os.PathLike) or not str(given.value):
        problems.append(f"data_dir ({given.origin}): {given.value!r} is not a path")
    return Setting("data_dir", str(Path(str(given.value)).expanduser().absolute()), given.origin)


def _build(name: str, kind: type[Any], given: Mapping[str, _RawValue], problems: list[str]) -> Any:
    """The section's dataclass, or None after a fault."""
    hints = get_type_hints(kind, include_extras=True)
    values: dict[str, Any] = {}
    faults: list[str] = []
    for item in fields(kind):
        key = f"{name}.{item.name}"
        if key in given:
            try:
                values[item.name] = _convert(given[key], hints[item.name])
            except ValueError as error:
                shown = Setting(key, given[key].value, "", _is_secret(item)).shown
                faults.append(f"{key} = {shown!r} ({given[key].origin}): {_reason(error)}")
        elif item.default is MISSING and item.default_factory is MISSING:
            faults.append(f"{key} is required: set {environment_variable(key)}")
    if not faults:
        try:
            return kind(**values)
        except ValueError as error:
            faults.append(f"[{name}]: {error}")
    problems += faults
    return None


def _convert(given: _RawValue, kind: Any) -> Any:
    """The value in the field's type. Raises `ValueError` (msgspec's is one) when it does not fit."""
    value = given.value
    if given.text and isinstance(value, str) and get_origin(kind) is tuple:
        value = [part.strip() for part in value.split(",") if part.strip()]
    converted = msgspec.convert(value, kind, strict=not given.text, dec_hook=lambda wanted, raw: wanted(raw))
    if isinstance(converted, float) and not math.isfinite(converted):
        raise ValueError("is not a finite number")
    return converted


def _reason(error: ValueError) -> str:
    """The reason without msgspec's quoting of the value, which may be a secret."""
    return re.sub(r"^Invalid enum value .*", "is none of the values it takes", str(error)).replace("`", "")


def _settings(name: str, section: Any, given: Mapping[str, _RawValue]) -> Iterable[Setting]:
    for item in fields(section):
        key = f"{name}.{item.name}"
        origin = given[key].origin if key in given else "default"
        yield Setting(key, getattr(section, item.name), origin, _is_secret(item))


def _is_secret(item: Any) -> bool:
    return bool(item.metadata.get("secret", _SECRET_NAME.search(item.name)))
