//! The monitor's state.

use gallery::monitor::state::{ENDPOINTS, Monitor, TOO_MANY};
use upstream::{Address, Of};

#[test]
fn one_more_than_there_is_room_for_is_refused_with_the_number_that_holds() {
    let mut monitor = Monitor::default();
    let of = Of::Products;
    for id in 0..ENDPOINTS as u32 {
        assert!(monitor.add(Address { of, id }, 1).is_ok());
    }
    assert!(monitor.add(Address { of, id: 99 }, 1).is_err());
    assert!(TOO_MANY.starts_with(&format!("{ENDPOINTS} ")), "{TOO_MANY}");
}

#[test]
fn a_number_is_watched_once_of_each_upstream() {
    let mut monitor = Monitor::default();
    for of in Of::ALL {
        let at = Address { of, id: 7 };
        assert!(monitor.add(at, 1).is_ok());
        assert!(monitor.add(at, 1).is_err());
    }
    assert_eq!(monitor.endpoints.len(), 2);
}
