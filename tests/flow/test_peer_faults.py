"""The faults of peers, by name: where each is shown, and that its guard is shown to hold.

A fault has a scenario in one of the modules ``test_peer_faults_*``; ``test_fault_<name>`` runs it
as the product is, ``test_the_guard_against_<name>_is_what_holds`` without its guard, when it fails.
"""

import ast
from pathlib import Path

import pytest

FAULTS = (
    "replayed_slack_request",
    "replayed_slack_request_when_the_window_is_over",
    "slack_retry_header",
    "double_click",
    "double_click_on_an_act_that_leaves_the_state_alone",
    "acting_on_a_closed_order",
    "notes_lost_on_refire",
    "notices_after_acknowledgement",
    "notices_after_acknowledgement_by_a_retry",
    "duplicate_notice_after_a_retry_storm",
    "closing_while_firing",
    "closing_on_a_dead_feed",
    "reopened_and_closed_without_a_new_reason",
    "background_job_without_an_actor",
    "viewer_who_can_write",
    "viewer_who_can_write_from_the_chat",
    "lock_of_the_page_alone",
    "decision_answered_before_it_is_durable",
    "log_dropped_under_load",
    "flap_inside_group_wait_leaves_no_trace",
    "mail_link_burnt_by_a_scanner",
    "scanner_that_runs_scripts_and_posts",
    "forwarded_mail",
    "bounce_and_no_next_channel",
    "empty_roster_that_skips_silently",
    "policy_changed_mid_flight",
    "missed_timers_out_of_order",
)
_HERE = Path(__file__).parent
_SHOWN = {
    node.name
    for file in _HERE.glob("test_peer_faults_*.py")
    for node in ast.parse(file.read_text(encoding="utf-8")).body
    if isinstance(node, ast.FunctionDef)
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_has_its_test_and_its_mutant(fault: str) -> None:
    assert f"test_fault_{fault}" in _SHOWN
    assert f"test_the_guard_against_{fault}_is_what_holds" in _SHOWN


def test_no_fault_stands_in_the_suite_without_its_name_here() -> None:
    shown = {one.removeprefix("test_fault_") for one in _SHOWN if one.startswith("test_fault_")}
    assert shown == set(FAULTS)
