//! Order: what comes before what.

use std::collections::{BTreeMap, BTreeSet};

/// Resources wait for each other in a circle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these depend on each other in a circle: {}", path.join(" -> "))]
pub struct Cycle {
    /// The circle; the first name is repeated at the end.
    pub path: Vec<String>,
}

/// Names in an order in which each comes after all that it depends on; otherwise alphabetical, so that it is always the same.
/// Dependencies on names that are not in the map are taken as fulfilled.
///
/// # Errors
/// When there is a circle.
pub fn order(dependencies: &BTreeMap<String, BTreeSet<String>>) -> Result<Vec<String>, Cycle> {
    let mut visit = Visit { dependencies, done: BTreeSet::new(), path: Vec::new(), order: Vec::new() };
    for name in dependencies.keys() {
        visit.name(name)?;
    }
    Ok(visit.order)
}

/// All names that one of `roots` depends on, directly or not; the roots themselves are left out.
pub fn requirements(dependencies: &BTreeMap<String, BTreeSet<String>>, roots: &BTreeSet<String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&String> = roots.iter().collect();
    while let Some(name) = open.pop() {
        for other in dependencies.get(name).into_iter().flatten() {
            if !roots.contains(other) && found.insert(other.clone()) {
                open.push(other);
            }
        }
    }
    found
}

struct Visit<'a> {
    dependencies: &'a BTreeMap<String, BTreeSet<String>>,
    done: BTreeSet<&'a str>,
    path: Vec<&'a str>,
    order: Vec<String>,
}

impl<'a> Visit<'a> {
    fn name(&mut self, name: &'a str) -> Result<(), Cycle> {
        if self.done.contains(name) {
            return Ok(());
        }
        let Some((name, on)) = self.dependencies.get_key_value(name) else { return Ok(()) };
        if let Some(start) = self.path.iter().position(|seen| *seen == name.as_str()) {
            let circle = self.path[start..].iter().copied().chain([name.as_str()]);
            return Err(Cycle { path: circle.map(str::to_owned).collect() });
        }
        self.path.push(name);
        for dependency in on {
            self.name(dependency)?;
        }
        self.path.pop();
        self.done.insert(name);
        self.order.push(name.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &[&str])]) -> BTreeMap<String, BTreeSet<String>> {
        edges.iter().map(|(name, on)| ((*name).to_owned(), on.iter().map(|on| (*on).to_owned()).collect())).collect()
    }

    #[test]
    fn dependencies_come_first() {
        let graph = graph(&[("a", &["c"]), ("b", &[]), ("c", &["b"])]);
        assert_eq!(order(&graph).unwrap(), ["b", "c", "a"]);
        assert_eq!(requirements(&graph, &BTreeSet::from(["c".to_owned()])), BTreeSet::from(["b".to_owned()]));
    }

    #[test]
    fn a_circle_is_named() {
        let error = order(&graph(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"])])).unwrap_err();
        assert_eq!(error.path, ["b", "c", "b"]);
    }
}
