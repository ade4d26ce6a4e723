//! `ForList`: a list as rows that follow its changes.
//!
//! leptos' `<For>` compares all keys at each change; this view is told the changes, so that an
//! append costs one row. Each row has its own owner and its own signal: a change of an item
//! touches what that row shows of it, and nothing else.

use crate::core::{
    list::{List, ListChange, Mailbox, longest_rising},
    node::Node,
};
use leptos::{
    prelude::*,
    tachys::{
        html::attribute::{Attribute, any_attribute::AnyAttribute},
        hydration::Cursor,
        renderer::{
            Rndr,
            types::{Element, Node as DomNode, Placeholder},
        },
        ssr::StreamBuilder,
        view::{Mountable, Position, PositionState, Render, RenderHtml, add_attr::AddAnyAttr},
    },
};
use reactive_graph::signal::ArcTrigger;
use reactive_stores::StoreField;
use std::{
    cell::RefCell,
    fmt,
    rc::{Rc, Weak},
    sync::Arc,
};

/// Shows a `List` of a state, a row for each item. `children` gets the item's signal.
///
/// A row lives as long as its item: what others do leaves its DOM, its focus and its scroll
/// alone.
///
/// ```
/// # use leptos::prelude::*;
/// # use undercurrent::prelude::*;
/// #[derive(State, Clone, Debug, Default)]
/// struct Feed { posts: List<String> }
///
/// #[component]
/// fn Posts() -> impl IntoView {
///     let feed = use_state::<Feed>();
///     view! { <ForList each=feed.posts() let:post> <p>{post}</p> </ForList> }
/// }
/// ```
#[component]
pub fn ForList<E, T, C, V>(
    /// The list: a field of what `use_state` returns.
    each: E,
    /// Makes a row from the signal of its item.
    children: C,
) -> impl IntoView
where
    E: StoreField<Value = List<T>>,
    T: Node,
    C: Fn(ReadSignal<T>) -> V + Send + 'static,
    V: IntoView + 'static,
{
    ListView::new(&each, Box::new(move |item| children(item).into_view()))
}

/// The view behind [`ForList`].
pub struct ListView<T: Node, V> {
    rows: Vec<Row<T, V>>,
    make: MakeRow<T, V>,
    owner: Owner,
    mailbox: Option<Arc<Mailbox<T>>>,
    changed: ArcTrigger,
}

type MakeRow<T, V> = Box<dyn Fn(ReadSignal<T>) -> V + Send>;

/// A row: its view, or that view's state in the page.
struct Row<T: Node, V> {
    // Dropped in this order: first what shows the item, then the item's signal.
    view: V,
    item: RwSignal<T>,
    // Disposes of the signal, and of what the row's view has made.
    owner: Owner,
}

/// The rows in the page. The effect that moves them holds them weakly: its task outlives the
/// list by a tick.
pub struct ListState<T: Node, V: Render> {
    rows: Rc<RefCell<Rows<T, V>>>,
    _effect: RenderEffect<()>,
}

struct Rows<T: Node, V: Render> {
    rows: Vec<Row<T, V::State>>,
    /// Stands behind the last row.
    marker: Placeholder,
    make: MakeRow<T, V>,
    owner: Owner,
}

// === impl ListView ===

impl<T: Node, V> ListView<T, V> {
    fn new<E: StoreField<Value = List<T>>>(each: &E, make: MakeRow<T, V>) -> Self {
        let changed = ArcTrigger::new();
        let owner = Owner::current().unwrap_or_default();
        // The items and the mailbox under one lock: no change falls between.
        let (items, mailbox) = match each.writer() {
            None => (Vec::new(), None),
            Some(mut list) => {
                list.untrack();
                let wake = changed.clone();
                let mailbox = list.observe(move || wake.notify());
                (list.iter().cloned().collect(), Some(mailbox))
            }
        };
        let rows = items
            .into_iter()
            .map(|item| Row::new(item, &owner, &make))
            .collect();
        ListView {
            rows,
            make,
            owner,
            mailbox,
            changed,
        }
    }
}

impl<T: Node, V> Row<T, V> {
    fn new(item: T, owner: &Owner, make: &MakeRow<T, V>) -> Self {
        let owner = owner.child();
        let (item, view) = owner.with(|| {
            let item = RwSignal::new(item);
            (item, make(item.read_only()))
        });
        Row { view, item, owner }
    }

