"""The sample catalogue: kinds, words, listings, queries. Free of torch."""

from vitrine.samples.catalogue.products import KINDS, SampleProduct, sample_products

__all__ = ["KINDS", "SampleProduct", "sample_products"]
