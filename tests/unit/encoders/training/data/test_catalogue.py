"""What is learnt from: queries drawn from listings, what is held out, teachers, batches, and what TensorBoard shows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from encoders.training.config import Augmentation, TuningConfig
from encoders.training.data.batches import BatchSampler
from encoders.training.data.catalogue import TrainingCatalogue, prepare_catalogue
from encoders.training.data.listings import TrainingListing, content_hash, make_listing
from encoders.training.data.pictures import augment_pictures
from encoders.training.data.text_variation import draw_query
from encoders.training.dual_encoder import TrainableDualEncoder
from encoders.training.evaluation.held_out import embed_catalogue, hard_negatives, held_out_reports
from encoders.training.evaluation.tensorboard import TensorBoardLog
from encoders.training.objectives.lexical_teacher import LexicalTeacher
from encoders.training.vocabulary_extension import extend_vocabulary

OFF = Augmentation(0, 0, 0, 1, 0, 0, 0, 0)


@pytest.fixture
def material(checkpoint: Path, listings: list[TrainingListing], tmp_path: Path) -> TrainingCatalogue:
    return prepare_catalogue(listings, TrainableDualEncoder(checkpoint).preparer, tmp_path / "work")


def test_a_listing_has_its_title_first_and_its_sentences_apart() -> None:
    fields = {
        "product_id": "p",
        "title": "Red  lamp",
        "brand": "Nordlys",
        "category": "Home/Lamps",
        "attributes": {"colour": ["red", "white"]},
        "description": "Shines far. 很亮的灯。适合书桌。 No",
    }
    passages = make_listing(fields, "Red lamp").passages
    assert passages == ("Red lamp", "Nordlys red white Lamps", "Shines far.", "很亮的灯。", "适合书桌。")


def test_queries_are_words_in_a_row_of_what_is_said_of_a_product(listings: list[TrainingListing]) -> None:
    rng = np.random.default_rng(0)
    listing = replace(listings[0], passages=("a red shirt from the north", "红色棉质衬衫"))
    drawn = {draw_query(listing, OFF, rng) for _ in range(200)}
    assert "red shirt" in drawn
    assert any(query in "红色棉质衬衫" for query in drawn)
    assert draw_query(TrainingListing("p", ""), OFF, rng) == ""


def test_what_shoppers_typed_is_half_of_the_queries(listings: list[TrainingListing]) -> None:
    rng = np.random.default_rng(0)
    clicked = replace(listings[0], queries=("for my uncle",))
    drawn = [draw_query(clicked, OFF, rng) for _ in range(400)]
    assert 150 < drawn.count("for my uncle") < 250


def test_what_is_held_out_is_not_drawn_and_still_finds_its_product(material: TrainingCatalogue) -> None:
    assert material.queries
    assert material.photos
    for text, row in material.queries:
        assert text not in material.listings[row].passages
    for picture, row in material.photos:
        assert picture not in material.pictures.rows[row]


def test_the_data_version_tells_content_and_not_order(listings: list[TrainingListing]) -> None:
    assert content_hash(listings) == content_hash(listings[::-1])
    changed = [replace(listings[0], pictures=(b"other",)), *listings[1:]]
    assert content_hash(changed) != content_hash(listings)


def test_a_batch_follows_its_seed_and_companions_are_no_negatives(
    checkpoint: Path, listings: list[TrainingListing], tmp_path: Path
) -> None:
    together = [replace(listings[0], co_viewed=("p-2",)), *listings[1:]]
    material = prepare_catalogue(together, TrainableDualEncoder(checkpoint).preparer, tmp_path)
    maker = BatchSampler(material, TuningConfig(tmp_path, batch=16))
    first, again = maker.draw(3), maker.draw(3)
    assert first.sides["query"].texts == again.sides["query"].texts
    assert bool(first.alike[0, 1])
    assert not bool(first.alike[0, 5])


def test_products_come_into_a_batch_with_their_near_misses(material: TrainingCatalogue, tmp_path: Path) -> None:
    neighbours = np.asarray([[(row + 1) % 16] for row in range(16)])
    maker = BatchSampler(material, TuningConfig(tmp_path, batch=4, hard_negatives=1))
    products = set(maker.draw(0, neighbours).products.tolist())
    assert sum((row + 1) % 16 in products for row in products) >= 2


def test_near_misses_are_near_and_have_other_words(checkpoint: Path, material: TrainingCatalogue) -> None:
    embeddings = embed_catalogue(TrainableDualEncoder(checkpoint), material, joint=False)
    marks = ["same", "same", *(str(row) for row in range(14))]
    found = hard_negatives(embeddings, marks, 3)
    assert found.shape == (16, 3)
    assert 1 not in found[0]
    assert all(row not in own for row, own in enumerate(found.tolist()))


def test_word_search_is_a_teacher_that_knows_which_product_is_meant(listings: list[TrainingListing]) -> None:
    scores = LexicalTeacher(listings).scores(["blue kettle", "yellow scarfs", "word that nobody knows"])
    titles = [listing.passages[0] for listing in listings]
    assert [titles[row] for row in scores[:2].argmax(dim=1)] == ["blue kettle", "yellow scarf"]
    assert bool(torch.isfinite(scores).all())


def test_new_words_get_pieces_and_known_texts_keep_their_embeddings(checkpoint: Path, tmp_path: Path) -> None:
    model = TrainableDualEncoder(checkpoint)
    with torch.no_grad():
        before = model.embed_texts(["the blue box"])
        added = extend_vocabulary(model, ["kettle lamp " * 9, "the kettle"] * 2, 50, 24)
        torch.testing.assert_close(model.embed_texts(["the blue box"]), before, atol=1e-5, rtol=0)
    assert added == 2
    assert model.max_tokens == 24
    assert model.tokenizer.tokenize("kettle lamp") == ["kettle", "lamp"]
    model.save(tmp_path)
    assert TrainableDualEncoder(tmp_path).tokenizer.tokenize("kettle") == ["kettle"]


def test_varied_pictures_have_the_models_size_and_follow_the_generator() -> None:
    levels = torch.rand(6, 3, 20, 20)
    first, again = (
        augment_pictures(levels, 16, Augmentation(blur=1.0, background=1.0), torch.Generator().manual_seed(1))
        for _ in range(2)
    )
    assert first.shape == (6, 3, 16, 16)
    assert torch.equal(first, again)
    assert float(first.min()) >= 0
    assert float(first.max()) <= 1


def test_the_board_has_curves_examples_and_the_projector(
    checkpoint: Path, material: TrainingCatalogue, tmp_path: Path
) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    model, directory = TrainableDualEncoder(checkpoint), tmp_path / "board"
    embeddings = embed_catalogue(model, material, joint=False)
    board = TensorBoardLog(directory)
    board.log_losses(1, {"query-text": 2.0}, 1e-3)
    board.log_retrieval(1, held_out_reports(model, material, embeddings))
    board.log_examples(1, material, embeddings)
    board.log_embeddings(model, material)
    board.close()
    events = EventAccumulator(str(directory))
    events.Reload()
    assert {"loss/query-text", "held-out text → product/MRR"} <= set(events.Tags()["scalars"])
    assert events.Tags()["images"] == ["nearest"]
    assert (directory / "projector_config.pbtxt").is_file()
