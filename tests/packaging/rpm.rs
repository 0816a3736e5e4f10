//! The packages for systems with rpm.

use std::process::Command;

use crate::made::{Packages, done, missing};
use crate::root::Root;
use crate::used::{data_are_kept, look, use_it};

const ZSH: &str = "/usr/share/zsh/site-functions";

fn tools_are_missing() -> bool {
    missing(&[("rpmbuild", "rpm"), ("objdump", "binutils")])
}

/// rpm from outside, on the system in there.
fn rpm(root: &Root) -> Command {
    let mut command = Command::new("rpm");
    // Our Debian has the libraries, but rpm does not know of them.
    command.arg("--root").arg(root.path("/")).arg("--nodeps");
    command
}

#[test]
fn rpm_packages_are_the_same_whenever_and_by_whomever_they_are_made() {
    if tools_are_missing() {
        return;
    }
    let packages = Packages::rpm();
    packages.assert_same(&Packages::make("rpm", "077"));
    let mut query = Command::new("rpm");
    let format = "[%{=NAME} %{FILENAMES} %{FILEFLAGS:fflags} %{FILEUSERNAME}\n]";
    query.args(["--query", "--queryformat", format, "--package"]);
    let listed = done(query.args(packages.files())).stdout;
    let listed = String::from_utf8_lossy(&listed).into_owned();
    // "c" and "n": configuration that is not replaced.
    for line in [
        "esmond-ps /etc/esmond-ps/config.toml cn root",
        "esmond-ps-archive /etc/esmond-ps/archive.toml cn root",
    ] {
        assert!(listed.lines().any(|has| has == line), "{line}: {listed}");
    }
}

#[test]
fn rpm_packages_are_installed_used_and_removed_in_a_clean_system() {
    if tools_are_missing() {
        return;
    }
    let Some(root) = Root::make() else { return };
    let packages = Packages::rpm();
    done(rpm(&root).arg("--install").args(packages.files()));
    look(&root, ZSH);
    use_it(&root);
    done(rpm(&root).args(["--erase", "esmond-ps", "esmond-ps-archive"]));
    assert!(!root.has("/usr/bin/esmond-ps-get"));
    assert!(!root.has("/usr/lib/systemd/system/esmond-ps-archive.service"));
    data_are_kept(&root);
}
