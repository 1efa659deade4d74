#!/usr/bin/env python3
"""Prints the Grafana dashboard, dashboards/caz.json. `make docs` writes it anew: edit this, not the JSON."""

import json
from dataclasses import dataclass, field

DATASOURCE = {"type": "prometheus", "uid": "prometheus"}
WIDTH = 24

# Every query is filtered by the instances chosen at the head of the dashboard.
WHERE = 'instance=~"$instance"'


def rate(metric: str, **labels: str) -> str:
    """The increase of a counter per second, where its labels have these values."""
    where = ", ".join([WHERE, *(f'{name}="{value}"' for name, value in labels.items())])
    return f"rate({metric}{{{where}}}[$__rate_interval])"


def quantile(q: float, histogram: str, by: str = "") -> str:
    """A quantile of a histogram over all chosen instances, apart for each value of the labels `by`."""
    groups = ", ".join(filter(None, [by, "le"]))
    return f"histogram_quantile({q}, sum by ({groups}) ({rate(histogram + '_bucket')}))"


def mean(histogram: str) -> str:
    """The mean of what a histogram observed."""
    return f"sum({rate(histogram + '_sum')}) / sum({rate(histogram + '_count')})"


@dataclass
class Panel:
    """One panel; its queries are pairs of PromQL and legend, its unit is a Grafana unit id."""

    title: str
    description: str
    queries: list[tuple[str, str]]
    unit: str
    kind: str = "timeseries"
    width: int = 12
    height: int = 8
    stacked: bool = False
    # (value, colour): from this value on, the number has this colour.
    thresholds: list[tuple[float | None, str]] = field(default_factory=lambda: [(None, "green")])

    def to_json(self, number: int, x: int, y: int) -> dict:
        return {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "datasource": DATASOURCE,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": self.height},
            "targets": [self._target(*query, ref_id=chr(ord("A") + i)) for i, query in enumerate(self.queries)],
            "fieldConfig": {"defaults": self._defaults(), "overrides": []},
            "options": self._options(),
        }

    def _target(self, expr: str, legend: str, ref_id: str) -> dict:
        target = {"refId": ref_id, "datasource": DATASOURCE, "expr": expr, "legendFormat": legend, "range": True}
        if self.kind != "timeseries":
            target |= {"range": False, "instant": True}
        return target

    def _defaults(self) -> dict:
        steps = [{"value": value, "color": color} for value, color in self.thresholds]
        defaults = {"unit": self.unit, "min": 0, "thresholds": {"mode": "absolute", "steps": steps}}
        if self.kind == "timeseries":
            defaults["custom"] = {
                "drawStyle": "line",
                "lineWidth": 1,
                "fillOpacity": 30 if self.stacked else 8,
                "showPoints": "never",
                "stacking": {"mode": "normal" if self.stacked else "none", "group": "A"},
            }
        return defaults

    def _options(self) -> dict:
        if self.kind == "stat":
            return {
                "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
                "colorMode": "value",
                "graphMode": "none",
                "textMode": "auto",
            }
        return {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }


def stat(title: str, description: str, expr: str, unit: str, *thresholds: tuple[float, str], legend: str = "") -> Panel:
    """One number of the head row."""
    return Panel(title, description, [(expr, legend)], unit, "stat", width=4, height=4, thresholds=[(None, "green"), *thresholds])


