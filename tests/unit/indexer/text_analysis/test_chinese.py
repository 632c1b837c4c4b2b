"""Chinese is cut into words, and into characters."""

import os
import subprocess
import sys
from pathlib import Path

from indexer.text_analysis.chinese import dictionary_words, has_chinese, index_terms, is_chinese


def test_words_do_not_overlap_and_make_up_the_text():
    assert "".join(dictionary_words("红色连衣裙")) == "红色连衣裙"
    assert "连衣裙" in list(dictionary_words("红色连衣裙"))


def test_a_text_is_found_by_its_words_and_by_each_character():
    terms = list(index_terms("红色"))
    assert terms == ["红色", "红", "色"]


def test_chinese_is_told_from_other_text():
    assert has_chinese("Nike红") and is_chinese("红")
    assert not has_chinese("café") and not is_chinese("café红")


RACE = """
import asyncio, os, threading, time
from indexer.text_analysis.chinese import index_terms, load_dictionary_for
async def main():
    await load_dictionary_for(["red dress", "café"])
    import sys
    assert "jieba" not in sys.modules
    loading = asyncio.create_task(load_dictionary_for(["红色"]))
    turns = 0
    while not loading.done():
        await asyncio.sleep(0)
        turns += 1
    await loading
    assert list(index_terms("红色")) == ["红色", "红", "色"]
    print(turns, *os.listdir(os.environ["XDG_CACHE_HOME"] + "/vitrine/jieba"))
asyncio.run(main())
"""


def test_the_dictionary_is_loaded_beside_the_event_loop_and_kept_in_a_directory_of_our_own(tmp_path: Path):
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    ran = subprocess.run([sys.executable, "-c", RACE], env=environment, capture_output=True, text=True, check=True)
    turns, *kept = ran.stdout.split()
    assert int(turns) > 10 and kept == ["jieba.cache"]
    assert (tmp_path / "vitrine" / "jieba").stat().st_mode & 0o077 == 0
