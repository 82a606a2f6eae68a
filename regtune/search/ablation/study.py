"""The story of an ablation: every arm on the same folds or seeds, by the workers of a sweep, then compared in pairs.

The study, its queue and its workers are a sweep's; what differs is that every job is known from the start.
"""

from __future__ import annotations

from regtune.config import dump_config
from regtune.config.changes import anchored
from regtune.config.schema import Config
from regtune.run import write_text
from regtune.search import folder as names
from regtune.search.ablation.arms import ablation_arms, ablation_settings
from regtune.search.ablation.comparison import ablation_result
from regtune.search.ablation.folder import ablation_folder
from regtune.search.ablation.result import AblationResult
from regtune.search.settings import repetitions
from regtune.search.space.space import Space
from regtune.search.study.prepared import PreparedStudy
from regtune.search.study.reading import read_records
from regtune.search.study.run import Launcher, Watch, carry_out
from regtune.training.setup import prepare


def prepare_ablation(
    config: Config, *, config_name: str, folds: int | None, seeds: int | None, storage: str | None
) -> PreparedStudy:
    """folds, seeds: see `ablation_settings`. storage: database URL; None: a file in the folder.

    Raises ConfigError when no technique is on, and what `train` raises before its first step.
    """
    settings = ablation_settings(config, folds=folds, seeds=seeds).model_copy(update={"storage": storage})
    setup = prepare(config, scores_test=False)
    ablation_arms(setup.config)  # raises when there is nothing to take away
    return PreparedStudy(
        kind="ablation",
        setup=setup,
        settings=settings,
        space=Space(()),
        folder=ablation_folder(config, config_name=config_name),
        study_name=None,
        asked=dump_config(anchored(setup.config)),
    )


def ablate(prepared: PreparedStudy, *, launch: Launcher, watch: Watch) -> AblationResult:
    """Train what is left to train, compare, write result.json. Raises what `carry_out` raises."""
    study = prepared.open()
    carry_out(study, prepared.place, shown_folder=prepared.folder, launch=launch, watch=watch)
    seed = prepared.config.training.seed
    repeated = repetitions(prepared.settings, seed=seed)
    result = ablation_result(read_records(study), prepared.config, repeated=repeated, seed=seed)
    write_text(prepared.folder / names.RESULT, result.to_json())
    return result
