"""Loading media: the sounds of a batch's products are transcribed, and their pictures and clips loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from indexer.planning import ProductPlan
from streams import metrics
from streams.errors import InvalidEvent
from streams.media.picture_batch import PictureBatch
from streams.media.transcription import AudioTranscriber, ProductTranscripts
from streams.products.collaborators import PipelineModels


@dataclass(frozen=True, slots=True)
class LoadedProducts:
    """The products of a batch that changed, with their media at hand."""

    plans: Sequence[ProductPlan]
    """With what their sounds say."""
    pictures: PictureBatch
    """Of those products whose pictures are to be encoded."""
    faults: Mapping[str, Sequence[InvalidEvent]]
    """What went wrong with media, of the products where anything did, by product id."""


async def load_media(plans: Iterable[ProductPlan], models: PipelineModels) -> LoadedProducts:
    """Load what those of the plans, of distinct products, need that change anything."""
    with metrics.stage("load"):
        changed = [plan for plan in plans if not plan.unchanged]
        # First: what is said is new text, and a joint encoder needs the pictures of whatever has new text.
        heard = await _transcribe(changed, models.transcriber)
        transcribed = [_with_transcripts(plan, heard.get(plan.product_id)) for plan in changed]
        joint = models.encoder.spec.joint
        loaded = await models.pictures.load(
            {plan.product_id: plan.images_to_embed for plan in transcribed if plan.needs_decoded_images(joint)}
        )
    return LoadedProducts(transcribed, loaded, _faults(loaded, heard))


async def _transcribe(
    plans: Sequence[ProductPlan], transcriber: AudioTranscriber | None
) -> Mapping[str, ProductTranscripts]:
    if transcriber is None:
        return {}
    wanted = {plan.product_id: sounds for plan in plans if (sounds := plan.audios_to_transcribe)}
    return await transcriber.transcribe(wanted) if wanted else {}


def _faults(loaded: PictureBatch, heard: Mapping[str, ProductTranscripts]) -> Mapping[str, Sequence[InvalidEvent]]:
    """Those of pictures and clips first, by product id."""
    faults: dict[str, list[InvalidEvent]] = {}
    for products in (loaded.products, heard):
        for product_id, product in products.items():
            if product.faults:
                faults.setdefault(product_id, []).extend(product.faults)
    return faults


def _with_transcripts(plan: ProductPlan, heard: ProductTranscripts | None) -> ProductPlan:
    if heard is None:
        return plan
    return plan.with_transcripts({key.stored_form: text for key, text in heard.transcripts.items()})
