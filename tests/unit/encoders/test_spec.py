"""The name of a vector space tells what its vectors are."""

from __future__ import annotations

import pytest

from encoders.spec import EmbeddingSpec


@pytest.mark.parametrize("joint", [False, True])
def test_a_key_names_model_version_and_whether_products_are_one_vector(joint: bool):
    spec = EmbeddingSpec("owner/a@b", "1a#64", 64, joint=joint)
    assert spec.key == "owner/a@b@1a#64" + "+joint" * joint
    assert EmbeddingSpec.from_key(spec.key, 64) == spec
