"""report.html: one file that needs no other."""

import dataclasses
import re
from html.parser import HTMLParser

from netloom.report import html
from netloom.result import Candidate

VOID = {"meta", "br", "link", "img", "input", "hr"}


class Balance(HTMLParser):
    """Collect text, ids and targets; fail where tags do not close in order."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.targets, self.text = [], [], [], []

    def handle_starttag(self, tag, attributes):
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            if name == "href":
                self.targets.append(value)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(page):
    reader = Balance()
    reader.feed(page)
    assert reader.open == []
    return reader


def test_page_asks_nothing_of_any_other_place(sample):
    page = html.page(sample)
    rest = page.replace("http://www.w3.org/2000/svg", "")
    assert "://" not in rest
    assert not re.search(r"@import|url\(|<link|<img|<iframe|src=|fetch\(", rest)
    assert len(page.encode()) < 3e6


def test_page_is_well_formed_and_every_link_lands(sample):
    reader = read(html.page(sample))
    assert len(reader.ids) == len(set(reader.ids))
    assert all(target[0] == "#" and target[1:] in reader.ids for target in reader.targets)


def test_page_says_what_the_result_says(sample):
    text = " ".join(" ".join(read(html.page(sample)).text).split())
    said = [
        sample.verdict,
        sample.refused[0].reason,
        *sample.low_grade_inputs,
        sample.netloom_version,
    ]
    for candidate in sample.candidates:
        said += [candidate.name, candidate.limit, *candidate.warnings, f"{candidate.days:.1f}"]
        said += [call.limited_by for call in candidate.communication]
    for sentence in said:
        assert sentence in text


def test_names_are_text_and_never_markup(sample):
    odd = dataclasses.replace(sample.candidates[0], name="<b>&x", limit="<script>alert(1)</script>")
    page = html.page(dataclasses.replace(sample, candidates=(odd,), verdict="<i>"))
    assert "<script>alert" not in page
    assert "&lt;b&gt;&amp;x" in page
    read(page)


def test_page_without_candidates_names_the_refused(sample):
    empty = dataclasses.replace(
        sample, candidates=(), winner="", verdict="No network can carry it."
    )
    text = " ".join(read(html.page(empty)).text)
    assert "No network can carry it." in text
    assert sample.refused[0].name in text


def test_dearest_lines_and_the_rest_add_up(sample):
    candidate: Candidate = sample.candidates[1]
    lines, rest = html.top_lines(candidate)
    prices = [line.total_usd.mode for line in lines]
    assert prices == sorted(prices, reverse=True)
    assert abs(sum(prices) + rest.mode - candidate.total_capex_usd.mode) < 1e-3


def test_every_picture_colour_is_defined(sample):
    page = html.page(sample)
    used = set(re.findall(r"var\((--[\w-]+)\)", page))
    assert used <= set(re.findall(r"(--[\w-]+):", page))
