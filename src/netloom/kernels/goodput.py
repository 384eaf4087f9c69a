"""Whole training runs under random failures, event by event.

A run is a chain of states with exponential times: what can fail fails at constant rates (piecewise
constant where hardware is young), what is broken is repaired at constant rates. Between two events
checkpoints are taken on a fixed grid of work, so any number of them is passed in one jump.

Every run draws from its own stream, which depends on the seed and the run's number alone.

Legend for shapes: R runs, C classes of failure (those that interrupt first, then those that slow
the job down, then silent ones), E edges of early life.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from netloom.kernels.hashing import mix

#: Columns of a run's result.
RUN_COLUMNS = (
    "wall_s", "num_interruptions", "num_planned_restarts", "stall_s", "no_spare_s", "shrunk_s",
    "flaps_s", "most_nodes_out",
)  # fmt: skip
WALL, INTERRUPTIONS, PLANNED, STALL, NO_SPARE, SHRUNK, FLAPS, NODES_OUT = range(len(RUN_COLUMNS))

# what the job does: works or writes a checkpoint, stands still until the failure is understood,
# waits for a node, comes back
_UP, _DETECT, _WAIT, _RESTART = range(4)


class FailureArrays(NamedTuple):
    """What each class of failure does; the arrays have shape (C,).

    Attributes
    ----------
    num_interrupting, num_slowing : how many of the classes come first, and second.
    detection_s, restart_s : float64, standstill until diagnosed, and until steps run again.
    repair_s : float64, mean time until a broken part is back, exponential.
    num_nodes : int64, nodes that are out of the job until then.
    slowdown : float64, lengthening of a step while a part is broken; of those that slow.
    notice_s : float64, mean time until a slow part is noticed, or a silent failure shows,
        exponential; 0 at once.
    moved : bool, whether the job restarts off a noticed part after its next checkpoint.
    avoidable : bool, whether any restart takes the job off the broken part, spares permitting.
    from_storage : bool, whether the copies in memory are lost with the part.
    ages : bool, whether the rate is higher in early life.
    """

    num_interrupting: int
    num_slowing: int
    detection_s: np.ndarray
    restart_s: np.ndarray
    repair_s: np.ndarray
    num_nodes: np.ndarray
    slowdown: np.ndarray
    notice_s: np.ndarray
    moved: np.ndarray
    avoidable: np.ndarray
    from_storage: np.ndarray
    ages: np.ndarray


class RunRules(NamedTuple):
    """How the run is carried out.

    Attributes
    ----------
    work_s : seconds of work that finish the run, at full speed.
    interval_s, stall_s : work between checkpoints, and standstill at each.
    storage_every : every how many of them goes to storage; the others stay in memory.
    storage_lag_s : from the end of the stall until the copy in storage can be used.
    flaps : standstill by flaps of links, over time of work.
    num_nodes, nodes_per_replica : of the job.
    num_spares : nodes that wait; below 0 there is always one.
    shrinks : whether the job goes on with fewer replicas where a node is missing.
    num_crews : repairs at a time; below 0 all at once.
    longest_s : wall-clock time at which a run is given up.
    """

    work_s: float
    interval_s: float
    stall_s: float
    storage_every: int
    storage_lag_s: float
    flaps: float
    num_nodes: int
    nodes_per_replica: float
    num_spares: int
    shrinks: bool
    num_crews: int
    longest_s: float


@njit(cache=True, nogil=True)
def _uniform(stream):
    """Return the next draw of a stream (SplitMix64), above 0 and at most 1."""
    stream[0] += np.uint64(0x9E3779B97F4A7C15)
    return ((mix(stream[0]) >> np.uint64(11)) + np.uint64(1)) * (1.0 / 9007199254740992.0)


@njit(cache=True, nogil=True)
def _pick(rates, start, stop, place):
    """Return the class in ``start:stop`` where the running sum of rates passes `place`."""
    last = start
    for number in range(start, stop):
        if rates[number] > 0.0:
            last = number
            place -= rates[number]
            if place < 0.0:
                break
    return last


# what of a job changes: checkpoints taken and work and standstill since; newest checkpoint in
# storage and seconds since it was taken; checkpoint before a corruption, and its class
_INDEX, _WORK, _STALLED, _STORED, _STORED_AGE, _CLEAN, _SILENT = range(7)


@njit(cache=True, nogil=True)
def _fill_repairs(failures, broken, out, num_crews, repairs):
    """Fill the rates at which parts of each class come back; return their sum."""
    total, busy = 0.0, 0
    for number in range(len(repairs)):
        count = out[number]
        if failures.notice_s[number] == 0.0:
            # a slow node that somebody has to notice is replaced, it does not mend in its place
            count += broken[number]
        repairs[number] = count / failures.repair_s[number] if count else 0.0
        total += repairs[number]
        busy += count
    if 0 <= num_crews < busy:
        # crews share the broken parts evenly
        share = num_crews / busy
        total *= share
        for number in range(len(repairs)):
            repairs[number] *= share
    return total


@njit(cache=True, nogil=True)
def _replicas_left(failures, out, rules):
    """Return the share of the replicas that can run; 0 where the job has to wait for a node."""
    missing = -rules.num_spares
    for number in range(len(out)):
        missing += out[number] * failures.num_nodes[number]
    if rules.num_spares < 0 or missing <= 0:
        return 1.0
    if not rules.shrinks:
        return 0.0
    lost = np.ceil(missing / rules.nodes_per_replica - 1e-9) * rules.nodes_per_replica
    return max(0.0, 1.0 - lost / rules.num_nodes)


@njit(cache=True, nogil=True)
def _num_leaving(number, failures, broken, out, rules):
    """Return how many broken parts of a class a restart takes the job off.

    What is repaired in its place is borne where too few spares are at hand for all nodes on it,
    unless the job is faster on the fewer replicas that are then left.
    """
    hanging = failures.num_nodes[number]
    if rules.num_spares < 0 or failures.notice_s[number] > 0.0 or hanging == 0:
        return broken[number]
    free = rules.num_spares
    for other in range(len(out)):
        free -= out[other] * failures.num_nodes[other]
    with_spares = max(0, min(broken[number], free // hanging))
    if rules.shrinks and with_spares < broken[number]:
        before = _replicas_left(failures, out, rules)
        out[number] += broken[number]
        after = _replicas_left(failures, out, rules)
        out[number] -= broken[number]
        if after * (1.0 + failures.slowdown[number]) >= before:
            return broken[number]
    return with_spares


@njit(cache=True, nogil=True)
def _work_on(job, step_s, speed, rules):
    """Let the job work or write for a while; return (work done, standstill at checkpoints)."""
    tau, stall, index = rules.interval_s, rules.stall_s, job[_INDEX]
    cycle = tau / speed + stall
    place = job[_WORK] / speed + job[_STALLED] + step_s
    passed = np.floor(place / cycle)
    place -= passed * cycle
    work, stalled = min(place * speed, tau), max(place - tau / speed, 0.0)
    done = passed * tau + work - job[_WORK]
    stood = passed * stall + stalled - job[_STALLED]
    job[_INDEX], job[_WORK], job[_STALLED] = index + passed, work, stalled
    newest = np.floor(job[_INDEX] / rules.storage_every) * rules.storage_every
    if newest > job[_STORED]:
        job[_STORED] = newest
        job[_STORED_AGE] = (job[_INDEX] - newest) * cycle + place
    return done, stood


@njit(cache=True, nogil=True)
def _fall_back(job, from_storage, shown, rules):
    """Take the job back to its newest checkpoint that can be used; return the work thrown away."""
    index = job[_INDEX]
    if from_storage or shown:
        every, stored = rules.storage_every, job[_STORED]
        if job[_STORED_AGE] < rules.storage_lag_s:
            stored = max(stored - every, 0.0)
        if shown:
            # all checkpoints since the corruption hold it, and memory keeps the newest alone
            stored = min(stored, np.floor(job[_CLEAN] / every) * every)
        index = min(index, stored)
        job[_STORED], job[_STORED_AGE] = stored, np.inf
    thrown = (job[_INDEX] - index) * rules.interval_s + job[_WORK]
    job[_INDEX], job[_WORK], job[_STALLED] = index, 0.0, 0.0
    if job[_SILENT] >= 0.0 and index <= job[_CLEAN]:
        job[_SILENT] = -1.0
    return thrown


@njit(cache=True, nogil=True)
def _play(rates_per_s, failures, rules, edges_s, factors, stream, scratch, lost, mine):
    """Play one run; see `simulate_runs`."""
    num_classes, fatal = len(rates_per_s), failures.num_interrupting
    slow_end = fatal + failures.num_slowing
    rates, repairs = scratch
    broken = np.zeros(num_classes, dtype=np.int64)
    noticed = np.zeros(num_classes, dtype=np.int64)
    out = np.zeros(num_classes, dtype=np.int64)
    job = np.zeros(7)
    job[_STORED_AGE], job[_SILENT] = np.inf, -1.0
    last = np.ceil(rules.work_s / rules.interval_s * (1.0 - 1e-12)) - 1.0
    last_work_s = rules.work_s - last * rules.interval_s
    clock, state, left, cause, share = 0.0, _UP, np.inf, 0, 1.0
    fatal_rate = slow_rate = silent_rate = repair_rate = notice_rate = worst = 0.0
    slowest, moving, edge, changed = -1, -1, -1, True
    next_edge_s = 0.0
    while clock <= rules.longest_s:
        if clock >= next_edge_s:
            edge += 1
            next_edge_s = edges_s[edge + 1] if edge + 1 < len(edges_s) else np.inf
            for number in range(num_classes):
                rates[number] = rates_per_s[number] * (
                    factors[edge] if failures.ages[number] else 1.0
                )
            fatal_rate = rates[:fatal].sum()
            slow_rate = rates[fatal:slow_end].sum()
            silent_rate = rates[slow_end:].sum()
        if changed:
            repair_rate = _fill_repairs(failures, broken, out, rules.num_crews, repairs)
            worst, slowest, moving, notice_rate = 0.0, -1, -1, 0.0
            for number in range(fatal, slow_end):
                if broken[number] == 0:
                    continue
                if slowest < 0 or failures.slowdown[number] > worst:
                    worst, slowest = failures.slowdown[number], number
                if failures.moved[number] and failures.notice_s[number] > 0.0:
                    waiting = broken[number] - noticed[number]
                    notice_rate += waiting / failures.notice_s[number]
                    if noticed[number]:
                        moving = number
                elif (
                    failures.moved[number]
                    and _num_leaving(number, failures, broken, out, rules) > 0
                ):
                    moving = number
            nodes_out = 0.0
            for number in range(num_classes):
                nodes_out += out[number] * failures.num_nodes[number]
            mine[NODES_OUT] = max(mine[NODES_OUT], nodes_out)
            changed = False
        working, silent = state == _UP, int(job[_SILENT])
        strikes = fatal_rate if working or state == _RESTART else 0.0
        shows = 1.0 / failures.notice_s[silent] if working and silent >= 0 else 0.0
        hides = silent_rate if working and silent < 0 else 0.0
        notices = notice_rate if working else 0.0
        total = strikes + slow_rate + repair_rate + shows + hides + notices
        wait_s = -np.log(_uniform(stream)) / total if total > 0.0 else np.inf

        speed = share / ((1.0 + worst) * (1.0 + rules.flaps))
        leaves = moving >= 0 and job[_INDEX] < last
        if working:
            cycle = rules.interval_s / speed + rules.stall_s
            left = -job[_WORK] / speed - job[_STALLED]
            left += cycle if leaves else (last - job[_INDEX]) * cycle + last_work_s / speed
            left = max(left, 0.0)
        step_s = min(wait_s, left, next_edge_s - clock)
        ends, happens = step_s == left, step_s == wait_s
        clock += step_s
        left -= step_s
        job[_STORED_AGE] += step_s
        if working:
            if ends:
                # to the end of the interval or of the run exactly, whatever rounding says
                index = job[_INDEX] + 1.0 if leaves else last
                done = (index - job[_INDEX]) * rules.interval_s - job[_WORK]
                stood = (index - job[_INDEX]) * rules.stall_s - job[_STALLED]
                job[_INDEX], job[_WORK], job[_STALLED] = index, 0.0, 0.0
                if not leaves:
                    done += last_work_s
            else:
                done, stood = _work_on(job, step_s, speed, rules)
            flaps_s = done * rules.flaps
            slow_s = (done + flaps_s) * worst
            mine[STALL] += stood
            mine[FLAPS] += flaps_s
            if slowest >= 0:
                lost[slowest] += slow_s
            if share < 1.0:
                mine[SHRUNK] += step_s - stood - done - flaps_s - slow_s
        elif state == _WAIT:
            mine[NO_SPARE] += step_s
        else:
            lost[cause] += step_s

        struck, shown = -1, False
        if ends and working:
            if not leaves:
                mine[WALL] = clock
                return
            # a restart on purpose, as soon as the checkpoint can be read
            mine[PLANNED] += 1.0
            cause, state = moving, _DETECT
            left = rules.storage_lag_s if rules.storage_every == 1 else 0.0
            job[_STORED], job[_STORED_AGE] = job[_INDEX], np.inf
        elif ends and state == _DETECT:
            for number in range(num_classes):
                if failures.avoidable[number]:
                    # the job leaves the broken part; what hangs on it waits for the repair
                    leaving = _num_leaving(number, failures, broken, out, rules)
                    out[number] += leaving
                    broken[number] -= leaving
                    noticed[number] = 0
            changed = True
            share = _replicas_left(failures, out, rules)
            state = _RESTART if share > 0.0 else _WAIT
            left = failures.restart_s[cause] if share > 0.0 else np.inf
        elif ends and state == _RESTART:
            state = _UP
        elif happens:
            place = _uniform(stream) * total
            if place < strikes:
                struck = _pick(rates, 0, fatal, place)
            elif place < strikes + slow_rate:
                broken[_pick(rates, fatal, slow_end, place - strikes)] += 1
                changed = True
            elif place < strikes + slow_rate + repair_rate:
                number = _pick(repairs, 0, num_classes, place - strikes - slow_rate)
                in_place = broken[number] if failures.notice_s[number] == 0.0 else 0
                if _uniform(stream) * (in_place + out[number]) < in_place:
                    broken[number] -= 1
                else:
                    out[number] -= 1
                changed = True
                if state == _WAIT:
                    share = _replicas_left(failures, out, rules)
                    if share > 0.0:
                        state, left = _RESTART, failures.restart_s[cause]
            elif place < total - hides - notices:
                struck, shown = silent, True
            elif place < total - notices:
                job[_CLEAN] = job[_INDEX]
                job[_SILENT] = _pick(
                    rates, slow_end, num_classes, place - (total - hides - notices)
                )
            else:
                place -= total - notices
                for number in range(fatal, slow_end):
                    if failures.moved[number] and failures.notice_s[number] > 0.0:
                        waiting = broken[number] - noticed[number]
                        place -= waiting / failures.notice_s[number]
                        if waiting and place < 0.0:
                            noticed[number] += 1
                            break
                changed = True
        if struck >= 0:
            mine[INTERRUPTIONS] += 1.0
            lost[struck] += _fall_back(job, failures.from_storage[struck], shown, rules)
            if failures.num_nodes[struck]:
                out[struck] += 1
                changed = True
            cause, state, left = struck, _DETECT, failures.detection_s[struck]
    mine[WALL] = np.inf


@njit(cache=True, nogil=True)
def simulate_runs(first, rates_per_s, failures, rules, edges_s, factors, seed, lost_s, result):
    """Play runs ``first, first + 1, ...`` and fill one row each of `lost_s` and `result`.

    Parameters
    ----------
    rates_per_s : float64, shape (R, C), of all parts of a class together, of grown-up hardware.
    edges_s, factors : float64, shape (E,): from each edge on, rates of classes that age are so
        many times as high; edges ascend, the first is 0.
    lost_s : float64, shape (R, C), wall-clock time that each class cost: work done again,
        standstill and slowness.
    result : float64, shape (R, 8), columns `RUN_COLUMNS`; a run that is given up takes forever.

    Notes
    -----
    ``wall = work + stalls + lost by class + no spare + shrunk + flaps`` holds for each run, because
    work done again is counted where it is thrown away.
    """
    stream = np.empty(1, dtype=np.uint64)
    num_classes = rates_per_s.shape[1]
    scratch = (np.empty(num_classes), np.empty(num_classes))
    for row in range(len(result)):
        stream[0] = mix(np.uint64(seed) ^ mix(np.uint64(first + row) + np.uint64(1)))
        result[row, :] = 0.0
        lost_s[row, :] = 0.0
        _play(
            rates_per_s[row], failures, rules, edges_s, factors, stream, scratch,
            lost_s[row], result[row],
        )  # fmt: skip
