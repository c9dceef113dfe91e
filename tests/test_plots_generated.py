"""What a teacher's data are like, drawn: verbs around their nouns, dialogues by domain, and every number as a table."""

from pathlib import Path

from medvlm import NOT_FOR_DIAGNOSIS, plots
from medvlm.claims.statements import Exchange
from medvlm.plots import generated as plots_generated
from train.generate.counting import Counts


def counted() -> Counts:
    made = Counts()
    for number in range(3):
        asked = Exchange("Describe the lesion in the liver.", "The scan shows a <small> mass.")
        made.add("ct", "conversation", [asked])
        if number == 0:
            made.add("cxr", "detailed description", [Exchange("What does the image show?", "No pleural effusion.")])
    return made


def test_nouns_stand_around_their_verbs_and_are_counted_within_them() -> None:
    record = counted().record()
    instructions, responses, domains = plots_generated.of(record)
    (ring,) = instructions.data
    at = ring["ids"].index("describe lesion")
    assert (ring["labels"][at], ring["parents"][at], ring["values"][at]) == ("lesion", "describe", 3)
    verbs = [n for n, parent in enumerate(ring["parents"]) if not parent]
    for n in verbs:
        of_it = [v for v, parent in zip(ring["values"], ring["parents"], strict=True) if parent == ring["ids"][n]]
        assert sum(of_it) <= ring["values"][n], "a noun never has more room than its verb"
    assert ("describe", 3, "lesion 3") in instructions.rows and responses.rows[0][0] == "show"
    assert domains.columns == ("domain", "dialogues", "conversation", "detailed description")
    assert set(domains.rows) == {("CT", 3, 3, 0), ("Chest X-ray", 1, 0, 1)}
    for one in (instructions, responses, domains):
        assert plots.checked(one.figure()).data, "plotly takes it"


def test_the_page_needs_nothing_else_and_says_what_it_is_not_for(tmp_path: Path) -> None:
    plots_generated.write(counted().record(), tmp_path / "statistics.html")
    text = (tmp_path / "statistics.html").read_text(encoding="utf-8")
    assert NOT_FOR_DIAGNOSIS in text and "<td>describe</td><td>3</td><td>lesion 3</td>" in text
    assert "src=" not in text.partition("</script>")[2], "nothing is fetched"
    assert [file.name for file in tmp_path.iterdir()] == ["statistics.html"]


def test_data_without_a_verb_still_have_their_domains() -> None:
    made = Counts()
    made.add("mri", "conversation", [Exchange("?", "!")])
    (only,) = plots_generated.of(made.record())
    assert only.rows == (("MRI", 1, 1),)
