"""Medians, quartiles, ratios to the rivals in the same round, and the table of a race."""
import statistics

RIVALS = ("nginx", "haproxy")
BUSY_ENOUGH = 0.95   # of its core; below, something else than the proxy was the limit
STRANGERS_MAX = 0.05  # of a core, taken by programs that do not belong to the race


def spread(values):
    """{median, q1, q3} of the values that are there; None when none is."""
    values = [value for value in values if value is not None]
    if not values:
        return None
    if len(values) == 1:
        return {"median": values[0], "q1": values[0], "q3": values[0]}
    q1, median, q3 = statistics.quantiles(values, n=4, method="inclusive")
    return {"median": median, "q1": q1, "q3": q3}


def ratios(ours, theirs):
    """Spread of the ratios of two contenders' values, round by round."""
    return spread([a / b for a, b in zip(ours, theirs) if a is not None and b])


def cpu_of(workload, result):
    return result["watched_us_per_event" if workload.streams else "watched_us_per_answer"]


def speed_of(workload, result):
    return result["events_per_second" if workload.streams else "answers_per_second"]


def quantile_of(result, name, key="latency_us"):
    return result[key][name] if result[key] else None


class Summary:
    """What the rounds of one workload come to."""

    def __init__(self, workload, results):
        self.workload = workload
        self.results = results
        self.names = list(results)

    def values(self, name, phase, of):
        return [of(result) for result in self.results[name][phase]]

    def cpu(self, name, phase):
        return self.values(name, phase, lambda result: cpu_of(self.workload, result))

    def speed(self, name, phase):
        return self.values(name, phase, lambda result: speed_of(self.workload, result))

    def cpu_ratio(self, name, rival, phase):
        """Headroom's CPU time by the rival's; None for rows without CPU time or without that rival."""
        if rival not in self.results or name == rival:
            return None
        return ratios(self.cpu(name, phase), self.cpu(rival, phase))

    def failures(self):
        """(contender, phase, failed requests, first one) of every measurement with failures; unsent ones are overload."""
        return [(name, phase, result["failed"] - result["failures"]["unsent"], result["first_failure"])
                for name, phases in self.results.items() for phase, found in phases.items()
                for result in found if result["failed"] > result["failures"]["unsent"]]

    def overloaded(self):
        """Contenders that could not keep up with the fixed rate, with the median share of requests never sent."""
        if "paced" not in self.workload.phases:
            return {}
        shares = {name: spread(self.values(name, "paced", lambda r: r["failures"]["unsent"] / max(r["requests"], 1)))["median"]
                  for name in self.names}
        return {name: share for name, share in shares.items() if share > 0}

    def disturbed(self):
        """(measurements that others disturbed, all measurements)."""
        all_of_them = [result for phases in self.results.values() for found in phases.values() for result in found]
        return sum(result["strangers"] > STRANGERS_MAX for result in all_of_them), len(all_of_them)

    def verdicts(self):
        """[(contender, rival, target, spread of ratios)] for every variant of Headroom."""
        phase = self.workload.phases[0]
        found = []
        for name in self.names:
            for rival, target in self.workload.targets.items():
                ratio = self.cpu_ratio(name, rival, phase) if name.startswith("headroom") else None
                if ratio:
                    found.append((name, rival, target, ratio))
        return found

    def as_json(self):
        """Everything, raw rounds included."""
        phase = self.workload.phases[0]
        return {
            "workload": self.workload.name, "title": self.workload.title, "unit": self.workload.unit,
            "contenders": {name: {
                "cpu_us": {p: spread(self.cpu(name, p)) for p in self.workload.phases},
                "per_second": spread(self.speed(name, phase)),
                "cpu_ratio": {rival: self.cpu_ratio(name, rival, phase) for rival in RIVALS},
                "rounds": self.results[name],
            } for name in self.names},
            "targets": [{"contender": name, "rival": rival, "target": target, "ratio": ratio, "reached": ratio["median"] <= target}
                        for name, rival, target, ratio in self.verdicts()],
            "disturbed": self.disturbed(),
        }


def cell(found, form):
    return form.format(found["median"]) if found else "-"


