//! Commands of the pages that change a system: they are run as root, in a clean one.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::install::make;
use crate::made::{Packages, missing, top};
use crate::page::{self, Block, Step};
use crate::root::Root;

/// Programs in there that stand for others: there is no sudo, and no systemd that runs,
/// so that a service is enabled, but not started.
const SHIMS: [(&str, &str); 2] = [
    (
        "sudo",
        "[ \"$1\" = -u ] || exec \"$@\"\nuser=$2; shift 2\n\
         exec setpriv --reuid \"$user\" --regid \"$user\" --init-groups \"$@\"",
    ),
    (
        "systemctl",
        "for word; do shift; [ \"$word\" = --now ] || set -- \"$@\" \"$word\"; done\n\
         SYSTEMD_OFFLINE=1 exec /bin/systemctl \"$@\"",
    ),
];

/// Returns the blocks of commands for root of a page.
fn blocks(name: &str) -> Vec<Vec<Step>> {
    let page = fs::read_to_string(top().join(name)).unwrap_or_else(|error| panic!("{error}"));
    let blocks = page::blocks(&page).into_iter();
    blocks
        .filter_map(|block| match block {
            Block::Root(steps) => Some(steps),
            _ => None,
        })
        .collect()
}

/// Where root is when it types.
const HOME: &str = "/root";

/// Runs a block; every command has to succeed, and to print what the page says.
fn play(root: &Root, name: &str, steps: &[Step]) {
    for step in steps {
        let place = format!("{name}:{}: $ {}", step.line, step.typed);
        if step.typed == "sudo make install" {
            // There is no checkout in there.
            make("install", &root.path("/"), "/usr/local");
            continue;
        }
        let script = format!("cd {HOME}; exec 2>&1; PATH=/shims:$PATH\n{}", step.typed);
        let output = root.command(&["bash", "-c", &script]).output();
        let output = output.expect("bash starts");
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{place}\n{printed}");
        assert!(step.is_met_by(&printed), "{place}\n{printed}");
    }
}

#[test]
fn what_the_pages_tell_root_to_do_works_in_a_clean_system() {
    let tools = [("apt", "apt"), ("systemd-sysusers", "systemd")];
    if missing(&tools) {
        return;
    }
    let Some(root) = Root::with(&["apt", "systemd"]) else {
        return;
    };
    for (name, script) in SHIMS {
        let path = root.path("/shims").join(name);
        fs::create_dir_all(root.path("/shims")).expect("a directory");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a script");
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(&path, mode).expect("a script that can be run");
    }
    let enabled = "/etc/systemd/system/multi-user.target.wants/esmond-ps-archive.service";

    let name = "docs/install.md";
    let [from_source, as_service, packages, data] = &blocks(name)[..] else {
        panic!("{name} has other commands for root");
    };
    play(&root, name, from_source);
    root.run(&["/usr/local/bin/esmond-ps-archive", "--version"]);
    play(&root, name, as_service);
    assert!(root.has(enabled));
    root.run(&["id", "esmond-ps"]);
    make("uninstall", &root.path("/"), "/usr/local");
    fs::remove_file(root.path(enabled)).expect("a link");

    for file in Packages::deb().files() {
        let to = root.path(HOME).join(file.file_name().expect("a name"));
        fs::copy(&file, to).expect("a copy");
    }
    play(&root, name, packages);
    root.run(&["/usr/bin/esmond-ps-get", "--version"]);

    let name = "docs/operations.md";
    let [service] = &blocks(name)[..] else {
        panic!("{name} has other commands for root");
    };
    fs::remove_file(root.path(enabled)).expect("the package enables the service");
    play(&root, name, service);
    assert!(root.has(enabled));
    assert!(root.has("/var/lib/esmond-ps/archive.sqlite"));

    root.run(&["useradd", "--system", "gridftp"]);
    fs::write(root.path(HOME).join("key"), "0123\n").expect("a key");
    let name = "docs/load-gridftp.md";
    let [cron] = &blocks(name)[..] else {
        panic!("{name} has other commands for root");
    };
    play(&root, name, cron);
    let owner = root.run(&["stat", "-c", "%U %a", "/etc/esmond-ps/key"]);
    assert_eq!(owner.stdout, b"gridftp 600\n");

    root.run(&["dpkg", "--purge", "esmond-ps-archive", "esmond-ps"]);
    assert!(root.has("/var/lib/esmond-ps/archive.sqlite"));
    play(&root, "docs/install.md", data);
    assert!(!root.has("/var/lib/esmond-ps"));
    let gone = root.command(&["id", "esmond-ps"]).output();
    assert!(!gone.expect("id starts").status.success());
}

#[test]
fn only_pages_that_are_played_have_commands_for_root() {
    let found = Command::new("grep")
        .args(["-rl", "<!-- run as root", "README.md", "docs"])
        .current_dir(top())
        .output()
        .expect("grep starts");
    let found = String::from_utf8_lossy(&found.stdout).into_owned();
    let mut found: Vec<&str> = found.lines().collect();
    found.sort_unstable();
    let played = [
        "docs/install.md",
        "docs/load-gridftp.md",
        "docs/operations.md",
    ];
    assert_eq!(found, played);
}
