//! Logs in an S3 bucket: `<prefix>/<stack>/<environment>/log/0000000001.json` and `…/snapshot/0000000064.json`.

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Region;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt};
use tokio::sync::OnceCell;

use super::{Files, LogKey, Store, StoreError, plain_name};
use crate::aws::client::Aws;
use crate::aws::error::During;
use crate::cloud::{CloudError, ErrorKind};

const LOG: &str = "log";
const SNAPSHOT: &str = "snapshot";
/// Objects that are read at the same time.
const CONCURRENT_READS: usize = 16;
/// How often an object is read whose bytes break off.
const READ_ATTEMPTS: u32 = 3;
/// Objects that one call deletes; S3's limit.
const DELETE_BATCH: usize = 1000;

/// Where in S3 logs are kept: `s3://bucket/prefix`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Place {
    bucket: String,
    prefix: String,
}

impl S3Place {
    /// The place that `text` names; nothing where it is no `s3://…`.
    pub fn parse(text: &str) -> Option<Self> {
        let (bucket, prefix) = text.strip_prefix("s3://").map(|rest| rest.split_once('/').unwrap_or((rest, "")))?;
        Some(Self { bucket: bucket.to_owned(), prefix: prefix.trim_matches('/').to_owned() })
    }
}

/// Keeps logs in an S3 bucket. Of two that write the same entry S3 refuses one (`If-None-Match: *`): the log is its own
/// lock, and nothing else is needed.
#[derive(Debug)]
pub struct S3Store {
    aws: Aws,
    place: S3Place,
    client: OnceCell<Client>,
}

impl S3Store {
    /// The store at `place`, with the credentials of the default chain. Makes no call yet: a bucket that does not exist is
    /// an error of the first one.
    pub async fn connect(place: S3Place) -> Self {
        // Which region is asked for the bucket's own does not matter, but within AWS's partition of the credentials.
        Self::new(Aws::connect_anywhere().await, place)
    }

    /// The store at `place`.
    pub fn new(aws: Aws, place: S3Place) -> Self {
        Self { aws, place, client: OnceCell::new() }
    }

    /// A client for the bucket's own region, which S3 tells to everyone who may read the bucket.
    async fn client(&self) -> Result<&Client, StoreError> {
        let bucket = &self.place.bucket;
        let find = || async {
            let client = self.aws.s3(None);
            let answer = client.head_bucket().bucket(bucket).send().await;
            let response = answer.as_ref().err().and_then(|error| error.raw_response());
            let region = response.filter(|response| matches!(response.status().as_u16(), 301 | 400));
            let region = region.and_then(|response| response.headers().get("x-amz-bucket-region")).map(str::to_owned);
            match (region, answer.during("s3:HeadBucket")) {
                (Some(region), _) => Ok(self.aws.s3(Some(Region::new(region)))),
                (None, Ok(_)) => Ok(client),
                (None, Err(error)) if error.kind == ErrorKind::NotFound => Err(StoreError::Refused {
                    location: format!("s3://{bucket}"),
                    reason: "there is no such bucket; infra makes none for its state".into(),
                }),
                (None, Err(error)) if error.kind == ErrorKind::Denied => Err(StoreError::Refused {
                    location: format!("s3://{bucket}"),
                    reason: format!(
                        "check the bucket's name, that it is yours, and that the credentials in use may s3:ListBucket ({error})"
                    ),
                }),
                (None, Err(error)) => Err(failed(format!("s3://{bucket}"), error)),
            }
        };
        self.client.get_or_try_init(find).await
    }

    fn folder(&self, log: &LogKey, kind: &str) -> Result<String, StoreError> {
        let [stack, environment] = [&*log.stack, &*log.environment].map(plain_name);
        Ok(self.key(&[stack?, environment?, kind, ""]))
    }

    /// A key below the prefix.
    fn key(&self, parts: &[&str]) -> String {
        let prefix = Some(self.place.prefix.as_str()).filter(|prefix| !prefix.is_empty());
        prefix.into_iter().chain(parts.iter().copied()).collect::<Vec<_>>().join("/")
    }

