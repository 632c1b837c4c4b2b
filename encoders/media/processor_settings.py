"""What a checkpoint's image processor does to a picture, read from its settings. Free of torch.

The settings are attributes: of an image processor of transformers, or of what `preprocessor_config.json` says.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

from msgspec.structs import replace
from PIL import Image

from encoders.errors import ModelUnavailable
from encoders.media.preparation import FixedSizePreparer

_CONVNEXT_SQUEEZES: Final = 384
"""ConvNeXT processors of this many pixels and more squeeze the whole picture instead of cropping it."""
_TRIMMED_REDUCING_GAP: Final = 1.0
"""Of pictures that lose their borders, as just towers trained here take them: they are resized in half the time, and
embeddings of photos stay what they were (cosine .99998 on average, .998 at least)."""
_LEAST_VIEW: Final = 0.1
"""Share of a picture's sides below which a view shows nothing."""
_ALWAYS: Final = ("do_resize", "do_rescale", "do_normalize", "resample", "size")
_STATED: Final = {
    "CLIPImageProcessor": (*_ALWAYS, "do_center_crop"),
    "ChineseCLIPImageProcessor": (*_ALWAYS, "do_center_crop"),
    "ConvNextImageProcessor": (*_ALWAYS, "crop_pct"),
    "SiglipImageProcessor": _ALWAYS,
    "ViTImageProcessor": _ALWAYS,
}
"""What a file has to state, by the kind of processor: for the rest, transformers knows defaults that are not known
here."""


@dataclass(frozen=True, slots=True)
class LevelScale:
    """Levels 0–255 → the numbers that the image tower was trained on: (level · factor − mean) / std, by channel."""

    factor: float
    mean: tuple[float, ...]
    std: tuple[float, ...]


def written_settings(directory: Path) -> SimpleNamespace:
    """The settings in a checkpoint's own file. Raises `ModelUnavailable` where it has none, or not all in it."""
    for name, section in (("processor_config.json", "image_processor"), ("preprocessor_config.json", "")):
        document = _json(directory / name)
        settings = document.get(section, {}) if section else document
        stated = _STATED.get(str(settings.get("image_processor_type")).removesuffix("Fast"))
        if stated and all(settings.get(key) is not None for key in stated):
            return SimpleNamespace(**settings)
    raise ModelUnavailable(f"{directory} has no image processor that is known here with all its settings")


def scale_of(processor: object) -> LevelScale:
    """How levels are scaled. Raises `ModelUnavailable` where a setting is missing."""
    factor = float(setting(processor, "rescale_factor")) if _on(processor, "do_rescale") else 1.0
    if not _on(processor, "do_normalize"):
        return LevelScale(factor, (0.0,) * 3, (1.0,) * 3)
    return LevelScale(factor, tuple(setting(processor, "image_mean")), tuple(setting(processor, "image_std")))


def fixed_size(processor: object) -> FixedSizePreparer:
    """How pictures are resized and cropped. Raises `ModelUnavailable` where a setting is missing or impossible."""
    preparer = _resized(processor)
    if _on(processor, "do_keep_proportions"):
        preparer = replace(preparer, margin=tuple(setting(processor, "margin_color")))
    if _on(processor, "do_trim_borders"):
        preparer = replace(preparer, trim=True, reducing_gap=_TRIMMED_REDUCING_GAP)
    if views := getattr(processor, "query_views", None):
        preparer = replace(preparer, query_views=_views(views))
    return preparer


def setting(processor: object, name: str) -> Any:
    """A setting that only some processors have. Raises `ModelUnavailable` where this one has not."""
    try:
        return getattr(processor, name)
    except AttributeError as error:
        raise ModelUnavailable(f"{type(processor).__name__} states no {name}") from error


def _views(stated: Any) -> tuple[float, ...]:
    try:
        views = tuple(map(float, stated))
    except (TypeError, ValueError):
        views = ()
    if not views or not all(_LEAST_VIEW <= view <= 1 for view in views):
        raise ModelUnavailable(f"query_views must be a list of numbers from {_LEAST_VIEW} to 1, not {stated!r}")
    return views


def _on(processor: object, switch: str) -> bool:
    return bool(getattr(processor, switch, False))


def _as_dict(size: object) -> dict[str, int]:
    """A processor's size, which is a dict or a SizeDict depending on the release of transformers."""
    names = ("height", "width", "shortest_edge", "longest_edge")
    sides = cast(
        "dict[str, int | None]", size if isinstance(size, dict) else {name: getattr(size, name, None) for name in names}
    )
    return {name: int(value) for name in names if (value := sides.get(name))}


def _resized(processor: object) -> FixedSizePreparer:
    resample = int(getattr(processor, "resample", None) or Image.Resampling.BICUBIC)
    size = _as_dict(setting(processor, "size")) if _on(processor, "do_resize") else {}
    crop = _crop_size(processor)
    if "height" in size and "width" in size:
        return FixedSizePreparer((size["height"], size["width"]), None, crop, resample)
    short = size.get("shortest_edge")
    if size and short is None:
        raise ModelUnavailable(f"image processor size {size} has neither height and width nor shortest_edge")
    fraction: float | None = getattr(processor, "crop_pct", None)
    if short is None or fraction is None:
        return FixedSizePreparer(None, short, crop, resample)
    if short >= _CONVNEXT_SQUEEZES:
        return FixedSizePreparer((short, short), None, None, resample)
    return FixedSizePreparer(None, int(short / fraction), (short, short), resample)


def _crop_size(processor: object) -> tuple[int, int] | None:
    if not _on(processor, "do_center_crop"):
        return None
    size = _as_dict(setting(processor, "crop_size"))
    return size["height"], size["width"]


def _json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
