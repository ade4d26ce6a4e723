//! The monitor's state.

use gallery::monitor::state::{ENDPOINTS, Monitor, TOO_MANY};

#[test]
fn one_more_than_there_is_room_for_is_refused_with_the_number_that_holds() {
    let mut monitor = Monitor::default();
    for id in 0..ENDPOINTS as u32 {
        assert!(monitor.add(id, 1).is_ok());
    }
    assert!(monitor.add(99, 1).is_err());
    assert!(TOO_MANY.starts_with(&format!("{ENDPOINTS} ")), "{TOO_MANY}");
}