def rows_to_text(head, rows):
    """Columns as wide as they need to be: the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    return "\n".join("  ".join(word.ljust(width) if i == 0 else word.rjust(width)
                               for i, (word, width) in enumerate(zip(row, widths))).rstrip()
                     for row in [head, *rows])


def main_row(summary, name, phase):
    """CPU time, its ratios, throughput and its ratios."""
    cpu = spread(summary.cpu(name, phase))
    cores = spread(summary.values(name, phase, lambda result: result["watched_cores"]))
    row = [name, cell(cpu, "{:.2f}"), f"{cpu['q1']:.2f}-{cpu['q3']:.2f}" if cpu else "-"]
    row += [cell(summary.cpu_ratio(name, rival, phase), "{:.2f}") for rival in RIVALS]
    row += [cell(spread(summary.speed(name, phase)), "{:,.0f}")]
    for rival in RIVALS:
        known = rival in summary.results and rival != name and not summary.workload.streams
        row.append(cell(ratios(summary.speed(name, phase), summary.speed(rival, phase)) if known else None, "{:.2f}"))
    return row + [cell(cores, "{:.0%}")]


def paced_row(summary, name):
    """CPU time at a fixed rate, and latency from the time that requests were due."""
    row = [name, cell(spread(summary.cpu(name, "paced")), "{:.2f}")]
    row += [cell(summary.cpu_ratio(name, rival, "paced"), "{:.2f}") for rival in RIVALS]
    for quantile in ("p50", "p99", "p99_9"):
        found = spread(summary.values(name, "paced", lambda result, q=quantile: quantile_of(result, q)))
        row.append(cell(found, "{:,.0f}"))
    return row


def stream_row(summary, name):
    """How late the first event and the following ones are."""
    row = [name]
    for key, quantile in (("first_event_us", "p50"), ("first_event_us", "p99"), ("event_gap_us", "p50"), ("event_gap_us", "p99")):
        row.append(cell(spread(summary.values(name, "streams", lambda r, k=key, q=quantile: quantile_of(r, q, k))), "{:,.0f}"))
    return row


def table(summary, pace):
    """The text of one workload."""
    workload, unit = summary.workload, summary.workload.unit
    first = workload.phases[0]
    lines = [f"\n{workload.name}: {workload.title}",
             f"  {first}" + ("" if workload.streams else ", every connection sends again as soon as it has its answer")]
    head = ["", f"CPU us/{unit}", "quartiles", "x nginx", "x haproxy", f"{unit}s/s", "x nginx", "x haproxy", "busy"]
    text = rows_to_text(head, [main_row(summary, name, first) for name in summary.names])
    if workload.streams:
        head = ["", "first event p50 us", "p99", "gap p50", "p99"]
        text += "\n\n" + rows_to_text(head, [stream_row(summary, name) for name in summary.names])
    else:
        text += f"\n\npaced at {pace.rate(workload):,} requests/s, latency from the time that they were due\n"
        head = ["", "CPU us/request", "x nginx", "x haproxy", "p50 us", "p99 us", "p99.9 us"]
        text += rows_to_text(head, [paced_row(summary, name) for name in summary.names])
    lines.append("\n".join(f"  {line}".rstrip() for line in text.split("\n")))
    return "\n".join(lines + notes(summary, first))


def targets_table(summaries):
    """Every variant of Headroom on every workload beside what it is meant to reach; empty when none took part."""
    head = ["CPU time", "", "us", "per", "x nginx", "quartiles", "target", "x haproxy", "quartiles", "target", ""]
    rows = []
    for summary in summaries:
        workload, phase = summary.workload, summary.workload.phases[0]
        for name in (name for name in summary.names if name.startswith("headroom")):
            row = [workload.name, name, cell(spread(summary.cpu(name, phase)), "{:.2f}"), workload.unit]
            missed = False
            for rival in RIVALS:
                ratio, target = summary.cpu_ratio(name, rival, phase), workload.targets.get(rival)
                row += [cell(ratio, "{:.2f}"), f"{ratio['q1']:.2f}-{ratio['q3']:.2f}" if ratio else "-",
                        f"<= {target:.2f}" if target else "-"]
                missed = missed or bool(ratio and target and ratio["median"] > target)
            judged = any(rival in summary.results for rival in workload.targets)
            rows.append(row + ["missed" if missed else "reached" if judged else "-"])
    return "\nHeadroom and its targets (ratios of CPU time, medians of per-round ratios)\n  " + \
        rows_to_text(head, rows).replace("\n", "\n  ") if rows else ""


def notes(summary, phase):
    """What a reader must know to trust the numbers."""
    found = []
    if phase == "saturated":
        for name in summary.names:
            cores = spread(summary.values(name, phase, lambda result: result["watched_cores"]))
            cpu = spread(summary.cpu(name, phase))
            if cores and cpu and cores["median"] < BUSY_ENOUGH:
                found.append(f"  note: {name} was only {cores['median']:.0%} busy: load and backend (or strangers) were the limit; "
                             f"by its CPU time it could do {1e6 / cpu['median']:,.0f} requests/s")
    disturbed, measured = summary.disturbed()
    if disturbed:
        found.append(f"  note: in {disturbed} of {measured} measurements other programs took more than {STRANGERS_MAX:.0%} of a core; "
                     "repeat it on a quiet machine")
    for name, share in summary.overloaded().items():
        found.append(f"  note: {name} could not keep up with the fixed rate: {share:.0%} of the requests were never sent")
    for name, where, failed, first in summary.failures():
        found.append(f"  FAILED: {name} {where}: {failed} requests, the first one: {first}")
    return found
