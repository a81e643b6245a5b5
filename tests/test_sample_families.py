"""The small trainings of every family, as far as seconds go; `make allowed` runs all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from sample import families
from sample.families import FAMILIES, CannotTrain, main, train_family
from sample.family import Family, FamilyFailed, several


def test_every_problem_type_of_every_family_has_a_name() -> None:
    assert {"gbm-regression", "gbm-binary", "gbm-multiclass", "gbm-quantile", "ebm-binary", "mitra-binary"} <= set(
        FAMILIES
    )
    assert {"bagged-binary", "metrics-quantile", "odd-multiclass", "labels", "columns", "generators"} <= set(FAMILIES)
    assert [name for name in FAMILIES if FAMILIES[name].refused] == [
        "im_rulefit-regression",
        "im_rulefit-binary",
        "im_boostedrules-binary",
    ]


def test_a_family_whose_package_is_missing_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(FAMILIES, "other", Family(lambda folder: folder.mkdir(), ("no_such_package", "json")))
    with pytest.raises(CannotTrain, match=r"^no_such_package not installed$"):
        train_family("other", tmp_path / "other")
    assert main([str(tmp_path), "other"]) == 0
    assert "no_such_package not installed" in capsys.readouterr().out


def test_a_training_that_fails_is_told_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(folder: Path) -> None:
        raise FamilyFailed(f"no {folder.name}")

    monkeypatch.setitem(FAMILIES, "bad", Family(several({"one": fail, "two": fail})))
    monkeypatch.setitem(FAMILIES, "good", Family(lambda folder: folder.mkdir()))
    assert main([str(tmp_path), "bad", "good"]) == 1
    told = capsys.readouterr().out
    assert "one: FamilyFailed: no one; two: FamilyFailed: no two" in told
    assert (tmp_path / "good").is_dir()


def test_what_is_there_already_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "dummy-binary").mkdir()
    assert main([str(tmp_path), "dummy-binary"]) == 0
    assert "there already" in capsys.readouterr().out
    with pytest.raises(FileExistsError):
        train_family("dummy-binary", tmp_path / "dummy-binary")


def test_an_unknown_family_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["folder", "unheard-of"])
    assert "no such family: unheard-of" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dummy-binary", "gbm-quantile", "threshold", "metrics-quantile"])
def test_a_training_leaves_a_predictor(name: str, tmp_path: Path) -> None:
    folder = families.train_family(name, tmp_path / name)
    assert list(folder.rglob("predictor.pkl"))
