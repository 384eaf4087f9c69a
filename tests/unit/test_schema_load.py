"""A study file is read whole or refused with every problem at its line and column."""

from __future__ import annotations

from pathlib import Path

import pytest

from netloom.errors import Problem, StudyError
from netloom.schema.load import load

GOOD = """\
version: 1
name: small
model: some-model
goal:
  tokens: 1T
  batch_sequences: 64
  sequence: 4096
cluster:
  accelerators: 64
  node: some-node
  nic: some-nic
networks:
  - name: one
    fabric: {kind: fat-tree}
    switch: some-switch
    protocol: some-protocol
"""


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "study.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def problems(folder: Path, text: str | bytes, checks=()) -> list[tuple[int, int, str, str, str]]:
    with pytest.raises(StudyError) as caught:
        load(written(folder, text), checks)
    return [
        (found.line, found.column, found.where, found.message, found.hint)
        for found in caught.value.problems
    ]


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


def test_reads_quantities_into_si(tmp_path):
    text = changed("  nic: some-nic", "  nic: some-nic\n  nic_rate: 400 Gb/s")
    text += "layout: {slack: 20 %, rise: 2 m}\nreliability: {checkpoint_interval: 10 min}\n"
    study = load(written(tmp_path, text))
    assert study.goal.tokens == 1e12
    assert study.cluster.nic_rate == 50e9
    assert (study.layout.slack, study.layout.rise) == (0.2, 2.0)
    assert study.reliability.checkpoint_interval == 600.0
    assert study.networks[0].media.host == "auto"


def test_byte_order_mark_and_windows_line_ends_are_read(tmp_path):
    text = b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode()
    assert load(written(tmp_path, text)).name == "small"


