//! As much of GitHub as a comment needs.

use std::ffi::OsStr;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, patch};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::script::{self, Run};

pub(crate) const TOKEN: &str = "a-token-that-nobody-may-see";
const MARKER: &str = "<!-- infra: plans -->";

struct Comment {
    body: String,
    is_bot: bool,
    edits: usize,
}

struct Shared {
    endpoint: String,
    refuses: bool,
    comments: Mutex<Vec<Comment>>,
}

/// GitHub, with one pull request.
pub(crate) struct GitHub(Arc<Shared>);

impl GitHub {
    /// One where others wrote so many comments already, one of which begins as ours do.
    pub(crate) async fn start(comments: usize) -> Self {
        let body = |number| if number == 3 { format!("{MARKER}\nquoted") } else { format!("comment {number}") };
        Self::serve(false, (0..comments).map(body).collect()).await
    }

    /// One that refuses everything.
    pub(crate) async fn refusing() -> Self {
        Self::serve(true, Vec::new()).await
    }

    async fn serve(refuses: bool, bodies: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let comments = bodies.into_iter().map(|body| Comment { body, is_bot: false, edits: 0 }).collect();
        let shared = Arc::new(Shared { endpoint, refuses, comments: Mutex::new(comments) });
        let router = Router::new()
            .route("/repos/team/system/issues/7/comments", get(list).post(create))
            .route("/repos/team/system/issues/comments/{id}", patch(edit))
            .with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self(shared)
    }

    /// Runs a script that talks to it.
    pub(crate) fn script(&self, script: &str, arguments: &[&OsStr]) -> Run {
        let mut command = script::command(script);
        command.args(arguments).env("GITHUB_API_URL", &self.0.endpoint);
        Run::of(command.env("GITHUB_REPOSITORY", "team/system").env("GITHUB_TOKEN", TOKEN))
    }

    /// The bot's comments.
    pub(crate) fn ours(&self) -> Vec<String> {
        let comments = self.0.comments.lock().unwrap();
        comments.iter().filter(|comment| comment.is_bot).map(|comment| comment.body.clone()).collect()
    }

    /// How often a person's comment was edited.
    pub(crate) fn edited_by_others(&self) -> usize {
        self.0.comments.lock().unwrap().iter().filter(|comment| !comment.is_bot).map(|comment| comment.edits).sum()
    }
}

type Answer = Result<Json<Value>, (StatusCode, &'static str)>;

impl Shared {
    fn check(&self, headers: &HeaderMap) -> Result<(), (StatusCode, &'static str)> {
        let given = headers.get("authorization").and_then(|value| value.to_str().ok());
        let allowed = !self.refuses && given == Some(&format!("Bearer {TOKEN}"));
        if allowed { Ok(()) } else { Err((StatusCode::FORBIDDEN, "Resource not accessible by integration")) }
    }

    fn shown(&self, id: usize, comment: &Comment) -> Value {
        json!({
            "url": format!("{}/repos/team/system/issues/comments/{id}", self.endpoint),
            "html_url": format!("https://github.com/team/system/pull/7#issuecomment-{id}"),
            "body": comment.body,
            "user": { "type": if comment.is_bot { "Bot" } else { "User" } },
        })
    }
}

#[derive(Deserialize)]
struct Page {
    per_page: usize,
    page: usize,
}

#[derive(Deserialize)]
struct Body {
    body: String,
}

async fn list(State(shared): State<Arc<Shared>>, headers: HeaderMap, Query(page): Query<Page>) -> Answer {
    shared.check(&headers)?;
    let comments = shared.comments.lock().unwrap();
    let all = comments.iter().enumerate().map(|(id, comment)| shared.shown(id, comment));
    Ok(Json(all.skip((page.page - 1) * page.per_page).take(page.per_page).collect()))
}

async fn create(State(shared): State<Arc<Shared>>, headers: HeaderMap, Json(new): Json<Body>) -> Answer {
    shared.check(&headers)?;
    let mut comments = shared.comments.lock().unwrap();
    comments.push(Comment { body: new.body, is_bot: true, edits: 0 });
    let id = comments.len() - 1;
    Ok(Json(shared.shown(id, &comments[id])))
}

async fn edit(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Path(id): Path<usize>,
    Json(new): Json<Body>,
) -> Answer {
    shared.check(&headers)?;
    let mut comments = shared.comments.lock().unwrap();
    let comment = comments.get_mut(id).ok_or((StatusCode::NOT_FOUND, "Not Found"))?;
    comment.body = new.body;
    comment.edits += 1;
    Ok(Json(shared.shown(id, &comments[id])))
}
