//! README and the guide: both languages carry the same code, and it builds outside the workspace with
//! the dependencies that they name.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::fixtures::{material, scratch::Scratch};

/// A page in English and in Chinese.
struct Page {
    name: String,
    english: String,
    chinese: String,
}

/// A fenced block: what follows the fence, and the lines inside.
#[derive(Debug, PartialEq)]
struct Block {
    info: String,
    lines: Vec<String>,
}

/// A crate as a reader would make it: its dependencies, and a program for each block.
type Crates = BTreeMap<Dependencies, Vec<(String, String)>>;

/// The lines of `[dependencies]`, by name.
type Dependencies = BTreeMap<String, String>;

#[test]
fn both_languages_carry_the_same_code() {
    let Some(pages) = pages() else { return };
    for page in &pages {
        let (english, chinese) = (blocks(&page.english), blocks(&page.chinese));
        assert_eq!(english.len(), chinese.len(), "blocks of {}", page.name);
        for (english, chinese) in english.iter().zip(&chinese) {
            let (english, chinese) = (english.without_comments(), chinese.without_comments());
            assert_eq!(english, chinese, "{}", page.name);
        }
    }
}

/// A name that was changed would leave the page with a promise that nothing shows.
#[test]
fn tests_that_the_page_of_threats_names_exist() {
    let (Some(pages), Some(sources)) = (pages(), sources()) else {
        return;
    };
    let page = pages.iter().find(|page| page.name == "threats.md");
    let page = page.expect("the page of threats");
    let named = tests_in_tables(&page.english);
    assert_eq!(named, tests_in_tables(&page.chinese));
    assert!(named.len() > 40, "{named:?}");
    for name in named {
        let function = format!("fn {name}()");
        assert!(sources.contains(&function), "no test is named {name}");
    }
}

#[test]
fn rustdoc_has_every_page_of_the_guide() {
    let (Some(pages), Some(source)) = (pages(), material::text("src/guide.rs")) else {
        return;
    };
    let topics = pages.iter().filter(|page| !page.name.starts_with("README"));
    for page in topics {
        let published = source.matches(&format!("\"{}\"", page.name)).count();
        assert_eq!(published, 1, "{} in src/guide.rs", page.name);
    }
    for language in ["en", "zh"] {
        let folder = format!("guide!(\"../docs/guide/{language}/\");");
        assert!(source.contains(&folder), "{language} in src/guide.rs");
    }
}

#[test]
fn examples_name_the_dependencies_they_use() {
    let (Some(names), Some(manifest)) = (examples(), material::text("Cargo.toml")) else {
        return;
    };
    let mut known = manifest
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(" = "))
        // A feature is a list.
        .filter(|(_, value)| !value.starts_with('['))
        .map(|(name, _)| name.to_owned())
        .collect::<BTreeSet<_>>();
    known.insert("wechatpay-chain".into());
    for name in names {
        let Some(example) = material::text(&name) else {
            return;
        };
        let header = example.lines().map_while(|line| line.strip_prefix("//!"));
        let header = header.map(|line| line.trim_start()).collect::<Vec<_>>();
        let header = blocks(&header.join("\n"));
        let header = header.iter().find(|block| block.info == "toml");
        let named = header
            .expect("an example names its dependencies")
            .dependencies();
        let named = named.into_keys().collect::<BTreeSet<_>>();
        let used = known.iter().filter(|known| uses(&example, known));
        assert_eq!(used.cloned().collect::<BTreeSet<_>>(), named, "{name}");
    }
}

#[test]
fn guide_names_every_example() {
    let (Some(pages), Some(names)) = (pages(), examples()) else {
        return;
    };
    let index = pages.iter().find(|page| page.name == "README.md");
    let index = index.expect("the guide's index");
    for (language, text) in [("en", &index.english), ("zh", &index.chinese)] {
        let named = text
            .lines()
            .filter_map(|line| line.strip_prefix("| `examples/"));
        let named = named.filter_map(|line| line.split_once('`'));
        let named = named.map(|(name, _)| format!("examples/{name}"));
        assert_eq!(named.collect::<BTreeSet<_>>(), names, "{language}");
    }
}

