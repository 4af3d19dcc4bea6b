//! How long one decision takes, against the number and size of policies and grants: the table of
//! `cargo xtask bench decisions`, and the bounds that hold in every test run.
//!
//! What is timed is the way of a real call behind its signature: compiled policies of the caller, the compiled policy of
//! the key, grants from the cache that calls read. Not here: the cost of a whole request (`bench/`).
//! Invariants: a scene is decided as it must be, or the run fails; what is said is a ratio within one run.

mod scenes;

use std::time::{Duration, Instant};

use self::scenes::{Scene, Stage};
use super::{decide_demand, facts::CallFacts};

/// What one decision costs.
#[derive(Debug, Clone, Copy)]
struct Cost {
    /// The median.
    nanos: f64,
    /// The least, which what else the machine does touches least.
    least_nanos: f64,
    allocations: u64,
}

/// Decides a scene once.
async fn decide(stage: &Stage, scene: &Scene) -> bool {
    let (caller, circumstances, demand) = (&scene.caller, &stage.circumstances, &scene.demand);
    let call = CallFacts { caller, circumstances, demand, supposed: None };
    let decided = decide_demand(&stage.held, &call).await.unwrap();
    decided.refusal.is_none()
}

/// The median of short batches.
async fn cost(stage: &Stage, scene: &Scene) -> Cost {
    assert_eq!(decide(stage, scene).await, scene.allowed, "{}", scene.name);
    let begin = Instant::now();
    decide(stage, scene).await;
    let rounds = (BATCH.as_nanos() / begin.elapsed().as_nanos().max(1)).clamp(1, ROUNDS_MAX);
    let mut batches = Vec::with_capacity(BATCHES);
    for _ in 0..BATCHES {
        let begin = Instant::now();
        for _ in 0..rounds {
            std::hint::black_box(decide(stage, std::hint::black_box(scene)).await);
        }
        batches.push(begin.elapsed().as_nanos() as f64 / rounds as f64);
    }
    batches.sort_by(f64::total_cmp);
    Cost { nanos: batches[BATCHES / 2], least_nanos: batches[0], allocations: allocations(stage, scene) }
}

/// How often memory is asked for. Nothing waits for anything, as all is in memory by now.
fn allocations(stage: &Stage, scene: &Scene) -> u64 {
    let mut decision = Box::pin(decide(stage, scene));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let counted = allocation_counter::measure(|| {
        assert!(decision.as_mut().poll(&mut context).is_ready(), "{}", scene.name);
    });
    counted.count_total
}

#[tokio::test]
#[ignore = "a measurement: cargo xtask bench decisions"]
async fn table() {
    let stage = Stage::new().await;
    let mut smallest = None;
    println!("{:<64} {:>10} {:>8} {:>12}", "one decision", "µs", "ratio", "allocations");
    for scene in stage.scenes(&scenes::FULL).await {
        let Cost { nanos, allocations, .. } = cost(&stage, &scene).await;
        let ratio = nanos / *smallest.get_or_insert(nanos);
        println!("{:<64} {:>10.2} {ratio:>8.1} {allocations:>12}", scene.name, nanos / 1000.0);
    }
}

/// Generous: this runs in a debug build beside everything else. What must not happen is an explosion, or that the grants
/// of a key, or of a grantee, are walked over one by one.
#[tokio::test]
async fn no_scene_is_far_from_the_smallest() {
    let stage = Stage::new().await;
    let mut smallest = f64::MAX;
    for scene in stage.scenes(&scenes::SMALL).await {
        let mut ratio = f64::MAX;
        // A machine that was busy for a moment is asked again.
        for _ in 0..ATTEMPTS {
            let least = cost(&stage, &scene).await.least_nanos;
            smallest = smallest.min(least);
            ratio = ratio.min(least / smallest);
            if ratio <= scene.ratio_max {
                break;
            }
        }
        assert!(ratio <= scene.ratio_max, "{} takes {ratio:.0} times the smallest decision", scene.name);
    }
}

/// How often a scene may be measured until it is within its bound.
const ATTEMPTS: usize = 5;
/// Length of a batch.
const BATCH: Duration = Duration::from_millis(1);
const ROUNDS_MAX: u128 = 10_000;
/// An odd number, so that there is a median.
const BATCHES: usize = 15;