    fn url(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.place.bucket)
    }

    /// Writes an object under its number if none has it.
    async fn write_once(&self, folder: &str, serial: u64, bytes: Vec<u8>) -> Result<(), StoreError> {
        let key = object(folder, serial);
        let call = self.client().await?.put_object().bucket(&self.place.bucket).key(&key);
        let call = call.content_type("application/json").if_none_match("*").body(ByteStream::from(bytes));
        match call.send().await.during("s3:PutObject") {
            Ok(_) => Ok(()),
            Err(error) if error.code == "PreconditionFailed" => Err(StoreError::Taken(serial)),
            Err(error) => Err(failed(self.url(&key), error)),
        }
    }

    /// The numbers of the objects in a folder, from `from` on, in order.
    async fn serials(&self, folder: &str, from: u64) -> Result<Vec<u64>, StoreError> {
        let call = self.client().await?.list_objects_v2().bucket(&self.place.bucket).prefix(folder);
        // Numbers have leading zeros, so that their order is that of the keys.
        let call = call.set_start_after(from.checked_sub(1).map(|before| object(folder, before)));
        let mut pages = call.into_paginator().send();
        let mut serials = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.during("s3:ListObjectsV2").map_err(|error| failed(self.url(folder), error))?;
            let number = |key: &str| key.strip_prefix(folder)?.strip_suffix(".json")?.parse::<u64>().ok();
            serials.extend(page.contents().iter().filter_map(|object| number(object.key()?)));
        }
        serials.sort_unstable();
        Ok(serials)
    }

    async fn read_if_there(&self, folder: &str, serial: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let key = object(folder, serial);
        let mut attempt = 1;
        loop {
            let call = self.client().await?.get_object().bucket(&self.place.bucket).key(&key);
            let object = match call.send().await.during("s3:GetObject") {
                Ok(object) => object,
                Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(failed(self.url(&key), error)),
            };
            match object.body.collect().await {
                Ok(bytes) => return Ok(Some(bytes.to_vec())),
                // The SDK repeats a call that has no answer, but not one whose answer breaks off.
                Err(_) if attempt < READ_ATTEMPTS => attempt += 1,
                Err(error) => {
                    return Err(StoreError::Unavailable { location: self.url(&key), reason: error.to_string() });
                }
            }
        }
    }

    /// The names of the folders in a folder.
    async fn folders(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        let call = self.client().await?.list_objects_v2().bucket(&self.place.bucket).prefix(folder).delimiter("/");
        let mut pages = call.into_paginator().send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.during("s3:ListObjectsV2").map_err(|error| failed(self.url(folder), error))?;
            let name = |prefix: &str| Some(prefix.strip_prefix(folder)?.trim_end_matches('/').to_owned());
            names.extend(page.common_prefixes().iter().filter_map(|common| name(common.prefix()?)));
        }
        Ok(names)
    }

    fn refused(&self, key: &str, reason: String) -> StoreError {
        StoreError::Refused { location: self.url(key), reason }
    }
}

impl Store for S3Store {
    fn location(&self, log: &LogKey) -> String {
        self.url(&self.key(&[&log.stack, &log.environment]))
    }

    fn append<'a>(&'a self, log: &'a LogKey, serial: u64, entry: Vec<u8>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { self.write_once(&self.folder(log, LOG)?, serial, entry).await })
    }

    fn read<'a>(&'a self, log: &'a LogKey, from: u64) -> BoxFuture<'a, Result<Files, StoreError>> {
        Box::pin(async move {
            let folder = self.folder(log, LOG)?;
            let serials = self.serials(&folder, from).await?;
            let reads = serials.into_iter().map(|serial| {
                let read = self.read_if_there(&folder, serial);
                async move { Ok((serial, read.await?)) }
            });
            let reads = futures::stream::iter(reads).buffered(CONCURRENT_READS);
            // One that was deleted by hand since it was listed is missing, as if it had not been there.
            let there = |(serial, bytes): (u64, Option<Vec<u8>>)| async move { Ok(bytes.map(|bytes| (serial, bytes))) };
            reads.try_filter_map(there).try_collect().await
        })
    }

    fn write_snapshot<'a>(
        &'a self,
        log: &'a LogKey,
        serial: u64,
        snapshot: Vec<u8>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            match self.write_once(&self.folder(log, SNAPSHOT)?, serial, snapshot).await {
                Err(StoreError::Taken(_)) => Ok(()),
                result => result,
            }
        })
    }

    fn snapshots<'a>(&'a self, log: &'a LogKey) -> BoxFuture<'a, Result<Vec<u64>, StoreError>> {
        Box::pin(async move { self.serials(&self.folder(log, SNAPSHOT)?, 0).await })
    }

    fn read_snapshot<'a>(&'a self, log: &'a LogKey, serial: u64) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        Box::pin(async move { self.read_if_there(&self.folder(log, SNAPSHOT)?, serial).await })
    }

    fn delete_snapshots<'a>(&'a self, log: &'a LogKey, serials: Vec<u64>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let folder = self.folder(log, SNAPSHOT)?;
            let keys: Vec<String> = serials.into_iter().map(|serial| object(&folder, serial)).collect();
            for keys in keys.chunks(DELETE_BATCH) {
                let objects = keys.iter().map(|key| ObjectIdentifier::builder().key(key).build());
                let delete = objects
                    .collect::<Result<Vec<_>, _>>()
                    .and_then(|objects| Delete::builder().set_objects(Some(objects)).quiet(true).build());
                let delete = delete.map_err(|error| self.refused(&folder, error.to_string()))?;
                let call = self.client().await?.delete_objects().bucket(&self.place.bucket).delete(delete);
                let answer = call.send().await.during("s3:DeleteObjects");
                let answer = answer.map_err(|error| failed(self.url(&folder), error))?;
                if let Some(error) = answer.errors().first() {
                    let reason = error.message().or(error.code()).unwrap_or("not deleted").to_owned();
                    return Err(self.refused(error.key().unwrap_or(&folder), reason));
                }
            }
            Ok(())
        })
    }

    fn logs(&self) -> BoxFuture<'_, Result<Vec<LogKey>, StoreError>> {
        Box::pin(async move {
            let mut logs = Vec::new();
            let root = if self.place.prefix.is_empty() { String::new() } else { format!("{}/", self.place.prefix) };
            for stack in self.folders(&root).await? {
                for environment in self.folders(&format!("{root}{stack}/")).await? {
                    let kinds = self.folders(&format!("{root}{stack}/{environment}/")).await?;
                    if kinds.iter().any(|kind| kind == LOG) {
                        logs.push(LogKey::new(stack.as_str(), environment));
                    }
                }
            }
            logs.sort();
            Ok(logs)
        })
    }
}

