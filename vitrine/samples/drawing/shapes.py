"""Which drawing goes with which kind of product."""

from __future__ import annotations

from vitrine.samples.drawing.goods.accessories import ACCESSORIES
from vitrine.samples.drawing.goods.bags import BAGS
from vitrine.samples.drawing.goods.bottoms import BOTTOMS
from vitrine.samples.drawing.goods.electronics import ELECTRONICS
from vitrine.samples.drawing.goods.furniture import FURNITURE
from vitrine.samples.drawing.goods.kitchen import KITCHEN
from vitrine.samples.drawing.goods.living import LIVING
from vitrine.samples.drawing.goods.outdoor import OUTDOOR
from vitrine.samples.drawing.goods.packages import PACKED
from vitrine.samples.drawing.goods.shoes import SHOES
from vitrine.samples.drawing.goods.sport import SPORT
from vitrine.samples.drawing.goods.tops import TOPS
from vitrine.samples.drawing.goods.toys import TOYS
from vitrine.samples.drawing.painting.appearance import DrawShape
from vitrine.samples.drawing.produce.berries import BERRIES
from vitrine.samples.drawing.produce.elongated import LONG
from vitrine.samples.drawing.produce.exotic import EXOTIC
from vitrine.samples.drawing.produce.greens import GREENS
from vitrine.samples.drawing.produce.orchard import ORCHARD
from vitrine.samples.drawing.produce.roots import ROOTS

SHAPES: dict[str, DrawShape] = {
    **TOPS,
    **BOTTOMS,
    **ACCESSORIES,
    **SHOES,
    **BAGS,
    **KITCHEN,
    **LIVING,
    **FURNITURE,
    **ELECTRONICS,
    **SPORT,
    **OUTDOOR,
    **TOYS,
    **ORCHARD,
    **EXOTIC,
    **ROOTS,
    **GREENS,
    **LONG,
    **BERRIES,
    **PACKED,
}
