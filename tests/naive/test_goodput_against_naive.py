"""Runs of the kernel against a slow simulation that takes each checkpoint and each part apart.

The naive run keeps every checkpoint in a list and every broken part as an object, and lets all that
can happen race with clocks of their own. Means of both agree within four standard errors.
"""

import dataclasses
import math
import random
from dataclasses import dataclass

import numpy as np
import pytest

from netloom.failure.classes import FailureClass, RunPolicy
from netloom.failure.early_life import piecewise
from netloom.failure.evidence import certain
from netloom.failure.montecarlo import simulate

HOUR_S, DAY_S = 3600.0, 86400.0


@dataclass
class Part:
    """A broken part: in its place, where it slows the job down, or out with its nodes."""

    of: FailureClass
    in_place: bool
    noticed: bool = False


class NaiveRun:
    """One run, with its state in the open."""

    def __init__(self, classes, policy, work_s, clock):
        self.classes, self.policy, self.work_s, self.clock = classes, policy, work_s, clock
        self.now, self.progress, self.since = 0.0, 0.0, 0.0
        # (progress, when its stall ended, whether it is also in storage)
        self.saved = [(0.0, -math.inf, True)]
        self.parts, self.corrupt = [], None
        self.replicas = 1.0
        self.num_interruptions = self.num_planned = 0
        self.no_spare_s = 0.0

    def run(self):
        while True:
            happened = self.work()
            if happened is None:
                return self
            cause, shown = happened
            self.stand_still(cause, shown)

    # time passes ------------------------------------------------------------------------------
    def race(self, limit_s, kinds):
        """Let time pass up to a limit; return what happened first, None at the limit."""
        first, winner = limit_s, None
        for what, rate in self.hazards(kinds):
            if rate > 0 and (after := self.clock.expovariate(rate)) < first:
                first, winner = after, what
        edges = [e for e in self.policy.early_life.edges_s if e > self.now]
        if edges and edges[0] - self.now < first:
            first, winner = edges[0] - self.now, ("edge", None)
        self.now += first
        return first, winner

    def hazards(self, kinds):
        life = self.policy.early_life
        factor = [f for e, f in zip(life.edges_s, life.factors, strict=True) if e <= self.now][-1]
        for each in self.classes:
            if each.effect in kinds and not (each.effect == "corrupts" and self.corrupt):
                yield ("fail", each), each.events_per_s * (factor if each.ages else 1.0)
        if "notices" in kinds:
            if self.corrupt:
                yield ("shows", None), 1 / self.corrupt[1].notice_s
            for part in self.parts:
                if part.in_place and part.of.moved and part.of.notice_s and not part.noticed:
                    yield ("notice", part), 1 / part.of.notice_s
        mending = [p for p in self.parts if not (p.in_place and p.of.notice_s)]
        crews = self.policy.num_crews
        share = 1.0 if crews is None else min(1.0, crews / max(len(mending), 1))
        for part in mending:
            yield ("repair", part), share / part.of.repair_s

    def settle(self, what, part):
        """Carry out what happens in any state."""
        if what == "repair":
            self.parts.remove(part)
        elif what == "fail" and part.effect == "slows":
            self.parts.append(Part(part, True))
        elif what == "notice":
            part.noticed = True

    # the job works ----------------------------------------------------------------------------
    def work(self):
        """Work until the end, which gives None, or until an interruption, which gives its cause."""
        policy = self.policy
        kinds = ("interrupts", "slows", "corrupts", "notices")
        number = round(self.progress / policy.interval_s)
        stall_left = 0.0
        while True:
            if self.progress >= self.work_s - 1e-6:
                return None
            due = min((number + 1) * policy.interval_s, self.work_s)
            worst = max((p.of.slowdown_fraction for p in self.parts if p.in_place), default=0.0)
            speed = self.replicas / (1 + worst) / (1 + policy.flaps_fraction)
            writes = stall_left > 0
            left = stall_left if writes else (due - self.progress) / speed
            spent, winner = self.race(left, kinds)
            if writes:
                stall_left -= spent
            else:
                self.progress += spent * speed
            if winner is None:
                if not writes and due < self.work_s and policy.stall_s > 0:
                    stall_left = policy.stall_s
                    continue
                number += 1
                if due == self.work_s and not writes:
                    return None
                self.progress = number * policy.interval_s
                self.saved.append((self.progress, self.now, number % policy.storage_every == 0))
                leaving = [p for p in self.parts if p.in_place and self.wants_away(p)]
                leaving = [p for p in leaving if self.replaceable(p)]
                if leaving:
                    self.num_planned += 1
                    return leaving[-1].of, "planned"
                continue
            what, part = winner
            if what == "shows":
                return self.corrupt[1], "shown"
            if what == "fail" and part.effect == "interrupts":
                return part, ""
            if what == "fail" and part.effect == "corrupts":
                self.corrupt = (number * policy.interval_s, part)
            self.settle(what, part)

    @staticmethod
    def wants_away(part):
        return part.of.moved and (part.noticed or not part.of.notice_s)

    def replaceable(self, part):
        """Whether it is better to leave what hangs on a part; slow nodes are always replaced."""
        if self.policy.num_spares is None or part.of.notice_s:
            return True
        out = sum(p.of.num_nodes for p in self.parts if not p.in_place)
        if out + part.of.num_nodes <= self.policy.num_spares:
            return True
        alike = sum(p.in_place and p.of is part.of for p in self.parts)
        after = self.replicas_without(out + alike * part.of.num_nodes)
        faster = after * (1 + part.of.slowdown_fraction) >= self.replicas_without(out)
        return self.policy.shrinks and faster

    def replicas_without(self, num_nodes):
        missing = max(0, num_nodes - self.policy.num_spares)
        replicas = round(self.policy.num_nodes / self.policy.nodes_per_replica)
        return max(0.0, 1 - math.ceil(missing / self.policy.nodes_per_replica) / replicas)

    # the job stands still ---------------------------------------------------------------------
    def stand_still(self, cause, how):
        policy = self.policy
        while True:
            detection_s = cause.detection_s
            if how == "planned":
                detection_s = policy.storage_lag_s if policy.storage_every == 1 else 0.0
                at = self.saved[-1]
                self.saved[-1] = (at[0], -math.inf, True)
            else:
                self.num_interruptions += 1
                self.fall_back(cause, how)
                if cause.num_nodes:
                    self.parts.append(Part(cause, False))
            self.pass_time(detection_s)
            for part in self.parts:
                if part.of.avoidable and part.in_place and self.replaceable(part):
                    part.in_place = False
            while not self.placed():
                spent, winner = self.race(math.inf, ("slows",))
                self.no_spare_s += spent
                self.settle(*winner)
            left = cause.restart_s
            while left > 0:
                spent, winner = self.race(left, ("interrupts", "slows"))
                left -= spent
                if winner is None:
                    return
                if winner[0] == "fail" and winner[1].effect == "interrupts":
                    cause, how = winner[1], ""
                    break
                self.settle(*winner)
            else:
                return

    def pass_time(self, left):
        while left > 0:
            spent, winner = self.race(left, ("slows",))
            left -= spent
            if winner is None:
                return
            self.settle(*winner)

    def placed(self):
        """Put the job on the nodes that are there; return whether it can run."""
        policy = self.policy
        out = sum(p.of.num_nodes for p in self.parts if not p.in_place)
        missing = max(0, out - policy.num_spares) if policy.num_spares is not None else 0
        if missing and not policy.shrinks:
            return False
        replicas = round(policy.num_nodes / policy.nodes_per_replica)
        lost = math.ceil(missing / policy.nodes_per_replica)
        self.replicas = max(0.0, 1 - lost / replicas)
        return self.replicas > 0

    def fall_back(self, cause, how):
        def usable(entry):
            progress, when, stored = entry
            written = self.now - when >= self.policy.storage_lag_s
            if how == "shown":
                return stored and written and progress <= self.corrupt[0] + 1e-6
            if cause.loses_memory or self.policy.storage_every == 1:
                return stored and written
            return True

        while not usable(self.saved[-1]):
            self.saved.pop()
        self.progress = self.saved[-1][0]
        if self.corrupt and self.progress <= self.corrupt[0] + 1e-6:
            self.corrupt = None


