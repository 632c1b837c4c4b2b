"""Chinese is cut into words, and into characters."""

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
