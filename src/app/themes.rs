//! Every theme there is: those of the program, and the user's own from files.
//!
//! `*.yaml` in a directory `themes` beside the configuration file, and in the user's configuration directory. A file
//! with the name of a shipped theme takes its place; one beside the configuration wins over the user's directory. A file
//! that cannot be used is named with the reason, and changes nothing.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::config::{Env, Source, System, load};
use crate::tui::theme::{self, Theme};

/// The directory of theme files.
const FOLDER: &str = "themes";
/// Longest theme file, bytes.
const LONGEST: u64 = 64 * 1024;

/// What was found.
pub(super) struct Themes {
    /// The program's first, in its order; then the user's, by name.
    pub(super) all: Vec<Theme>,
    /// Files that cannot be used.
    pub(super) problems: Vec<Problem>,
}

/// A file that cannot be used.
#[derive(Debug)]
pub(super) struct Problem {
    file: PathBuf,
    why: String,
}

impl Problem {
    /// Whether the theme of this name is what the file was meant to be.
    fn is_of(&self, name: &str) -> bool {
        self.file.file_stem().is_some_and(|stem| stem == name)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.why)
    }
}

impl Themes {
    /// The place of the theme of this name.
    ///
    /// # Errors
    /// When there is none; the text says what is wrong with its file, else lists what there is.
    pub(super) fn find(&self, name: &str) -> Result<usize, String> {
        let names = || self.all.iter().map(|theme| theme.name.as_str()).collect::<Vec<_>>().join(", ");
        let found = self.all.iter().position(|theme| theme.name == name);
        found.ok_or_else(|| match self.problems.iter().rfind(|problem| problem.is_of(name)) {
            Some(problem) => format!("the theme \"{name}\" cannot be used: {problem}"),
            None => format!("there is no theme \"{name}\"; there is: {}", names()),
        })
    }
}

/// Reads them all.
pub(super) fn gather(source: &Source) -> Themes {
    let mut themes = Themes { all: theme::shipped().to_vec(), problems: Vec::new() };
    for directory in directories(source) {
        add(&mut themes, &directory);
    }
    themes
}

/// Where the user's own are, the strongest last.
fn directories(source: &Source) -> Vec<PathBuf> {
    let mut directories: Vec<PathBuf> =
        load::user_directories(&System).into_iter().map(|directory| directory.join(FOLDER)).collect();
    directories.reverse();
    if let Source::File(path) = source {
        let beside = path.parent().unwrap_or(Path::new("")).join(FOLDER);
        directories.retain(|directory| *directory != beside);
        directories.push(beside);
    }
    directories
}

fn add(themes: &mut Themes, directory: &Path) {
    // A directory that is not there holds no themes.
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml"));
    files.sort();
    for file in files {
        match read(&file) {
            Ok(theme) => match themes.all.iter_mut().find(|known| known.name == theme.name) {
                Some(known) => *known = theme,
                None => themes.all.push(theme),
            },
            Err(why) => themes.problems.push(Problem { file, why }),
        }
    }
}

fn read(file: &Path) -> Result<Theme, String> {
    let name = file.file_stem().and_then(|stem| stem.to_str()).ok_or("its name is no text")?;
    let bytes = System.read(file, LONGEST + 1).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > LONGEST {
        return Err(format!("it is longer than {LONGEST} bytes"));
    }
    let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text")?;
    theme::parse(name, &text, theme::shipped()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::Role;

    #[test]
    fn files_beside_the_configuration_override_and_add() {
        let dir = tempfile::tempdir().unwrap();
        let themes = dir.path().join("themes");
        std::fs::create_dir(&themes).unwrap();
        std::fs::write(themes.join("dark.yaml"), "base: dark\nok: 42\n").unwrap();
        std::fs::write(themes.join("mine.yml"), "base: nord\n").unwrap();
        std::fs::write(themes.join("broken.yaml"), "okay: red\n").unwrap();
        std::fs::write(themes.join("notes.txt"), "nothing").unwrap();
        let mut found = Themes { all: theme::shipped().to_vec(), problems: Vec::new() };
        add(&mut found, &themes);
        assert_eq!(found.all.len(), theme::shipped().len() + 1);
        let dark = &found.all[found.find("dark").unwrap()];
        assert_ne!(dark.style(Role::Ok), theme::shipped()[0].style(Role::Ok));
        assert_eq!(found.find("mine"), Ok(theme::shipped().len()));
        let [problem] = &found.problems[..] else { panic!("{:?}", found.problems) };
        let problem = problem.to_string();
        assert!(problem.contains("broken.yaml") && problem.contains("no role `okay`"), "{problem}");
        let error = found.find("broken").unwrap_err();
        assert_eq!(error, format!("the theme \"broken\" cannot be used: {problem}"));
        let error = found.find("solar").unwrap_err();
        assert!(
            error.contains("\"solar\"") && error.contains("dark, light") && error.contains("mine"),
            "{error}"
        );
    }

    #[test]
    fn the_strongest_directory_is_the_one_beside_the_configuration() {
        let directories = directories(&Source::File("/etc/ccf/config.yaml".into()));
        assert_eq!(directories.last(), Some(&PathBuf::from("/etc/ccf/themes")));
        assert_eq!(super::directories(&Source::File("c.yaml".into())).last(), Some(&PathBuf::from("themes")));
    }
}
