"""No credentials in what is printed."""

import pytest

from vitrine.masking import mask_credentials


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("redis://shop:secret@redis:6379/0", "redis://shop:***@redis:6379/0"),
        ("redis://:se:cr@et@redis/0", "redis://:***@redis/0"),
        ("unix:///run/redis.sock?db=0&password=secret", "unix:///run/redis.sock?db=0&password=***"),
        ("https://root:secret@milvus:19530", "https://root:***@milvus:19530"),
        ("https://token@milvus:19530", "https://***@milvus:19530"),
        ("redis://shop@redis:6379/0", "redis://shop@redis:6379/0"),
        ("at redis://a:secret@b and https://c:secret@d", "at redis://a:***@b and https://c:***@d"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/"),
        ("127.0.0.1:9092", "127.0.0.1:9092"),
    ],
)
def test_passwords_are_masked_and_all_else_stays(text, shown):
    assert mask_credentials(text) == shown


def test_many_schemes_in_a_text_take_no_time_that_grows_with_its_square():
    assert mask_credentials("://a:" * 20_000) == "://a:" * 20_000
