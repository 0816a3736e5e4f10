//! The packages for Debian.

use std::fs;
use std::process::Command;

use crate::made::{Packages, done, missing};
use crate::root::Root;
use crate::used::{data_are_kept, look, use_it};

const ZSH: &str = "/usr/share/zsh/vendor-completions";

fn tools_are_missing() -> bool {
    missing(&[("dpkg-deb", "dpkg"), ("objdump", "binutils")])
}

fn install(root: &Root, packages: &Packages) {
    let mut command = vec!["dpkg".to_owned(), "--install".to_owned()];
    for file in packages.files() {
        let name = file.file_name().expect("a name").to_string_lossy();
        fs::copy(&file, root.path(&format!("/tmp/{name}"))).expect("a copy");
        command.push(format!("/tmp/{name}"));
    }
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    root.run(&command);
}

#[test]
fn debian_packages_are_the_same_whenever_and_by_whomever_they_are_made() {
    if tools_are_missing() {
        return;
    }
    let packages = Packages::deb();
    packages.assert_same(&Packages::make("deb", "077"));
    for file in packages.files() {
        let listed = done(Command::new("dpkg-deb").arg("--contents").arg(&file));
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        for line in listed.lines() {
            let mode = line.split(' ').next().expect("a mode");
            assert!(line.contains(" root/root "), "{line}");
            assert!(
                ["drwxr-xr-x", "-rwxr-xr-x", "-rw-r--r--"].contains(&mode),
                "{line}"
            );
        }
    }
}

#[test]
fn debian_packages_are_installed_used_removed_and_purged_in_a_clean_system() {
    if tools_are_missing() {
        return;
    }
    let Some(root) = Root::make() else { return };
    let packages = Packages::deb();
    install(&root, packages);
    look(&root, ZSH);
    let conffiles = root.run(&["dpkg-query", "-W", "-f", "${Conffiles}\n", "esmond-ps*"]);
    let conffiles = String::from_utf8_lossy(&conffiles.stdout).into_owned();
    assert!(
        conffiles.contains("/etc/esmond-ps/archive.toml"),
        "{conffiles}"
    );
    assert!(
        conffiles.contains("/etc/esmond-ps/config.toml"),
        "{conffiles}"
    );
    use_it(&root);

    // The same again, as an upgrade: what was changed is kept.
    let configuration = root.path("/etc/esmond-ps/archive.toml");
    let changed = root.read("/etc/esmond-ps/archive.toml") + "log = \"debug\"\n";
    fs::write(&configuration, &changed).expect("a change");
    install(&root, packages);
    assert_eq!(root.read("/etc/esmond-ps/archive.toml"), changed);

    root.run(&["dpkg", "--remove", "esmond-ps", "esmond-ps-archive"]);
    assert!(!root.has("/usr/bin/esmond-ps-get"));
    assert!(!root.has("/usr/bin/esmond-ps-archive"));
    assert_eq!(root.read("/etc/esmond-ps/archive.toml"), changed);
    data_are_kept(&root);

    fs::create_dir_all(root.path("/var/log/esmond-ps")).expect("a directory");
    fs::write(root.path("/var/log/esmond-ps/access.log"), "").expect("a log");
    // What an administrator has put there is not the packages' to remove.
    let key = root.read("/etc/esmond-ps/key");
    let purged = root.run(&["dpkg", "--purge", "esmond-ps", "esmond-ps-archive"]);
    assert!(!root.has("/etc/esmond-ps/archive.toml"));
    assert!(!root.has("/etc/esmond-ps/config.toml"));
    assert!(!root.has("/var/log/esmond-ps"));
    assert_eq!(root.read("/etc/esmond-ps/key"), key);
    // Measurements cannot be made again: purge leaves them, and says so.
    data_are_kept(&root);
    let said = String::from_utf8_lossy(&purged.stderr).into_owned();
    assert!(said.contains("rm -r /var/lib/esmond-ps"), "{said}");
    let left = root.run(&["find", "/usr", "/etc", "-name", "*esmond*"]);
    assert_eq!(String::from_utf8_lossy(&left.stdout), "/etc/esmond-ps\n");
    let left = root.run(&["dpkg-query", "-W", "-f", "${Package}\n"]);
    assert!(!String::from_utf8_lossy(&left.stdout).contains("esmond"));
}

#[test]
fn a_purge_removes_the_directory_of_data_when_it_is_empty() {
    if tools_are_missing() {
        return;
    }
    let Some(root) = Root::make() else { return };
    install(&root, Packages::deb());
    let owner = root.run(&["stat", "-c", "%U:%G %a", "/var/lib/esmond-ps"]);
    assert_eq!(owner.stdout, b"esmond-ps:esmond-ps 750\n");
    let purged = root.run(&["dpkg", "--purge", "esmond-ps-archive", "esmond-ps"]);
    assert!(!root.has("/var/lib/esmond-ps"));
    assert!(!root.has("/etc/esmond-ps"));
    let said = String::from_utf8_lossy(&purged.stderr).into_owned();
    assert!(!said.contains("stay"), "{said}");
}