    fn map<W>(self, change: impl FnOnce(V) -> W) -> Row<T, W> {
        let Row { view, item, owner } = self;
        let view = owner.with(|| change(view));
        Row { view, item, owner }
    }
}

impl<T: Node, V: Render + 'static> ListView<T, V> {
    /// The rows are in the page, or will be mounted; from now on they follow.
    fn into_state(
        self,
        rows: impl FnOnce(Vec<Row<T, V>>) -> (Vec<Row<T, V::State>>, Placeholder),
    ) -> ListState<T, V> {
        let ListView {
            rows: views,
            make,
            owner,
            mailbox,
            changed,
        } = self;
        let (rows, marker) = rows(views);
        let rows = Rc::new(RefCell::new(Rows {
            rows,
            marker,
            make,
            owner,
        }));
        let weak: Weak<RefCell<Rows<T, V>>> = Rc::downgrade(&rows);
        let effect = RenderEffect::new(move |_| {
            changed.track();
            if let (Some(rows), Some(mailbox)) = (weak.upgrade(), &mailbox) {
                for change in mailbox.take() {
                    untrack(|| rows.borrow_mut().apply(change));
                }
            }
        });
        ListState {
            rows,
            _effect: effect,
        }
    }
}

// === impl Rows ===

impl<T: Node, V: Render> Rows<T, V> {
    fn apply(&mut self, change: ListChange<T>) {
        match change {
            ListChange::Set(index, item) => self.rows[index].item.set(item),
            ListChange::Insert(index, items) => {
                let count = items.len();
                let make = |item| Row::new(item, &self.owner, &self.make).map(Render::build);
                let added: Vec<_> = items.into_iter().map(make).collect();
                self.rows.splice(index..index, added);
                (index..index + count)
                    .rev()
                    .for_each(|index| self.place(index));
            }
            ListChange::Remove(index, count) => {
                for mut row in self.rows.drain(index..index + count) {
                    row.view.unmount();
                }
            }
            ListChange::Move(from, to) => self.move_row(from, to),
            ListChange::Swap(a, b) => {
                let (low, high) = (a.min(b), a.max(b));
                self.move_row(high, low);
                self.move_row(low + 1, high);
            }
            ListChange::Order(start, order) => self.order(start, &order),
        }
    }

    fn move_row(&mut self, from: usize, to: usize) {
        let row = self.rows.remove(from);
        self.rows.insert(to, row);
        self.place(to);
    }

    /// Moves the rows that have to move: those of the longest run that keeps its order stay where
    /// they are, with their focus and their scroll.
    fn order(&mut self, start: usize, order: &[u32]) {
        let range = start..start + order.len();
        let mut old: Vec<_> = self.rows.drain(range).map(Some).collect();
        let new = order.iter().filter_map(|&from| old[from as usize].take());
        self.rows.splice(start..start, new.collect::<Vec<_>>());
        for (index, stays) in (start..)
            .zip(rising(order))
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
        {
            if !stays {
                self.place(index);
            }
        }
    }

    /// Puts the row at an index where it belongs in the page; those behind it are there already.
    /// A row that shows nothing has no place, so the next that has one is taken, or the marker.
    fn place(&mut self, index: usize) {
        let (ahead, behind) = self.rows.split_at_mut(index + 1);
        let Some(row) = ahead.last_mut() else { return };
        let mut behind = behind.iter();
        if !behind.any(|next| next.view.insert_before_this(&mut row.view)) {
            self.marker.insert_before_this(&mut row.view);
        }
    }
}

/// Which places of an order belong to its longest rising run.
fn rising(order: &[u32]) -> Vec<bool> {
    let pairs: Vec<(usize, usize)> = (order.iter().map(|&from| from as usize).zip(0..)).collect();
    let mut stays = vec![false; order.len()];
    for (_, place) in longest_rising(&pairs) {
        stays[place] = true;
    }
    stays
}

// === impl ListView: tachys ===

impl<T: Node, V: Render + 'static> Render for ListView<T, V> {
    type State = ListState<T, V>;

    fn build(self) -> Self::State {
        self.into_state(|rows| {
            let rows = rows.into_iter().map(|row| row.map(Render::build)).collect();
            (rows, Rndr::create_placeholder())
        })
    }

    fn rebuild(self, state: &mut Self::State) {
        let mut new = self.build();
        state.insert_before_this(&mut new);
        state.unmount();
        *state = new;
    }
}

