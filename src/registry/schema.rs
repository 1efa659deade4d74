//! A writer's schema put together from the registry's answers.

use super::RegistryError;
use super::client::{Client, Reference, SchemaAnswer};
use crate::dataset::AvroType;
use crate::guard::guarded;

/// The most schemas that one may name, itself or through others.
const MAX_REFERENCES: usize = 64;

/// Fetches the schema of an id with all that it refers to.
pub(super) fn fetch(client: &Client, id: u64) -> Result<AvroType, RegistryError> {
    // Without the registry's thread, which a panic of apache-avro would end, no other id would ever be known.
    guarded(|| assemble(client, id)).unwrap_or_else(|why| Err(RegistryError::Unusable(format!("the schema of id {id}: {why}"))))
}

fn assemble(client: &Client, id: u64) -> Result<AvroType, RegistryError> {
    let main = client.schema(id)?;
    check_type(&main)?;
    let mut texts = Vec::new();
    let mut seen: Vec<Reference> = Vec::new();
    collect(client, &main, &mut seen, &mut texts)?;
    AvroType::parse(&main.schema, &texts).map_err(|error| RegistryError::Unusable(format!("the schema of id {id}: {error}")))
}

/// Each reference's text once, those that it refers to before it.
fn collect(client: &Client, schema: &SchemaAnswer, seen: &mut Vec<Reference>, texts: &mut Vec<String>) -> Result<(), RegistryError> {
    for reference in &schema.references {
        if seen.contains(reference) {
            continue;
        }
        if seen.len() == MAX_REFERENCES {
            return Err(RegistryError::Unusable(format!("the schema refers to more than {MAX_REFERENCES} others")));
        }
        seen.push(reference.clone());
        let answer = client.referenced(reference)?;
        check_type(&answer)?;
        collect(client, &answer, seen, texts)?;
        texts.push(answer.schema);
    }
    Ok(())
}

fn check_type(schema: &SchemaAnswer) -> Result<(), RegistryError> {
    match schema.schema_type.as_deref() {
        None | Some("AVRO") => Ok(()),
        Some(other) => {
            Err(RegistryError::Unusable(format!("the registry has a schema of type {other} under this id, and events here are Avro")))
        }
    }
}
