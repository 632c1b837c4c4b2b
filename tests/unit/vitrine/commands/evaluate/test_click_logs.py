"""Commands over logs of clicks: a ranker that is taken or refused, judgments, and what was chosen by variant."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from query_api.evaluation.click_log import LoggedAnswer, encode_log
from tests.unit.query_api.learning_to_rank.test_training import BLEND, PRICE, clicked_log
from vitrine.cli import main
from vitrine.judged_files import read_judgments


def run(tmp_path: Path, *arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["--data-dir", str(tmp_path), *map(str, arguments)])


def written(file: Path, answers: list[LoggedAnswer]) -> Path:
    file.write_bytes(b"".join(encode_log(answers)))
    return file


def likes_cheap(rows: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(2 + 3 * rows[:, PRICE] - rows[:, BLEND]))


def test_a_ranker_that_is_better_is_written_and_another_one_is_not(tmp_path: Path):
    pytest.importorskip("lightgbm")
    ranker = tmp_path / "ranker"
    log = written(tmp_path / "log.jsonl", clicked_log(1_500, likes_cheap))
    taken = run(tmp_path, "train", "ranker", "--log", log, "--output", ranker, "--trees", "40")
    assert taken.exit_code == 0 and "query.learnt_ranker" in taken.output, taken.output
    assert json.loads((ranker / "ranker.json").read_text())["trees"]
    same = written(tmp_path / "same.jsonl", clicked_log(600, lambda rows: 1 / (1 + np.exp(1 - 2 * rows[:, BLEND]))))
    refused = run(tmp_path, "train", "ranker", "--log", same, "--output", tmp_path / "none", "--trees", "20")
    assert refused.exit_code == 3 and "gain" in refused.output and not (tmp_path / "none").exists()


def test_judged_queries_still_train_the_ranker_of_texts_and_pictures_by_the_same_command(tmp_path: Path):
    (tmp_path / "q.csv").write_text("query\nmug\n")
    result = run(tmp_path, "train", "ranker", "--queries", tmp_path / "q.csv", "--output", tmp_path / "ranker")
    assert result.exit_code == 2 and "fusion-ranker" in result.output and "--judgments" in result.output


def test_judgments_are_as_evaluations_take_them(tmp_path: Path):
    answers = [
        LoggedAnswer(f"q{number}", number, "red mug", 0, "", 1, ["a", "b"], "", {"b": "clicked"}) for number in range(9)
    ]
    log, judged = written(tmp_path / "log.jsonl", answers), tmp_path / "judged.csv"
    result = run(tmp_path, "eval", "judgments", "--log", log, "--output", judged)
    assert result.exit_code == 0, result.output
    gains = read_judgments(judged, judged)["red mug"]
    assert gains["b"] > 0.5 > gains["a"]


def test_variants_are_compared_and_a_guard_needs_an_experiment(tmp_path: Path):
    answers = [
        LoggedAnswer(f"{variant}{n}", n, "mug", 0, variant, 1, ["a"], "", {"a": "clicked"} if n % every == 0 else {})
        for variant, every in (("", 2), ("trial/b", 20))
        for n in range(400)
    ]
    log, report = written(tmp_path / "log.jsonl", answers), tmp_path / "report.json"
    shown = run(tmp_path, "eval", "online", "--log", log, "--no-prices", "--json", report)
    assert shown.exit_code == 0 and "trial/b is worse than the first with 99 % confidence" in shown.output
    assert [row["variant"] for row in json.loads(report.read_text())] == ["", "trial/b"]
    unguarded = run(tmp_path, "eval", "online", "--log", log, "--guard", "--json", report)
    assert unguarded.exit_code == 1 and "query.experiment" in unguarded.output


def test_a_file_that_is_no_log_is_named(tmp_path: Path):
    (tmp_path / "log.jsonl").write_text("{}\n")
    result = run(tmp_path, "eval", "judgments", "--log", tmp_path / "log.jsonl", "--output", tmp_path / "judged.csv")
    assert result.exit_code == 1 and "log.jsonl is no log of clicks" in result.output and "line 1" in result.output
