"""Probing a model from the command line: both arms, resumed after a kill, run folders that read like any other."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from eval import __main__ as command
from eval import running
from eval.answering import Asked, Batched, Said, conversation, to_arms
from eval.picture_hashes import Looks
from eval.pictures import identity
from eval.pictures import scan as picture
from eval.probing import command as probes
from eval.probing import conditions as probe_conditions
from eval.probing import models as probe_models
from eval.probing import probed as probing
from eval.probing import questions as probe_set
from eval.probing import runs as probe_runs
from eval.probing.asking import first_alike, put, together
from eval.probing.models import Probed
from medvlm import scores
from medvlm.chat import whole
from medvlm.datasets.places import data_home
from medvlm.errors import ConfigError, DatasetError
from medvlm.imaging import render
from medvlm.model import LocalModel
from medvlm.paths import ROOT
from medvlm.probes import wordings
from medvlm.probes.asked import GREEDY, Ask, Material, Subject, own
from medvlm.probes.picture_probes import side_bound
from medvlm.probes.registry import asking
from medvlm.scores import PREDICTIONS, SCORES
from medvlm.types import Arm, Conversation
from tests import judged_runs, tiny_models
from tests.fakes import FakeModel
from tests.serving import serving

MODEL = {
    "model": "fake", "model_revision": "r", "adapter": "fake-med", "adapter_sha256": "a", "endpoint": None,
    "quantization": "nf4", "compute_dtype": "float32",
}  # fmt: skip


def knowing(conversation: Conversation, arm: Arm) -> str:
    """Knows nothing as base; tuned, it says yes to whatever it is asked."""
    return "yes" if arm == "tuned" else "perhaps"


@pytest.fixture(scope="module")
def half() -> list[Subject]:
    """The drawn half of the set, drawn once."""
    return probe_set.drawn_half()


@pytest.fixture(scope="module")
def few(half: list[Subject]) -> probe_set.Probed:
    """Six questions of the drawn half, with all that probes need of them."""
    subjects = tuple(half[:6])
    material = Material(
        subjects,
        probe_set.windows(subjects[:2]),
        probe_set.truths(subjects),
        ("Why do unicorns cough?",),
        subjects[:3],
        subjects[3:],
    )
    return probe_set.Probed(material, ("a trial",))


def model(fake: FakeModel) -> Probed:
    return Probed(lambda: Asked(fake), ("base", "tuned"), MODEL, ("phantoms",))


def test_all_probes_of_both_arms_make_a_run_that_reads_like_any_other(few: probe_set.Probed, tmp_path: Path) -> None:
    folder = probing.probe(model(FakeModel(knowing)), few, tuple(asking().values()), tmp_path)
    run = scores.read_run(folder)
    assert run.info.state == "finished" and run.info.task == "probes" and run.info.notes == ("a trial",)
    assert {one.arm for one in run.predictions} == {"base", "tuned"}
    assert {one.metric for one in run.scores} <= {*run.info.metrics, "familiar_score", "foreign_score"}
    record = scores.read(folder / probing.FIGURES)
    assert record is not None and set(record["probes"]) == set(asking())
    blank = record["probes"]["blank"]
    assert set(blank["arms"]) == {"base", "tuned"} and set(blank["difference"]) == set(blank["arms"]["tuned"])
    # Few pictures: n is told, and why there is no value.
    assert blank["arms"]["tuned"]["blank_drop"]["reason"].startswith("too few") and "probes" in run.info.seeds
    lines = [line for name, one in record["probes"].items() for line in probes.sentences(name, one)]
    assert any(line.startswith("follow-up, tuned: follow_up_same") for line in lines)


def test_each_condition_is_a_run_of_its_own_with_the_questions_own_ids(few: probe_set.Probed, tmp_path: Path) -> None:
    folder = probing.probe(model(FakeModel(knowing)), few, (asking()["blank"], asking()["expert"]), tmp_path)
    names = [f"{folder.name}-{name}" for name in ("as-asked", "blank", "expert")]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([folder.name, *names])
    as_asked, blank, expert = (scores.read_run(tmp_path / name) for name in names)
    assert as_asked.info.task == probe_conditions.TASK and blank.info.task == f"{probe_conditions.TASK}:blank"
    ids = {subject.id for subject in few.material.subjects}
    for run in (as_asked, blank, expert):
        assert {p.sample_id for p in run.predictions} == ids and {s.sample_id for s in run.scores} == ids
        wanted = {(s.sample_id, s.arm, s.metric): s.value for p in run.predictions
                  for s in running.scored(p, run.info.metrics)}  # fmt: skip
        assert {(s.sample_id, s.arm, s.metric): s.value for s in run.scores} == wanted
    assert len({run.info.fingerprint for run in (as_asked, blank, expert)}) == 3
    assert all(p.question.startswith(wordings.EXPERT) for p in expert.predictions)


def test_a_killed_run_goes_on_and_ends_with_the_same_files(few: probe_set.Probed, tmp_path: Path) -> None:
    wanted = tuple(asking()[name] for name in ("swapped", "follow-up", "draws"))
    whole_run = probing.probe(model(FakeModel(knowing)), few, wanted, tmp_path / "whole")
    dying = FakeModel(dies_after(17))
    with pytest.raises(KeyboardInterrupt):
        probing.probe(model(dying), few, wanted, tmp_path / "killed")
    (killed,) = (tmp_path / "killed").iterdir()
    assert scores.read_info(killed).state == "running" and len(scores.rows(killed / PREDICTIONS)) > 0
    torn = (killed / PREDICTIONS).read_bytes()
    (killed / PREDICTIONS).write_bytes(torn[:-9])
    assert probing.probe(model(FakeModel(knowing)), few, wanted, tmp_path / "killed") == killed
    for name in (PREDICTIONS, SCORES, probing.FIGURES):
        assert (killed / name).read_bytes() == (whole_run / name).read_bytes(), name
    idle = FakeModel(knowing)
    probing.probe(model(idle), few, wanted, tmp_path / "killed")
    assert idle.asked == [], "a finished run asks nothing"


def dies_after(answers: int):  # type: ignore[no-untyped-def]
    count = 0

    def say(conversation: Conversation, arm: Arm) -> str:
        nonlocal count
        count += 1
        if count > answers:
            raise KeyboardInterrupt
        return knowing(conversation, arm)

    return say


def test_what_is_alike_is_asked_once(few: probe_set.Probed, tmp_path: Path) -> None:
    first = own(few.material.subjects[0])
    again = replace(first, probe="foreign", condition="familiar")
    other = replace(first, probe="expert", question="Another?")
    fake = FakeModel(knowing)
    texts = put(lambda: Asked(fake), [first, again, other], "tuned", tmp_path, "a test")
    assert len(fake.asked) == 2 and set(texts) == {first.id, again.id, other.id}
    assert first_alike([first, again, other])[again.id] is first


def test_a_folder_of_another_run_is_refused(few: probe_set.Probed, tmp_path: Path) -> None:
    blank, expert = (asking()["blank"],), (asking()["expert"],)
    probing.probe(model(FakeModel(knowing)), few, blank, tmp_path, name="mine")
    with pytest.raises(ConfigError, match="--name"):
        probing.probe(model(FakeModel(knowing)), few, expert, tmp_path, name="mine")


def test_unknown_probes_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert [probe.name for probe in probes.parse(" blank, swapped,blank")] == ["blank", "swapped"]
    assert len(probes.parse(None)) == len(asking())
    assert command.main(["probes", "--only", "blank,telepathy"]) == 1
    told = capsys.readouterr().err
    assert "telepathy" in told and "swapped-in-domain" in told
    assert command.main(["probes", "--only", "repeats"]) == 1
    assert "its own option" in capsys.readouterr().err


def test_what_cannot_be_asked_is_told_with_its_reason(tmp_path: Path) -> None:
    nothing = probe_set.Probed(Material(()), ())
    folder = probing.probe(model(FakeModel(knowing)), nothing, (asking()["windows"],), tmp_path)
    record = scores.read(folder / probing.FIGURES)
    assert record is not None
    assert probes.sentences("windows", record["probes"]["windows"]) == [
        "windows: not asked, no picture of the set has numbers finer than 256 greys"
    ]


def test_a_served_model_is_probed_side_by_side(few: probe_set.Probed, tmp_path: Path) -> None:
    from medvlm.remote import RemoteModel

    with serving(lambda body: f"yes from {body['model']}") as server:
        remote = RemoteModel(server.url, "small", "small-med")
        served = probe_models.served(remote, remote.arms, "small", "small-med", server.url, 4)
        folder = probing.probe(served, few, (asking()["blank"],), tmp_path)
    run = scores.read_run(folder)
    assert run.info.endpoint == server.url and run.info.quantization == "server's own"
    assert {(p.arm, p.text) for p in run.predictions} == {("base", "yes from small"), ("tuned", "yes from small-med")}


def test_a_batch_after_earlier_turns_and_of_changed_pictures_is_what_single_runs_give(
    half: list[Subject], tmp_path: Path
) -> None:
    base = tiny_models.write_model(tmp_path)
    weights = tiny_models.weights(base, tiny_models.write_adapter(tmp_path / "adapter", base))
    few = half[:2]
    asks: Sequence[Ask] = [
        own(few[0]),
        replace(own(few[0]), condition="again", question="Sure?", earlier=((few[0].question, "perhaps"),)),
        replace(own(few[1]), condition="mirrored", picture=f"mirrored|{few[1].picture}"),
        replace(own(few[1]), condition="window", picture=f"window:300.0:30.0:LINEAR|{few[1].picture}"),
    ]
    local, single = Batched(weights, tmp_path / "features"), LocalModel(weights)
    for decoding, window in together(asks):
        for item, one in zip(window, local.answer(to_arms(window, ["tuned"]), decoding), strict=True):
            assert isinstance(one, Said)
            assert one.text == whole(single, conversation(item), "tuned", GREEDY).text, item.id


def test_batches_hold_one_way_of_decoding_each(half: list[Subject]) -> None:
    few = half[:4]
    asks = [replace(own(s), condition=f"{n}", decoding=replace(GREEDY, seed=n, temperature=0.7)) for s in few
            for n in range(2)]  # fmt: skip
    windows = [(decoding.seed, [item.id for item in window]) for decoding, window in together(asks)]
    assert windows == [(n, [asks[2 * place + n].id for place in range(4)]) for n in range(2)]


def test_changed_pictures_have_names_and_hashes_of_their_own() -> None:
    name = "phantom:gross:1"
    assert len({identity(name), identity(f"mirrored|{name}"), identity(f"blank|{name}")}) == 3
    assert (render(picture(f"mirrored|{name}")) == render(picture(name))[:, ::-1]).all()


def test_the_drawn_half_has_sides_to_turn_and_every_domain(half: list[Subject]) -> None:
    assert len(half) == probe_set.HALF and len({s.id for s in half}) == probe_set.HALF
    assert {s.domain for s in half} == set(probe_set.SEEDS)
    assert len({s.picture for s in half}) == 40
    assert len({s.picture for s in half if side_bound(s)}) >= 10, "else the mirror has too few pictures for a value"
    assert not any(s.kind == "unanswerable" for s in half)


def test_what_is_foreign_follows_from_what_the_checkpoint_lists(half: list[Subject]) -> None:
    drawn = half[:8]
    real = [replace(s, id=f"r{n}", dataset="vqa_rad", held_out=False) for n, s in enumerate(drawn)]
    strange, familiar, (note,) = probe_set.sides([*drawn, *real], ("phantoms", "bccd"))
    assert {s.dataset for s in strange} == {"vqa_rad"} and {s.dataset for s in familiar} == {"phantoms"}
    assert "vqa_rad" in note
    strange, familiar, (note,) = probe_set.sides([*drawn, *real], ("phantoms", "vqa_rad-train"))
    assert all(s.held_out for s in strange) and not any(s.held_out for s in familiar) and "never draws" in note


@pytest.mark.skipif(not (data_home() / "vqa_rad").is_dir(), reason=f"VQA-RAD is not in {data_home()}")
def test_what_training_has_seen_of_the_set_is_said_beside_its_figures(half: list[Subject]) -> None:
    real = [*half[:2], *probe_set.vqa_rad_half()[:3]]
    pictures = len({subject.picture for subject in real[2:]})
    looks = Looks(ROOT / "runs" / "features" / "looks.jsonl")  # kept, so that pictures are hashed once
    first, *_ = probe_set.leaks_of(real, ("phantoms", "bccd", "vqa_rad-train"), looks)
    assert first == f"All {pictures} pictures of this test (vqa_rad-test) stand in training (vqa_rad-train)."
    assert not list(probe_set.leaks_of(real, ("phantoms",), looks)) and not list(probe_set.leaks_of(half, (), looks))


def run_with(folder: Path, hits: int, **changes: str) -> Path:
    """Twelve pictures of which the tuned arm answered `hits` rightly."""
    given = [judged_runs.answered(number, "tuned") for number in range(12)]
    judged_runs.write(folder, given, replace(judged_runs.INFO, name=folder.name, **changes))
    rows = [
        {"sample_id": f"q{n}", "arm": "tuned", "metric": "strict_closed", "value": float(n < hits)} for n in range(12)
    ]
    scores.write_rows(folder / SCORES, rows)
    return folder


def test_curves_are_read_from_finished_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    named = [f"{run_with(tmp_path / f'run-{n}', hits)}={10**n}" for n, hits in enumerate((3, 6, 9), 1)]
    assert command.main(["probes", "--training-data", *named, "--runs", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    # 3, 6 and 9 of 12 at 10, 100 and 1000: a quarter more for each ten times.
    assert "data_gain 0.250" in told
    (path,) = (tmp_path / "curves").glob("training-data-*.json")
    record = scores.read(path)
    assert record is not None
    assert [(one["run"], one["amount"], one["value"]) for one in record["points"]] == [
        ("run-1", 10, 0.25), ("run-2", 100, 0.5), ("run-3", 1000, 0.75)
    ]  # fmt: skip
    assert command.main(["probes", "--repeats", *(one.split("=")[0] for one in named), "--runs", str(tmp_path)]) == 0
    assert "repeats_mean 0.500" in capsys.readouterr().out


def test_runs_that_cannot_stand_on_one_curve_are_refused(tmp_path: Path) -> None:
    first = run_with(tmp_path / "a", 3)
    with pytest.raises(ConfigError, match="RUN=AMOUNT"):
        probe_runs.written("training-data", [str(first), str(first)], "strict_closed", tmp_path)
    with pytest.raises(ConfigError, match="at least 2 runs"):
        probe_runs.written("training-data", [f"{first}=3"], "strict_closed", tmp_path)
    with pytest.raises(DatasetError, match="strict_closed"):
        probe_runs.written("training-data", [f"{first}=3", f"{first}=4"], "bleu9", tmp_path)
    other = run_with(tmp_path / "b", 3, task="another")
    with pytest.raises(ConfigError, match="different questions"):
        probe_runs.written("training-data", [f"{first}=3", f"{other}=4"], "strict_closed", tmp_path)
