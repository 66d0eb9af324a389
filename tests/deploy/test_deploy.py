"""What is handed to container hosts, each checked by its own tool. No image is built or pulled."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from click.testing import CliRunner

from cli.main import main

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm" / "labels"

#: A Kubernetes release that the chart's `kubeVersion` allows, and the newest whose schemas are known here.
KUBERNETES = ("1.27", "1.37")


def tool(name: str, package: str) -> str:
    """Return the path of a system tool. The test is skipped without it, and fails where all tools must be there."""
    if path := shutil.which(name):
        return path
    if os.environ.get("LABELS_TEST_FULL"):
        pytest.fail(f"{name} is missing: install Debian's {package}")
    pytest.skip(f"{name} is missing (Debian: {package})")


def packages(lock: Path) -> dict[str, str]:
    """Return the lock's packages with all that is said of each: version, markers and digests."""
    blocks = re.split(r"\n(?=[a-z0-9])", lock.read_text(encoding="utf-8"))
    found = (re.match(r"([\w.-]+)==", block) for block in blocks)
    return {
        match[1]: re.sub(r"\n\s+# .*", "", block).strip()
        for match, block in zip(found, blocks, strict=True)
        if match
    }


def test_the_image_installs_what_the_tests_ran_with() -> None:
    tested, installed = packages(ROOT / "requirements.lock"), packages(DEPLOY / "requirements.lock")
    assert installed.items() <= tested.items()
    assert len(installed) > 100


def test_the_image_has_every_optional_part() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    names = {re.split(r"[\[<>=;]", requirement)[0] for requirement in wanted}
    assert names <= packages(DEPLOY / "requirements.lock").keys()


def test_the_image_has_every_package_of_ours() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    let_in = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8")
    assert {f"!{name}" for name in wheel["packages"]} <= set(let_in.split())


