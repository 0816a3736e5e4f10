//! The soak, for a few seconds: whether everything is right, not how fast it is.

use esmond_ps_tests::command;

#[test]
fn an_archive_under_load_holds_what_it_acknowledged_and_answers_rightly() {
    let output = command("esmond-ps-soak")
        .env("ESMOND_PS_SOAK_SECONDS", "10")
        .env("ESMOND_PS_SOAK_WRITERS", "8")
        .env("ESMOND_PS_SOAK_READERS", "4")
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{error}");
    for line in ["found again: ", "check: no problems"] {
        assert!(said.contains(line), "{said}");
    }
}