fn object(folder: &str, serial: u64) -> String {
    format!("{folder}{serial:010}.json")
}

/// What a failed call means for the log: whether it may work when tried again.
fn failed(location: String, error: CloudError) -> StoreError {
    let passes = matches!(error.kind, ErrorKind::Throttled | ErrorKind::Unavailable | ErrorKind::Lost);
    // Two wrote the same entry at the same moment: S3 asks to try again.
    let passes = passes || error.code == "ConditionalRequestConflict";
    let reason = error.to_string();
    if passes { StoreError::Unavailable { location, reason } } else { StoreError::Refused { location, reason } }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;

    use super::*;

    /// A store in front of an S3 that breaks off the first `broken` answers to a GET, or answers all calls with `status`.
    async fn store(broken: usize, status: &'static str) -> S3Store {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        std::thread::spawn(move || {
            let mut gets = 0;
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                let head = BufReader::new(stream.try_clone().expect("the same connection")).lines();
                let head: Vec<_> = head.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
                let is_get = head.first().is_some_and(|line| line.starts_with("GET"));
                gets += usize::from(is_get);
                let body = match (is_get, gets <= broken) {
                    (false, _) => "",
                    (true, true) => "hel",
                    (true, false) => "hello",
                };
                let size = if is_get { 5 } else { 0 };
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {size}\r\nconnection: close\r\n\r\n{body}");
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        let place = S3Place { bucket: "team-state".into(), prefix: String::new() };
        S3Store::new(Aws::local("us-east-1", &endpoint).await, place)
    }

    #[tokio::test]
    async fn an_object_whose_bytes_break_off_is_read_again() {
        let read = store(2, "200 OK").await.read_if_there("folder/", 1).await;
        assert_eq!(read.expect("the object"), Some(b"hello".to_vec()));
        let read = store(3, "200 OK").await.read_if_there("folder/", 1).await;
        assert!(matches!(read, Err(StoreError::Unavailable { .. })), "{read:?}");
    }

    #[tokio::test]
    async fn a_bucket_that_one_may_not_look_at_says_what_to_check() {
        let read = store(0, "403 Forbidden").await.read_if_there("folder/", 1).await;
        let Err(StoreError::Refused { reason, .. }) = read else { panic!("{read:?}") };
        assert!(reason.contains("s3:ListBucket") && reason.contains("name"), "{reason}");
    }

    #[test]
    fn a_place_is_a_bucket_and_what_keys_begin_with() {
        let place = |bucket: &str, prefix: &str| Some(S3Place { bucket: bucket.into(), prefix: prefix.into() });
        assert_eq!(S3Place::parse("s3://team-state/infra"), place("team-state", "infra"));
        assert_eq!(S3Place::parse("s3://team-state/a/b/"), place("team-state", "a/b"));
        assert_eq!(S3Place::parse("s3://team-state"), place("team-state", ""));
        assert_eq!(S3Place::parse(".infra"), None);
    }
}
