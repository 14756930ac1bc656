"""What should a value have been, and how wrong was it? Every target and loss of the off-policy learners.

One transition leads from `tm1` (t minus 1) to `t`: in `s_tm1` the agent did `a_tm1`, was given `r_t` and saw `s_t`.
`discount_t` is gamma, or 0 where the episode ended by itself, so no function needs to know of endings. Targets carry no
gradient. `B` is the batch, `A` the choices of a branch, `C` the critics, `D` the numbers of an action, `T` time.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

# Several steps in one


def n_step(r: Tensor, discount: Tensor) -> tuple[Tensor, Tensor]:
    """Returns `r_t` `[B]` and `discount_t` `[B]` of a transition that spans several steps.

    Args:
      r: `[B, T]` rewards of the steps, oldest first.
      discount: `[B, T]`; after a 0 nothing counts any more. Pad what is shorter with rewards 0 and discounts 1.

    Source: Sutton and Barto 2018, equation 7.1. With T = 1 the transition itself.
    """
    reach = torch.cumprod(discount, 1)
    before = torch.cat([torch.ones_like(reach[:, :1]), reach[:, :-1]], 1)
    return (before * r).sum(1), reach[:, -1]


# Values of choices


def only_allowed(q: Tensor, allowed: Tensor) -> Tensor:
    """Returns `[B, A]` values in which a forbidden choice is never the best.

    Args:
      q: `[B, A]`.
      allowed: `[B, A]`, 1 or true where the choice is allowed, 0 elsewhere (not compared with 0: ONNX could not).
    """
    return q.masked_fill(allowed < 0.5, torch.finfo(q.dtype).min)


def duelling(v: Tensor, advantage: Tensor) -> Tensor:
    """Returns `[B, A]` values out of that of the state and what each choice adds to the average one.

    Args:
      v: `[B, 1]`.
      advantage: `[B, A]`.

    Source: Wang et al. 2016, arXiv:1511.06581, equation 9.
    """
    return v + advantage - advantage.mean(-1, keepdim=True)


def chosen(q: Tensor, a: Tensor) -> Tensor:
    """Returns `[B]`, the values in `q` `[B, A]` of the choices `a` `[B]`."""
    return q.gather(-1, a.unsqueeze(-1)).squeeze(-1)


def greedy_value(q_t: Tensor) -> Tensor:
    """Returns `[B]`, the value of the best choice in `q_t` `[B, A]`."""
    return q_t.max(-1).values


def double_q_value(q_t_selector: Tensor, q_t: Tensor) -> Tensor:
    """Returns `[B]`, the value in `q_t` `[B, A]` of the choice that `q_t_selector` `[B, A]` thinks best.

    Source: van Hasselt et al. 2016, arXiv:1509.06461: the online network selects, the target network values.
    """
    return chosen(q_t, q_t_selector.argmax(-1))


def branching_value(v_t: Sequence[Tensor]) -> Tensor:
    """Returns `[B]`, one value for an action of several branches: the mean of the values `[B]` of each branch.

    Source: Tavakoli et al. 2018, arXiv:1711.08946, equation 5.
    """
    return torch.stack(list(v_t)).mean(0)


# Learning from choices


def q_learning_target(r_t: Tensor, discount_t: Tensor, q_t: Sequence[Tensor]) -> Tensor:
    """Returns `[B]` what the value of `a_tm1` should have been, if the best choice followed.

    Args:
      r_t: `[B]`.
      discount_t: `[B]`.
      q_t: one `[B, A]` for each branch, from the target network (or the table), forbidden choices out of the way.

    Source: Watkins and Dayan 1992; Mnih et al. 2015 for the target network.
    """
    return bootstrapped(r_t, discount_t, branching_value([greedy_value(q) for q in q_t]))


def double_q_target(r_t: Tensor, discount_t: Tensor, q_t_selector: Sequence[Tensor], q_t: Sequence[Tensor]) -> Tensor:
    """Returns `[B]` what the value of `a_tm1` should have been, the next choice selected by one and valued by another.

    Args:
      r_t: `[B]`.
      discount_t: `[B]`.
      q_t_selector: one `[B, A]` for each branch, from the online network at `s_t`, not `s_tm1`.
      q_t: one `[B, A]` for each branch, from the target network at `s_t`.
    """
    v_t = [double_q_value(*branch) for branch in zip(q_t_selector, q_t, strict=True)]
    return bootstrapped(r_t, discount_t, branching_value(v_t))


def split_q_target_of_paper(
    r_t: Tensor, discount_t: Tensor, v_t: Tensor, q_tm1: Tensor, *, weight: float, memory: float, step_size: float
) -> Tensor:
    """Returns `[B]` the target of one stream, towards which one step forgets as much as the paper says.

    The paper replaces Q(s, a) by memory x Q + step_size x (weight x r + discount x V' - Q). That is a step of
    `step_size` towards this target, which therefore knows the step: with a small one it lies far below.

    Args:
      r_t: `[B]`, the stream's own rewards: gains, or punishments (negative).
      discount_t: `[B]`.
      v_t: `[B]`, the stream's own value of what follows.
      q_tm1: `[B]`, the stream's value of `a_tm1` as it is.
      weight: of new rewards, at least 0.
      memory: share of the old value that a step keeps, at least 0; 1 is Q-learning.
      step_size: in (0, 1].

    Source: Lin et al. 2019, arXiv:1906.11286, algorithm 1. There the other stream's value plays no part either.
    """
    return bootstrapped(weight * r_t, discount_t, v_t) - ((1.0 - memory) / step_size * q_tm1).detach()


def split_q_target_of_code(
    r_t: Tensor, discount_t: Tensor, v_t: Tensor, q_tm1_target: Tensor, *, weight: float, memory: float
) -> Tensor:
    """Returns `[B]` the target of one stream as the original code of the Ms. Pac-Man agents forgets: more gently.

    Forgetting is scaled by the learning rate here, since it is a part of the target, is measured with the target
    network, and does not happen in the last step of an episode.

    Args:
      r_t: `[B]`, the stream's own rewards: gains, or punishments (negative).
      discount_t: `[B]`, 0 where the episode ended.
      v_t: `[B]`, the stream's own value of what follows.
      q_tm1_target: `[B]`, the stream's target network's value of `a_tm1`.
      weight: of new rewards, at least 0.
      memory: share of the old value that stays in the target, at least 0; 1 is Q-learning.

    Source: defenseunicorns/rl-dash-days, the DSQ algorithm, restated.
    """
    goes_on = (discount_t > 0).to(r_t.dtype)
    return bootstrapped(weight * r_t, discount_t, v_t) - ((1.0 - memory) * goes_on * q_tm1_target).detach()


def tabular_q(q_tm1: Tensor, target_tm1: Tensor, step_size: float) -> Tensor:
    """Returns `[B]` new entries of a table, moved from `q_tm1` `[B]` to `target_tm1` `[B]` by a share in (0, 1]."""
    return q_tm1 + step_size * (target_tm1 - q_tm1)


def repeated_update_q(q_tm1: Tensor, target_tm1: Tensor, step_size: float, probability_tm1: Tensor) -> Tensor:
    """Returns `[B]` new entries of a table, moved as if a rare action had been taken as often as a frequent one.

    Args:
      q_tm1: `[B]`.
      target_tm1: `[B]`.
      step_size: in (0, 1).
      probability_tm1: `[B]` in (0, 1], with which the action was taken; 1 is `tabular_q`.

    Source: Abdallah and Kaisers 2013, "Addressing the policy-bias of Q-learning by repeating updates", equation 4.
    """
    kept = (1.0 - step_size) ** (1.0 / probability_tm1)
    return kept * q_tm1 + (1.0 - kept) * target_tm1


# Learning from numbers


def ddpg_target(r_t: Tensor, discount_t: Tensor, q_t: Tensor) -> Tensor:
    """Returns `[B]` what the value of `a_tm1` should have been, if the target actor went on.

    Args:
      r_t: `[B]`.
      discount_t: `[B]`.
      q_t: `[B]`, the target critic's value of the target actor's action in `s_t`.

    Source: Lillicrap et al. 2016, arXiv:1509.02971, algorithm 1.
    """
    return bootstrapped(r_t, discount_t, q_t)


def smoothed_action(a_t: Tensor, noise: Tensor, *, clip: float) -> Tensor:
    """Returns `[B, D]` actions near those of the target actor, so that no narrow peak of a critic is believed.

    Args:
      a_t: `[B, D]`, of the target actor, in [-1, 1].
      noise: `[B, D]`, drawn anew for each batch; kept within `clip` on either side.
      clip: above 0, in units of the action.

    Source: Fujimoto et al. 2018, arXiv:1802.09477, equation 14 and algorithm 1.
    """
    return (a_t + noise.clamp(-clip, clip)).clamp(-1.0, 1.0)


def td3_target(r_t: Tensor, discount_t: Tensor, q_t: Tensor) -> Tensor:
    """Returns `[B]` what the value of `a_tm1` should have been, as the more sceptical of the target critics sees it.

    Args:
      r_t: `[B]`.
      discount_t: `[B]`.
      q_t: `[C, B]`, the target critics' values of the target actor's smoothed action in `s_t`.

    Source: Fujimoto et al. 2018, arXiv:1802.09477, equation 10.
    """
    return bootstrapped(r_t, discount_t, q_t.min(0).values)


def sac_target(r_t: Tensor, discount_t: Tensor, q_t: Tensor, log_prob_t: Tensor, alpha: Tensor) -> Tensor:
    """Returns `[B]` what the soft value of `a_tm1` should have been. An end leaves no entropy to be expected either.

    Args:
      r_t: `[B]`.
      discount_t: `[B]`.
      q_t: `[C, B]`, the target critics' values of an action that the actor draws in `s_t`.
      log_prob_t: `[B]`, of that action.
      alpha: `[]`, the temperature, above 0, in units of reward.

    Source: Haarnoja et al. 2018, arXiv:1812.05905, equations 3 and 5; the minimum from section 6.
    """
    return bootstrapped(r_t, discount_t, q_t.min(0).values - alpha * log_prob_t)


# Losses


def bootstrapped(r_t: Tensor, discount_t: Tensor, v_t: Tensor) -> Tensor:
    """Returns `[B]`, `r_t` `[B]` and what the value `v_t` `[B]` adds to it; no gradient flows through it."""
    return (r_t + discount_t * v_t).detach()


def huber_loss(q_tm1: Tensor, target_tm1: Tensor, weight: Tensor | None = None) -> Tensor:
    """Returns `[]`, the mean error: squared (and halved) up to 1, straight beyond, so that outliers do not dominate.

    Args:
      q_tm1: `[..., B]`.
      target_tm1: `[B]`.
      weight: `[B]` of each sample, 1 unless given; prioritised replay has others.

    Source: Mnih et al. 2015, whose clipped error this is the integral of.
    """
    error = (q_tm1 - target_tm1).abs()
    inside = error.clamp(max=1.0)
    return _weighted_mean(0.5 * inside**2 + (error - inside), weight)


def squared_loss(q_tm1: Tensor, target_tm1: Tensor) -> Tensor:
    """Returns `[]`, half of the mean squared error between `q_tm1` `[..., B]` and `target_tm1` `[B]`."""
    return 0.5 * ((q_tm1 - target_tm1) ** 2).mean()


def deterministic_policy_loss(q_tm1: Tensor) -> Tensor:
    """Returns `[]`, the lower, the better the critic `q_tm1` `[B]` thinks of the actor's actions in `s_tm1`.

    Source: Silver et al. 2014, "Deterministic policy gradient algorithms", equation 9.
    """
    return -q_tm1.mean()


def action_penalty(a_tm1: Tensor) -> Tensor:
    """Returns `[]`, the mean square of the actor's actions `a_tm1` `[B, D]`, which keeps them off their bounds.

    Source: Andrychowicz et al. 2017, arXiv:1707.01495, appendix A, there of the numbers before the tanh.
    """
    return (a_tm1**2).mean()


def sac_policy_loss(q_tm1: Tensor, log_prob_tm1: Tensor, alpha: Tensor) -> Tensor:
    """Returns `[]`, the lower, the better and the more random the actor's actions in `s_tm1` are.

    Args:
      q_tm1: `[C, B]`, the critics' values of actions that the actor draws, with its gradient.
      log_prob_tm1: `[B]`, of those actions, with its gradient.
      alpha: `[]`, the temperature, without gradient.

    Source: Haarnoja et al. 2018, arXiv:1812.05905, equation 7.
    """
    return (alpha * log_prob_tm1 - q_tm1.min(0).values).mean()


def sac_temperature_loss(log_alpha: Tensor, log_prob_tm1: Tensor, target_entropy: float) -> Tensor:
    """Returns `[]`, whose gradient raises the temperature while the actor is less random than it should be.

    Args:
      log_alpha: `[]`, with gradient.
      log_prob_tm1: `[B]`, of actions that the actor draws; no gradient flows into it.
      target_entropy: in nats, usually -D.

    Source: Haarnoja et al. 2018, arXiv:1812.05905, equation 18. The logarithm stands where alpha does there, as in the
    authors' code: the sign is the same, and alpha stays above 0.
    """
    return -(log_alpha * (log_prob_tm1 + target_entropy).detach()).mean()


def cloning_loss(a_tm1: Tensor, a_demo_tm1: Tensor, better: Tensor | None = None) -> Tensor:
    """Returns `[]`, the mean squared distance to the actions of a demonstration.

    Args:
      a_tm1: `[B, D]`, of the actor, with its gradient.
      a_demo_tm1: `[B, D]`, what the demonstrator did.
      better: `[B]`, 0 for samples that `q_filter` leaves out; they count as distance 0.

    Source: Nair et al. 2018, arXiv:1709.10089, equations 2 and 4, there the sum.
    """
    return _weighted_mean(((a_tm1 - a_demo_tm1) ** 2).sum(-1), better)


def q_filter(q_tm1: Tensor, q_demo_tm1: Tensor) -> Tensor:
    """Returns `[B]`, 1 where the demonstrated action is worth more than the actor's own, 0 elsewhere.

    Args:
      q_tm1: `[B]`, the critic's value of the actor's action in `s_tm1`.
      q_demo_tm1: `[B]`, the critic's value of the demonstrated action in `s_tm1`.

    Source: Nair et al. 2018, arXiv:1709.10089, section IV-C.
    """
    return (q_demo_tm1 > q_tm1).to(q_tm1.dtype).detach()


def _weighted_mean(loss: Tensor, weight: Tensor | None) -> Tensor:
    return loss.mean() if weight is None else (weight * loss).mean()