def test_yes_is_a_text_as_yaml_1_2_says(tmp_path):
    assert load(written(tmp_path, changed("name: small", "name: yes"))).name == "yes"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "sequence: 4096",
            "sequence: 8k",
            (7, 13, "goal.sequence", "'8k' is no whole number", "write 8000 or 8192"),
        ),
        (
            "accelerators: 64",
            "accelerators: 16,384",
            (9, 17, "cluster.accelerators", "'16,384' is no whole number", "write 16384"),
        ),
        (
            "accelerators: 64",
            "accelerators: true",
            (9, 17, "cluster.accelerators", "'true' is no whole number", "write it like 8192"),
        ),
        (
            "tokens: 1T",
            "tokens: 1 TB",
            (
                5,
                11,
                "goal.tokens",
                "'1 TB' is an amount of data, a count is meant",
                "write it like 15.6T",
            ),
        ),
        (
            "tokens: 1T",
            "tokens: [1T]",
            (5, 11, "goal.tokens", "a list is no count", "write it like 15.6T"),
        ),
        (
            "nic: some-nic",
            "nic: some-nic\n  nic_rate: 400 Gb",
            (
                12,
                13,
                "cluster.nic_rate",
                "'400 Gb' is an amount of data, a rate is meant",
                "write 400 Gb/s",
            ),
        ),
        (
            "nic: some-nic",
            "nic: some-nic\n  nic_rate: 400",
            (
                12,
                13,
                "cluster.nic_rate",
                "'400' has no unit, a rate is meant",
                "write it like 400 Gb/s",
            ),
        ),
        (
            "accelerators: 64",
            "accelerators: 0",
            (9, 17, "cluster.accelerators", "must be greater than 0", ""),
        ),
        (
            "accelerators: 64",
            "accelerators: 8000000",
            (9, 17, "cluster.accelerators", "must be at most 4,194,304", ""),
        ),
        (
            "sequence: 4096",
            f"sequence: {'9' * 400}",
            (7, 13, "goal.sequence", "the number is too large", "write at most 9007199254740992"),
        ),
        (
            "  sequence: 4096",
            "  sequence: 4096\n  precison: fp8",
            (
                8,
                3,
                "goal.precison",
                "unknown key 'precison'",
                "did you mean precision? "
                "Known: batch_sequences, batch_tokens, precision, sequence, tokens",
            ),
        ),
        (
            "  sequence: 4096",
            "  sequence: 4096\n  precision: bf8",
            (
                8,
                14,
                "goal.precision",
                "'bf8' is no choice for precision",
                "did you mean fp8 or bf16 or mxfp8? Known: bf16, fp16, fp4, fp8, mxfp8, nvfp4",
            ),
        ),
        (
            "  node: some-node\n",
            "",
            (
                8,
                1,
                "cluster.node",
                "'node' is missing",
                "add node: Catalogue node, such as dgx-h100",
            ),
        ),
        (
            "    switch: some-switch\n",
            "",
            (
                13,
                5,
                "networks[0].switch",
                "'switch' is missing",
                "add switch: Catalogue switch; or one for each tier, the tier with the hosts first",
            ),
        ),
        (
            "switch: some-switch",
            "switch:",
            (15, 5, "networks[0].switch", "nothing is given, a text is meant", ""),
        ),
        (
            "name: small",
            "name: 405",
            (2, 7, "name", "'405' is given, a text is meant", 'write "405"'),
        ),
        (
            "version: 1",
            "version: 2",
            (1, 10, "version", "'2' is no choice for version", "Known: 1"),
        ),
        (
            "cluster:\n",
            "search: {tensor: 8}\ncluster:\n",
            (8, 18, "search.tensor", "'8' is given, a list is meant", "write [8]"),
        ),
        (
            "cluster:\n",
            "search: {recompute: [some]}\ncluster:\n",
            (
                8,
                22,
                "search.recompute[0]",
                "'some' is no choice for recompute",
                "did you mean none? Known: full, none, offload, selective",
            ),
        ),
        (
            "cluster:\n",
            "economics:\n  adjust: {optic: -15%}\ncluster:\n",
            (
                9,
                12,
                "economics.adjust.optic",
                "unknown key 'optic'",
                "did you mean optics? Known: cables, installation, nics, nodes, optics, switches",
            ),
        ),
        (
            "  batch_sequences: 64\n",
            "",
            (
                4,
                1,
                "goal",
                "the batch has no size",
                "add batch_tokens, such as 16777216, or batch_sequences, such as 2048",
            ),
        ),
        (
            "  batch_sequences: 64\n",
            "  batch_sequences: 64\n  batch_tokens: 262144\n",
            (
                6,
                20,
                "goal.batch_sequences",
                "batch_tokens and batch_sequences both set the size of the batch",
                "keep one of the two",
            ),
        ),
        (
            "batch_sequences: 64\n  sequence: 4096",
            "batch_tokens: 16M\n  sequence: 8192",
            (
                6,
                17,
                "goal.batch_tokens",
                "a batch of 16000000 tokens is no whole number of sequences of 8192",
                "write 16777216 (2,048 sequences, 16Mi) or 15998976 (1,953 sequences) "
                "or 16007168 (1,954 sequences)",
            ),
        ),
        (
            "batch_sequences: 64",
            "batch_tokens: 100",
            (
                6,
                17,
                "goal.batch_tokens",
                "a batch of 100 tokens is no whole number of sequences of 4096",
                "write 4096 (1 sequences)",
            ),
        ),
        (
            "tokens: 1T",
            "tokens: 1k",
            (
                5,
                11,
                "goal.tokens",
                "the goal is less than one batch",
                "give tokens of the whole run",
            ),
        ),
        (
            "name: small",
            "name: small\nname: large",
            (3, 1, "name", "key 'name' is written twice", "keep one; the other is in line 2"),
        ),
    ],
)
def test_one_mistake_is_one_problem_at_its_place(tmp_path, old, new, expected):
    assert problems(tmp_path, changed(old, new)) == [expected]


def test_batch_tokens_count_sequences(tmp_path):
    text = changed("batch_sequences: 64", "batch_tokens: 262144")
    assert load(written(tmp_path, text)).goal.num_batch_sequences == 64


