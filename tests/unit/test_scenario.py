"""Scenario and build-out files: shipped ones, a user's own, and what is refused where."""

import pytest

from netloom import catalog
from netloom.catalog.outlook import BuildOut, Driver, Scenario
from netloom.errors import ParameterError, StudyError
from netloom.supply.read import (
    check_years,
    design_bills,
    mixed_designs,
    read_build_out,
    read_scenario,
    target_problems,
)
from netloom.supply.scenario import Effect, effect_of, holding, inputs_of, replacing

NAMED = (
    "base", "demand-below-expectation", "scaling-laws-fail", "fiercer-competition", "cpo-early",
    "lpo-at-volume", "laser-shortage", "export-controls-and-tariffs",
)  # fmt: skip

NUMBER = "{low: -30 %, mode: -20 %, high: -10 %, basis: ours, date: '2026', " \
    "source: [general-knowledge-2026], grade: proposal}"  # fmt: skip


def test_every_story_of_the_sector_is_shipped():
    assert set(NAMED) == set(catalog.names("scenario"))


@pytest.mark.parametrize("name", NAMED)
def test_a_shipped_scenario_aims_at_known_things_with_known_sources(name):
    scenario = read_scenario(name)
    assert len({scenario.names.en, scenario.names.zh, scenario.names.ja}) == 3
    assert list(target_problems(scenario, ())) == []
    for path, quantity in catalog.walk_quantities(scenario):
        assert set(quantity.source) <= catalog.sources().keys(), path
        assert quantity.low < quantity.high, path
    check_years(scenario, read_build_out("merchant-2026")[0])


def test_the_shipped_build_out_has_ranges_sources_and_studies():
    out, folder = read_build_out("merchant-2026")
    assert sorted(out.years) == [2026, 2027, 2028]
    for path, quantity in catalog.walk_quantities(out):
        assert set(quantity.source) <= catalog.sources().keys(), path
        assert quantity.low < quantity.mode < quantity.high, path
    assert set(out.source) <= catalog.sources().keys()
    assert set(mixed_designs(out)) == set(out.designs)
    for design in out.designs.values():
        text = (folder / design.study).read_text(encoding="utf-8")
        assert f"name: {design.network}" in text


def modes(*scenarios):
    return {each.path: each.value.mode for story in scenarios for each in inputs_of(story)}


def scenario(name, **drivers):
    names = {"en": name, "zh": name, "ja": name}
    return Scenario.model_validate(
        {"name": name, "title": name, "names": names, "as_of": "2026", "drivers": drivers}
    )


def change(value):
    return {
        "value": value, "basis": "of a test", "date": "2026", "grade": "proposal",
        "source": ["general-knowledge-2026"],
    }  # fmt: skip


def driver(what, value, **keys):
    return {"what": what, "change": change(value), **keys}


def test_a_driver_replaces_the_bases_of_the_same_target_in_its_years():
    base = scenario("base", a=driver("price per year", -0.1, target="optical modules"),
                    b=driver("price per year", -0.2, target="switches"))  # fmt: skip
    own = scenario("own", c=driver("price per year", -0.5, target="optical modules", years=[2028]))
    assert [path for path, _ in holding(base, own, 2027)] == ["scenario/base.a", "scenario/base.b"]
    assert [path for path, _ in holding(base, own, 2028)] == ["scenario/base.b", "scenario/own.c"]
    factors = effect_of(base, own, 2028, 2026, modes(base, own)).factors
    assert factors == pytest.approx({"optical modules": 0.9 * 0.5, "switches": 0.64})
    assert effect_of(base, own, 2026, 2026, modes(base, own)).factors == {}


def test_content_acts_in_its_year_and_prices_go_on():
    base = scenario("base")
    own = scenario("own", a=driver("price per year", -0.1, target="copper", years=[2027]),
                   b=driver("content", 0.5, target="copper", years=[2027]))  # fmt: skip
    values = modes(base, own)
    assert effect_of(base, own, 2027, 2026, values).factors["copper"] == pytest.approx(1.35)
    assert effect_of(base, own, 2028, 2026, values).factors["copper"] == pytest.approx(0.9)


def test_volumes_of_a_design_and_of_all():
    effect = Effect(training=(("", 0.5), ("racks", 0.5)), inference=(("servers", 0.0),))
    assert effect.volume("racks", 0.4) == pytest.approx(0.4 * 0.25 + 0.6)
    assert effect.volume("servers", 0.4) == pytest.approx(0.4 * 0.5)


def test_what_takes_over_is_named_once():
    stories = [read_scenario(name) for name in ("cpo-early", "lpo-at-volume", "cpo-early")]
    expected = ("optical-engine", "external-laser-source", "fibre-unit", "module-lpo")
    assert replacing(stories) == expected


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (driver("substitution", 0.1, target="lasers"), "needs a target and a 'to'"),
        (driver("content", 0.1, to="lasers"), "has no 'to'"),
        (driver("substitution", 0.1, target="lasers", to="hbm"), "price_ratio"),
        (driver("company share", 0.1), "needs a target"),
        (driver("mix", -0.1, target="a", to="b"), "is no mix"),
        (driver("content", -1.2), "is no content"),
        (driver("company share", 1.2, target="tfc"), "is no company share"),
    ],
)
def test_drivers_that_make_no_sense_are_refused(raw, words):
    with pytest.raises(ValueError, match=words):
        Driver.model_validate(raw)


