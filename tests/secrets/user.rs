//! The binary as a user runs it, with everything that it writes kept.

use std::cell::RefCell;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use local_aws::LocalAws;
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::run::Run;

/// A stack beside this file, where it is applied to, and all that was written on the way.
pub(crate) struct Infra {
    stack: String,
    variables: Vec<(&'static str, String)>,
    /// The state's folder, and all files that the test has commands write.
    work: TempDir,
    written: RefCell<Vec<(String, String)>>,
}

impl Infra {
    pub(crate) fn new(local: &LocalAws, stack: &str) -> Self {
        Self {
            stack: format!("tests/secrets/{stack}"),
            variables: local.environment().to_vec(),
            work: tempfile::tempdir().unwrap(),
            written: RefCell::default(),
        }
    }

    /// Runs a command on the stack.
    pub(crate) fn run(&self, command: &str, settings: &[String], arguments: &[&str]) -> Run {
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        self.start(&[&[command, &self.stack], settings.as_slice(), arguments].concat())
    }

    /// Runs a command on what is on record of the stack.
    pub(crate) fn record(&self, words: &[&str], arguments: &[&str]) -> Run {
        self.start(&[words, &[&self.stack], arguments].concat())
    }

    /// The id of a resource on record.
    pub(crate) fn id(&self, address: &str) -> String {
        let listed = self.record(&["state", "list"], &["--format", "json"]).expect(0);
        let listed: Json = serde_json::from_str(&listed.out).unwrap();
        let found = listed["resources"].as_array().unwrap().iter().find(|one| one["address"] == address);
        found.unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// What all runs printed, and all files that they left behind after each: where, and the text.
    pub(crate) fn written(&self) -> Vec<(String, String)> {
        self.written.borrow().clone()
    }

    /// Fails where any of `values` was written anywhere, in whatever form.
    pub(crate) fn assert_kept<'a>(&self, values: impl IntoIterator<Item = &'a str>) {
        let written = self.written();
        assert!(written.iter().any(|(_, text)| text.contains("infra:secret")), "what is written is looked at");
        for form in values.into_iter().flat_map(forms) {
            for (place, text) in &written {
                assert!(!text.contains(&form), "{form} is in {place}:\n{text}");
            }
        }
    }

    /// A file or folder that is looked through after each command.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.work.path().join(name)
    }

    /// Runs a command with exactly these arguments.
    pub(crate) fn start(&self, arguments: &[&str]) -> Run {
        let began = Instant::now();
        let output = Command::new(env!("CARGO_BIN_EXE_infra"))
            .args(arguments)
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
            .envs(self.variables.iter().cloned())
            .env("INFRA_STATE", self.file("state"))
            .env("COLUMNS", "200")
            .output()
            .unwrap();
        let run = Run::new(arguments.join(" "), output, began.elapsed());
        let mut written = self.written.borrow_mut();
        written.push((format!("standard output of {}", arguments[0]), run.out.clone()));
        written.push((format!("standard error of {}", arguments[0]), run.err.clone()));
        let mut folders: Vec<PathBuf> = vec![self.work.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
                    written.push((path.display().to_string(), text));
                }
            }
        }
        run
    }
}

/// A value in clear, in hexadecimal digits, and in Base64 wherever in a longer text it may stand.
fn forms(value: &str) -> Vec<String> {
    let hex = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    let base64 = (0..3).map(|before| {
        let text = STANDARD.encode(format!("{}{value}", &"   "[..before]));
        // Without what the bytes around it have a part in.
        text[before.div_ceil(3) * 4..].trim_end_matches('=').rsplit_once(|_| true).unwrap().0.to_owned()
    });
    [value.to_owned(), hex].into_iter().chain(base64).collect()
}

/// The value of a secret, which only this test asks for.
pub(crate) fn secret_value(local: &LocalAws, id: &str) -> String {
    let endpoint = local.endpoint();
    let host = endpoint.strip_prefix("http://").unwrap();
    let body = json!({ "SecretId": id }).to_string();
    let scope = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/secretsmanager/aws4_request";
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "POST / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\nauthorization: {scope}, SignedHeaders=host, Signature=0\r\n\
         x-amz-target: secretsmanager.GetSecretValue\r\ncontent-type: application/x-amz-json-1.1\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len(),
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    // Where the length is not told beforehand, the body has its chunks' sizes around it.
    let body = &body[body.find('{').unwrap()..=body.rfind('}').unwrap()];
    let answer: Json = serde_json::from_str(body).unwrap();
    answer["SecretString"].as_str().unwrap_or_else(|| panic!("no value in {answer}")).to_owned()
}
