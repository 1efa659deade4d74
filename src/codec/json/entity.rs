//! What JSON an XDM schema's events are: the compiler's other half, for types with rules.

use std::sync::Arc;

use arrow_schema::TimeUnit;

use super::shape::{Compiler, Named, Object, Others, Shape, Target, Value};
use crate::codec::scalar::Scalar;
use crate::dataset::{Extra, TextFormat, XdmKind, XdmObject, XdmType};

impl Compiler<'_> {
    /// The members of an object whose members are columns of their own, or the way to some.
    pub(super) fn entity(&mut self, rules: &Arc<XdmType>) -> Object<Target> {
        let XdmKind::Object(object) = &rules.kind else { return Object::new(Vec::new()) };
        let members = object.members.iter().map(|member| {
            let (first, id) = (self.leaf, self.next_id());
            let nullable = !member.required || member.kind.nullable;
            let target = if let XdmKind::Object(_) = member.kind.kind {
                let object = self.entity(&member.kind);
                Target::Object { object, nullable, columns: self.columns(first) }
            } else {
                self.leaf += 1;
                Target::Column(self.places[first], self.ruled(&member.kind, nullable))
            };
            Named { name: member.name.clone(), id, required: member.required, default: None, member: target }
        });
        let members = members.collect();
        self.finish(members, rules, object)
    }

    fn ruled(&mut self, kind: &Arc<XdmType>, nullable: bool) -> Value {
        let shape = match &kind.kind {
            XdmKind::Text(rules) => Shape::Scalar(match rules.format {
                Some(TextFormat::Date) => Scalar::Date,
                Some(TextFormat::DateTime) => Scalar::Timestamp { unit: TimeUnit::Nanosecond, utc: true },
                _ => Scalar::String,
            }),
            XdmKind::Number { integral: true, .. } => Shape::Scalar(Scalar::Long),
            XdmKind::Number { .. } => Shape::Scalar(Scalar::Double),
            XdmKind::Boolean => Shape::Scalar(Scalar::Boolean),
            XdmKind::Array { item, .. } => Shape::Array(Box::new(self.ruled(item, item.nullable))),
            XdmKind::Map(value) => Shape::Map(Box::new(self.ruled(value, value.nullable))),
            XdmKind::Object(object) => {
                let members = object.members.iter().map(|member| Named {
                    name: member.name.clone(),
                    id: self.next_id(),
                    required: member.required,
                    default: None,
                    member: self.ruled(&member.kind, !member.required || member.kind.nullable),
                });
                let members = members.collect();
                Shape::Object(self.finish(members, kind, object))
            }
        };
        Value { shape, nullable, rules: Some(Arc::clone(kind)) }
    }

    fn finish<M>(&mut self, members: Vec<Named<M>>, rules: &Arc<XdmType>, object: &XdmObject) -> Object<M> {
        let others = match &object.extra {
            Extra::Any => Others::Ignored,
            Extra::None => Others::Refused,
            Extra::Each(kind) => Others::Each(Box::new(self.ruled(kind, kind.nullable))),
        };
        let aliases = object.members.iter().map(|member| member.aliases.as_slice()).enumerate();
        Object::new(members).aliased(aliases).ruled(rules, others)
    }
}