def test_hadolint_finds_nothing() -> None:
    linter = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [linter, DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.fixture(scope="module")
def composed(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """What docker-compose makes of the file, with the example's environment."""
    command = tool("docker-compose", "docker-compose")
    folder = shutil.copytree(DEPLOY, tmp_path_factory.mktemp("compose") / "deploy")
    shutil.copy(folder / "example.env", folder / ".env")
    done = subprocess.run(
        [command, "-f", folder / "compose.yaml", "config"],
        capture_output=True, text=True, check=False, timeout=60, cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)


def ours(services: Mapping[str, Any]) -> dict[str, Any]:
    return {name: service for name, service in services.items() if service.get("image") == "labels"}


def test_docker_compose_takes_the_file(composed: Mapping[str, Any]) -> None:
    services = composed["services"]
    assert {"postgres", "redis", "seaweedfs", "proxy"} < services.keys()
    assert sorted(service["command"][0] for service in ours(services).values()) == [
        "code-server", "daemon", "facade", "facade", "ui", "worker", "worker",
    ]  # fmt: skip


def test_every_service_waits_for_healthy_stores(composed: Mapping[str, Any]) -> None:
    services = composed["services"]
    for service in ours(services).values():
        waits = service["depends_on"]
        assert {"postgres", "redis", "seaweedfs"} <= waits.keys()
        assert {each["condition"] for each in waits.values()} == {"service_healthy"}
        assert all("healthcheck" in services[name] for name in waits)


def test_no_service_but_the_stores_has_a_volume(composed: Mapping[str, Any]) -> None:
    assert all("volumes" not in service for service in ours(composed["services"]).values())


def commands(documents: list[dict[str, Any]]) -> dict[str, list[str]]:
    return {
        pod["containers"][0]["name"]: pod["containers"][0]["args"]
        for pod in map(pod_of, deployments(documents))
    }


def deployments(documents: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    return (document for document in documents if document["kind"] == "Deployment")


def pod_of(deployment: dict[str, Any]) -> dict[str, Any]:
    return deployment["spec"]["template"]["spec"]


def values(**changes: object) -> dict[str, Any]:
    return yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8")) | changes


@pytest.fixture(scope="module")
def renderer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The templates' renderer, compiled with Debian's Go and Sprig."""
    go = tool("go", "golang-go")
    built = tmp_path_factory.mktemp("go") / "helm_template"
    environment = {
        "GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": str(built.parent / "cache"),
        "HOME": str(built.parent), "PATH": os.environ["PATH"],
    }  # fmt: skip
    source = Path(__file__).with_name("helm_template.go")
    subprocess.run([go, "build", "-o", built, source], env=environment, check=True, timeout=240)
    return built


def rendered(renderer: Path, given: dict[str, Any]) -> list[dict[str, Any]]:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    data = {
        "Values": given,
        "Release": {"Name": "acme", "Service": "Helm"},
        "Chart": {"Name": chart["name"], "Version": chart["version"], "AppVersion": chart["appVersion"]},
    }
    done = subprocess.run(
        [renderer, *sorted((CHART / "templates").iterdir())],
        input=json.dumps(data), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


@pytest.fixture(scope="module")
def manifests(renderer: Path) -> list[dict[str, Any]]:
    return rendered(renderer, values(ingress=values()["ingress"] | {"enabled": True}))


@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_takes_every_manifest(manifests: list[dict[str, Any]], version: str) -> None:
    for manifest in manifests:
        kubernetes_validate.validate(manifest, version, strict=True)
    assert len(manifests) == 11


def test_a_manifest_that_is_wrong_is_refused(manifests: list[dict[str, Any]]) -> None:
    wrong = json.loads(json.dumps(next(deployments(manifests))))
    pod_of(wrong)["containers"][0]["imagePullPolice"] = "Always"
    with pytest.raises(kubernetes_validate.ValidationError, match="imagePullPolice"):
        kubernetes_validate.validate(wrong, KUBERNETES[0], strict=True)


def test_the_chart_runs_each_command(manifests: list[dict[str, Any]]) -> None:
    assert commands(manifests).keys() == {"facade", "worker", "daemon", "code-server", "ui"}
    assert all(name == command[0] for name, command in commands(manifests).items())


def test_services_find_their_pods(manifests: list[dict[str, Any]]) -> None:
    of_pods = [each["spec"]["template"]["metadata"]["labels"] for each in deployments(manifests)]
    chosen = [each["spec"]["selector"] for each in manifests if each["kind"] == "Service"]
    assert chosen
    assert all(any(selector.items() <= labels.items() for labels in of_pods) for selector in chosen)


def test_no_pod_is_root_or_writes_elsewhere(manifests: list[dict[str, Any]]) -> None:
    for pod in map(pod_of, deployments(manifests)):
        (container,) = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_only_one_daemon_is_asked_for(manifests: list[dict[str, Any]]) -> None:
    (daemon,) = (each for each in deployments(manifests) if each["metadata"]["name"] == "acme-daemon")
    assert (daemon["spec"]["replicas"], daemon["spec"]["strategy"]) == (1, {"type": "Recreate"})


def test_less_is_rendered_where_less_is_asked(renderer: Path) -> None:
    kinds = [each["kind"] for each in rendered(renderer, values(ui={"enabled": False}))]
    assert "Ingress" not in kinds
    assert kinds.count("Deployment") == 4


def test_the_schema_takes_the_defaults_and_no_misspelling() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.validate(values(), schema)
    for wrong in (
        {"facades": {}},
        {"worker": {"replica": 3}},
        {"storageUrl": "labels"},
        {"settings": {"A": "b"}},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(values(**wrong), schema)


def test_the_chart_is_of_this_release() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert (chart["version"], chart["appVersion"]) == (project["version"], project["version"])


def deployed_commands() -> list[tuple[str, ...]]:
    """The `labels` commands that the compose file and the chart's templates run."""
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    found = {tuple(service["command"]) for service in ours(compose["services"]).values()}
    for template in (CHART / "templates").glob("*.yaml"):
        for words in re.findall(r'"command" \(list ([^)]*)\)', template.read_text(encoding="utf-8")):
            found.add(tuple(word.strip('"') for word in words.split() if word.startswith('"')))
    return sorted(found)


@pytest.mark.parametrize("command", deployed_commands(), ids=" ".join)
def test_every_deployed_command_exists_with_its_options(command: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(main, [command[0], "--help"])
    assert shown.exit_code == 0, shown.output
    assert all(option in shown.output for option in command if option.startswith("--"))