#[test]
#[ignore = "builds the dependencies again: .ci/run runs it"]
fn code_builds_with_the_named_dependencies_alone() {
    let Some(crates) = pages().as_deref().map(crates) else {
        return;
    };
    let scratch = Scratch::new();
    let members = crates.keys().enumerate();
    let members = members.map(|(number, _)| format!("reader{number}"));
    let members = members.collect::<Vec<_>>();
    write_workspace(scratch.path(), &members);
    for (member, (dependencies, programs)) in members.iter().zip(&crates) {
        let folder = scratch.path().join(member);
        write_crate(&folder, member, dependencies, programs);
    }
    for (member, programs) in members.iter().zip(crates.values()) {
        let checked = check(scratch.path(), member);
        let names = programs.iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert!(checked.is_ok(), "{names:?}: {}", checked.unwrap_err());
    }

    // Shows that the check above can fail.
    let program = "use serde_json as _;\n\nfn main() {}\n".to_owned();
    let undeclared = [("undeclared".to_owned(), program)];
    let (dependencies, _) = crates.first_key_value().expect("a crate");
    let member = members.first().expect("a crate");
    let folder = scratch.path().join(member);
    write_crate(&folder, member, dependencies, &undeclared);
    let failure = check(scratch.path(), member).unwrap_err();
    assert!(failure.contains("serde_json"), "{failure}");
}

/// Whether a program names a crate, in a `use` or in a path.
fn uses(program: &str, dependency: &str) -> bool {
    let root = format!("{}::", dependency.replace('-', "_"));
    let mut in_tree = false;
    program.lines().any(|line| {
        if let Some(tree) = line.strip_prefix("use ") {
            in_tree = !line.ends_with(';');
            return tree.starts_with(&root);
        }
        if in_tree {
            // A tree has its crate at the root.
            in_tree = !line.ends_with(';');
            return false;
        }
        line.match_indices(&root)
            .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "_:".contains(c)))
    })
}

/// README and the pages of the guide.
fn pages() -> Option<Vec<Page>> {
    let mut pages = vec![Page {
        name: "README".into(),
        english: material::text("README.md")?,
        chinese: material::text("README.zh-CN.md")?,
    }];
    let names = page_names("docs/guide/en")?;
    assert_eq!(
        names,
        page_names("docs/guide/zh")?,
        "the pages of the guide"
    );
    for name in names {
        pages.push(Page {
            english: material::text(&format!("docs/guide/en/{name}"))?,
            chinese: material::text(&format!("docs/guide/zh/{name}"))?,
            name,
        });
    }
    Some(pages)
}

/// The names of a language's pages, and of those about other programming languages.
fn page_names(folder: &str) -> Option<Vec<String>> {
    let mut names = file_names(folder)?;
    let others = file_names(&format!("{folder}/languages"))?;
    names.extend(others.iter().map(|name| format!("languages/{name}")));
    Some(names)
}

/// The paths of the examples that are one file.
fn examples() -> Option<BTreeSet<String>> {
    let mut paths = BTreeSet::new();
    for folder in ["examples", "examples/flows"] {
        let names = file_names(folder)?;
        paths.extend(names.into_iter().map(|name| format!("{folder}/{name}")));
    }
    Some(paths)
}

/// The names of the files in a folder of the repository, sorted.
fn file_names(folder: &str) -> Option<Vec<String>> {
    let entries = match fs::read_dir(repository().join(folder)) {
        Ok(entries) => entries,
        Err(err) => {
            material::skipped(format_args!("{folder}: {err}"));
            return None;
        }
    };
    let mut names = entries
        .map(|entry| entry.expect("an entry"))
        .filter(|entry| entry.path().is_file())
        .map(|entry| entry.file_name())
        .map(|name| name.into_string().expect("UTF-8"))
        .collect::<Vec<_>>();
    names.sort();
    Some(names)
}

/// The names between backticks in the last column of the tables of a page.
fn tests_in_tables(page: &str) -> BTreeSet<&str> {
    let rows = page.lines().filter_map(|line| line.strip_suffix(" |"));
    let cells = rows.filter_map(|row| row.rsplit(" | ").next());
    cells
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect()
}

/// All source files with tests, one after the other.
fn sources() -> Option<String> {
    let mut sources = String::new();
    let mut folders: Vec<_> = ["src", "tests/suite", "wxpay/tests"]
        .map(|folder| repository().join(folder))
        .into();
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(err) => {
                material::skipped(format_args!("{}: {err}", folder.display()));
                return None;
            }
        };
        for entry in entries {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.push_str(&fs::read_to_string(path).expect("a source file"));
            }
        }
    }
    Some(sources)
}

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn blocks(markdown: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in markdown.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => {
                open = Some(Block {
                    info: info.into(),
                    lines: Vec::new(),
                });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => block.lines.push(line.into()),
            (None, None) => {}
        }
    }
    assert_eq!(open, None, "a block without an end");
    blocks
}

