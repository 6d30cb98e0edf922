"""The fitted models of one data set on disk: opened, or fitted and kept, an edition at a time."""

import hashlib
import inspect
import json
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from tastemate import build, ranked, scope
from tastemate.blend import Blend
from tastemate.catalog import Catalog
from tastemate.errors import FormatError, NotFitted, Unavailable
from tastemate.generation import Edition, Generation
from tastemate.protocols import EncodesItems, Progress, Ranker, Retriever
from tastemate.rank.untaught import Untaught
from tastemate.store.journal import Journal
from tastemate.types import Floats


class Models:
    """A folder of models, `<name>-<generation><options>/`; holds none of them in memory."""

    def __init__(
        self, folder: Path, features: Journal, resources: build.Resources, progress: Progress
    ) -> None:
        self.folder = folder
        self._features = features
        self._resources = resources
        self._progress = progress
        self._unsaved: set[str] = set()

    def place(self, name: str, now: Edition) -> Path:
        """Return where a retriever of an edition lies, fitted or not."""
        key = f"{now.generation.key}{build.options_key(name, self._resources)}"
        return self.folder / f"{name}-{key}"

    def fit(self, name: str, now: Edition) -> None:
        """Fit a retriever and keep it; raise `Unavailable` where it cannot be written."""
        self._fitted(name, now).save(self.place(name, now))

    def open(self, name: str, now: Edition, *, fits: bool = True) -> Retriever:
        """Return a retriever over an edition: loaded, or fitted and kept.

        Raises `NotFitted` for one that never was where `fits` is off.
        """
        stand_in = self._resources.stand_in() if build.reads_text(name) else ""
        if stand_in:
            self._progress(f"{name}: {stand_in}", 0.0)
        place = self.place(name, now)
        if (place / "meta.json").is_file():
            try:
                return self._load(name, place, now)
            except FormatError as error:
                self._progress(f"{name}: {error} Fitting it again.", 0.0)
        if not fits and name not in self._unsaved:
            raise NotFitted(
                f"The model {name!r} is not fitted, and no request fits one. Fit it: tastemate fit "
                f"-m {name}; POST /v1/train fits all that is served, and what was fitted before."
            )
        fitted = self._fitted(name, now)
        try:
            fitted.save(place)
        except Unavailable as error:
            if now.generation.items < len(now.items):
                raise  # only what is loaded from disk can serve a catalogue that has grown
            self._unsaved.add(name)
            self._progress(f"{error} Serving {name} from memory.", 0.0)
            return fitted
        return self._load(name, place, now)

    def taught_at(self, mix: Blend, now: Edition) -> Path:
        """Return where the ranker of a mix lies, taught or not."""
        parts = {name: build.options_key(name, self._resources) for name in mix.weights}
        said = json.dumps([sorted(mix.weights.items()), sorted(parts.items()), mix.method])
        key = hashlib.sha256(said.encode()).hexdigest()[:8]
        return self.folder / f"{mix.ranker}-{now.generation.key}{key}"

    @property
    def shelf(self) -> Path:
        """Where a teaching under way keeps what it did, which tells of people."""
        return self.folder.parent / "teaching"

    def teach(self, mix: Blend, now: Edition) -> None:
        """Teach the ranker of a mix and keep it; one that keeps what it did goes on after a kill.

        Raises `DataError` where too little is known, `Unavailable` where it cannot be written, or
        LightGBM is not installed.
        """
        catalog, interactions = now.training()
        read, what = self.read_by("content", catalog), f"teaching the ranker {mix.ranker}"
        place, shelf = self.taught_at(mix, now), self.shelf
        takes = inspect.signature(build.named(build.RANKERS[mix.ranker][0])).parameters
        kept: dict[str, Any] = {"keep": shelf / mix.ranker, "key": place.name}
        options = {name: one for name, one in kept.items() if name in takes}
        ranker: Any = ranked.taught(
            *(mix, self._resources, read, interactions),
            progress=lambda step, share: self._progress(f"{what}: {step}", share),
            **options,
        )
        ranker.save(place)
        shutil.rmtree(shelf, ignore_errors=True)
        self._progress(what, 1.0)

    def ranker(self, mix: Blend, now: Edition, vectors: Floats | None) -> Ranker:
        """Return the ranker of a mix; what stands in for one that cannot serve says why."""
        place = self.taught_at(mix, now)
        if not (place / "meta.json").is_file():
            return Untaught(
                mix.ranker,
                f"the ranker {mix.ranker} has not been taught on this data, the mix alone ranks "
                "(tastemate fit with this profile or model teaches it)",
            )
        try:
            kind = build.named(build.RANKERS[mix.ranker][1])
            reads = vectors is not None and "vectors" in inspect.signature(kind.load).parameters
            more = {"vectors": vectors} if reads else {}
            return cast(Ranker, kind.load(place, now.catalog, **more))
        except (FormatError, Unavailable) as error:
            return Untaught(mix.ranker, f"the ranker {mix.ranker} cannot serve: {error}")
        except Exception as error:  # kept by another version, say: the mix ranks all the same
            return Untaught(
                mix.ranker,
                f"the ranker {mix.ranker} in {place} cannot be read ({type(error).__name__}: "
                f"{error}). Delete that folder and fit again.",
            )

    def read_by(self, name: str, catalog: Catalog) -> Catalog:
        """Return what a retriever reads: with features in the texts, for one that reads texts."""
        if not self.reads_features([name]):
            return catalog
        from tastemate.features.store import enriched, read_features

        return enriched(catalog, read_features(self._features, catalog))

    def reads_features(self, names: Iterable[str]) -> bool:
        """Whether there are features, and one of the retrievers reads texts."""
        return self._features.path.exists() and any(build.reads_text(name) for name in names)

    def _load(self, name: str, place: Path, now: Edition) -> Retriever:
        made = build.retriever(name, self._resources).load(place, self.read_by(name, now.catalog))
        if isinstance(made, EncodesItems) and made.encoded():
            self._progress(f"{name} has encoded {made.encoded()} new or changed items", 1.0)
            # Kept, or every process would encode them again.
            with suppress(Unavailable):
                made.save(place)
        return build.equipped(made, self._resources, now.catalog, now.interactions)

    def _fitted(self, name: str, now: Edition) -> Retriever:
        self._progress(f"fitting {name}", 0.0)
        catalog, interactions = now.training()
        read = self.read_by(name, catalog)
        with scope.opened() as account:
            account.tell = lambda what, share: self._progress(f"fitting {name}: {what}", share)
            fitted = build.fitted(name, self._resources, read, interactions)
        self._progress(f"fitting {name}", 1.0)
        return fitted

    def prune(self, generation: Generation) -> None:
        """Remove models of older fits but the last, and what a killed process left half written.

        The one before stays: another process may be serving it, or have to go back to it.
        """
        kept = (generation.key, generation.previous)
        for folder in self.folder.glob("*-*"):
            if folder.name.startswith(".") or not any(key and key in folder.name for key in kept):
                shutil.rmtree(folder, ignore_errors=True)