ROWS: dict[str, list[Panel]] = {
    "Now": [
        stat(
            "Scored",
            "Events scored per second.",
            f"sum({rate('caz_events_total', outcome='scored')})",
            "cps",
        ),
        stat(
            "Latency, 99th percentile",
            "From the event's timestamp until its outcome was delivered.",
            quantile(0.99, "caz_event_latency_seconds"),
            "s",
            (0.5, "orange"),
            (1, "red"),
        ),
        stat(
            "Waiting",
            "Events in the input topic that are not scored yet.",
            f"sum(caz_consumer_lag{{{WHERE}}})",
            "short",
            (1_000, "orange"),
            (10_000, "red"),
        ),
        stat(
            "Dead letters",
            "Share of the events that went to the dead-letter topic.",
            f"sum({rate('caz_events_total', outcome='dead_letter')}) / sum({rate('caz_events_total')})",
            "percentunit",
            (0.001, "orange"),
            (0.01, "red"),
        ),
        stat(
            "Partitions",
            "Partitions of the input topic assigned to the chosen instances.",
            f"sum(caz_assigned_partitions{{{WHERE}}})",
            "short",
        ),
        stat(
            "Version",
            "Running versions, and how many instances run each.",
            f"count by (version) (caz_build_info{{{WHERE}}})",
            "short",
            legend="{{version}}",
        ),
    ],
    "Throughput": [
        Panel(
            "Events by outcome",
            "Every event consumed ends as scored, dead_letter or skipped.",
            [(f"sum by (outcome) ({rate('caz_events_total')})", "{{outcome}}")],
            "cps",
            stacked=True,
        ),
        Panel(
            "Bytes",
            "Sizes of the values, before compression.",
            [
                (f"sum({rate('caz_consumed_bytes_total')})", "consumed"),
                (f"sum({rate('caz_produced_bytes_total')})", "produced"),
            ],
            "Bps",
        ),
    ],
    "Latency and batches": [
        Panel(
            "Event latency",
            "From the event's timestamp until its outcome was delivered.",
            [(quantile(q, "caz_event_latency_seconds"), f"p{100 * q:g}") for q in (0.5, 0.9, 0.99)],
            "s",
        ),
        Panel(
            "Batch size",
            "Events taken at once: batches grow by themselves when events arrive faster than they are scored.",
            [(quantile(q, "caz_batch_size"), f"p{100 * q:g}") for q in (0.5, 0.99)] + [(mean("caz_batch_size"), "mean")],
            "short",
        ),
        Panel(
            "Time per phase",
            "Seconds that the workers spend in each phase, per second. Busy workers sum up to their number; poll is mostly waiting.",
            [(f"sum by (phase) ({rate('caz_phase_duration_seconds_sum')})", "{{phase}}")],
            "s",
            stacked=True,
        ),
        Panel(
            "Slowest batches per phase",
            "99th percentile of the time that one batch takes in each phase.",
            [(quantile(0.99, "caz_phase_duration_seconds", "phase"), "{{phase}}")],
            "s",
        ),
    ],
    "Kafka": [
        Panel(
            "Lag",
            "Events that wait in each partition.",
            [(f"sum by (topic, partition) (caz_consumer_lag{{{WHERE}}})", "{{topic}} {{partition}}")],
            "short",
        ),
        Panel(
            "Transactions",
            "Committed and aborted transactions per second. What an aborted one held is scored again.",
            [(f"sum by (result) ({rate('caz_transactions_total')})", "{{result}}")],
            "cps",
        ),
        Panel(
            "Rebalances",
            "Partitions assigned, revoked in good order, or lost with the membership in the group.",
            [(f"sum by (kind) (increase(caz_rebalances_total{{{WHERE}}}[$__rate_interval]))", "{{kind}}")],
            "short",
            width=8,
        ),
        Panel(
            "Workers",
            "Workers that join the group, are ready, have stalled or have ended.",
            [(f"sum by (state) (caz_workers{{{WHERE}}})", "{{state}}")],
            "short",
            width=8,
            stacked=True,
        ),
        Panel(
            "Assigned partitions",
            "Partitions of the input topic that each instance scores.",
            [(f"caz_assigned_partitions{{{WHERE}}}", "{{instance}}")],
            "short",
            width=8,
            stacked=True,
        ),
    ],
    "Dead letters": [
        Panel(
            "Dead letters by reason",
            "Each dead letter carries the phase, the reason, the field and the byte in its headers.",
            [(f"sum by (phase, reason) ({rate('caz_dead_letters_total')})", "{{phase}}: {{reason}}")],
            "cps",
            width=24,
            stacked=True,
        ),
    ],
    "Models": [
        Panel(
            "Inference",
            "Time of one run of a model.",
            [
                (quantile(q, "caz_inference_duration_seconds", "model, version"), f"{{{{model}}}} {{{{version}}}} p{100 * q:g}")
                for q in (0.5, 0.99)
            ],
            "s",
        ),
        Panel(
            "Rows scored",
            "Rows per second through each model.",
            [(f"sum by (model, version) ({rate('caz_inference_rows_total')})", "{{model}} {{version}}")],
            "cps",
        ),
        Panel(
            "Rows per run",
            "A batch is split into runs of at most the size that was measured to be fastest, or that the pipeline sets.",
            [
                (
                    f"sum by (model, version) ({rate('caz_inference_rows_total')})"
                    f" / sum by (model, version) ({rate('caz_inference_duration_seconds_count')})",
                    "{{model}} {{version}}",
                ),
                (
                    f"max by (model, version, engine) (caz_model_rows_per_run{{{WHERE}}})",
                    "{{model}} {{version}} at most, {{engine}}",
                ),
            ],
            "short",
        ),
        Panel(
            "Load time",
            "Time it took to load and probe each model.",
            [(f"max by (model, version) (caz_model_load_duration_seconds{{{WHERE}}})", "{{model}} {{version}}")],
            "s",
            kind="stat",
        ),
    ],
}


def panels() -> list[dict]:
    """All panels, each row of the dashboard under its heading, in a grid that is 24 wide."""
    placed: list[dict] = []
    y = 0
    for title, row in ROWS.items():
        heading = {"id": len(placed) + 1, "type": "row", "title": title, "collapsed": False, "panels": []}
        placed.append(heading | {"gridPos": {"x": 0, "y": y, "w": WIDTH, "h": 1}})
        y += 1
        x = 0
        for panel in row:
            if x + panel.width > WIDTH:
                x, y = 0, y + panel.height
            placed.append(panel.to_json(len(placed) + 1, x, y))
            x += panel.width
        y += row[-1].height
    return placed


DASHBOARD = {
    "uid": "caz",
    "title": "caz",
    "description": "Events from Kafka, through the graph and its models, to scores in Kafka.",
    "tags": ["caz"],
    "schemaVersion": 41,
    "editable": False,
    "graphTooltip": 1,
    "refresh": "5s",
    "time": {"from": "now-15m", "to": "now"},
    "timezone": "browser",
    "annotations": {"list": []},
    "templating": {
        "list": [
            {
                "name": "instance",
                "label": "Instance",
                "type": "query",
                "datasource": DATASOURCE,
                "query": {"qryType": 1, "query": "label_values(caz_build_info, instance)", "refId": "instance"},
                "refresh": 2,
                "sort": 1,
                "multi": True,
                "includeAll": True,
                "allValue": ".*",
                "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
            }
        ]
    },
    "panels": panels(),
}

if __name__ == "__main__":
    print(json.dumps(DASHBOARD, indent=2))