FATAL = FailureClass(
    "node", 4, certain(1 / (12 * HOUR_S)), detection_s=120, restart_s=400, num_nodes=1,
    repair_s=4 * HOUR_S,
)  # fmt: skip
RARE = dataclasses.replace(FATAL, cause="rare", num_parts=1)
SHELF = FailureClass(
    "shelf", 1, certain(1 / (20 * HOUR_S)), detection_s=300, restart_s=600, num_nodes=3,
    repair_s=6 * HOUR_S, loses_memory=True,
)  # fmt: skip
SILENT = FailureClass(
    "silent", 1, certain(1 / (10 * HOUR_S)), "corrupts", 60, 300, num_nodes=1, notice_s=2 * HOUR_S
)
TRUNK = FailureClass("trunk", 2, certain(1 / (20 * HOUR_S)), "slows", repair_s=5 * HOUR_S,
                     slowdown_fraction=0.3)  # fmt: skip
LINK = FailureClass("link", 1, certain(1 / (12 * HOUR_S)), "slows", 60, 300, 3 * HOUR_S, 1, 0.5,
                    moved=True, avoidable=True)  # fmt: skip
LEAF = FailureClass("leaf", 2, certain(1 / (15 * HOUR_S)), "slows", 60, 300, 6 * HOUR_S, 3, 0.1,
                    avoidable=True)  # fmt: skip
