"""Checks what no other tool does in docker-compose.yml, config/prometheus and config/grafana (scripts/check-config).

With --queries, prints the queries of the dashboard as a file of Prometheus recording rules.
"""

import json
import re
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
METRIC = re.compile(r"\bcaz_[a-z_]+")
# What Prometheus' exposition appends to the name of a histogram.
HISTOGRAM_SUFFIX = re.compile(r"_(bucket|sum|count)$")


def load(path: Path) -> object:
    return yaml.safe_load(path.read_text())


def compose_faults(compose: dict, prometheus_config: dict, pom: str) -> list[str]:
    """Every service is pinned, unprivileged, bounded, and open to this machine alone; what it refers to exists."""
    faults = []
    services = compose["services"]
    for name, service in services.items():

        def fault(text: str, name: str = name) -> None:
            faults.append(f"docker-compose.yml: {name}: {text}")

        tag = service["image"].partition(":")[2]
        if tag in ("", "latest"):
            fault(f"image {service['image']} is not pinned to a version")
        for port in service.get("ports", []):
            if not str(port).startswith("127.0.0.1:"):
                fault(f"port {port} is not published on 127.0.0.1 alone")
        if not service.get("read_only"):
            fault("the root file system is not read-only")
        if service.get("cap_drop") != ["ALL"]:
            fault("capabilities are not dropped")
        if "no-new-privileges:true" not in service.get("security_opt", []):
            fault("it may gain privileges")
        if "mem_limit" not in service:
            fault("its memory has no limit")
        for other in service.get("depends_on", {}):
            if other not in services:
                fault(f"depends on {other}, which is no service")
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("./") and not (ROOT / source).exists():
                fault(f"mounts {source}, which does not exist")
            if not source.startswith("./") and source not in compose["volumes"]:
                fault(f"mounts the volume {source}, which is not declared")

    version = re.search(r"<kafka\.version>(.*)</kafka\.version>", pom)[1]
    if services["kafka"]["image"] != f"apache/kafka:{version}":
        faults.append(f"docker-compose.yml: kafka: the tests run against {version} (scripts/kafka.d/pom.xml)")
    for job in prometheus_config["scrape_configs"]:
        for target in (target for group in job["static_configs"] for target in group["targets"]):
            if target.split(":")[0] not in ("localhost", *services):
                faults.append(f"prometheus.yml: {target} is no service of docker-compose.yml")
    return faults


def panels(dashboard: dict) -> list[dict]:
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def dashboard_faults(dashboard: dict, datasources: dict) -> list[str]:
    """Panels have distinct ids, do not overlap, say what they show, and ask a data source that is provisioned."""
    faults = []
    uids = {source["uid"] for source in datasources["datasources"]}
    taken: dict[tuple[int, int], str] = {}
    ids = [panel["id"] for panel in dashboard["panels"]]
    if len(ids) != len(set(ids)):
        faults.append("caz.json: two panels have the same id")
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        for cell in ((x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])):
            if cell in taken:
                faults.append(f"caz.json: `{panel['title']}` overlaps `{taken[cell]}`")
                break
            taken[cell] = panel["title"]
    for panel in panels(dashboard):
        if not panel.get("description"):
            faults.append(f"caz.json: `{panel['title']}` has no description")
        for target in panel["targets"]:
            if target["datasource"]["uid"] not in uids:
                faults.append(f"caz.json: `{panel['title']}` asks {target['datasource']['uid']}, which is not provisioned")
    return faults


def unknown_metrics(texts: dict[str, str], source: str) -> list[str]:
    """Metrics that a query uses and caz does not export: they would show an empty panel, or an alert that never fires."""
    exported = set(METRIC.findall(source))
    return [
        f"{file}: caz exports no metric {metric}"
        for file, text in texts.items()
        for metric in sorted(set(METRIC.findall(text)))
        if metric not in exported and HISTOGRAM_SUFFIX.sub("", metric) not in exported
    ]


def queries_as_rules(dashboard: dict) -> dict:
    rules = [
        {"record": f"panel:{panel['id']}:{target['refId']}", "expr": target["expr"].replace("$__rate_interval", "1m")}
        for panel in panels(dashboard)
        for target in panel["targets"]
    ]
    return {"groups": [{"name": "dashboard", "rules": rules}]}


def main() -> None:
    dashboard = json.loads((ROOT / "config/grafana/dashboards/caz.json").read_text())
    if sys.argv[1:] == ["--queries"]:
        print(yaml.safe_dump(queries_as_rules(dashboard), width=1000))
        return

    config = ROOT / "config"
    faults = compose_faults(
        load(ROOT / "docker-compose.yml"),
        load(config / "prometheus/prometheus.yml"),
        (ROOT / "scripts/kafka.d/pom.xml").read_text(),
    )
    faults += dashboard_faults(dashboard, load(config / "grafana/provisioning/datasources/prometheus.yml"))
    used = [config / "grafana/dashboards/caz.json", config / "prometheus/rules.yml", config / "prometheus/rules_test.yml"]
    faults += unknown_metrics(
        {path.name: path.read_text() for path in used},
        "".join(path.read_text() for path in sorted((ROOT / "src/telemetry").rglob("*.rs"))),
    )
    if faults:
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main()
