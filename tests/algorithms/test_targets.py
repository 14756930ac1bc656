"""Are the targets and losses those of their papers? Each expected number can be checked by hand."""

import pytest
import torch
from mlagents_selfplay.algorithms import targets
from torch import tensor
from torch.testing import assert_close

GAMMA = 0.5
R = tensor([1.0, 2.0])
DISCOUNT = tensor([GAMMA, 0.0])  # the second episode ended


def test_one_step_is_the_transition_itself() -> None:
    r_t, discount_t = targets.n_step(tensor([[3.0], [4.0]]), tensor([[0.5], [0.0]]))
    assert_close(r_t, tensor([3.0, 4.0]))
    assert_close(discount_t, tensor([0.5, 0.0]))


def test_n_steps_add_discounted_rewards_until_the_episode_ends() -> None:
    r = tensor([[1.0, 2.0, 4.0], [1.0, 2.0, 4.0], [1.0, 2.0, 0.0]])
    discount = tensor([[0.5, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 1.0]])  # goes on; ends after two; padded
    r_t, discount_t = targets.n_step(r, discount)
    assert_close(r_t, tensor([3.0, 2.0, 2.0]))  # 1 + 2/2 + 4/4; 1 + 2/2; 1 + 2/2
    assert_close(discount_t, tensor([0.125, 0.0, 0.25]))


def test_a_forbidden_choice_is_never_the_best() -> None:
    q = targets.only_allowed(tensor([[1.0, 9.0, 2.0]]), tensor([[1.0, 0.0, 1.0]]))
    assert_close(targets.greedy_value(q), tensor([2.0]))
    assert_close(targets.double_q_value(q, tensor([[5.0, 6.0, 7.0]])), tensor([7.0]))


def test_after_the_end_even_a_row_of_forbidden_choices_counts_for_nothing() -> None:
    q_t = targets.only_allowed(tensor([[1.0, 2.0]]), tensor([[0.0, 0.0]]))
    assert_close(targets.q_learning_target(tensor([3.0]), tensor([0.0]), [q_t]), tensor([3.0]))


def test_duelling_heads_add_the_advantage_over_the_mean() -> None:
    q = targets.duelling(tensor([[10.0]]), tensor([[1.0, 2.0, 6.0]]))  # mean 3
    assert_close(q, tensor([[8.0, 9.0, 13.0]]))


def test_duelling_does_not_care_for_what_all_advantages_share() -> None:
    v, advantage = tensor([[10.0]]), tensor([[1.0, 2.0, 6.0]])
    assert_close(targets.duelling(v, advantage + 5.0), targets.duelling(v, advantage))


def test_q_learning_takes_the_best_of_the_next_state() -> None:
    q_t = tensor([[4.0, 6.0], [4.0, 6.0]])
    assert_close(targets.q_learning_target(R, DISCOUNT, [q_t]), tensor([4.0, 2.0]))  # 1 + 6/2; the end


def test_double_q_selects_with_one_network_and_values_with_the_other() -> None:
    selector, q_t = tensor([[9.0, 1.0], [9.0, 1.0]]), tensor([[4.0, 6.0], [4.0, 6.0]])
    assert_close(targets.double_q_target(R, DISCOUNT, [selector], [q_t]), tensor([3.0, 2.0]))  # 1 + 4/2, not 1 + 6/2


def test_branches_share_the_mean_of_their_values() -> None:
    assert_close(targets.branching_value([tensor([2.0]), tensor([6.0]), tensor([1.0])]), tensor([3.0]))
    two = [tensor([[4.0, 6.0]]), tensor([[2.0, 0.0, 1.0]])]
    assert_close(targets.q_learning_target(tensor([1.0]), tensor([0.5]), two), tensor([3.0]))  # 1 + (6 + 2) / 2 / 2


def test_a_value_is_looked_up_by_the_choice_of_its_own_row() -> None:
    assert_close(targets.chosen(tensor([[1.0, 2.0], [3.0, 4.0]]), tensor([1, 0])), tensor([2.0, 3.0]))


def test_a_step_towards_the_papers_split_q_target_is_the_papers_rule() -> None:
    q, v_t, memory, weight, step_size = tensor([8.0]), tensor([6.0]), 0.5, 2.0, 0.25
    target = targets.split_q_target_of_paper(
        tensor([1.0]), tensor([0.5]), v_t, q, weight=weight, memory=memory, step_size=step_size
    )
    # 0.5 * 8 + 0.25 * (2 * 1 + 0.5 * 6 - 8) = 4 - 0.75
    assert_close(targets.tabular_q(q, target, step_size), tensor([3.25]))