SLOW = FailureClass("slow", 1, certain(1 / (9 * HOUR_S)), "slows", 60, 300, 9 * HOUR_S, 1, 0.4,
                    notice_s=HOUR_S, moved=True, avoidable=True)  # fmt: skip

CASES = {
    "synchronous": ((FATAL, SHELF), RunPolicy(1000.0, 40.0, 16)),
    "asynchronous": ((FATAL, SHELF), RunPolicy(1000.0, 5.0, 16, storage_lag_s=900.0)),
    "in memory": (
        (FATAL, SHELF),
        RunPolicy(300.0, 5.0, 16, storage_every=8, storage_lag_s=900.0),
    ),
    "silent": ((FATAL, SILENT), RunPolicy(900.0, 10.0, 16)),
    "silent, in memory": (
        (SHELF, SILENT),
        RunPolicy(300.0, 5.0, 16, storage_every=5, storage_lag_s=400.0),
    ),
    "slow parts": ((FATAL, TRUNK, LINK, SLOW), RunPolicy(1500.0, 20.0, 16)),
    "few spares": ((FATAL, SHELF), RunPolicy(1000.0, 20.0, 16, num_spares=2)),
    "few spares and a crew": (
        (RARE, LINK),
        RunPolicy(1000.0, 20.0, 16, num_spares=1, num_crews=1),
    ),
    "leaves of two planes and few spares": (
        (FATAL, LEAF),
        RunPolicy(1000.0, 20.0, 16, num_spares=4),
    ),
    "leaves of two planes and fewer replicas": (
        (FATAL, LEAF, LINK),
        RunPolicy(1000.0, 20.0, 16, nodes_per_replica=2, num_spares=1, shrinks=True),
    ),
    "fewer replicas": (
        (FATAL, SHELF),
        RunPolicy(1000.0, 20.0, 16, nodes_per_replica=2, num_spares=0, shrinks=True),
    ),
    "young, with flaps": (
        (FATAL,),
        RunPolicy(1000.0, 20.0, 16, flaps_fraction=0.05, early_life=piecewise(4.0, DAY_S)),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_means_agree_within_four_standard_errors(case):
    classes, policy = CASES[case]
    work_s, num_naive = 2 * DAY_S, 150
    clock = random.Random(5)
    naive = [NaiveRun(classes, policy, work_s, clock).run() for _ in range(num_naive)]
    ours = simulate(classes, policy, work_s, 20_000, 11)
    pairs = {
        "wall_s": ([run.now for run in naive], ours.wall_s),
        "interruptions": ([run.num_interruptions for run in naive], ours.num_interruptions),
        "planned": ([run.num_planned for run in naive], ours.num_planned_restarts),
        "no spare": ([run.no_spare_s for run in naive], ours.no_spare_s),
    }
    for name, (slow, fast) in pairs.items():
        error = math.hypot(np.std(slow) / math.sqrt(num_naive), np.std(fast) / math.sqrt(len(fast)))
        gap = abs(float(np.mean(slow) - np.mean(fast)))
        assert gap <= 4 * error, (name, np.mean(slow), np.mean(fast), error)
