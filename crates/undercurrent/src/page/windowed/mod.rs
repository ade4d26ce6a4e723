//! `WindowedList`: a long list of which only the rows that are seen are in the page.

mod window;

pub(crate) use self::window::Measures;
use self::window::{Numbered, Told};
use crate::{
    browser,
    core::{
        list::{List, Mailbox},
        node::Node,
    },
};
use leptos::{
    ev::{KeyboardEvent, WheelEvent},
    html,
    prelude::*,
    web_sys::Element,
};
use reactive_stores::StoreField;
use std::{
    collections::BTreeSet,
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Shows a long `List` of a state in a box that scrolls: a log, a table. Only the rows that are
/// seen, and a few beyond, are in the page, however long the list is. `children` gets an item's
/// signal and makes a row.
///
/// While the end of the list is in sight the box stays at the end, whatever comes. Whoever scrolls
/// up reads undisturbed: what comes and goes moves no row that is seen.
///
/// All rows have one height; it is measured. The height of the box is the stylesheet's, that of
/// `rows` rows, so that the first paint fills it. The box can be reached and scrolled by keyboard,
/// and has the role `log`; what comes is not read out, since nobody could listen to it.
///
/// ```
/// # use leptos::prelude::*;
/// # use undercurrent::prelude::*;
/// #[derive(State, Clone, Debug, Default)]
/// struct Feed { log: List<String> }
///
/// #[component]
/// fn Log() -> impl IntoView {
///     let feed = use_state::<Feed>();
///     let at_end = RwSignal::new(true);
///     view! {
///         <WindowedList each=feed.log() label="Log" rows=12 at_end let:line> <p>{line}</p> </WindowedList>
///         <button hidden=at_end on:click=move |_| at_end.set(true)>"To the end"</button>
///     }
/// }
/// ```
#[component]
pub fn WindowedList<E, T, C, V>(
    /// The list: a field of what `use_state` returns.
    each: E,
    /// What it is, for who listens instead of looking.
    #[prop(into)]
    label: String,
    /// So many rows fill the box.
    #[prop(default = 12)]
    rows: usize,
    /// Whether the box is at the end of the list and follows it. Set to true, it goes there.
    #[prop(optional, into)]
    at_end: Option<RwSignal<bool>>,
    /// Makes a row from the signal of its item.
    children: C,
) -> impl IntoView
where
    E: StoreField<Value = List<T>> + Clone + Send + Sync + 'static,
    T: Node,
    C: Fn(ReadSignal<T>) -> V + Send + Sync + 'static,
    V: IntoView + 'static,
{
    let at_end = at_end.unwrap_or_else(|| RwSignal::new(true));
    let window = Window::new(each, rows, at_end);
    window.follow();
    let children = StoredValue::new(children);
    let row = move |number| {
        let item = window.item(number)?;
        Some(children.with_value(|make| make(item).into_any()))
    };
    frame(
        label,
        window.nodes,
        window.shown,
        Arc::new(window),
        Arc::new(row),
    )
}

/// The box, compiled once for all types of items.
fn frame(
    label: String,
    nodes: Nodes,
    shown: RwSignal<Range<u64>>,
    window: Arc<dyn Scrolls>,
    row: Arc<dyn Fn(u64) -> Option<AnyView> + Send + Sync>,
) -> AnyView {
    let (for_wheel, for_keys) = (window.clone(), window.clone());
    view! {
        <div
            class="windowed"
            role="log"
            aria-live="off"
            aria-label=label
            tabindex="0"
            node_ref=nodes.outer
            on:scroll=move |_| window.scrolled()
            on:wheel=move |wheel: WheelEvent| for_wheel.leaves_if(wheel.delta_y() < 0.0)
            on:keydown=move |key: KeyboardEvent| for_keys.leaves_if(UPWARDS.contains(&&*key.key()))
        >
            <div node_ref=nodes.inner>
                <div node_ref=nodes.block>
                    <For each=move || shown.get() key=|number| *number children=move |number| row(number)/>
                </div>
            </div>
        </div>
    }
    .into_any()
}

/// What a box asks of its window, whatever the items are.
trait Scrolls: Send + Sync {
    /// The visitor has scrolled, or the last arrangement has.
    fn scrolled(&self);
    /// The visitor is about to scroll up: what comes must not pull the box back.
    fn leaves_if(&self, upwards: bool);
}

/// Keys that scroll away from the end.
const UPWARDS: [&str; 3] = ["ArrowUp", "PageUp", "Home"];

/// The elements: the box, what is as high as the whole list, and the rows that are there.
#[derive(Clone, Copy)]
struct Nodes {
    outer: NodeRef<html::Div>,
    inner: NodeRef<html::Div>,
    block: NodeRef<html::Div>,
}

/// The elements in the page, once it is mounted.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "the browser's"))]
pub(crate) struct BoxNodes {
    pub(crate) outer: Element,
    pub(crate) inner: Element,
    pub(crate) block: Element,
}

/// What the view knows. It lives in the component's owner.
struct Window<T: Node> {
    list: StoredValue<Source<T>>,
    state: StoredValue<Place<T>>,
    /// The numbers of the rows in the page.
    shown: RwSignal<Range<u64>>,
    at_end: RwSignal<bool>,
    nodes: Nodes,
}

/// Reads the list itself, and what happened to it.
struct Source<T> {
    // A mutex for the sake of `Sync` alone: there is one thread.
    item: Mutex<Box<dyn Fn(usize) -> Option<T> + Send>>,
    mailbox: Option<Arc<Mailbox<T>>>,
    changed: Trigger,
}

struct Place<T: Node> {
    numbered: Numbered,
    /// The items of the rows in the page, with their numbers. They are few.
    rows: Vec<(u64, RwSignal<T>)>,
    /// The number that was first when the box was last arranged.
    arranged_base: u64,
    /// How far the last arrangement has scrolled the box, and how far it can be.
    top: f64,
    end: f64,
    /// An arrangement is wanted.
    is_due: bool,
    /// The last one is not long ago: the next waits a little, unless the visitor scrolls.
    rests: bool,
}

impl<T: Node> Clone for Window<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Node> Copy for Window<T> {}

impl<T: Node> Window<T> {
    fn new<E>(each: E, rows: usize, at_end: RwSignal<bool>) -> Self
    where
        E: StoreField<Value = List<T>> + Clone + Send + Sync + 'static,
    {
        let changed = Trigger::new();
        // The length and the mailbox under one lock: no change falls between.
        let (len, mailbox) = match each.writer() {
            None => (0, None),
            Some(mut list) => {
                list.untrack();
                let mailbox = list.observe(move || {
                    changed.notify();
                });
                (list.len(), Some(mailbox))
            }
        };
        let numbered = Numbered::of(len);
        let item = move |index| each.reader()?.get(index).cloned();
        Window {
            list: StoredValue::new(Source {
                item: Mutex::new(Box::new(item)),
                mailbox,
                changed,
            }),
            state: StoredValue::new(Place {
                numbered,
                rows: Vec::new(),
                arranged_base: numbered.base,
                top: 0.0,
                end: 0.0,
                is_due: false,
                rests: false,
            }),
            shown: RwSignal::new(numbered.last(rows)),
            at_end,
            nodes: Nodes {
                outer: NodeRef::new(),
                inner: NodeRef::new(),
                block: NodeRef::new(),
            },
        }
    }

    /// From now on changes of the list, of the page's size and of `at_end` lead to an arrangement.
    fn follow(self) {
        let changed = self.list.with_value(|list| list.changed);
        Effect::new(move || {
            changed.track();
            self.at_end.track();
            self.nodes.outer.track();
            // At once, so that the mailbox does not fill while the page is hidden.
            self.take_changes();
            self.arrange_soon();
        });
        Effect::new(move || {
            let resized = window_event_listener(leptos::ev::resize, move |_| self.arrange_soon());
            on_cleanup(move || resized.remove());
        });
    }

    /// The signal of an item's row.
    fn item(self, number: u64) -> Option<ReadSignal<T>> {
        let index = number.checked_sub(self.state.with_value(|place| place.numbered.base))?;
        let item = RwSignal::new(self.read(usize::try_from(index).ok()?)?);
        self.state
            .update_value(|place| place.rows.push((number, item)));
        on_cleanup(move || {
            self.state
                .try_update_value(|place| place.rows.retain(|(_, row)| *row != item));
        });
        Some(item.read_only())
    }

    fn read(self, index: usize) -> Option<T> {
        self.list.with_value(|list| {
            let item = list.item.lock().unwrap_or_else(PoisonError::into_inner);
            item(index)
        })
    }

    /// Follows what happened to the list. The rows keep their numbers; those whose item is
    /// another one show it.
    fn take_changes(self) {
        let changes = self.list.with_value(|list| {
            let mailbox = list.mailbox.as_ref();
            mailbox.map(|mailbox| mailbox.take()).unwrap_or_default()
        });
        let mut stale = BTreeSet::new();
        for change in changes {
            self.state.update_value(|place| {
                let range = match place.numbered.follow(&change) {
                    Told::One(number) => number..number + 1,
                    Told::From(number) => number..u64::MAX,
                    Told::Below(number) => 0..number,
                };
                let numbers = place.rows.iter().map(|(number, _)| *number);
                stale.extend(numbers.filter(|number| range.contains(number)));
            });
        }
        let (base, mut rows) = self
            .state
            .with_value(|place| (place.numbered.base, place.rows.clone()));
        rows.retain(|(number, _)| stale.contains(number));
        for (number, row) in rows {
            let index = number.checked_sub(base);
            let index = index.and_then(|index| usize::try_from(index).ok());
            if let Some(item) = index.and_then(|index| self.read(index))
                && row.with_untracked(|shown| !shown.same(&item))
            {
                row.set(item);
            }
        }
    }

    /// Now and then, however much comes.
    fn arrange_soon(self) {
        let before = self.state.try_update_value(|place| {
            let was_due = std::mem::replace(&mut place.is_due, true);
            was_due || place.rests
        });
        if before == Some(false) {
            request_animation_frame(move || self.arrange_if_due());
        }
    }

    /// In this frame: the visitor scrolls, and must find rows.
    fn arrange_now(self) {
        let is_there = self.state.try_update_value(|place| place.is_due = true);
        if is_there.is_some() {
            self.arrange_if_due();
        }
    }

    fn arrange_if_due(self) {
        // The frame may come after the component has gone.
        let is_due = |place: &mut Place<T>| std::mem::take(&mut place.is_due);
        if self.state.try_update_value(is_due) != Some(true) {
            return;
        }
        self.arrange();
        let rested = |place: &mut Place<T>| std::mem::replace(&mut place.rests, true);
        if self.state.try_update_value(rested) == Some(false) {
            set_timeout(move || self.rest_is_over(), REST);
        }
    }

    fn rest_is_over(self) {
        let is_due = self.state.try_update_value(|place| {
            place.rests = false;
            std::mem::take(&mut place.is_due)
        });
        if is_due == Some(true) {
            self.arrange_soon();
        }
    }

    /// Chooses the rows, and puts the box where it was or at the end.
    fn arrange(self) {
        self.take_changes();
        let known = self.state.try_update_value(|place| {
            (
                place.numbered,
                std::mem::replace(&mut place.arranged_base, place.numbered.base),
            )
        });
        let (Some((numbered, base_before)), Some(nodes)) = (known, self.nodes.elements()) else {
            return;
        };
        let mut measures = browser::measure_box(&nodes);
        let is_at_end = self.at_end.get_untracked();
        // What went at the front takes the rows that are seen along.
        let gone = numbered.base as f64 - base_before as f64;
        let end = measures.end(numbered.len);
        let top = match is_at_end {
            true => end,
            false => (measures.top - gone * measures.row).clamp(0.0, end),
        };
        let scrolls = top != measures.top;
        measures.top = top;
        let shown = numbered.around(&measures, is_at_end);
        let above = (shown.start - numbered.base) as f64 * measures.row;
        let height = numbered.len as f64 * measures.row;
        browser::arrange_box(&nodes, height, above, scrolls.then_some(top));
        self.state
            .update_value(|place| (place.top, place.end) = (top, end));
        if self.shown.with_untracked(|now| *now != shown) {
            // Without a row there was nothing to measure: the first one leads to the next frame.
            let again = measures.row <= 0.0 && !shown.is_empty();
            self.shown.set(shown);
            if again {
                self.arrange_soon();
            }
        }
    }
}

impl<T: Node> Scrolls for Window<T> {
    fn scrolled(&self) {
        let Some(nodes) = self.nodes.elements() else {
            return;
        };
        // As the last arrangement has left it.
        let (before, end) = self.state.with_value(|place| (place.top, place.end));
        let top = browser::measure_box(&nodes).top;
        if (top - before).abs() <= SLACK {
            return;
        }
        let is_at_end = self.at_end.get_untracked();
        if top >= end - SLACK {
            self.at_end
                .maybe_update(|known| !std::mem::replace(known, true));
        } else if is_at_end && top < before {
            self.at_end.set(false);
        }
        self.arrange_now();
    }

    fn leaves_if(&self, upwards: bool) {
        let can_scroll = || self.state.with_value(|place| place.top > 0.0);
        if upwards && self.at_end.get_untracked() && can_scroll() {
            self.at_end.set(false);
        }
    }
}

impl Nodes {
    fn elements(self) -> Option<BoxNodes> {
        let of = |node: NodeRef<html::Div>| Some(Element::clone(&*node.try_get_untracked()??));
        Some(BoxNodes {
            outer: of(self.outer)?,
            inner: of(self.inner)?,
            block: of(self.block)?,
        })
    }
}

/// Between two arrangements that nobody waits for. A frame that lays out and paints rows costs far
/// more than the changes that it shows.
const REST: Duration = Duration::from_millis(50);

/// Pixels by which a box that is at its end may be off.
const SLACK: f64 = 2.0;
