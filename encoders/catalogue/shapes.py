"""Which drawing goes with which kind of product."""

from __future__ import annotations

from encoders.catalogue.draw_accessories import ACCESSORIES
from encoders.catalogue.draw_bags import BAGS
from encoders.catalogue.draw_bottoms import BOTTOMS
from encoders.catalogue.draw_furniture import FURNITURE
from encoders.catalogue.draw_home import HOME
from encoders.catalogue.draw_packages import PACKED
from encoders.catalogue.draw_play import PLAY
from encoders.catalogue.draw_tops import TOPS
from encoders.catalogue.look import Shape
from encoders.catalogue.produce_more import MORE
from encoders.catalogue.produce_round import ROUND

SHAPES: dict[str, Shape] = {
    **TOPS,
    **BOTTOMS,
    **ACCESSORIES,
    **BAGS,
    **HOME,
    **FURNITURE,
    **PLAY,
    **ROUND,
    **MORE,
    **PACKED,
}
