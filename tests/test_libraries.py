from __future__ import annotations

from importlib.metadata import version

from agbento.libraries import Library, libraries

PACKAGES = {"lightgbm": "4.6.0", "xgboost": "3.0.1", "scikit_learn": "1.7.0", "numpy": "2.3.1", "torch": "2.10.0+cu128"}


def test_the_libraries_of_names_at_the_versions_of_the_training() -> None:
    found = libraries(["lightgbm.basic", "sklearn.tree._tree", "numpy", "numpy._core.multiarray", "os"], PACKAGES)
    assert found == (
        Library("lightgbm", "lightgbm", "4.6.0", of_models=True),
        Library("numpy", "numpy", "2.3.1", of_models=False),
        Library("sklearn", "scikit-learn", "1.7.0", of_models=True),
    )


def test_the_light_build_of_xgboost_stands_for_both() -> None:
    assert [library.distribution for library in libraries(["xgboost.sklearn"], PACKAGES)] == ["xgboost-cpu"]
    assert libraries(["xgboost.sklearn"], {"xgboost-cpu": "3.2.0"})[0].version == "3.2.0"


def test_a_family_of_autogluon_tells_of_libraries_that_its_pickles_do_not_name() -> None:
    found = libraries(["autogluon.tabular.models.tabular_nn.torch.tabular_nn_torch"], PACKAGES)
    assert [library.module for library in found] == ["torch"]


def test_what_the_training_did_not_have_is_left_out() -> None:
    assert libraries(["networkx", "team.metrics", "builtins", "autogluon.core.metrics"], PACKAGES) == ()


def test_what_is_on_no_list_gets_no_package_installed() -> None:
    packages = {**PACKAGES, "zz-evil": "1.2", "team": "1", "requests": "2.0"}
    assert libraries(["zz_evil", "zz_evil.metrics", "team.metrics", "requests", "tests"], packages) == ()


def test_a_model_library_of_unknown_version_is_as_it_is_here() -> None:
    assert libraries(["lightgbm.basic"], {}) == (Library("lightgbm", "lightgbm", version("lightgbm"), of_models=True),)
