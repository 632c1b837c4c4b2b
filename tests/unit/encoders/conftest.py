"""Small random checkpoints of every family, with tokenizers trained on a few words, as directories."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertTokenizerFast,
    ChineseCLIPConfig,
    ChineseCLIPImageProcessor,
    ChineseCLIPModel,
    ChineseCLIPProcessor,
    CLIPConfig,
    CLIPImageProcessor,
    CLIPModel,
    CLIPProcessor,
    ConvNextConfig,
    ConvNextImageProcessor,
    PreTrainedTokenizerFast,
    Siglip2Config,
    Siglip2ImageProcessor,
    Siglip2Model,
    Siglip2Processor,
    SiglipConfig,
    SiglipImageProcessor,
    SiglipModel,
    SiglipProcessor,
    VisionTextDualEncoderConfig,
    VisionTextDualEncoderModel,
    VisionTextDualEncoderProcessor,
    ViTConfig,
    ViTImageProcessor,
)

from encoders.checkpoints import write_prompts
from encoders.huggingface.semantic_visual import SemanticVisualConfig, SemanticVisualModel
from encoders.prompts import Prompts

CORPUS = ["a red cotton shirt with long sleeves", "blue running shoes", "green apple, 500 g", "红色棉质衬衫 蓝色跑鞋"]
TOWER = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}


def _subword_tokenizer(specials: list[str], **kwargs: object) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE(unk_token=specials[-1]))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=160, special_tokens=specials))
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token=specials[-1], **kwargs)


def _clip_tokenizer() -> PreTrainedTokenizerFast:
    tokenizer = _subword_tokenizer(
        ["<pad>", "<s>", "</s>", "<unk>"], pad_token="<pad>", bos_token="<s>", eos_token="</s>", model_max_length=16
    )
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    return tokenizer


def _siglip_tokenizer() -> PreTrainedTokenizerFast:
    tokenizer = _subword_tokenizer(
        ["<pad>", "<eos>", "<unk>"],
        pad_token="<pad>",
        eos_token="<eos>",
        model_max_length=16,
        model_input_names=["input_ids"],
    )
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="$A <eos>", special_tokens=[("<eos>", 1)]
    )
    return tokenizer


def _bert_tokenizer(directory: Path) -> BertTokenizerFast:
    words = sorted(
        {word for text in CORPUS for word in text.split() if word.isascii()}
        | set("红色棉质衬衫蓝跑鞋0123456789abcdefg")
    )
    path = directory / "vocab.txt"
    path.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]), "utf-8")
    return BertTokenizerFast(str(path), model_max_length=16)


def _clip(directory: Path) -> None:
    tokenizer = _clip_tokenizer()
    text = {**TOWER, "vocab_size": len(tokenizer), "max_position_embeddings": 16, "eos_token_id": 2, "bos_token_id": 1}
    config = CLIPConfig(text_config=text, vision_config={**TOWER, "image_size": 32, "patch_size": 8}, projection_dim=24)
    CLIPModel(config).save_pretrained(directory)
    images = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    CLIPProcessor(images, tokenizer).save_pretrained(directory)


def _siglip(directory: Path) -> None:
    tokenizer = _siglip_tokenizer()
    text = {**TOWER, "vocab_size": len(tokenizer), "max_position_embeddings": 16, "projection_size": 32}
    vision = {**TOWER, "image_size": 32, "patch_size": 8}
    SiglipModel(SiglipConfig(text_config=text, vision_config=vision)).save_pretrained(directory)
    SiglipProcessor(SiglipImageProcessor(size={"height": 32, "width": 32}), tokenizer).save_pretrained(directory)


def _siglip2(directory: Path) -> None:
    tokenizer = _siglip_tokenizer()
    text = {**TOWER, "vocab_size": len(tokenizer), "max_position_embeddings": 16, "projection_size": 32}
    vision = {**TOWER, "num_patches": 16, "patch_size": 8}
    Siglip2Model(Siglip2Config(text_config=text, vision_config=vision)).save_pretrained(directory)
    Siglip2Processor(Siglip2ImageProcessor(patch_size=8, max_num_patches=16), tokenizer).save_pretrained(directory)


def _chinese_clip(directory: Path) -> None:
    tokenizer = _bert_tokenizer(directory)
    text = {**TOWER, "vocab_size": len(tokenizer), "max_position_embeddings": 16}
    vision = {**TOWER, "image_size": 32, "patch_size": 8}
    config = ChineseCLIPConfig(text_config=text, vision_config=vision, projection_dim=24)
    ChineseCLIPModel(config).save_pretrained(directory)
    images = ChineseCLIPImageProcessor(size={"height": 32, "width": 32}, do_center_crop=False)
    ChineseCLIPProcessor(images, tokenizer).save_pretrained(directory)


def _dual(
    directory: Path, vision: ConvNextConfig | ViTConfig, images: ConvNextImageProcessor | ViTImageProcessor
) -> None:
    tokenizer = _bert_tokenizer(directory)
    text = BertConfig(**TOWER, vocab_size=len(tokenizer), max_position_embeddings=16)
    config = VisionTextDualEncoderConfig.from_vision_text_configs(vision, text, projection_dim=24)
    VisionTextDualEncoderModel(config).save_pretrained(directory)
    VisionTextDualEncoderProcessor(images, tokenizer).save_pretrained(directory)


def _bert_vit(directory: Path) -> None:
    images = ViTImageProcessor(size={"height": 32, "width": 32})
    _dual(directory, ViTConfig(**TOWER, image_size=32, patch_size=8), images)


def _bert_convnext(directory: Path) -> None:
    images = ConvNextImageProcessor(size={"shortest_edge": 32}, crop_pct=0.875)
    _dual(directory, ConvNextConfig(hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1], hidden_size=32), images)


def _semantic_visual(directory: Path) -> None:
    tokenizer = _bert_tokenizer(directory)
    text = {**TOWER, "vocab_size": len(tokenizer), "max_position_embeddings": 16}
    blocks = [
        {"in": 8, "expanded": 8, "out": 8, "kernel": 3, "stride": 1},
        {"in": 8, "expanded": 24, "out": 16, "kernel": 5, "stride": 2},
        {"in": 16, "expanded": 48, "out": 16, "kernel": 3, "stride": 1},
    ]
    vision = {"stem_size": 8, "blocks": blocks, "hidden_size": 40}
    config = SemanticVisualConfig(text, vision, 12, 0.4, colours=5, colour_share=0.3, visual_power=2.0)
    model = SemanticVisualModel(config)
    for parameter in model.vision_model.parameters():
        # Without norms, weights as small as transformers makes them leave nothing of a picture.
        torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(directory)
    # 35 pixels are padded otherwise at each stride than a power of two.
    images = SiglipImageProcessor(size={"height": 35, "width": 35}, do_keep_proportions=True, margin_color=[255] * 3)
    VisionTextDualEncoderProcessor(images, tokenizer).save_pretrained(directory)
    write_prompts(Prompts("query: ", "passage: "), directory)


FAMILIES: dict[str, Callable[[Path], None]] = {
    "clip": _clip,
    "siglip": _siglip,
    "siglip2": _siglip2,
    "chinese_clip": _chinese_clip,
    "bert-vit": _bert_vit,
    "bert-convnext": _bert_convnext,
    "semantic-visual": _semantic_visual,
}


@pytest.fixture(scope="session")
def checkpoints_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory holding one small checkpoint for every name in `FAMILIES`."""
    root = tmp_path_factory.mktemp("checkpoints")
    for name, build in FAMILIES.items():
        torch.manual_seed(0)
        (root / name).mkdir()
        build(root / name)
    return root
