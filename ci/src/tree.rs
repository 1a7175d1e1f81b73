//! The files of the repository, read once and handed to every rule.
//!
//! The tree is walked as it lies on disk, less what `.gitignore` names, so that tidy also works on an unpacked
//! archive and sees a new file before it is committed. Not here: any judgement.
//! Read next: `rules`.

use std::fs;
use std::io;
use std::path::Path;

/// A file and, if it is UTF-8, its text.
#[derive(Debug, Clone)]
pub struct File {
    /// Path below the root, with `/` on every platform.
    pub path: String,
    /// The content, or the offset of the first byte that is not UTF-8.
    pub text: Result<String, usize>,
}

impl File {
    /// A file with a text, as fixtures have it.
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: Ok(text.to_owned()) }
    }

    /// The text, empty where there is none.
    #[must_use]
    pub fn text(&self) -> &str {
        self.text.as_deref().unwrap_or("")
    }

    /// Whether the path ends in `.` and the extension.
    #[must_use]
    pub fn has_extension(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|found| found == extension)
    }

    /// The last part of the path.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The first folder of the path, which for sources is the crate.
    #[must_use]
    pub fn top(&self) -> &str {
        self.path.split_once('/').map_or("", |(top, _)| top)
    }
}

/// All files, sorted by path.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// The files, sorted by path.
    pub files: Vec<File>,
}

impl Tree {
    /// A tree of the given files, as fixtures have it.
    #[must_use]
    pub fn new(mut files: Vec<File>) -> Self {
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Self { files }
    }

    /// Reads everything below a folder that its `.gitignore` does not name.
    ///
    /// # Errors
    ///
    /// What cannot be read, and a `.gitignore` with a pattern that is not understood here.
    pub fn read(root: &Path) -> io::Result<Self> {
        let ignored = Ignored::parse(&fs::read_to_string(root.join(".gitignore")).unwrap_or_default())?;
        let mut files = Vec::new();
        walk(root, "", &ignored, &mut files)?;
        Ok(Self::new(files))
    }

    /// The file at a path.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Whether there is a file at this path or a folder with files; the root is `""`.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        path.is_empty()
            || self
                .files
                .iter()
                .any(|file| file.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    }

    /// Files with an extension.
    pub fn with_extension<'a>(&'a self, extension: &'a str) -> impl Iterator<Item = &'a File> {
        self.files.iter().filter(move |file| file.has_extension(extension))
    }
}

fn walk(folder: &Path, prefix: &str, ignored: &Ignored, files: &mut Vec<File>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        if ignored.covers(&path) {
            continue;
        }
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(&entry.path(), &path, ignored, files)?;
        } else if kind.is_file() {
            let text = String::from_utf8(fs::read(entry.path())?).map_err(|error| error.utf8_error().valid_up_to());
            files.push(File { path, text });
        }
    }
    Ok(())
}

/// The part of `.gitignore`'s language that the repository uses: `/path` and `*ending`.
#[derive(Debug)]
pub struct Ignored {
    paths: Vec<String>,
    endings: Vec<String>,
}

impl Ignored {
    /// Reads the patterns.
    ///
    /// # Errors
    ///
    /// A pattern of another form: guessing at it would hide files from every rule.
    pub fn parse(text: &str) -> io::Result<Self> {
        let mut ignored = Self { paths: vec![".git".to_owned(), "target".to_owned()], endings: Vec::new() };
        for (number, line) in text.lines().map(str::trim).enumerate() {
            match (line.strip_prefix('/'), line.strip_prefix('*')) {
                _ if line.is_empty() || line.starts_with('#') => {}
                (Some(path), _) if !path.contains('*') => ignored.paths.push(path.trim_end_matches('/').to_owned()),
                (_, Some(ending)) if !ending.contains(['*', '/']) => ignored.endings.push(ending.to_owned()),
                _ => {
                    let line_number = number + 1;
                    return Err(io::Error::other(format!(
                        ".gitignore:{line_number}: found `{line}`, expected `/path` or `*ending`"
                    )));
                }
            }
        }
        Ok(ignored)
    }

    fn covers(&self, path: &str) -> bool {
        self.paths.iter().any(|ignored| ignored == path) || self.endings.iter().any(|ending| path.ends_with(ending))
    }
}
