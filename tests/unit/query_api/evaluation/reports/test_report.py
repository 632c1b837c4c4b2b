"""Reports, and the page that shows them."""

from html.parser import HTMLParser

import pytest

from query_api.errors import NotEnoughData
from query_api.evaluation.judgments import JudgedQuery
from query_api.evaluation.reports.html import html_report
from query_api.evaluation.reports.report import Cutoffs, JudgedResult, QueryRanking, SearchConfiguration, build_report

QUERIES = [
    JudgedQuery("1", "red <b>hoodie</b>", {"a": 1.0, "b": 0.1}),
    JudgedQuery("2", "mug", {"c": 1.0}),
    JudgedQuery("3", "nothing right", {"d": 0.0}),
]
GOOD = [QueryRanking(("a", "b"), ("A & <i>co</i>", "B"), 2.0), QueryRanking(("c",)), QueryRanking(("d",))]
BAD = [QueryRanking(("x", "a"), ("", "A")), QueryRanking((), (), 4.0, ("cache",)), QueryRanking(())]
HYBRID, LEXICAL = SearchConfiguration("hybrid", {}), SearchConfiguration("lexical", {"mode": "lexical"})


def test_one_configuration_is_measured_worst_first():
    report = build_report(QUERIES, [(HYBRID, BAD)], Cutoffs(k=2, depth=10))
    assert report.measure_names == ("nDCG@2", "recall@2", "precision@2", "F1@2", "MRR", "recall@10")
    assert report.means[0]["MRR"].mean == pytest.approx(0.25)
    assert [query.query for query in report.queries] == ["mug", "red <b>hoodie</b>"]
    assert (report.left_out, report.degraded, report.comparison) == (1, (1,), None)


def test_two_are_compared_query_by_query():
    report = build_report(QUERIES, [(HYBRID, GOOD), (LEXICAL, BAD)], Cutoffs(k=2, depth=2))
    assert report.comparison is not None
    assert (report.comparison.better, report.comparison.worse, report.comparison.equal) == (2, 0, 0)
    mean = report.means[0]["nDCG@2"].mean - report.means[1]["nDCG@2"].mean
    assert report.comparison.differences["nDCG@2"].mean == pytest.approx(mean)
    same = build_report(QUERIES, [(HYBRID, GOOD), (LEXICAL, GOOD)], Cutoffs())
    assert same.comparison is not None and same.comparison.equal == 2


def test_a_query_tells_what_it_found_and_what_it_missed():
    report = build_report(QUERIES, [(HYBRID, BAD)], Cutoffs(k=1, depth=2))
    hoodie = report.queries[1]
    assert hoodie.first == ((JudgedResult("x", None, ""),),)
    assert hoodie.missed == ((JudgedResult("a", 1.0),),)


def test_the_least_gain_of_a_right_product_can_be_said():
    graded, exact = (build_report(QUERIES, [(HYBRID, GOOD)], Cutoffs(2, 2, least)) for least in (0.0, 1.0))
    assert graded.means[0]["recall@2"].mean == 1
    assert exact.means[0]["precision@2"].mean < graded.means[0]["precision@2"].mean


def test_without_a_right_product_there_is_no_report():
    with pytest.raises(NotEnoughData, match="no query has a right product"):
        build_report(QUERIES[2:], [(HYBRID, GOOD[2:])], Cutoffs())


class _Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in ("meta", "br"):
            self.open.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("rankings", [[(HYBRID, GOOD)], [(HYBRID, GOOD), (SearchConfiguration('<a "x">', {}), BAD)]])
def test_the_page_is_whole_escaped_and_needs_no_network(rankings):
    page = _Page()
    page.feed(html_report(build_report(QUERIES, rankings, Cutoffs(2, 2), note="<script>")))
    assert not page.open and not page.links
    assert page.tags.count("svg") == 1 + len(rankings)
    assert not {"script", "i", "link", "img", "a"} & set(page.tags)