impl<T: Node, V: RenderHtml + 'static> AddAnyAttr for ListView<T, V> {
    type Output<SomeNewAttr: Attribute> =
        ListView<T, <V as AddAnyAttr>::Output<SomeNewAttr::CloneableOwned>>;

    fn add_any_attr<NewAttr: Attribute>(self, attr: NewAttr) -> Self::Output<NewAttr>
    where
        Self::Output<NewAttr>: RenderHtml,
    {
        let attr = attr.into_cloneable_owned();
        let ListView {
            rows,
            make,
            owner,
            mailbox,
            changed,
        } = self;
        let add = |row: Row<T, V>| row.map(|view| view.add_any_attr(attr.clone()));
        ListView {
            rows: rows.into_iter().map(add).collect(),
            make: Box::new(move |item| make(item).add_any_attr(attr.clone())),
            owner,
            mailbox,
            changed,
        }
    }
}

impl<T: Node, V: RenderHtml + 'static> RenderHtml for ListView<T, V> {
    type AsyncOutput = ListView<T, V>;
    type Owned = Self;

    const MIN_LENGTH: usize = 0;

    fn dry_resolve(&mut self) {
        self.rows.iter_mut().for_each(|row| row.view.dry_resolve());
    }

    async fn resolve(self) -> Self::AsyncOutput {
        self
    }

    fn to_html_with_buf(
        self,
        buf: &mut String,
        position: &mut Position,
        escape: bool,
        mark_branches: bool,
        extra_attrs: Vec<AnyAttribute>,
    ) {
        for row in self.rows {
            let attrs = extra_attrs.clone();
            row.view
                .to_html_with_buf(buf, position, escape, mark_branches, attrs);
        }
        // As tachys' own lists: the marker, and what comes behind is a further child.
        if escape {
            buf.push_str("<!>");
            *position = Position::NextChild;
        }
    }

    fn to_html_async_with_buf<const OUT_OF_ORDER: bool>(
        self,
        buf: &mut StreamBuilder,
        position: &mut Position,
        escape: bool,
        mark_branches: bool,
        extra_attrs: Vec<AnyAttribute>,
    ) {
        for row in self.rows {
            let attrs = extra_attrs.clone();
            row.view.to_html_async_with_buf::<OUT_OF_ORDER>(
                buf,
                position,
                escape,
                mark_branches,
                attrs,
            );
        }
        if escape {
            buf.push_sync("<!>");
            *position = Position::NextChild;
        }
    }

    fn hydrate<const FROM_SERVER: bool>(
        self,
        cursor: &Cursor,
        position: &PositionState,
    ) -> Self::State {
        self.into_state(|rows| {
            let hydrate =
                |row: Row<T, V>| row.map(|view| view.hydrate::<FROM_SERVER>(cursor, position));
            let rows = rows.into_iter().map(hydrate).collect();
            let marker = cursor.next_placeholder(position);
            position.set(Position::NextChild);
            (rows, marker)
        })
    }

    fn into_owned(self) -> Self::Owned {
        self
    }
}

// === impl ListState ===

impl<T: Node, V: Render> Mountable for ListState<T, V> {
    fn unmount(&mut self) {
        let mut rows = self.rows.borrow_mut();
        rows.rows.iter_mut().for_each(|row| row.view.unmount());
        rows.marker.unmount();
    }

    fn mount(&mut self, parent: &Element, marker: Option<&DomNode>) {
        let mut rows = self.rows.borrow_mut();
        rows.rows
            .iter_mut()
            .for_each(|row| row.view.mount(parent, marker));
        rows.marker.mount(parent, marker);
    }

    fn insert_before_this(&self, child: &mut dyn Mountable) -> bool {
        let rows = self.rows.borrow();
        rows.rows
            .iter()
            .any(|row| row.view.insert_before_this(child))
            || rows.marker.insert_before_this(child)
    }

    fn elements(&self) -> Vec<Element> {
        self.rows
            .borrow()
            .rows
            .iter()
            .flat_map(|row| row.view.elements())
            .collect()
    }
}

impl<T: Node, V> fmt::Debug for ListView<T, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListView")
            .field("rows", &self.rows.len())
            .finish_non_exhaustive()
    }
}

impl<T: Node, V: Render> fmt::Debug for ListState<T, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListState").finish_non_exhaustive()
    }
}
