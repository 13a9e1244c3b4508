//! `init` and `completions`.

use super::TempDir;
use super::support::command::{Said, run};

async fn said(folder: &TempDir, line: &str) -> Said {
    run(folder.path(), &line.split_whitespace().collect::<Vec<_>>()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_is_written_once_and_works() {
    let folder = tempfile::tempdir().unwrap();
    let told = said(&folder, "init --config sub/new.yaml").await.well("init");
    assert!(told.starts_with("Wrote sub/new.yaml\n"), "{told}");
    for piece in ["cc-forwarder check --config sub/new.yaml\n", "ANTHROPIC_BASE_URL", "settings.json"] {
        assert!(told.contains(piece), "{piece}: {told}");
    }
    let path = folder.path().join("sub/new.yaml");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let checked = said(&folder, "check --no-probe --config sub/new.yaml").await.well("check");
    assert!(checked.contains("The configuration is valid: 1 endpoint."), "{checked}");
    std::fs::write(&path, "mine").unwrap();
    let again = said(&folder, "init --config sub/new.yaml").await;
    assert!(again.code == 1 && again.err.contains("is there already and stays as it is"), "{again:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_place_it_goes_where_it_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let told = said(&folder, "init").await.well("init");
    let path = folder.path().join("cc-forwarder").join("config.yaml");
    assert!(path.is_file() && told.contains("  cc-forwarder check\n"), "{told}");
    let checked = said(&folder, "check --no-probe").await.well("check");
    assert!(checked.contains("config.yaml"), "{checked}");
    // Another one is found first: the commands to type name the file.
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(folder.path().join("config")).unwrap();
    std::fs::write(folder.path().join("config/config.yaml"), "").unwrap();
    let told = said(&folder, "init").await.well("init");
    assert!(told.contains("check --config "), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_shell_gets_its_script() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = said(&folder, &format!("completions {shell}")).await.well(shell);
        for word in ["groups", "activate", "follow", "cc-forwarder"] {
            assert!(script.contains(word), "{word} in {shell}");
        }
    }
    let wrong = said(&folder, "completions cmd").await;
    assert!(wrong.code == 2 && wrong.err.contains("bash"), "{wrong:?}");
}
