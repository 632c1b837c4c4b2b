"""The project's own rendered product catalogue: bilingual listings and pictures, made by code alone. Free of torch."""

from encoders.catalogue.products import KINDS, SampleProduct, sample_products
from encoders.catalogue.rendering import render

__all__ = ["KINDS", "SampleProduct", "render", "sample_products"]
