//! What `Cargo.toml` says, with the line on which it says it.
//!
//! Not here: what it should say (`rules::manifests`, `rules::directions`).

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A parsed TOML file.
#[derive(Debug)]
pub struct Manifest<'a> {
    text: &'a str,
    root: DeTable<'a>,
}

/// A dependency as one table names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// The package, also where it is renamed.
    pub package: String,
    /// The table: `dependencies`, `dev-dependencies`, `target.'cfg(unix)'.dependencies`, ..
    pub table: String,
    /// Features that it switches on.
    pub features: Vec<String>,
    /// The folder, for packages of the workspace.
    pub path: Option<String>,
    /// Whether it comes from a registry by name or from git, instead of from crates.io.
    pub elsewhere: bool,
    /// Counted from 1.
    pub line: usize,
}

const TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

impl<'a> Manifest<'a> {
    /// Parses a manifest, or any TOML.
    ///
    /// # Errors
    ///
    /// The line and what is wrong there.
    pub fn parse(text: &'a str) -> Result<Self, (usize, String)> {
        match DeTable::parse(text) {
            Ok(root) => Ok(Self { text, root: root.into_inner() }),
            Err(error) => Err((line(text, error.span().unwrap_or_default()), error.message().to_owned())),
        }
    }

    /// The value below a path of keys, with its line.
    #[must_use]
    pub fn get(&self, keys: &[&str]) -> Option<(usize, &DeValue<'a>)> {
        let (first, rest) = keys.split_first()?;
        let mut value = self.root.get(*first)?;
        for key in rest {
            value = value.get_ref().as_table()?.get(*key)?;
        }
        Some((line(self.text, value.span()), value.get_ref()))
    }

    /// The keys of the table below a path of keys (all of the file, for none), with their lines.
    #[must_use]
    pub fn keys(&self, path: &[&str]) -> Vec<(usize, &str)> {
        let table = if path.is_empty() { Some(&self.root) } else { self.get(path).and_then(|(_, v)| v.as_table()) };
        let entries = table.into_iter().flat_map(DeTable::iter);
        entries.map(|(key, _)| (line(self.text, key.span()), key.get_ref().as_ref())).collect()
    }

    /// The texts of the array below a path of keys.
    #[must_use]
    pub fn strings(&self, path: &[&str]) -> Vec<&str> {
        self.get(path).map(|(_, value)| strings(value)).unwrap_or_default()
    }

    /// Every dependency of every table: of the workspace, of the package, and per target.
    #[must_use]
    pub fn dependencies(&self) -> Vec<Dependency> {
        let mut found = Vec::new();
        self.collect(&["workspace", "dependencies"], &mut found);
        for table in TABLES {
            self.collect(&[table], &mut found);
            for (_, target) in self.keys(&["target"]) {
                self.collect(&["target", target, table], &mut found);
            }
        }
        found
    }

    fn collect(&self, path: &[&str], found: &mut Vec<Dependency>) {
        let Some(table) = self.get(path).and_then(|(_, value)| value.as_table()) else { return };
        for (key, value) in table.iter() {
            let field = |name: &str| value.get_ref().as_table().and_then(|table| table.get(name)).map(Spanned::get_ref);
            let text = |name: &str| field(name).and_then(|value| value.as_str()).map(str::to_owned);
            found.push(Dependency {
                package: text("package").unwrap_or_else(|| key.get_ref().as_ref().to_owned()),
                table: path.join("."),
                features: field("features").map(strings).unwrap_or_default().into_iter().map(str::to_owned).collect(),
                path: text("path"),
                elsewhere: ["git", "registry", "registry-index"].into_iter().any(|name| field(name).is_some()),
                line: line(self.text, key.span()),
            });
        }
    }
}

fn strings<'v>(value: &'v DeValue<'_>) -> Vec<&'v str> {
    value.as_array().into_iter().flat_map(|array| array.iter()).filter_map(|item| item.get_ref().as_str()).collect()
}

fn line(text: &str, span: Range<usize>) -> usize {
    text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1
}
