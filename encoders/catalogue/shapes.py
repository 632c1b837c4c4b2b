"""Which drawing goes with which kind of product."""

from __future__ import annotations

from encoders.catalogue.draw_accessories import ACCESSORIES
from encoders.catalogue.draw_bags import BAGS
from encoders.catalogue.draw_bottoms import BOTTOMS
from encoders.catalogue.draw_electronics import ELECTRONICS
from encoders.catalogue.draw_furniture import FURNITURE
from encoders.catalogue.draw_kitchen import KITCHEN
from encoders.catalogue.draw_living import LIVING
from encoders.catalogue.draw_outdoor import OUTDOOR
from encoders.catalogue.draw_packages import PACKED
from encoders.catalogue.draw_shoes import SHOES
from encoders.catalogue.draw_sport import SPORT
from encoders.catalogue.draw_tops import TOPS
from encoders.catalogue.draw_toys import TOYS
from encoders.catalogue.look import DrawShape
from encoders.catalogue.produce_berries import BERRIES
from encoders.catalogue.produce_exotic import EXOTIC
from encoders.catalogue.produce_greens import GREENS
from encoders.catalogue.produce_long import LONG
from encoders.catalogue.produce_orchard import ORCHARD
from encoders.catalogue.produce_roots import ROOTS

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
