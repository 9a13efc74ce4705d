//! Whoever waits for a child gets one that the charm has started.

use std::time::Duration;

use charm_testing::{Event, ToolFault};

use crate::unit::{
    EITHER_WAY, act, act_with_script, assert_succeeded, over_the_socket, succeed, with_shadowed_tool,
};

/// How long a dispatch may take whose tool hangs, on a very busy machine.
const LONGEST: Duration = Duration::from_secs(20);

/// Plays an act while `juju-log` works, fails and is slow, over the socket and as a process. Slow is both times longer than a line of the log may take.
fn in_each_state_of_the_log(name: &str) {
    let impatient = |event: Event| event.env("TOOL_MILLISECONDS", "200");
    for way in EITHER_WAY {
        let mut juju = way();
        succeed(&mut juju, act(name));
        juju.break_tool("juju-log", ToolFault::Exits(1, "ERROR connection is shut down\n"));
        succeed(&mut juju, act(name));
    }
    let slow = impatient(act_with_script(name, "sleep 60"));
    let mut juju = with_shadowed_tool("juju-log");
    let outcome = juju.dispatch(slow);
    assert_succeeded(&juju, &outcome);
    assert!(outcome.duration < LONGEST, "{outcome}");

    let mut juju = over_the_socket();
    juju.break_tool("juju-log", ToolFault::Hangs);
    succeed(&mut juju, impatient(act(name)));
}

#[test]
fn the_charm_waits_for_its_own_child_alone() {
    in_each_state_of_the_log("wait-for-child");
}

#[test]
fn a_charm_that_has_started_no_child_has_none() {
    in_each_state_of_the_log("have-none");
}

#[test]
fn a_charm_may_ignore_that_its_children_end() {
    for way in EITHER_WAY {
        succeed(&mut way(), act("ignore-children"));
    }
}

#[test]
fn a_tool_that_hangs_is_killed_where_the_charm_ignores_that_its_children_end() {
    let script = "echo $$ > tool; exec sleep 60";
    let event = act_with_script("ignore-children-while-a-tool-hangs", script);
    succeed(&mut with_shadowed_tool("is-leader"), event.env("TOOL_MILLISECONDS", "500"));
}

#[test]
fn a_charm_may_wait_for_all_children_in_a_thread() {
    for way in EITHER_WAY {
        succeed(&mut way(), act("reap-all-children"));
    }
}

#[test]
fn another_child_with_the_number_of_a_tool_is_not_taken_for_it() {
    let script = "echo > started; until test -e ends; do sleep 0.01; done";
    let event = act_with_script("give-a-tools-number-to-another-child", script);
    let printed = succeed(&mut with_shadowed_tool("is-leader"), event);
    let known =
        ["another child had the number of the tool\n", "this user cannot choose the number of a process\n"];
    assert!(known.contains(&printed.as_str()), "{printed}");
}

#[test]
fn of_a_script_that_takes_too_long_nothing_is_left() {
    for script in [
        "sleep 60 & wait",
        "sleep 60 | cat",
        "trap '' TERM INT HUP; (trap '' TERM INT HUP; sleep 60; sleep 60) & while :; do sleep 60; done",
        // It prints without an end, beside a child.
        "sleep 60 & exec cat /dev/zero >&2",
    ] {
        let mut juju = with_shadowed_tool("juju-log");
        let event = act_with_script("have-none", script);
        let outcome = juju.dispatch(event.env("TOOL_MILLISECONDS", "200"));
        assert_succeeded(&juju, &outcome);
        assert!(outcome.duration < LONGEST, "{script}: {outcome}");
    }
}
