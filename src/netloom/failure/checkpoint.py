"""What failures and checkpoints leave of wall-clock time: exact renewal formula and its optimum.

The job works for an interval, then stalls while it writes a checkpoint. Failures arrive as a
Poisson process. One that strikes during work or the write costs everything since the last
checkpoint, then the time until it is noticed, then a restart, which failures can strike as well.

Letters of this module: M mean time to interruption, tau work between checkpoints, w stall of one
write, d detection, r restart, all in seconds.
"""

from __future__ import annotations

import math

from netloom.errors import ParameterError


def effective_fraction(
    mean_time_to_interruption_s: float,
    interval_s: float,
    write_s: float,
    detection_s: float,
    restart_s: float,
) -> float:
    """Return the share of wall-clock time that becomes work which is never lost again.

    Parameters
    ----------
    mean_time_to_interruption_s : M of the whole job; ``math.inf`` when nothing fails.
    interval_s : tau, work between two checkpoints.
    write_s, detection_s, restart_s : w, d, r.

    Notes
    -----
    A segment of tau + w seconds succeeds with probability exp(-(tau + w)/M); each attempt, whether
    it fails or not, lasts M (1 - exp(-(tau + w)/M)) on average. A failure costs d, then restarts of
    which each succeeds with probability exp(-r/M) and else costs d again. Summing both geometric
    series gives the expected wall-clock time of one interval ::

        E = (M + d) exp(r/M) (exp((tau + w)/M) - 1),    effective = tau / E

    which is Daly's complete model [1]_ for d = 0. It is exact for exponential failures and constant
    tau, w and r; d may have any distribution with that mean, and nothing fails during d, because
    the job already stands still.

    References
    ----------
    .. [1] J. T. Daly, "A higher order estimate of the optimum checkpoint interval for restart
       dumps", Future Generation Computer Systems 22 (2006), eq. 13.

    Examples
    --------
    One failure in 3 h, checkpoints each 15 min that stall 10 s, 2 min + 8 min to come back:

    >>> round(effective_fraction(3 * 3600, 900, 10, 120, 480), 4)
    0.8968
    """
    mean_s = _checked_mean(mean_time_to_interruption_s)
    _check_times(interval_s, write_s, detection_s, restart_s)
    segment_s = interval_s + write_s
    if math.isinf(mean_s):
        return 1.0 if math.isinf(interval_s) else interval_s / segment_s
    # written with falling exponentials, which cannot overflow when nothing ever gets done
    no_failure = math.exp(-(segment_s + restart_s) / mean_s)
    return interval_s * no_failure / ((mean_s + detection_s) * -math.expm1(-segment_s / mean_s))


def effective_fraction_first_order(
    mean_time_to_interruption_s: float,
    interval_s: float,
    write_s: float,
    detection_s: float,
    restart_s: float,
) -> float:
    """Return the effective share by the small-loss closed form of Kokolis et al.

    Notes
    -----
    (1 - (d + r + tau/2)/M) / (1 + w/tau), clamped at zero. Valid while M is much longer than
    tau + d + r; it drops failures during recovery and more than one failure per interval. The
    paper's restart time u0 is d + r here.

    References
    ----------
    .. [1] A. Kokolis et al., "Revisiting Reliability in Large-Scale Machine Learning Research
       Clusters", HPCA 2025, expected effective training time ratio.

    Examples
    --------
    >>> round(effective_fraction_first_order(3 * 3600, 900, 10, 120, 480), 4)
    0.8929
    """
    mean_s = _checked_mean(mean_time_to_interruption_s)
    _check_times(interval_s, write_s, detection_s, restart_s)
    if math.isinf(mean_s):
        return effective_fraction(mean_s, interval_s, write_s, detection_s, restart_s)
    kept = 1 - (detection_s + restart_s + interval_s / 2) / mean_s
    return max(0.0, kept) / (1 + write_s / interval_s)


def optimal_interval_s(mean_time_to_interruption_s: float, write_s: float) -> float:
    """Return the work between checkpoints that maximises `effective_fraction`.

    Notes
    -----
    d and r scale the expected time of an interval whatever its length, so they do not matter. With
    x = tau/M and a = w/M the derivative vanishes where 1 - x = exp(-x - a). The left side minus the
    right is concave and falling, and negative at Young's x = sqrt(2 a), so Newton's method started
    there falls monotonically onto the only root. Young's sqrt(2 w M) is its limit for w << M.

    Examples
    --------
    >>> round(optimal_interval_s(3 * 3600, 10))   # Young: 465
    458
    """
    mean_s = _checked_mean(mean_time_to_interruption_s)
    if not write_s > 0:
        raise ParameterError(
            "checkpoints that stall nothing have no best interval, they would never end",
            hint="give reliability.checkpoint_interval, such as 30 min",
        )
    if math.isinf(mean_s):
        return math.inf
    stall = write_s / mean_s
    share = min(1.0, math.sqrt(2 * stall))
    while True:
        # 1 - x - exp(-x - a) with expm1, which keeps the digits of a small x + a
        excess = -share - math.expm1(-share - stall)
        following = share - excess / math.expm1(-share - stall)
        if not following < share:
            return share * mean_s
        share = following


def _checked_mean(mean_s: float) -> float:
    if not mean_s > 0:
        raise ParameterError(f"a mean time to interruption of {mean_s} s is not positive")
    return mean_s


def _check_times(interval_s: float, write_s: float, detection_s: float, restart_s: float) -> None:
    if not interval_s > 0:
        raise ParameterError(
            f"a checkpoint interval of {interval_s} s is not positive", hint="write it like 30 min"
        )
    for name, value_s in (("write", write_s), ("detection", detection_s), ("restart", restart_s)):
        if not 0 <= value_s < math.inf:
            raise ParameterError(f"a {name} time of {value_s} s is not possible")
