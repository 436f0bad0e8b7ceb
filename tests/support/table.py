"""The table of a trial's reports: what clients asked, what was broken, how long recovery took."""
MEASURES = [("first write, any partition", lambda r: [r["any_s"]]),
            ("first write, partitions the victims led", lambda r: list(r["led_s"].values())),
            ("first write, other partitions", lambda r: list(r["others_s"].values())),
            ("new leader, as status says", lambda r: list(r["leader_s"].values())),
            ("healed to all ready", lambda r: [r["whole_s"]])]
BROKEN = ("lost", "wrong", "stale", "order", "listings", "undecided")
SHOWN = 12


def percentile(values, share):
    """The smallest value that so many are not above."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)]


def recovery_rows(rounds):
    kinds = list(dict.fromkeys(one["kind"] for one in rounds))
    for kind in kinds:
        mine = [one for one in rounds if one["kind"] == kind]
        for title, of in MEASURES:
            values = [value for one in mine for value in of(one)]
            if values:
                yield kind, len(mine), title, len(values), [percentile(values, share) for share in (50, 90, 99, 100)]


def print_report(seed, reports, skipped):
    rounds = [one for report in reports for one in report["rounds"]]
    print(f"\n{len(rounds)} rounds, seed {seed}\n")
    shares = " ".join(f"{share:>7}" for share in ("p50", "p90", "p99", "max"))
    print(f"{'fault':22} {'rounds':>6}  {'seconds from the fault to the':42} {'values':>6} {shares}")
    last = None
    for kind, count, title, values, figures in recovery_rows(rounds):
        head = f"{kind:22} {count:>6}" if kind != last else f"{'':29}"
        print(f"{head}  {title:42} {values:>6} " + " ".join(f"{value:7.2f}" for value in figures))
        last = kind
    print_operations(reports)
    for why in skipped:
        print(f"skipped: {why}")


def print_operations(reports):
    verdicts = [report["verdict"] for report in reports if "verdict" in report]
    total = {name: sum(verdict[name] for verdict in verdicts) for name in
             ("operations", "acknowledged", "refused", "unknown", "keys", "reads", "lists")}
    broken = {name: sum(len(verdict[name]) for verdict in verdicts) for name in BROKEN}
    print("\noperations: " + ", ".join(f"{count} {name}" for name, count in total.items()))
    print("broken:     " + ", ".join(f"{count} {name}" for name, count in broken.items()))
    odd, errors = {}, []
    for report in reports:
        errors += report.get("errors", [])
        for why, count in report.get("odd", {}).items():
            odd[why] = odd.get(why, 0) + count
    for why, count in sorted(odd.items(), key=lambda pair: -pair[1])[:SHOWN]:
        print(f"  {count:6} x {why}")
    for line in errors[:SHOWN]:
        print(f"error line: {line[:300]}")
    for report in reports:
        for failure in report["failures"][:SHOWN]:
            print(f"FAILED: {failure[:4000]}")
        if report.get("kept"):
            print(f"kept: {report['kept']}")
