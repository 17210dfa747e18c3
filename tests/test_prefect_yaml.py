"""prefect.yaml, read strictly: Prefect passes over unknown keys and schedules' parameters."""

import importlib
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pytest
import yaml
from prefect.client.schemas.schedules import CronSchedule
from prefect.events.schemas.deployment_triggers import DeploymentEventTrigger
from pydantic import BaseModel, ConfigDict, model_validator

ROOT = Path(__file__).resolve().parents[1]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Schedule(Strict):
    cron: str
    timezone: str
    slug: str
    active: bool
    parameters: dict[str, Any] = {}

    @model_validator(mode="after")
    def _runs(self) -> "Schedule":
        CronSchedule(cron=self.cron, timezone=self.timezone)
        ZoneInfo(self.timezone)
        return self


class Trigger(Strict):
    """A subset of Prefect's own, which passes over unknown keys."""

    enabled: bool
    type: Literal["event"]
    posture: Literal["Reactive"]
    match: dict[str, str]
    expect: list[str]
    threshold: int
    within: int
    schedule_after: int

    @model_validator(mode="after")
    def _prefect_takes_it(self) -> "Trigger":
        DeploymentEventTrigger.model_validate(self.model_dump())
        return self


class WorkPool(Strict):
    name: Literal["antragslos"]


class Deployment(Strict):
    name: str
    description: str
    entrypoint: str
    tags: list[str]
    parameters: dict[str, Any] = {}
    work_pool: WorkPool
    schedules: list[Schedule] = []
    triggers: list[Trigger] = []
    concurrency_limit: int | dict[str, Any] | None = None

    def flow(self) -> Any:
        path, _, name = self.entrypoint.partition(":")
        return getattr(importlib.import_module(path.removesuffix(".py").replace("/", ".")), name)


class File(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    name: Literal["antragslos"]
    deployments: list[Deployment]


def read() -> File:
    raw = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
    assert raw.pop("prefect-version")
    assert raw.pop("pull")
    raw.pop("definitions", None)  # anchors
    return File.model_validate(raw)


DEPLOYMENTS = read().deployments
IDS = [deployment.name for deployment in DEPLOYMENTS]


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=IDS)
def test_parameters_of_a_deployment_and_of_its_schedules_are_what_the_flow_takes(
    deployment: Deployment,
) -> None:
    flow = deployment.flow()
    for parameters in (deployment.parameters, *(s.parameters for s in deployment.schedules)):
        assert parameters.keys() <= flow.parameters.properties.keys()
        flow.validate_parameters(parameters)


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=IDS)
def test_a_wrong_parameter_would_be_found(deployment: Deployment) -> None:
    with pytest.raises(Exception, match="nope"):
        deployment.flow().validate_parameters({"parameters": {"nope": 1}})


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=IDS)
def test_the_form_describes_every_parameter(deployment: Deployment) -> None:
    schema = deployment.flow().parameters.model_dump()
    assert schema["properties"]["parameters"]["description"]
    models = [model for name, model in schema["definitions"].items() if name.endswith("Parameters")]
    assert models
    for model in models:
        for name, field in model["properties"].items():
            assert field.get("description"), f"{deployment.name}: {name}"


def test_an_unknown_key_is_an_error() -> None:
    raw = DEPLOYMENTS[0].model_dump() | {"concurency_limit": 1}
    with pytest.raises(ValueError, match="concurency_limit"):
        Deployment.model_validate(raw)


def test_slugs_of_schedules_are_unique() -> None:
    slugs = [schedule.slug for deployment in DEPLOYMENTS for schedule in deployment.schedules]
    assert len(slugs) == len(set(slugs))
