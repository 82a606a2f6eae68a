"""Data sets of the Hugging Face hub, named `hf:owner/name:config@split`.

Config and split may be left out where there is only one (or a default config). Nothing of a data set is run: the
library reads its data files only. What was downloaded is kept in the library's cache and works without the hub. A hub
that cannot be reached is known within 10 s (see `regtune.network`). One process sees one revision of a data set.
"""

from __future__ import annotations

import functools
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from regtune.data.formats.arrow import dataset_table
from regtune.data.table import Table
from regtune.errors import ConfigError, DataError, EnvironmentFault
from regtune.network import CONNECT_SECONDS, METADATA_SECONDS, is_reachable, within

if TYPE_CHECKING:
    from datasets import Dataset, DatasetBuilder

PREFIX = "hf:"
NAME = re.compile(r"hf:(?P<name>[\w.-]+(?:/[\w.-]+)?)(?::(?P<config>[^:@]+))?(?:@(?P<split>[\w.-]+))?")
FORM_HINT = "for example hf:owner/name, hf:owner/name@train or hf:owner/name:config@train"


@dataclass(frozen=True)
class HubSource:
    """What a source name asks for. config, split None: the only one, or the default config."""

    name: str
    config: str | None
    split: str | None


def is_hub_source(source: str) -> bool:
    """Whether the source names a data set of the hub."""
    return source.startswith(PREFIX)


def parse(source: str) -> HubSource:
    """The parts of a source name. Raises ConfigError when it does not have the form."""
    match = NAME.fullmatch(source)
    if match is None:
        raise ConfigError(f"{source}: not the name of a hub data set", hint=FORM_HINT)
    return HubSource(match["name"], match["config"], match["split"])


def open_hub_table(source: str) -> Table:
    """The rows of a data set, downloaded unless it is in the cache; the cached files are memory-mapped.

    Raises DataError for a config or split that does not exist, naming those that do, and for data that the library
    cannot read; EnvironmentFault when the hub has no such data set or cannot be reached and the cache has no copy.
    """
    return dataset_table(_dataset(parse(source), source), name=source)


def identity(source: str) -> dict[str, Any]:
    """Id, config, split and revision of the data set behind a source name. Raises as `open_hub_table` does."""
    wanted = parse(source)
    builder = _builder(wanted.name, wanted.config)
    split = _split(builder, wanted.split, source=source)
    return {"id": wanted.name, "config": builder.config.name, "split": split, "revision": builder.hash}


def _dataset(wanted: HubSource, source: str) -> Dataset:
    builder = _builder(wanted.name, wanted.config)
    return builder.as_dataset(split=_split(builder, wanted.split, source=source))


def _split(builder: DatasetBuilder, wanted: str | None, *, source: str) -> str:
    splits: list[str] = list(builder.info.splits)
    if wanted in splits:
        return wanted
    if wanted is None and len(splits) == 1:
        return splits[0]
    what = "no split is named" if wanted is None else f"there is no split `{wanted}`"
    raise DataError(
        f"{source}: {what}, there are {_listed(splits)}", hint=f"add one, e.g. {source.split('@')[0]}@{splits[0]}"
    )


@functools.lru_cache
def _builder(name: str, config: str | None) -> DatasetBuilder:
    """The data set in the cache, downloaded first where the hub can be asked."""
    from huggingface_hub import constants

    _hush()
    if constants.is_offline_mode():
        return _from_cache(name, config, reason="HF_HUB_OFFLINE is set")
    if not is_reachable(constants.ENDPOINT, seconds=CONNECT_SECONDS):
        return _from_cache(name, config, reason=f"{constants.ENDPOINT} cannot be reached")
    return _from_hub(name, config)


def _from_hub(name: str, config: str | None) -> DatasetBuilder:
    import datasets
    from huggingface_hub import constants, errors
    from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]  # it is not marked as exported

    try:
        builder = _configured(name, config, _newest_revision(name))
        builder.download_and_prepare()
    except (errors.GatedRepoError, errors.RepositoryNotFoundError, datasets.exceptions.DatasetNotFoundError) as error:
        raise EnvironmentFault(
            f"hf:{name}: {constants.ENDPOINT} has no such data set, or it is private or gated",
            hint=f"check the spelling; accept its terms at {constants.ENDPOINT}/datasets/{name}; run `hf auth login`",
        ) from error
    except (errors.HfHubHTTPError, HTTPError, ConnectionError, TimeoutError) as error:
        return _from_cache(name, config, reason=f"{constants.ENDPOINT} did not deliver it ({_one_line(error)})")
    except (datasets.exceptions.DatasetsError, ValueError, RuntimeError) as error:
        raise DataError(f"hf:{name}: cannot be read as a table: {_one_line(error)}") from error
    except OSError as error:
        raise EnvironmentFault(
            f"hf:{name}: cannot be stored in {datasets.config.HF_DATASETS_CACHE} ({_one_line(error)})",
            hint="make room or get write permission there, or choose another folder with HF_HOME",
        ) from error
    return builder


def _newest_revision(name: str) -> str | None:
    """The commit to download, so that all files are of one version. Raises TimeoutError for what is no hub."""
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError

    hub = huggingface_hub.HfApi()
    try:
        return within(METADATA_SECONDS, lambda: hub.dataset_info(name, timeout=METADATA_SECONDS)).sha
    except (ValueError, KeyError, TypeError) as error:  # e.g. the login page of a hotel network
        if isinstance(error, HfHubHTTPError):
            raise
        raise TimeoutError(f"what answers is not a hub: {_one_line(error)}") from None


def _configured(name: str, config: str | None, revision: str | None) -> DatasetBuilder:
    """The builder of a config at a revision. Raises DataError naming the configs there are."""
    import datasets

    path = f"hf://datasets/{name}"  # with the prefix, a local folder of this name is not taken for it
    try:
        return datasets.load_dataset_builder(path, config, revision=revision)
    except ValueError:
        configs = datasets.get_dataset_config_names(path, revision=revision)
        if config in configs:
            raise
        what = "no config is named" if config is None else f"there is no config `{config}`"
        raise DataError(
            f"hf:{name}: {what}, there are {_listed(configs)}", hint=f"add one, e.g. hf:{name}:{configs[0]}"
        ) from None


def _from_cache(name: str, config: str | None, *, reason: str) -> DatasetBuilder:
    """The copy downloaded last. reason: why the hub is not asked."""
    from datasets import config as settings
    from datasets.packaged_modules.cache.cache import Cache

    try:
        return Cache(dataset_name=name.split("/")[-1], repo_id=name, config_name=config, version="auto", hash="auto")
    except (ValueError, OSError) as error:
        raise EnvironmentFault(
            f"hf:{name}: not in the cache {settings.HF_DATASETS_CACHE} ({_without_advice(error)}), and {reason}",
            hint=f"connect and try again, or run `hf download --repo-type dataset {name}` on a connected machine and"
            " name a file of it",
        ) from error


def _hush() -> None:
    """No notes of the library on what it finds in its cache; its progress bars on a terminal only."""
    import datasets

    datasets.logging.set_verbosity_error()
    if not sys.stderr.isatty():
        datasets.disable_progress_bars()


def _without_advice(error: Exception) -> str:
    """The library's message without the Python code it suggests."""
    return " ".join(str(error).partition("\nPlease")[0].split())


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _one_line(error: BaseException) -> str:
    """What a library says, on one line and short; of a failed conversion, the cause."""
    while error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(error).split())[:160] or type(error).__name__
