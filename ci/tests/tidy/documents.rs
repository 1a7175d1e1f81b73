//! Rules for documents, scripts and workflows, with what breaks them.

use squall_ci::rules::{links, text, workflows};

use crate::{NONE, lines, messages};

#[test]
fn no_text_names_a_folder_of_one_machine() {
    let rule = text::has_no_machine_path;
    for folder in ["work", "root", "home", "tmp", "Users"] {
        for line in
            [format!("see `/{folder}/x`"), format!("/{folder}/x"), format!("cd=/{folder}/x"), format!("file:///{folder}/x")]
        {
            assert_eq!(lines(rule, "README.md", &format!("# A\n{line}\n")), [2], "{line}");
        }
        for line in [format!("a/{folder}/x"), format!("$HERE{folder}/x"), format!("{{out}}/{folder}/x"), format!("../{folder}/x")]
        {
            assert_eq!(lines(rule, "README.md", &line), NONE, "{line}");
        }
    }
}

#[test]
fn no_text_names_a_registry() {
    let rule = text::has_no_registry_host;
    let host = |name: &str| format!("https:{}{name}/x", "//");
    for name in ["registry.example.org", "mirror.example.org", "10.0.0.1", "localhost", "me:secret@example.org"] {
        assert_eq!(lines(rule, ".ci/run", &host(name)), [1], "{name}");
    }
    for name in ["github.com", "raft.github.io", "docs.rs", "crates.io"] {
        assert_eq!(lines(rule, "README.md", &host(name)), NONE, "{name}");
    }
}

#[test]
fn commands_say_which_packages_they_mean() {
    let command = "cargo test\ncargo clippy --workspace\n";
    for path in ["README.md", ".ci/run", ".github/workflows/ci.yml", ".cargo/config.toml"] {
        assert_eq!(lines(text::builds_no_bare_workspace, path, command), [2], "{path}");
    }
    assert_eq!(lines(text::builds_no_bare_workspace, "CHANGELOG.md", command), NONE);
}

#[test]
fn links_lead_somewhere() {
    let readme = "# A\n\n[b](docs/b.md) [dir](docs/) [top](#a) [twice](docs/b.md#same-name-1)\n\
                  [gone](docs/c.md) [no heading](docs/b.md#c) ![pic](pic.png \"title\")\n\
                  [out](../x.md) [web](https://example.org/x) `[code](nowhere)`\n\
                  ```\n[in a block](nowhere)\n```\n\n[name]: docs/d.md\n";
    let page = "# B: `code`, etc.\n## Same name\n## Same name\n[up](../README.md#a) [me](#b-code-etc)\n```\n# no heading\n```\n";
    let found = messages(links::resolve, &[("README.md", readme), ("docs/b.md", page)]);
    assert_eq!(
        found,
        [
            "README.md:4: found a link to `docs/c.md`, expected the file or folder `docs/c.md`",
            "README.md:4: found a link to `docs/b.md#c`, expected a heading of `docs/b.md` that gives `#c`",
            "README.md:4: found a link to `pic.png`, expected the file or folder `pic.png`",
            "README.md:5: found a link to `../x.md`, expected a relative path inside of the repository",
            "README.md:10: found a link to `docs/d.md`, expected the file or folder `docs/d.md`",
        ]
    );
}

#[test]
fn the_workflow_only_calls_the_script() {
    let rule = workflows::only_calls_the_script;
    let path = ".github/workflows/ci.yml";
    assert_eq!(lines(rule, path, "steps:\n  - uses: x\n  - run: .ci/run\n"), NONE);
    assert_eq!(lines(rule, path, "steps:\n  - run: .ci/run\n  - name: x\n    run: cargo test\n"), [4]);
    assert_eq!(lines(rule, path, "steps:\n  - run: |\n      cargo test\n"), [2]);
    assert_eq!(lines(rule, path, "steps:\n  - uses: x\n"), [1], "a workflow that runs nothing passes always");
    assert_eq!(lines(rule, ".github/workflows/nightly.yml", "- run: cargo test\n"), NONE);
}
