"""`netloom exposure`: sums to the cent, what every page says, seeds, refusals, the docs' files."""

import json
import re
from pathlib import Path
from typing import get_args

import pytest

from netloom import catalog
from netloom.catalog.outlook import Driver
from netloom.catalog.quantity import GRADES
from netloom.cli.app import main
from netloom.cost.draws import Interval
from netloom.report.exposure.words import NOTICE, cents, usd
from netloom.report.figures import svg
from netloom.report.figures.exposure_bars import Panel, Span, bars

ROOT = Path(__file__).parents[2]
STUDY = ROOT / "examples" / "llama3-70b-512.yaml"
PAGE = (ROOT / "docs" / "supply-chain.md").read_text(encoding="utf-8")
NETWORKS = ("rails on InfiniBand NDR", "rails on 51.2T Ethernet")
DRAWS = ("--draws", "200")


def run(capsys, *arguments):
    code = main(["exposure", str(STUDY), *DRAWS, *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def networks():
    return [word for name in NETWORKS for word in ("--network", name)]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Write the files that the docs print, each by the name in its first line."""
    folder = tmp_path_factory.mktemp("docs")
    for block in re.findall(r"^```yaml\n(# (\S+)\n.*?)^```", PAGE, re.M | re.S):
        (folder / block[1]).write_text(block[0], encoding="utf-8")
    return folder


def outlook_arguments(files):
    return [
        "--build-out",
        files / "our-build-out.yaml",
        "--scenario",
        files / "half-the-training.yaml",
    ]


def test_rows_add_up_to_the_bill_and_changes_to_the_difference_of_bills_to_the_cent(capsys):
    code, text, _ = run(capsys, *networks(), "--json")
    assert code == 0
    found = json.loads(text)
    assert [each["name"] for each in found["designs"]] == list(NETWORKS)
    for design in found["designs"]:
        for rows in (design["components"], design["companies"]):
            assert sum(row["added_cents"] for row in rows) == design["bill_cents"]
        cells = sum(cell["added"]["mode"] for cell in design["cells"])
        assert cells == pytest.approx(design["bill_cents"] / 100, abs=0.01)
        assert design["bill_usd"]["mode"] == pytest.approx(design["bill_cents"] / 100, abs=0.01)
    first, second = (design["bill_cents"] for design in found["designs"])
    (change,) = found["changes"]
    assert change["against"] == NETWORKS[0]
    assert change["bill_cents"] == second - first
    for rows in (change["components"], change["companies"]):
        assert sum(row["added_cents"] for row in rows) == second - first


def test_the_page_prints_the_same_sums_and_the_attach_ratio_beside_a_published_one(capsys):
    bill = json.loads(run(capsys, *networks(), "--json")[1])["designs"][0]["bill_cents"]
    _, text, _ = run(capsys, *networks(), "--scope", "everything")
    told = cents(bill)
    assert f"{NETWORKS[0]}: components {told}, companies {told}, bill {told}." in text
    assert "beside published 2.5 to 3" in " ".join(text.split())


def test_the_page_tells_of_the_network_and_its_cents_with_the_servers_are_the_bill(capsys):
    whole = json.loads(run(capsys, *networks(), "--json")[1])["designs"][0]
    part = json.loads(run(capsys, *networks(), "--scope", "network", "--json")[1])["designs"][0]
    servers = whole["bill_cents"] - part["bill_cents"]
    assert 0 < part["bill_cents"] < servers
    assert part["whole_bill_usd"] == whole["bill_usd"]
    names = [
        {row["name"] for row in each["components"] if row["added_cents"]} for each in (whole, part)
    ]
    assert names[0] > names[1]
    assert "hbm" in names[0] - names[1]
    text = " ".join(run(capsys, *networks())[1].split())
    told = cents(part["bill_cents"])
    assert (
        f"{NETWORKS[0]}: components {told}, companies {told}, network {told}; "
        f"servers {cents(servers)}, bill {cents(whole['bill_cents'])}."
    ) in text
    assert "HBM" not in text


def test_the_answer_comes_first_and_names_as_gaining_or_losing_who_does_for_sure(capsys):
    change = json.loads(run(capsys, *networks(), "--scope", "network", "--json")[1])["changes"][0]
    text = " ".join(run(capsys, *networks())[1].split())
    answer = text[: text.index("Dollars are medians")]
    assert f"- {NETWORKS[1]} instead of {NETWORKS[0]}: " in answer
    told = answer[answer.index("Companies that") : answer.index("Components that")]
    lose, _, gain = told.partition("; gain:")
    for row in change["companies"]:
        if row["name"] == "others":
            continue
        name = catalog.get("company", row["name"]).names.en
        assert name not in lose or row["loss_probability"] >= 0.9
        assert name not in gain or row["gain_probability"] >= 0.9
    surest = max(
        (row for row in change["companies"] if row["loss_probability"] >= 0.9),
        key=lambda row: -row["added"]["percentile_50"],
    )
    assert catalog.get("company", surest["name"]).names.en in lose


def test_numbers_of_the_tables_lie_between_their_brackets(capsys):
    _, text, _ = run(capsys, *networks()[:2], "--scope", "everything")
    found = re.findall(r"([\d,.]+) [TBMk]?\$ \(([\d,.]+)-([\d,.]+)\)", text)
    assert len(found) > 40
    for row in found:
        median, low, high = (float(each.replace(",", "")) for each in row)
        assert low <= median <= high


def test_the_backtest_s_table_tells_each_verdict_and_how_many_held(capsys):
    arguments = (*networks()[:2], "--backtest", "--until", "2024-12")
    tests = json.loads(run(capsys, *arguments, "--json")[1])["backtests"]
    text = run(capsys, *arguments)[1]
    held = sum(each["held"] for each in tests)
    assert 0 < held < len(tests)
    assert f"{held} of {len(tests)} held" in text
    rows = [line for line in text.splitlines() if re.match(r"\|[a-z0-9-]+ +\| 20\d\d \|", line)]
    assert len(rows) == len(tests)
    assert [" held " in row for row in rows] == [each["held"] for each in tests]


@pytest.mark.parametrize("form", ["page", "json", "plot"])
@pytest.mark.parametrize("what", ["designs", "company", "outlook", "backtest"])
def test_every_page_says_what_it_is(form, what, capsys, files, tmp_path):
    arguments = {
        "designs": networks(),
        "company": [*networks(), "--company", "innolight"],
        "outlook": outlook_arguments(files),
        "backtest": [*networks(), "--backtest", "--until", "2025-06"],
    }[what]
    picture = tmp_path / "x.svg"
    more = {"page": [], "json": ["--json"], "plot": ["--plot", picture]}[form]
    code, text, _ = run(capsys, *arguments, *more)
    assert code == 0
    if form == "plot":
        text = " ".join(re.findall(r">([^<]+)</text>", picture.read_text(encoding="utf-8")))
    assert NOTICE in " ".join(text.split())


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(capsys, files):
    for arguments in (networks(), outlook_arguments(files)):
        first, again, other = (
            run(capsys, *arguments, "--json", "--seed", seed)[1] for seed in (1, 1, 2)
        )
        assert first == again
        assert first != other
        modes = [
            [line for line in text.splitlines() if '"mode"' in line] for text in (first, other)
        ]
        assert modes[0] == modes[1]


def test_the_example_of_the_docs_leaves_65_of_100_thousand_accelerators(capsys, files):
    code, text, _ = run(capsys, *outlook_arguments(files), "--json")
    assert code == 0
    outlook = json.loads(text)["outlook"]
    assert outlook["build_out"]["designs"] == [NETWORKS[1], NETWORKS[0]]
    bought = {(each["scenario"], each["year"]): 0.0 for each in outlook["accelerators"]}
    for each in outlook["accelerators"]:
        bought[each["scenario"], each["year"]] += each["mode"]
    assert bought["base", 2027] == pytest.approx(100_000)
    assert bought["half-the-training", 2027] == pytest.approx(65_000)
    assert bought["half-the-training", 2026] == pytest.approx(50_000)
    # base less loss is the scenario, at the most likely values
    dollars = {
        (e["scenario"], e["year"], e["kind"], e["name"], e["measure"]): e["mode"]
        for e in outlook["dollars"]
    }
    for each in outlook["risks"]:
        key = each["year"], each["kind"], each["name"], each["measure"]
        assert dollars["half-the-training", *key] == pytest.approx(
            each["base_usd"]["mode"] - each["loss_usd"]["mode"], abs=1e-3
        )
    # value added by component, and by company, is everything
    for kind in ("component", "company"):
        rows = [
            usd for (scenario, year, what, _, measure), usd in dollars.items()
            if (scenario, year, what, measure) == ("base", 2027, kind, "added")
        ]  # fmt: skip
        assert sum(rows) == pytest.approx(dollars["base", 2027, "sector", "all", "added"])


def test_the_outlook_s_page_has_years_risks_choices_and_a_tornado(capsys, files):
    text = " ".join(run(capsys, *outlook_arguments(files))[1].split())
    assert text.index("Half the training, cheaper optics: ") < text.index("The sector by scenario")
    for words in (
        "Our clusters of 2026 and 2027, as of 2026-11", "The sector by scenario", "2026", "2027",
        "P of losing", "Design choices", "What moves the network content", "(as of 2026-11)",
        "Design most exposed: ", "--scope everything adds servers",
    ):  # fmt: skip
        assert words in text


def test_every_row_has_a_grade_and_numbers_of_a_user_s_file_are_traced(capsys, files):
    found = json.loads(run(capsys, *outlook_arguments(files), "--json")[1])
    assert found["components"]
    for row in (*found["components"], *found["companies"]):
        assert GRADES.index(row["main"]) <= GRADES.index(row["worst"])
        assert re.fullmatch(r"20\d\d(-\d\d)?", row["as_of"])
    _, text, _ = run(capsys, *outlook_arguments(files), "--sources")
    assert "years.2027.accelerators = 60 k to 120 k" in text
    assert "our plan of November 2026" in text
    badness = [GRADES.index(each["grade"]) for each in found["inputs"]]
    assert badness == sorted(badness, reverse=True)


def test_names_are_told_and_taken_in_three_languages(capsys):
    names = catalog.get("company", "innolight").names
    for language, word in (("zh", names.zh), ("ja", names.ja)):
        code, text, _ = run(capsys, *networks(), "--language", language, "--company", word)
        assert code == 0
        assert "300308.SZ" in text
        assert catalog.get("component", "cable-aoc").names.model_dump()[language] in text


def test_one_component_alone_is_told_with_who_sells_it(capsys):
    _, text, _ = run(capsys, *networks(), "--component", "signal-processor", "--json")
    found = json.loads(text)
    for design in found["designs"]:
        assert [row["name"] for row in design["components"]] == ["signal-processor"]
        sold = sum(cell["added"]["mode"] for cell in design["cells"])
        assert sold == pytest.approx(design["components"][0]["added"]["mode"])
    _, text, _ = run(capsys, *networks(), "--component", "signal-processor")
    assert "Who sells it" in text
    assert "Marvell" in text
    assert "company/marvell.sells.signal-processor" in text


def test_the_base_alone_is_a_build_out_without_risks(capsys, files):
    code, text, _ = run(capsys, *outlook_arguments(files)[:2], "--scenario", "base")
    assert code == 0
    assert "The sector by scenario" in text
    assert "P of losing" not in text


def test_a_build_out_s_servers_are_told_where_they_are_asked_for(capsys, files):
    arguments = outlook_arguments(files)
    dollars = {}
    for scope in ("network", "everything"):
        found = json.loads(run(capsys, *arguments, "--scope", scope, "--json")[1])
        assert found["scope"] == scope
        dollars[scope] = {
            each["name"]: each["percentile_50"] for each in found["outlook"]["dollars"]
            if (each["scenario"], each["kind"], each["year"]) == ("base", "sector", None)
        }  # fmt: skip
    assert dollars["network"]["all"] == pytest.approx(dollars["network"]["network"])
    assert dollars["network"]["network"] == pytest.approx(dollars["everything"]["network"])
    assert dollars["everything"]["all"] > 2 * dollars["everything"]["network"]


def test_a_company_that_no_design_buys_from_is_told_all_the_same(capsys):
    code, text, _ = run(capsys, *networks(), "--company", "cambricon")
    assert code == 0
    assert "688256.SH" in text
    assert "None of these designs buys from cambricon" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--company", "inolight"], "did you mean innolight"),
        (["--company", "中际"], "did you mean innolight?"),
        (["--component", "laser"], "did you mean continuous-wave-laser or "),
        (["--backtest", "--until", "2025-13"], "no month"),
        (["--backtest", "--until", "1990-01"], "of this century"),
        (["--draws", "1000000000"], "100 to 200,000"),
        (["--scope", "racks"], "everything"),
        (["--plot", "no-such-folder/x.svg"], "make it first"),
        (["--component", "signal-procesor"], "did you mean signal-processor"),
        (["--network", "rail on InfiniBand NDR"], "did you mean rails on InfiniBand NDR"),
        (["--build-out", "merchant-2062"], "did you mean merchant-2026"),
        (["--build-out", "no-such.yaml"], "no such file"),
        (["--build-out", "merchant-2026", "--scenario", "cpo-erly"], "did you mean cpo-early"),
        (["--build-out", "merchant-2026", "--network", NETWORKS[0]], "leave one of them out"),
        (["--scenario", "cpo-early"], "--build-out merchant-2026"),
        (["--until", "2025-06"], "--backtest"),
        (["--backtest", "--until", "June"], "2025-03"),
        (["--draws", "99"], "100 to 200,000"),
        (["--plot", "x.png"], "SVG"),
        (["--seed", "-1"], "a seed is 0 to"),
        (["--language", "fr"], "zh"),
    ],
)
def test_what_cannot_be_done_is_refused_with_what_to_write(arguments, said, capsys):
    assert main(["exposure", str(STUDY), *arguments]) == 2
    captured = capsys.readouterr()
    assert said in " ".join((captured.out + captured.err).split())


def test_a_design_that_the_study_has_not_is_refused_with_those_that_it_has(capsys, files, tmp_path):
    text = (files / "our-build-out.yaml").read_text(encoding="utf-8")
    other = tmp_path / "other.yaml"
    other.write_text(text.replace("rails on 51.2T Ethernet", "rails on copper"), encoding="utf-8")
    code, _, error = run(capsys, "--build-out", other)
    assert code == 2
    assert "'rails on copper'" in error
    assert "rails on 51.2T Ethernet" in error


def test_a_candidate_that_cannot_be_built_is_listed_with_the_reason(capsys, tmp_path):
    # three metres of copper do not reach the leaf of another rack
    network = """
  - name: copper
    fabric: {kind: rail-optimized}
    switch: qm9700
    protocol: infiniband-ndr
    media: {host: dac-400g}
"""
    study = tmp_path / "study.yaml"
    study.write_text(STUDY.read_text(encoding="utf-8") + network, encoding="utf-8")
    assert main(["exposure", str(study), *DRAWS]) == 0
    assert "refused copper:" in capsys.readouterr().out
    assert main(["exposure", str(study), *DRAWS, "--network", "copper"]) == 2
    assert "copper cannot carry the run" in capsys.readouterr().err


def test_bars_beyond_the_axis_are_told_in_numbers():
    panel = Panel("lost, %", "%", ("one",), ((Span(-300.0, -400.0, -200.0),),), most=100.0)
    body, _ = bars(["engines"], [panel], 0.0)
    picture = "".join(body)
    assert "-300 %" in re.findall(r">([^<>]+)</text>", picture)
    places = [float(each) for each in re.findall(r' x="([-\d.]+)"', picture)]
    assert min(places) >= 0


def test_wide_glyphs_are_counted_as_wide():
    assert svg.text_width("光模块", 10.0) == pytest.approx(30.0)


def test_dollars_keep_one_unit_and_their_signs():
    assert usd(Interval(999_600.0, 1e6, 0.9e6, 1e6, 1.2e6)) == "1.00 M$ (0.90-1.20)"
    assert usd(Interval(0.0, 0.0, 0.0, 0.0, 0.0)) == "0"
    assert cents(-123456) == "-1,234.56 $"


def test_the_docs_name_every_scenario_and_every_kind_of_driver():
    for name in (*catalog.names("scenario"), *get_args(Driver.model_fields["what"].annotation)):
        assert f"`{name}`" in PAGE