impl Block {
    /// The code alone: comments may be in the page's own language.
    fn without_comments(&self) -> Self {
        let mark = match &*self.info {
            "python" => "# ",
            _ => "// ",
        };
        let code = |line: &String| {
            let comment = line.match_indices(mark).find(|(at, _)| {
                // Not the `//` of a URL.
                line[..*at]
                    .chars()
                    .next_back()
                    .is_none_or(char::is_whitespace)
            });
            let end = comment.map_or(line.len(), |(at, _)| at);
            line[..end].trim_end().to_owned()
        };
        Self {
            info: self.info.clone(),
            lines: self.lines.iter().map(code).collect(),
        }
    }

    /// The lines of a Cargo.toml's dependencies.
    fn dependencies(&self) -> Dependencies {
        let lines = self.lines.iter().filter_map(|line| {
            let (name, _) = line.split_once('=')?;
            Some((name.trim().to_owned(), line.clone()))
        });
        lines.collect()
    }

    /// A whole program.
    fn program(&self) -> String {
        let mut program = self.lines.join("\n");
        program.push('\n');
        if !program.contains("fn main()") {
            program.push_str("\nfn main() {}\n");
        }
        program
    }
}

/// A crate for each set of dependencies. A page's are those that README names first, and those that
/// the page itself names before the block.
fn crates(pages: &[Page]) -> Crates {
    let readme = blocks(&pages[0].english);
    let first = readme.iter().find(|block| block.info == "toml");
    let first = first.expect("README names its dependencies").dependencies();
    assert_eq!(first.len(), 1, "README needs one dependency");

    let mut crates = Crates::new();
    for page in pages {
        let mut dependencies = first.clone();
        let stem = page.name.trim_end_matches(".md");
        for (number, block) in blocks(&page.english).iter().enumerate() {
            let mut info = block.info.split(',');
            match info.next() {
                Some("toml") => dependencies.extend(block.dependencies()),
                Some("rust") if !info.any(|flag| flag == "compile_fail") => {
                    let program = (format!("{stem}-{number}"), block.program());
                    crates
                        .entry(dependencies.clone())
                        .or_default()
                        .push(program);
                }
                _ => {}
            }
        }
    }
    crates
}

fn write_workspace(folder: &Path, members: &[String]) {
    let manifest = format!("[workspace]\nresolver = \"3\"\nmembers = {members:?}\n");
    fs::write(folder.join("Cargo.toml"), manifest).expect("a manifest");
    // The versions that are tested here are the ones that cargo has at hand.
    fs::copy(repository().join("Cargo.lock"), folder.join("Cargo.lock")).expect("a lock file");
}

fn write_crate(
    folder: &Path,
    name: &str,
    dependencies: &Dependencies,
    programs: &[(String, String)],
) {
    let mut manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n"
    );
    let path = format!("{{ path = '{}', version", repository().display());
    for (name, line) in dependencies {
        // A version that is not published yet is this one.
        let line = match &**name {
            "wechatpay-chain" => line.replacen("{ version", &path, 1),
            _ => line.clone(),
        };
        manifest.push_str(&line);
        manifest.push('\n');
    }
    let _ = fs::remove_dir_all(folder);
    let bin = folder.join("src/bin");
    fs::create_dir_all(&bin).expect("a folder");
    fs::write(folder.join("Cargo.toml"), manifest).expect("a manifest");
    for (name, program) in programs {
        fs::write(bin.join(format!("{name}.rs")), program).expect("a program");
    }
}

/// Checks one crate of the workspace with the features that it asks for, without the network.
///
/// # Errors
/// What cargo and the compiler say.
fn check(workspace: &Path, member: &str) -> Result<(), String> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["check", "--offline", "--quiet", "--package", member])
        .current_dir(workspace)
        .env("CARGO_INCREMENTAL", "0")
        // Kept from one run to the next: only the first one builds the dependencies.
        .env(
            "CARGO_TARGET_DIR",
            Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme"),
        );
    material::run(&mut command, b"").map(drop)
}
