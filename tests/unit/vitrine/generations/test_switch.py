"""Waiting for Milvus while generations change."""

import pytest

from indexer.errors import AccessDenied, StoreUnavailable
from vitrine.errors import VitrineError
from vitrine.generations.switch import until_milvus_answers


async def test_a_milvus_that_is_away_is_waited_for():
    answers = iter([StoreUnavailable("away"), "there"])

    async def call() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert await until_milvus_answers(call) == "there"


async def test_a_milvus_that_does_not_know_us_is_not_waited_for():
    async def call() -> str:
        raise AccessDenied("wrong token")

    with pytest.raises(VitrineError, match="wrong token"):
        await until_milvus_answers(call)
