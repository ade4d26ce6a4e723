//! What leptos makes of a collection: HTML, nodes that it finds, nodes that it makes.

use super::{
    Shape,
    rows::{MakeRow, Row, Rows},
};
use crate::{browser, core::list::Mailbox};
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
use std::{
    cell::RefCell,
    fmt,
    rc::{Rc, Weak},
    sync::Arc,
};

/// The view behind `ForList` and `ForMap`.
pub(super) struct ListView<S: Shape, V> {
    rows: Vec<Row<S, V>>,
    make: MakeRow<S, V>,
    owner: Owner,
    mailbox: Option<Arc<Mailbox<S::Item>>>,
    changed: ArcTrigger,
}

/// The rows in the page. The effect that moves them holds them weakly: its task outlives the
/// list by a tick.
pub(super) struct ListState<S: Shape, V: Render> {
    rows: Rc<RefCell<Rows<S, V>>>,
    _effect: RenderEffect<()>,
}

// === impl ListView ===

impl<S: Shape, V> ListView<S, V> {
    pub(super) fn new(
        items: Vec<S::Item>,
        mailbox: Option<Arc<Mailbox<S::Item>>>,
        changed: ArcTrigger,
        make: MakeRow<S, V>,
    ) -> Self {
        let owner = Owner::current().unwrap_or_default();
        let rows = items.into_iter();
        let rows = rows.map(|item| Row::new(item, &owner, &make)).collect();
        ListView {
            rows,
            make,
            owner,
            mailbox,
            changed,
        }
    }
}

impl<S: Shape, V: Render + 'static> ListView<S, V> {
    /// The rows are in the page, or will be mounted; from now on they follow.
    fn into_state(
        self,
        rows: impl FnOnce(Vec<Row<S, V>>) -> (Vec<Row<S, V::State>>, Placeholder),
    ) -> ListState<S, V> {
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
        let weak: Weak<RefCell<Rows<S, V>>> = Rc::downgrade(&rows);
        let effect = RenderEffect::new(move |_| {
            changed.track();
            if let (Some(rows), Some(mailbox)) = (weak.upgrade(), &mailbox) {
                let changes = mailbox.take();
                let mut rows = rows.borrow_mut();
                let follow = || changes.into_iter().for_each(|change| rows.apply(change));
                browser::keep_focus(|| untrack(follow));
            }
        });
        ListState {
            rows,
            _effect: effect,
        }
    }
}

// === impl ListView: tachys ===

impl<S: Shape, V: Render + 'static> Render for ListView<S, V> {
    type State = ListState<S, V>;

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

impl<S: Shape, V: RenderHtml + 'static> AddAnyAttr for ListView<S, V> {
    type Output<SomeNewAttr: Attribute> =
        ListView<S, <V as AddAnyAttr>::Output<SomeNewAttr::CloneableOwned>>;

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
        let add = |row: Row<S, V>| row.map(|view| view.add_any_attr(attr.clone()));
        ListView {
            rows: rows.into_iter().map(add).collect(),
            make: Box::new(move |item| {
                let (value, view) = make(item);
                (value, view.add_any_attr(attr.clone()))
            }),
            owner,
            mailbox,
            changed,
        }
    }
}

impl<S: Shape, V: RenderHtml + 'static> RenderHtml for ListView<S, V> {
    type AsyncOutput = ListView<S, V>;
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
                |row: Row<S, V>| row.map(|view| view.hydrate::<FROM_SERVER>(cursor, position));
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

impl<S: Shape, V: Render> Mountable for ListState<S, V> {
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

impl<S: Shape, V> fmt::Debug for ListView<S, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListView")
            .field("rows", &self.rows.len())
            .finish_non_exhaustive()
    }
}

impl<S: Shape, V: Render> fmt::Debug for ListState<S, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListState").finish_non_exhaustive()
    }
}