def test_all_mistakes_are_named_in_the_order_of_lines(tmp_path):
    text = (
        changed("tokens: 1T", "tokens: lots")
        .replace("sequence: 4096", "sequence: 4096\n  sequense: 1")
        .replace("  nic: some-nic\n", "")
        .replace("name: one", "nam: one")
    )
    assert [(line, where) for line, _, where, _, _ in problems(tmp_path, text)] == [
        (5, "goal.tokens"),
        (8, "goal.sequense"),
        (9, "cluster.nic"),
        (13, "networks[0].name"),
        (13, "networks[0].nam"),
    ]


def test_checks_run_beside_the_models_and_are_placed(tmp_path):
    seen = []

    def check(raw):
        seen.append(raw["goal"]["tokens"])
        yield Problem("is not sold any more", "take another", "networks[0].switch")
        yield Problem("is a typing error", where="networks[0].fabric.kind", of_key=True)
        yield Problem("is nowhere", where="networks[7].switch")

    found = problems(tmp_path, changed("tokens: 1T", "tokens: lots"), [check])
    assert seen == ["lots"]
    assert [(line, column, where) for line, column, where, _, _ in found] == [
        (5, 11, "goal.tokens"),
        (12, 1, "networks[7].switch"),
        (14, 14, "networks[0].fabric.kind"),
        (15, 13, "networks[0].switch"),
    ]


def test_problems_of_checks_alone_refuse_the_study(tmp_path):
    check_problem = Problem("no", where="name")
    assert [found[:3] for found in problems(tmp_path, GOOD, [lambda raw: [check_problem]])] == [
        (2, 7, "name")
    ]


@pytest.mark.parametrize(
    ("text", "line", "column", "message", "hint"),
    [
        ("name: a: b\n", 1, 8, "mapping values are not allowed", "quotes"),
        ("goal:\n\ttokens: 1T\n", 2, 1, "cannot start any token", "indent with spaces"),
        ("a: 1\n---\nb: 2\n", 2, 1, "another document", "one study per file"),
        ("a: *b\n", 1, 4, "undefined alias", "define the anchor"),
        ("a: !!python/none x\n", 1, 4, "could not determine a constructor", "leave out the tag"),
        ("a: \x01\n", 1, 4, "control characters", ""),
    ],
)
def test_broken_yaml_is_placed(tmp_path, text, line, column, message, hint):
    ((found_line, found_column, where, said, advice),) = problems(tmp_path, text)
    assert (found_line, found_column, where) == (line, column, "")
    assert said.startswith("not valid YAML: ")
    assert message in said
    assert hint in advice


def test_what_is_no_study_is_refused(tmp_path):
    assert problems(tmp_path, "")[0][3] == "the file is empty"
    assert problems(tmp_path, "# only a comment\n")[0][3] == "the file is empty"
    assert problems(tmp_path, "- a\n")[0][3] == "the file holds a list, entries are meant"
    assert problems(tmp_path, "42\n")[0][3] == "the file holds a single value, entries are meant"
    assert problems(tmp_path, b"name: \xff\n")[0][:4] == (1, 7, "", "the file is not UTF-8 text")


def test_a_value_that_holds_itself_is_refused(tmp_path):
    found = problems(tmp_path, GOOD + "search: &loop {tensor: [*loop]}\n")
    assert ("search.tensor[0]", 17) in {(where, line) for line, _, where, _, _ in found}


def test_missing_file_lists_its_neighbours(tmp_path):
    written(tmp_path, GOOD)
    with pytest.raises(StudyError) as caught:
        load(tmp_path / "studi.yaml")
    (problem,) = caught.value.problems
    assert (problem.message, problem.hint) == (
        "there is no such file",
        "files beside it: study.yaml",
    )
    with pytest.raises(StudyError, match="this is a folder"):
        load(tmp_path)
