//! The files beside the program: configuration, unit, rotation.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::command;

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("dist")
        .join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(shipped(name)).unwrap()
}

/// Settings as `--show-config` shows them with this configuration.
fn shown(text: &str) -> Vec<(String, String)> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("archive.toml");
    std::fs::write(&path, text).unwrap();
    let mut command = command(directory.path(), &["serve", "--show-config", "--config"]);
    command.arg(&path).env_remove("ESMOND_ARCHIVE_DATA");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().map(|line| {
        let setting = line.rsplit_once(" # ").unwrap().0.trim_end();
        let (key, value) = setting.trim_start_matches("# ").split_once(" =").unwrap();
        (key.to_owned(), value.trim().to_owned())
    });
    lines.collect()
}

#[test]
fn the_example_configuration_shows_every_setting_with_its_default() {
    let example = read("archive.toml");
    let defaults = shown("");
    // As it is, it only says where a packaged archive lies.
    for ((key, value), (_, default)) in shown(&example).iter().zip(&defaults) {
        match key.as_str() {
            "data" => assert_eq!(value, "\"/var/lib/esmond-ps\""),
            _ => assert_eq!(value, default, "{key}"),
        }
    }
    let uncommented: String = example
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with(' ') => format!("{rest}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let table: toml::Table = toml::from_str(&uncommented).unwrap();
    let all = shown(&uncommented);
    for ((key, value), (_, default)) in all.iter().zip(&defaults) {
        assert!(table.contains_key(key), "{key} is not in the example");
        // A setting without a default has an example.
        if !default.is_empty() && key != "data" {
            assert_eq!(value, default, "{key}");
        }
    }
}

#[test]
fn the_unit_is_one_that_systemd_takes() {
    let unit = read("esmond-ps-archive.service");
    for part in [
        "Type=notify",
        "ExecReload=",
        "ProtectSystem=strict",
        "NoNewPrivileges=",
    ] {
        assert!(unit.contains(part), "{part}");
    }
    for line in unit.lines() {
        let is_setting = line.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric())
        });
        let is_section = line.starts_with('[') && line.ends_with(']');
        assert!(
            line.is_empty() || line.starts_with('#') || is_section || is_setting,
            "{line}"
        );
    }
    // The program that it starts is the one at hand.
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("esmond-ps-archive.service");
    let here = unit.replace(
        "/usr/bin/esmond-ps-archive",
        env!("CARGO_BIN_EXE_esmond-ps-archive"),
    );
    assert_ne!(here, unit);
    std::fs::write(&path, here).unwrap();
    let verified = Command::new("systemd-analyze")
        .arg("verify")
        .arg(&path)
        .output();
    // Not everybody has systemd.
    if let Ok(output) = verified {
        let notes = String::from_utf8_lossy(&output.stderr);
        let ours = notes
            .lines()
            .filter(|line| line.contains("esmond-ps-archive.service"));
        assert_eq!(ours.collect::<Vec<_>>(), Vec::<&str>::new());
    }
}

#[test]
fn what_the_shipped_files_say_fits_together() {
    let unit = read("esmond-ps-archive.service");
    let configuration = read("archive.toml");
    assert!(configuration.contains("data = \"/var/lib/esmond-ps\""));
    assert!(unit.contains("StateDirectory=esmond-ps\n"));
    assert!(unit.contains("LogsDirectory=esmond-ps\n"));
    assert!(configuration.contains("access-log = \"off\""));
    assert!(read("logrotate").contains("/var/log/esmond-ps/"));
    assert!(read("sysusers.conf").contains("u esmond-ps "));
    for name in ["apache.conf", "nginx.conf"] {
        let text = read(name);
        for part in [
            "127.0.0.1:8080",
            "X-Forwarded-Proto",
            "/esmond/",
            "/logstash",
            "trusted-proxy",
        ] {
            assert!(text.contains(part), "{part} is not in {name}");
        }
    }
}