def refused(path, reader=read_scenario, **keys):
    with pytest.raises(StudyError) as caught:
        reader(str(path), **keys)
    return caught.value.problems


def test_a_users_scenario_needs_no_names_in_other_languages(tmp_path):
    path = tmp_path / "ours.yaml"
    path.write_text(
        "title: Our fear\nas_of: '2026-11'\ndrivers:\n  cut:\n    what: training accelerators\n"
        f"    change: {NUMBER}\n"
    )
    found = read_scenario(str(path))
    assert (found.name, found.names.zh) == ("ours", "Our fear")
    assert found.drivers["cut"].change.mode == -0.2


def test_all_mistakes_of_a_file_are_told_with_their_places(tmp_path):
    path = tmp_path / "ours.yaml"
    path.write_text(
        "title: Our fear\n"
        "as_of: '2026-11'\n"
        "drivers:\n"
        "  cut:\n"
        "    what: training accelerator\n"
        f"    change: {NUMBER}\n"
        "  price:\n"
        "    what: price per year\n"
        "    targett: lasers\n"
        "    change: {low: -3O %, mode: 0, high: 1, basis: ours, date: '2026', "
        "source: [x], grade: proposal}\n"
    )
    problems = refused(path)
    assert [(each.line, each.column) for each in problems] == [(5, 11), (9, 5), (10, 13)]
    assert "did you mean training accelerators" in problems[0].hint
    assert "did you mean target" in problems[1].hint
    assert "-3O %" in problems[2].message
    assert all(each.file == str(path) for each in problems)


def test_unknown_targets_are_told_with_their_place_and_the_nearest_names(tmp_path):
    path = tmp_path / "ours.yaml"
    path.write_text(
        "title: Our fear\nas_of: '2026-11'\ndrivers:\n"
        f"  a.b: {{what: content, target: optical modul, change: {NUMBER}}}\n"
        f"  c:\n    what: company share\n    target: inolight\n    change: {NUMBER}\n"
        f"  d:\n    what: region price\n    target: XX\n    change: {NUMBER}\n"
        f"  e:\n    what: training accelerators\n    target: rail\n    change: {NUMBER}\n"
    )
    problems = refused(path, designs=("rails", "racks"))
    places = [(each.line, each.column) for each in problems]
    assert places == [(4, 32), (7, 13), (11, 13), (15, 13)]
    hints = [each.hint for each in problems]
    assert "did you mean optical modules" in hints[0]
    assert "did you mean innolight" in hints[1]
    assert "CN" in hints[2]
    assert "did you mean rails" in hints[3]


def test_files_that_are_not_there_or_hold_nothing(tmp_path):
    assert "no such file" in refused(tmp_path / "none.yaml")[0].message
    empty = tmp_path / "empty.yaml"
    empty.write_text("")
    assert "no entries" in refused(empty)[0].message
    broken = tmp_path / "broken.yaml"
    broken.write_text("title: a: b\n")
    assert refused(broken)[0].line == 1
    with pytest.raises(ParameterError, match="did you mean cpo-early"):
        read_scenario("cpo-earl")


BUILD_OUT = """\
title: Ours
as_of: 2026-11
base_year: 2026
source: [general-knowledge-2026]
designs:
  rails: {{study: rails.yaml, network: LPO}}
years:
  {year}:
    accelerators: {{value: 100k, basis: ours, date: '2026', source: [x], grade: proposal}}
    training_fraction: {{value: 60 %, basis: ours, date: '2026', source: [x], grade: proposal}}
    mix: {{rails: {share}, here: 0.4}}
"""


def test_a_users_build_out_finds_its_studies_beside_itself(tmp_path):
    path = tmp_path / "ours.yaml"
    path.write_text(BUILD_OUT.format(year=2027, share=0.6))
    out, folder = read_build_out(str(path))
    assert isinstance(out, BuildOut)
    assert folder == tmp_path
    with pytest.raises(ParameterError, match=r"design 'rails'.*not there"):
        design_bills(out, folder, lambda study, networks: {}, {"here": "bill"})
    (tmp_path / "rails.yaml").write_text("")
    asked = []

    def planned(study, networks):
        asked.append((study, networks))
        return {"LPO": "of rails"}

    found = design_bills(out, folder, planned, {"here": "of the study"})
    assert found == {"rails": "of rails", "here": "of the study"}
    assert asked == [(tmp_path / "rails.yaml", ("LPO",))]
    with pytest.raises(ParameterError, match="unknown design 'here'"):
        design_bills(out, folder, planned, {"there": "of the study"})


def test_a_build_out_whose_mix_or_years_are_wrong_is_refused_in_place(tmp_path):
    path = tmp_path / "ours.yaml"
    path.write_text(BUILD_OUT.format(year=2027, share=0.7))
    found = refused(path, read_build_out)
    assert "adds up to 1.1" in found[0].message
    assert found[0].line == 8
    path.write_text(BUILD_OUT.format(year=2025, share=0.6))
    assert "before its prices of 2026" in refused(path, read_build_out)[0].message
