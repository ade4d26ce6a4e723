//! The state of the dashboard and of the meters: what they keep, and what goes when more comes.

use gallery::{dashboard::state::*, vitals::state::*};

#[test]
fn a_meter_has_five_minutes_and_the_oldest_sample_goes() {
    let mut vitals = Vitals::default();
    for second in 0..400 {
        vitals.add(Meter::Cpu, Sample(second, second as f32));
    }
    assert_eq!(SAMPLES, 5 * 60);
    assert_eq!(vitals.cpu.len(), SAMPLES);
    assert_eq!(vitals.cpu.first().map(|sample| sample.0), Some(100));
    assert_eq!(vitals.cpu.last().map(|sample| sample.0), Some(399));
    // Each has its own.
    assert!(vitals.memory.is_empty() && vitals.queue.is_empty());
    assert_eq!(Vitals::points(&vitals.cpu).len(), SAMPLES);
}

#[test]
fn no_sample_is_later_than_the_newest() {
    let mut vitals = Vitals::default();
    for second in [3_600, 3_601, 7, 8] {
        vitals.add(Meter::Cpu, Sample(second, 1.0));
    }
    assert_eq!(Vitals::points(&vitals.cpu), [(7, 1.0), (8, 1.0)]);
}

#[test]
fn the_log_keeps_ten_thousand_lines_and_drops_those_at_its_other_end() {
    let mut dashboard = Dashboard::default();
    let lines = |from: u32, to: u32| (from..to).map(|at| Tick(at, 0));
    dashboard.add_lines(lines(0, 9_990));
    assert_eq!(dashboard.log.len(), 9_990);
    dashboard.add_lines(lines(9_990, 10_020));
    assert_eq!(LINES, 10_000);
    assert_eq!(dashboard.log.len(), LINES);
    assert_eq!(dashboard.log.first(), Some(&Tick(20, 0)));
    assert_eq!(dashboard.log.last(), Some(&Tick(10_019, 0)));
    // More at once than there is room for.
    dashboard.add_lines(lines(20_000, 40_000));
    assert_eq!(dashboard.log.len(), LINES);
    assert_eq!(dashboard.log.first(), Some(&Tick(30_000, 0)));
}

#[test]
fn each_meter_has_a_name_of_its_own() {
    let names = Meter::ALL.map(|meter| meter.face().0);
    let keys = Meter::ALL.map(|meter| meter.to_string());
    for at in 1..names.len() {
        assert!(!names[..at].contains(&names[at]) && !keys[..at].contains(&keys[at]));
    }
}