def test_the_original_codes_split_q_target_forgets_within_the_target() -> None:
    target = targets.split_q_target_of_code(
        R, DISCOUNT, tensor([6.0, 6.0]), tensor([8.0, 8.0]), weight=2.0, memory=0.75
    )
    assert_close(target, tensor([3.0, 4.0]))  # 2 * 1 + 6/2 - 8/4; at the end 2 * 2, nothing forgotten


def test_the_code_forgets_less_than_the_paper_at_the_same_memory() -> None:
    q, r, discount, v = tensor([8.0]), tensor([0.0]), tensor([0.5]), tensor([0.0])
    paper = targets.split_q_target_of_paper(r, discount, v, q, weight=1.0, memory=0.5, step_size=0.1)
    code = targets.split_q_target_of_code(r, discount, v, q, weight=1.0, memory=0.5)
    # paper: 0.5 * 8 + 0.1 * (0 - 8) = 3.2; code: 8 + 0.1 * (-4 - 8) = 6.8
    assert_close(targets.tabular_q(q, paper, 0.1), tensor([3.2]))
    assert_close(targets.tabular_q(q, code, 0.1), tensor([6.8]))


def test_full_memory_and_weight_make_split_q_ordinary_q_learning() -> None:
    q_t, q_tm1 = tensor([[4.0, 6.0], [4.0, 6.0]]), tensor([7.0, 7.0])
    v_t = targets.greedy_value(q_t)
    ordinary = targets.q_learning_target(R, DISCOUNT, [q_t])
    assert_close(targets.split_q_target_of_paper(R, DISCOUNT, v_t, q_tm1, weight=1, memory=1, step_size=0.1), ordinary)
    assert_close(targets.split_q_target_of_code(R, DISCOUNT, v_t, q_tm1, weight=1, memory=1), ordinary)


def test_a_table_moves_its_entry_part_of_the_way() -> None:
    # The original's undiscounted rule with step size 0.5: 2 + (1 + 6 - 2) / 2.
    target = targets.q_learning_target(tensor([1.0]), tensor([1.0]), [tensor([[4.0, 6.0]])])
    assert_close(targets.tabular_q(tensor([2.0]), target, 0.5), tensor([4.5]))


def test_a_rare_action_moves_a_table_as_if_repeated() -> None:
    # Probability 1/2: two steps of 1/2 from 0 to 8 come to 6; probability 1 is one step.
    moved = targets.repeated_update_q(tensor([0.0, 0.0]), tensor([8.0, 8.0]), 0.5, tensor([0.5, 1.0]))
    assert_close(moved, tensor([6.0, 4.0]))


def test_ddpg_expects_what_the_target_critic_says_of_the_target_actor() -> None:
    assert_close(targets.ddpg_target(R, DISCOUNT, tensor([6.0, 6.0])), tensor([4.0, 2.0]))


def test_smoothing_noise_is_kept_within_its_clip_on_either_side() -> None:
    # The original's clip had its ends swapped, so that every action was shifted by the same amount.
    a_t, noise = tensor([[0.0, 0.0, 0.0, 0.0]]), tensor([[-3.0, -0.1, 0.1, 3.0]])
    assert_close(targets.smoothed_action(a_t, noise, clip=0.5), tensor([[-0.5, -0.1, 0.1, 0.5]]))


def test_a_smoothed_action_is_still_an_action() -> None:
    a_t = tensor([[0.9, -0.9]])
    assert_close(targets.smoothed_action(a_t, tensor([[0.4, -0.4]]), clip=0.5), tensor([[1.0, -1.0]]))


def test_td3_believes_the_lower_critic_of_each_sample_and_does_not_square_it() -> None:
    # The original multiplied the minimum by itself under hindsight: 1 + 25/2 here.
    q_t = tensor([[5.0, 9.0], [7.0, 3.0]])
    assert_close(targets.td3_target(R, tensor([0.5, 0.5]), q_t), tensor([3.5, 3.5]))  # 1 + 5/2; 2 + 3/2


def test_sac_expects_entropy_beside_the_lower_critic() -> None:
    q_t, log_prob_t = tensor([[5.0], [7.0]]), tensor([-2.0])
    target = targets.sac_target(tensor([1.0]), tensor([0.5]), q_t, log_prob_t, tensor(0.25))
    assert_close(target, tensor([3.75]))  # 1 + (5 + 0.25 * 2) / 2


def test_sac_expects_neither_value_nor_entropy_after_a_goal_that_hindsight_calls_reached() -> None:
    # Both rows are one transition; in the second the goal was replaced by what was reached: reward 0, discount 0.
    r_t, discount_t = tensor([-1.0, 0.0]), tensor([0.5, 0.0])
    q_t, log_prob_t = tensor([[-4.0, -4.0], [-2.0, -2.0]]), tensor([-2.0, -2.0])
    target = targets.sac_target(r_t, discount_t, q_t, log_prob_t, tensor(0.5))
    assert_close(target, tensor([-2.5, 0.0]))  # -1 + (-4 + 1) / 2


