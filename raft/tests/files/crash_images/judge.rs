//! Every image of every moment of a record is recovered, continued, and recovered again, by the real code on real files.

use std::fs;
use std::path::{Path, PathBuf};

use squall_raft::store::Options;

use super::disk::Lie;
use super::image::{Image, images, points};
use super::life::{Act, Life, Mark, Record};
use crate::draws::Draws;

/// How many images of one moment at most, and of one moment of the recovery of an image.
pub const IMAGES_MAX: usize = 300;
const NESTED_IMAGES_MAX: usize = 3;

/// One image in so many has the moments of its own recovery looked at.
const NESTED_EVERY: usize = 10;

/// How much was looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count {
    pub points: usize,
    pub exhaustive_points: usize,
    pub images: usize,
    /// Of which so many are of a recovery that an image was under.
    pub nested: usize,
}

/// A folder of this test, in memory if the system has such files: thousands of images are synced several times each.
pub struct Arena {
    path: PathBuf,
}

impl Arena {
    #[expect(clippy::disallowed_methods, reason = "other runs of the same test have folders of their own")]
    pub fn new(test: &str) -> Self {
        let memory = Path::new("/dev/shm");
        let above = if memory.is_dir() { memory } else { Path::new(env!("CARGO_TARGET_TMPDIR")) };
        let path = above.join(format!("squall-crash-images-{}-{test}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self { path }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The log's files are these from now on. The boot's number stays and grows.
    fn put(&self, image: &Image) -> std::io::Result<()> {
        let log = self.path.join("log");
        fs::create_dir_all(&log)?;
        for entry in fs::read_dir(&log)? {
            fs::remove_file(entry?.path())?;
        }
        image.iter().try_for_each(|(name, content)| fs::write(log.join(&*name.0), content))
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

pub struct Judge<'a> {
    pub arena: &'a Arena,
    pub options: Options,
    pub draws: &'a mut Draws,
    pub count: Count,
}

impl Judge<'_> {
    /// Looks at every moment of a record.
    pub fn judge(&mut self, record: &Record) -> Result<(), String> {
        for point in points(&record.executed) {
            let images = images(&record.start, &record.executed, point, self.draws, IMAGES_MAX);
            self.count.points += 1;
            self.count.exhaustive_points += usize::from(images.exhaustive);
            for image in images.list {
                let at = |error| format!("{point:?} of {} operations: {error}", record.executed.len());
                let again = self.recover(&image, record.allowed(point)).map_err(at)?;
                if self.draws.below(NESTED_EVERY) == 0 {
                    self.judge_recovery(&again).map_err(at)?;
                }
            }
        }
        Ok(())
    }

    /// The power fails again while an image is recovered, or soon after.
    fn judge_recovery(&mut self, record: &Record) -> Result<(), String> {
        for point in points(&record.executed) {
            for image in images(&record.start, &record.executed, point, self.draws, NESTED_IMAGES_MAX).list {
                let at = |error| format!("{point:?} of the recovery's {} operations: {error}", record.executed.len());
                self.count.nested += 1;
                self.recover(&image, record.allowed(point)).map_err(at)?;
            }
        }
        Ok(())
    }

    /// Recovers an image, appends to it, and recovers that.
    fn recover(&mut self, image: &Image, allowed: &[Mark]) -> Result<Record, String> {
        self.count.images += 1;
        self.arena.put(image).map_err(|error| error.to_string())?;
        let mut life = Life::boot(self.arena.path(), self.options, Lie::None, image.clone(), allowed)?;
        for act in [Act::Append(&[700]), Act::Vote, Act::Purge(2), Act::Settle, Act::Kill { ops: 0 }] {
            life.act(&act)?;
        }
        Ok(life.into_record())
    }
}
