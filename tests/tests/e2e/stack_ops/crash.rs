//! kill -9 of an apply, at any moment: the next one always ends the same.

use super::lab::{Lab, block};
use super::scenarios::spawn;
use drover_tests::Agent;
use serde_json::Value;
use std::time::{Duration, Instant, SystemTime};

/// Moments that are tried; `DROVER_CRASH_POINTS` says another number.
const POINTS: u32 = 15;
const JOBS: usize = 8;
const VARIABLES: usize = 4;

#[test]
fn whenever_an_apply_is_killed_the_next_one_converges() {
    let setting = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let points = setting("DROVER_CRASH_POINTS").map_or(POINTS, |points| points as u32);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = setting("DROVER_CRASH_SEED").unwrap_or(now);
    let agent = Agent::dev();
    let lab = Lab::new(&agent, "crash");
    write(&lab, 0);
    let begin = Instant::now();
    lab.apply(&[]).expect_code(0);
    // A little more than a whole apply takes, so that some are killed after the end.
    let span = begin.elapsed().as_micros() as u64 * 11 / 10;
    let mut random = seed;
    let mut releases = 1;
    for point in 1..=points {
        let what = format!("point {point} of seed {seed}");
        write(&lab, point);
        // A generator by Vigna (splitmix64).
        random = random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let moment = Duration::from_micros((mixed ^ (mixed >> 31)) % span);
        let mut child = spawn(&lab, &["apply", "-auto-approve", "s"]);
        std::thread::sleep(moment);
        child.kill().expect("it is ours");
        child.wait().expect("it is ours");
        let next = lab.apply(&["-lock-timeout=30s"]);
        assert_eq!(next.code, 0, "{what}, killed after {moment:?}\n{}", next.all());
        assert_eq!(lab.plan_code(), 0, "{what}: nothing is left to do");
        releases = check(&lab, point, releases, &what);
    }
}

/// Every resource is there once and says `point`; no release is lost. Answers the last release.
fn check(lab: &Lab<'_>, point: u32, before: u64, what: &str) -> u64 {
    let state = lab.state();
    let jobs = state["jobs"].as_object().unwrap();
    assert_eq!(jobs.len(), JOBS, "{what}: no duplicate and no orphan: {state}");
    for (id, job) in jobs {
        assert_eq!(job["v"], point.to_string(), "{what}: {id}");
        drover_tests::eventually("one allocation runs", || lab.agent.allocations(id, "running").len() == 1);
    }
    let variables = state["variables"].as_object().unwrap();
    assert_eq!(variables.len(), VARIABLES, "{what}: {state}");
    let text = point.to_string();
    assert!(variables.values().all(|items| items["k"] == text.as_str()), "{what}: {state}");
    assert_eq!(state["locked"], false, "{what}");
    let history: Vec<u64> = state["history"].as_array().unwrap().iter().filter_map(|r| r[0].as_u64()).collect();
    assert!(history.windows(2).all(|pair| pair[0] == pair[1] + 1), "{what}: no release is lost: {history:?}");
    assert!(history[0] > before, "{what}: {history:?} after {before}");
    assert_eq!(state["history"][0][1], Value::from("done"), "{what}");
    history[0]
}

fn write(lab: &Lab<'_>, point: u32) {
    let value = point.to_string();
    let mut blocks = String::new();
    for number in 0..JOBS {
        let id = format!("j{number}");
        lab.job(&id, &value, "exec sleep 600");
        let after = if number < 2 { String::new() } else { format!("depends_on = [job.j{}]", number - 2) };
        blocks.push_str(&block(&id, &after));
    }
    for number in 0..VARIABLES {
        blocks.push_str(&format!("variables \"NAME/v{number}\" {{\n  items = {{ k = \"{value}\" }}\n}}\n"));
    }
    lab.stack(&blocks);
}
