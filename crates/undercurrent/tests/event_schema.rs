//! What an event is called with makes its schema: a page and a server of which one has another
//! argument notice.

use undercurrent::{EventDef, EventFn};

/// The same event as several versions of an app have it.
macro_rules! versions {
    ($($version:ident($($argument:ident: $of:ty),*);)*) => {
        $(mod $version {
            use undercurrent::prelude::*;

            #[derive(State, Clone, Debug, Default)]
            pub struct Order {
                pub total: u32,
            }

            #[event]
            pub fn place(order: &mut Order, $($argument: $of),*) {
                order.total += 1;
                $(let _ = $argument;)*
            }
        })*
    };
}

versions! {
    now(id: u32, count: u32);
    the_same(id: u32, count: u32);
    renamed(product: u32, count: u32);
    retyped(id: u32, count: u64);
    longer(id: u32, count: u32, note: String);
    shorter(id: u32);
}

fn schema<Arguments, F: EventFn<Arguments>>(_event: F) -> u32 {
    F::Event::SCHEMA
}

#[test]
fn what_an_event_is_called_with_makes_its_schema() {
    let now = schema(now::place);
    assert_eq!(now, schema(the_same::place));
    let others = [
        schema(renamed::place),
        schema(retyped::place),
        schema(longer::place),
        schema(shorter::place),
    ];
    for other in others {
        assert_ne!(now, other);
    }
}
