"""Experiments: begun, looked at with intervals, stopped; and policies judged from the log."""

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import Field
from starlette.responses import Response

from tastemate import build
from tastemate.errors import ConfigError, DataError, NotFitted, UnknownUser
from tastemate.experiment.definition import EXPECTED, Experiment, check_together
from tastemate.experiment.drafted import results as measured
from tastemate.experiment.outcomes import before
from tastemate.experiment.parts import Metric
from tastemate.experiment.reading import read, stored
from tastemate.experiment.replay import DEPTH, SHAPED, Fixed, Records, judge, served
from tastemate.rank.credit import SKEW
from tastemate.serve.audited import audit
from tastemate.serve.auth import needs
from tastemate.serve.problem import Problem, declared, problem_of
from tastemate.serve.replies import reply
from tastemate.serve.schemas import WHOLE, Given, Id, Kind, Name, Share, Time, Told, Words
from tastemate.serve.trials import RunningTrials, check_models, check_signals, kept
from tastemate.types import NO_HISTORY, Query

if TYPE_CHECKING:
    import polars as pl

    from tastemate.project import Tastemate
    from tastemate.serve.service import Service
    from tastemate.store.opening import Store

KEYS = ("recommendation", "user", "at")
AT_ONCE = 64
"""Lists of another policy that are made together."""
JUDGED = 20_000
"""Lists that another policy is judged by: the latest."""
LATELY = 30 * 86_400
"""Seconds that are looked back where no time is named."""
BEFORE = 28 * 86_400
"""Seconds before an experiment that say how active a unit was anyway (CUPED)."""
EACH_ONCE = Field(json_schema_extra={"uniqueItems": True})
Label = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class Overrides(Given):
    """What an arm sets of a request; what it does not name stays as it is."""

    model: Annotated[Name, Field(min_length=1, description="A profile or one retriever.")] = ""
    diversity: Share = 0.0
    novelty: Share = 0.0
    fair: Share = 0.0
    explore: Share = 0.0
    rerank: Literal["none", "model", "llm"] = "model"


class NewArm(Given):
    """One way of answering; in a split with the share of units that meet it."""

    name: Label
    share: Annotated[Share, Field(description="Of a split, where it must be given.")] = 0.0
    overrides: Overrides = Overrides()


class NewMetric(Given):
    """What counts as a success, and for how long after the list was shown."""

    signals: Annotated[list[Kind], Field(min_length=1, max_length=32), EACH_ONCE] = list(
        Metric().signals
    )
    window: Annotated[int, Field(ge=1, le=365 * 86_400), WHOLE] = 86_400
    measure: Annotated[
        Literal["any", "count", "rate"],
        Field(description="Of a split; an interleaving counts who won each list."),
    ] = "rate"
    period: Annotated[int, Field(ge=0, le=365 * 86_400), WHOLE] = 0


class NewExperiment(Given):
    """A question put to the users."""

    id: Label
    kind: Annotated[
        Literal["split", "interleave"],
        Field(
            description="split: each unit meets one arm. interleave: exactly two arms that set "
            "different things, and every list is drafted from both."
        ),
    ] = "split"
    arms: Annotated[list[NewArm], Field(min_length=2, max_length=16)]
    traffic: Annotated[
        Share, Field(description="Of an interleaving: the share of units whose lists are drafted.")
    ] = 1.0
    control: Name = ""
    unit: Literal["user", "session"] = "user"
    metric: NewMetric = NewMetric()
    salt: Name = ""
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    expected: Annotated[
        int,
        Field(
            ge=2,
            le=10**9,
            description="Units at which the any-look interval is tightest; "
            f"{EXPECTED['interleave']} where an interleaving names none.",
        ),
        WHOLE,
    ] = EXPECTED["split"]
    note: Words = ""


class Judge(Given):
    """A policy (a profile or one retriever) that is judged by what other lists earned."""

    policy: Annotated[Name, Field(min_length=1)]
    since: Annotated[
        Time, Field(description="Seconds since 1970: lists from then on; 0: of the last 30 days.")
    ] = 0
    signals: Annotated[list[Kind], Field(min_length=1, max_length=32)] = list(Metric().signals)


class Judged(Told):
    """What a policy would have earned a list, three ways; none where the log says too little.

    `lists` were used, the latest of the `of` that explored and nothing but the user shaped.
    """

    policy: str
    lists: int
    of: int
    served: float
    refused: str
    estimates: list[dict[str, Any]]


class Trial(Told):
    """An experiment, and with `results` what it shows so far."""

    experiment: dict[str, Any]
    results: dict[str, Any] = {}


class TrialList(Told):
    """Every experiment, by id."""

    experiments: list[dict[str, Any]]


