"""Makes schedule.json: by how much the learning rate is multiplied at each step, in float64 with 17 digits.

w * T is not always what it seems (0.07 * 100 is 7.000000000000001, and its ceiling 8): every language with IEEE
doubles gets the same, so it is left as it is and one case holds it.
"""

import math

from golden_json import write


def multiplier(kind, warmup, total, step):
    """step counts from 0; warmup is a share of all steps."""
    warm_steps = math.ceil(warmup * total)
    if step < warm_steps:
        return (step + 1) / warm_steps
    progress = (step - warm_steps) / max(1, total - warm_steps)
    return {
        "constant": 1.0,
        "linear": 1 - progress,
        "cosine": 0.5 * (1 + math.cos(math.pi * progress)),
    }[kind]


SETTINGS = [(0, 1), (0, 5), (0, 20), (0.1, 20), (0.1, 7), (0.25, 10), (0.5, 4), (0.9, 10), (0.9, 1), (0.07, 100)]

cases = []
for schedule in ("constant", "linear", "cosine"):
    for warmup, total in SETTINGS:
        steps = range(total) if total <= 20 else [0, 1, 6, 7, 8, 9, 50, 98, 99]
        multipliers = [multiplier(schedule, warmup, total, step) for step in steps]
        assert all(0 <= m <= 1 for m in multipliers)
        cases.append(
            {
                "schedule": schedule,
                "warmup": warmup,
                "totalSteps": total,
                "steps": list(steps),
                "multipliers": multipliers,
            }
        )
write("schedule.json", {"cases": cases}, digits=17)
