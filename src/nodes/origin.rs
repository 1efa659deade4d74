//! Where a column comes from: who made it, from which columns, and where its nulls come in. Known once a graph is planned, for messages;
//! nothing of it is there while a batch runs.

use std::collections::HashSet;
use std::sync::Arc;

use super::Column;

/// The maker of a column, and the columns that it read. Shown, it is the maker's name.
#[derive(Clone, PartialEq)]
pub struct Origin(Arc<Making>);

#[derive(PartialEq)]
struct Making {
    node: Arc<str>,
    parents: Vec<Ancestor>,
    nulls: Option<Nulls>,
}

/// A column that another one was made from, as it was then.
#[derive(Clone, Debug, PartialEq)]
pub struct Ancestor {
    /// Its name.
    pub name: Arc<str>,
    /// Whether it could be null.
    pub nullable: bool,
    /// Where it came from itself.
    pub origin: Origin,
}

/// How nulls come into a column, beside those of the columns that it was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nulls {
    /// The event's schema allows them.
    Schema,
    /// A producer can write NaN into a float that cannot be null: nothing that a check could warn of.
    Nan,
    /// Its maker makes them, for this reason.
    Where(&'static str),
}

impl Origin {
    /// A column that `node` made from others.
    pub fn made(node: &str, parents: Vec<Ancestor>) -> Self {
        Self(Arc::new(Making { node: node.into(), parents, nulls: None }))
    }

    /// A field of the event.
    pub fn field(nullable: bool) -> Self {
        Self(Arc::new(Making { node: "event".into(), parents: Vec::new(), nulls: nullable.then_some(Nulls::Schema) }))
    }

    /// Says that the column is null, beside what it was made from, only where a producer wrote NaN into a float.
    #[must_use]
    pub fn or_nan(self) -> Self {
        self.with(Nulls::Nan)
    }

    /// Says where the column's maker makes it null, such as "the text is no number".
    #[must_use]
    pub fn null_where(self, condition: &'static str) -> Self {
        self.with(Nulls::Where(condition))
    }

    fn with(self, nulls: Nulls) -> Self {
        Self(Arc::new(Making { node: Arc::clone(&self.0.node), parents: self.0.parents.clone(), nulls: Some(nulls) }))
    }

    /// The same under another maker's name; a part of an expression has none.
    #[must_use]
    pub fn by(&self, node: &str) -> Self {
        Self(Arc::new(Making { node: node.into(), parents: self.0.parents.clone(), nulls: self.0.nulls }))
    }

    /// The name of the node that made the column; `event` for a field, empty for a part of an expression.
    pub fn node(&self) -> &str {
        &self.0.node
    }

    /// Whether both are of one making, as those of a column before and behind a new name are.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The columns that it was made from.
    pub fn parents(&self) -> &[Ancestor] {
        &self.0.parents
    }
}

impl From<&str> for Origin {
    fn from(node: &str) -> Self {
        Self::made(node, Vec::new())
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.node())
    }
}

impl std::fmt::Debug for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.node())
    }
}

impl Column {
    /// The column as one of whom another is made.
    pub fn as_ancestor(&self) -> Ancestor {
        Ancestor { name: Arc::clone(&self.name), nullable: self.nullable, origin: self.origin.clone() }
    }

    /// The way by which a null comes into this column, such as "field `age` of the event, which can be null -> `json_df` -> `years`";
    /// `None` when none can come but NaN from a producer of floats.
    pub fn null_path(&self) -> Option<String> {
        let hops = hops(&self.as_ancestor(), &mut HashSet::new())?;
        let mut shown: Vec<String> = Vec::new();
        let mut name: Option<&Arc<str>> = None;
        for hop in &hops {
            let renamed = name
                .replace(&hop.name)
                .filter(|name| **name != hop.name)
                .filter(|_| !hop.origin.node().is_empty())
                .map_or(String::new(), |_| format!(" as `{}`", hop.name));
            // A part of an expression is called by its text, and passed over where it has none.
            let maker = if hop.origin.node().is_empty() { hop.name.as_ref() } else { hop.origin.node() };
            let hop = match hop.origin.0.nulls {
                _ if maker.is_empty() => continue,
                Some(Nulls::Schema) => format!("field `{}` of the event, which can be null", hop.name),
                Some(Nulls::Where(condition)) => format!("`{maker}`{renamed} (null where {condition})"),
                _ => format!("`{maker}`{renamed}"),
            };
            // Several operations of one node are one hop.
            if shown.last() != Some(&hop) {
                shown.push(hop);
            }
        }
        Some(shown.join(" -> "))
    }
}

/// The makers of a null on its way, the first one first. `barren` are those that were looked at in vain: columns share their ancestors.
fn hops(column: &Ancestor, barren: &mut HashSet<*const Making>) -> Option<Vec<Ancestor>> {
    let making = &column.origin.0;
    if !column.nullable || barren.contains(&Arc::as_ptr(making)) {
        return None;
    }
    let upstream = making.parents.iter().find_map(|parent| hops(parent, barren));
    let begins_here = match making.nulls {
        Some(Nulls::Schema | Nulls::Where(_)) => true,
        Some(Nulls::Nan) => false,
        // Its maker did not say why it can be null, and no column that it read can.
        None => !making.parents.iter().any(|parent| parent.nullable),
    };
    if upstream.is_none() && !begins_here {
        barren.insert(Arc::as_ptr(making));
        return None;
    }
    let mut hops = upstream.unwrap_or_default();
    hops.push(column.clone());
    Some(hops)
}