def router(service: "Service") -> APIRouter:
    """Return the routes of experiments; the service's lists then follow them."""
    trials = RunningTrials(lambda: service.project.store)
    service.trials = trials
    routes = APIRouter(prefix="/v1", tags=["experiments"], dependencies=[Depends(needs("admin"))])

    @routes.get("/experiments", response_model=TrialList)
    def listed() -> Response:
        """Return every experiment, running or stopped."""
        found = kept(service.project.store)
        return reply({"experiments": [one.as_json() for one in found]})

    @routes.post(
        "/experiments", response_model=Trial, status_code=201, responses=declared(404, 409, 422)
    )
    def begin(asked: NewExperiment, request: Request) -> Response:
        """Begin an experiment.

        409 where its id is taken, another one sets the same, or a model of an arm is not fitted.
        """
        project = service.project
        store = project.store
        told = {**asked.model_dump(exclude_unset=True), "started": int(time.time())}
        experiment = _checked(project, read(told))
        others = kept(store)
        if any(one.id == experiment.id for one in others):
            raise Problem(409, f"There is an experiment {experiment.id} already. Name another.")
        try:
            check_together([*others, experiment])
        except ConfigError as error:
            raise Problem(409, str(error), kind="conflict") from error
        store.experiments.put(experiment.as_json())
        audit(store, request, "begin experiment", experiment.id)
        trials.forget()
        return reply({"experiment": experiment.as_json(), "results": {}}, 201)

    @routes.get("/experiments/{experiment_id}", response_model=Trial, responses=declared(404))
    def one(experiment_id: Id) -> Response:
        """Return an experiment with what it shows: arms, wins or differences, intervals, split."""
        store = service.project.store
        experiment = stored(store.experiments.get(experiment_id))
        return reply({"experiment": experiment.as_json(), "results": results(store, experiment)})

    @routes.post("/experiments/{experiment_id}/stop", response_model=Trial, responses=declared(404))
    def stop(experiment_id: Id, request: Request) -> Response:
        """Stop an experiment: nobody is assigned any more, what was seen is still analysed."""
        store = service.project.store
        ended = stored(store.experiments.get(experiment_id)).ended(int(time.time()))
        store.experiments.put(ended.as_json())
        audit(store, request, "stop experiment", experiment_id)
        trials.forget()
        return reply({"experiment": ended.as_json(), "results": results(store, ended)})

    _judged(routes, service)
    return routes


def _checked(project: "Tastemate", experiment: Experiment) -> Experiment:
    """Return an experiment that can show something here; raise what is wrong with it."""
    try:
        check_signals(project, experiment)
    except ConfigError as error:
        raise problem_of(error, "metric.signals") from error
    try:
        check_models(project, experiment)
    except NotFitted as error:
        raise Problem(409, str(error), kind="not-fitted") from error
    return experiment


def _judged(routes: APIRouter, service: "Service") -> None:
    """Add what judges another policy by the log."""

    @routes.post("/offpolicy", response_model=Judged, responses=declared(404))
    def offpolicy(asked: Judge) -> Response:
        """Say what another policy would have earned, from the lists that explored."""
        tm = service.project
        store = tm.store
        build.profile(asked.policy)
        shown, done, count = logged(store, asked.since or int(time.time()) - LATELY)
        try:
            records = Records.of(shown, done, kinds=asked.signals)
        except DataError as none:
            nothing = {"lists": 0, "of": count, "served": 0.0}
            why = {"refused": str(none), "estimates": []}
            return reply({"policy": asked.policy, **nothing, **why})
        lists = {"lists": len(records.items), "of": count}
        told = {"policy": asked.policy, **lists, "served": served(records)}
        found, refused = judge(records, would_show(tm, asked.policy, shown, records))
        estimates = [one.as_json() for one in found]
        return reply({**told, "refused": refused, "estimates": estimates})


def logged(store: "Store", since: int) -> "tuple[pl.DataFrame, pl.DataFrame, int]":
    """Return the latest `JUDGED` lists that drew anything for a user alone from a time on.

    Also what was done since the first of them, and how many such lists there are. They are the
    latest and not a sample because the policy is asked with the models of today.
    """
    shown, count = store.impressions.drawn(since, most=JUDGED, depth=DEPTH, without=SHAPED)
    first = int(str(shown["at"].min())) if len(shown) else since
    return shown, store.events.frame(since=first - SKEW), count


def would_show(tm: "Tastemate", policy: str, shown: "pl.DataFrame", records: Records) -> Fixed:
    """Return the lists a policy would have shown where the logged ones stood.

    It is asked with what each user had done by then; the models are those of today.
    """
    first = shown.unique("recommendation", keep="first", maintain_order=True)
    known = {name: (user, at) for name, user, at in first.select(KEYS).iter_rows()}
    queries = []
    for name in records.recommendations:
        user, at = known[name]
        past = NO_HISTORY
        if user:
            with suppress(UnknownUser):
                whole = tm.history(user)
                past = whole.take(whole.timestamps < at)
        queries.append(Query(user=user or None, history=past, k=DEPTH))
    lists: dict[str, list[str]] = {}
    for start in range(0, len(queries), AT_ONCE):
        slates = tm.recommend_all(queries[start : start + AT_ONCE], model=policy, llm=False)
        names = records.recommendations[start : start + AT_ONCE]
        lists |= {name: slate.ids for name, slate in zip(names, slates, strict=True)}
    return Fixed(lists)


def results(store: "Store", experiment: Experiment) -> dict[str, Any]:
    """Return what an experiment shows so far, as JSON values."""
    impressions = store.impressions.frame(since=experiment.since)
    signals = store.events.frame(since=experiment.since - BEFORE)
    known = None if experiment.interleaved else before(experiment, signals, BEFORE)
    return measured(experiment, impressions, signals, covariate=known)