def test_no_gradient_flows_into_any_target() -> None:
    v = tensor([[1.0, 2.0]], requires_grad=True)
    one, alpha = tensor([1.0]), tensor(1.0)
    found = [
        targets.q_learning_target(one, one, [v]),
        targets.double_q_target(one, one, [v], [v]),
        targets.split_q_target_of_paper(one, one, v[0, :1], v[0, :1], weight=1, memory=0.5, step_size=0.5),
        targets.split_q_target_of_code(one, one, v[0, :1], v[0, :1], weight=1, memory=0.5),
        targets.ddpg_target(one, one, v[0, :1]),
        targets.td3_target(one, one, v[:, :1]),
        targets.sac_target(one, one, v[:, :1], v[0, :1], alpha),
    ]
    assert not any(target.requires_grad for target in found)


def test_huber_is_squared_near_and_straight_far() -> None:
    q, y = tensor([0.5, 3.0]), tensor([0.0, 0.0])
    assert_close(targets.huber_loss(q, y), tensor(1.3125))  # (0.125 + 2.5) / 2
    assert_close(targets.huber_loss(q, y, tensor([2.0, 0.0])), tensor(0.125))


def test_the_gradient_of_huber_is_the_error_clipped_to_one() -> None:
    q = tensor([-5.0, -0.25, 0.5, 7.0], requires_grad=True)
    (4 * targets.huber_loss(q, torch.zeros(4))).backward()
    assert_close(q.grad, tensor([-1.0, -0.25, 0.5, 1.0]))


def test_twin_critics_are_both_fitted_to_the_one_target() -> None:
    q, y = tensor([[1.0, 2.0], [3.0, 4.0]]), tensor([1.0, 2.0])
    assert_close(targets.squared_loss(q, y), tensor(1.0))  # half of (0 + 0 + 4 + 4) / 4


def test_a_deterministic_actor_climbs_the_critic() -> None:
    a = tensor([0.5, -1.0], requires_grad=True)
    targets.deterministic_policy_loss(3.0 * a).backward()
    assert_close(a.grad, tensor([-1.5, -1.5]))  # minus 3 for each, halved by the mean


def test_actions_are_kept_off_their_bounds_by_their_mean_square() -> None:
    assert_close(targets.action_penalty(tensor([[1.0, 0.0], [2.0, 1.0]])), tensor(1.5))


def test_the_soft_actor_weighs_the_lower_critic_against_its_own_certainty() -> None:
    q, log_prob = tensor([[4.0, 1.0], [2.0, 5.0]]), tensor([2.0, -2.0])
    assert_close(targets.sac_policy_loss(q, log_prob, tensor(0.5)), tensor(-1.5))  # ((1 - 2) + (-1 - 1)) / 2


@pytest.mark.parametrize(
    ("log_prob", "direction"),
    [
        (5.0, -1.0),  # entropy -5 where 2 is wanted: the loss falls as the temperature rises
        (-5.0, 1.0),  # entropy 5: it falls as the temperature falls
    ],
)
def test_the_temperature_rises_while_the_actor_is_too_certain(log_prob: float, direction: float) -> None:
    log_alpha = tensor(0.0, requires_grad=True)
    targets.sac_temperature_loss(log_alpha, tensor([log_prob]), target_entropy=2.0).backward()
    assert log_alpha.grad is not None
    assert_close(log_alpha.grad, tensor(-(log_prob + 2.0)))
    assert float(log_alpha.grad) * direction > 0


def test_cloning_pulls_towards_the_demonstrated_action() -> None:
    a, demo = tensor([[0.0, 0.0], [1.0, 1.0]]), tensor([[1.0, 2.0], [1.0, 0.0]])
    assert_close(targets.cloning_loss(a, demo), tensor(3.0))  # (5 + 1) / 2


def test_the_filter_clones_only_what_the_critic_prefers_to_the_actors_own_action() -> None:
    a, demo = tensor([[0.0, 0.0], [1.0, 1.0], [0.0, 0.0]]), tensor([[1.0, 2.0], [1.0, 0.0], [3.0, 0.0]])
    better = targets.q_filter(tensor([1.0, 1.0, 1.0]), tensor([2.0, 0.5, 1.0]))
    assert_close(better, tensor([1.0, 0.0, 0.0]))  # equal is not better
    assert_close(targets.cloning_loss(a, demo, better), tensor(5.0 / 3.0))
