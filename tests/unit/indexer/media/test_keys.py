"""Media keys: what tells pictures, clips and sounds apart, and the stored form that older records have."""

import pytest

from indexer.media.keys import MediaKey, MediaKind


@pytest.mark.parametrize(
    ("kind", "reference", "stored_form"),
    [
        ("image", {"hash": "ab12"}, "ab12"),
        ("image", {"url": "http://h/a.jpg"}, "http://h/a.jpg"),
        ("video", {"hash": "ab12"}, "clip:ab12"),
        ("video", {"url": "http://h/a.mp4"}, "clip:http://h/a.mp4"),
        ("audio", {"hash": "ab12"}, "ab12"),
        ("audio", {"url": "http://h/a.mp3"}, "http://h/a.mp3"),
    ],
)
def test_the_stored_form_is_the_hash_or_the_address_and_says_what_a_clip_is(
    kind: MediaKind, reference: dict[str, str], stored_form: str
):
    key = MediaKey.from_reference(kind, reference)
    assert key.stored_form == stored_form
    assert key.is_stored == ("hash" in reference)


def test_a_picture_whose_address_looks_like_the_key_of_a_clip_is_a_picture():
    key = MediaKey.from_reference("image", {"url": "clip:http://h/a.mp4"})
    assert key.kind == "image" and key.url == "clip:http://h/a.mp4"


def test_the_same_file_as_a_picture_and_as_a_clip_are_two():
    picture, clip = MediaKey("image", digest="ab12"), MediaKey("video", digest="ab12")
    assert picture != clip and len({picture, clip, MediaKey("image", digest="ab12")}) == 2


@pytest.mark.parametrize("file", [MediaKey("image", digest="ab12"), MediaKey("video", digest="ab12")])
def test_the_key_of_a_file_comes_back_from_its_stored_form(file: MediaKey):
    assert MediaKey.parse_file(file.stored_form) == file


def test_the_file_at_an_address_is_of_its_kind():
    assert MediaKey("video", url="http://h/a.mp4").file("ab12") == MediaKey("video", digest="ab12")
