//! What a listener does with a request: forward it to one of several weighted groups, answer it, send it elsewhere.

use std::sync::Mutex;

use hyper::http::request::Parts;

use crate::shared::held;
use crate::traffic::condition;
use crate::xml::Element;

/// An action that ends a rule.
#[derive(Debug)]
pub(super) enum Action {
    Forward(Forward),
    Fixed {
        status: u16,
        kind: String,
        body: String,
    },
    Redirect(Redirect),
    /// None that is known here.
    Unknown,
}

impl Action {
    /// Reads the actions of a rule or listener, of which the last one ends it; logging in before is left out here.
    pub(super) fn read(actions: &[Element]) -> Self {
        let last = actions.iter().max_by_key(|action| action.text_at("Order").parse::<u32>().unwrap_or(0));
        let Some(action) = last else { return Self::Unknown };
        match action.text_at("Type") {
            "forward" => Self::Forward(Forward::read(action)),
            "fixed-response" => {
                let config = |name: &str| action.text_at(&format!("FixedResponseConfig/{name}")).to_owned();
                let status = config("StatusCode").parse().unwrap_or(200);
                Self::Fixed { status, kind: config("ContentType"), body: config("MessageBody") }
            }
            "redirect" => Self::Redirect(Redirect::read(action)),
            _ => Self::Unknown,
        }
    }

    /// Returns the target groups that it forwards to.
    pub(super) fn groups(&self) -> impl Iterator<Item = &str> {
        let groups = if let Self::Forward(forward) = self { forward.groups.as_slice() } else { &[] };
        groups.iter().map(|(group, _)| group.as_str())
    }
}

/// Target groups and their weights.
#[derive(Debug)]
pub(super) struct Forward {
    groups: Vec<(String, u32)>,
    /// How far each group is ahead or behind.
    due: Mutex<Vec<i64>>,
}

impl Forward {
    fn read(action: &Element) -> Self {
        let several = action.list("ForwardConfig/TargetGroups").iter();
        let weight = |group: &Element| group.text_at("Weight").parse().unwrap_or(1);
        let mut groups: Vec<_> =
            several.map(|group| (group.text_at("TargetGroupArn").to_owned(), weight(group))).collect();
        if groups.is_empty() {
            groups.push((action.text_at("TargetGroupArn").into(), 1));
        }
        Self::new(groups)
    }

    fn new(groups: Vec<(String, u32)>) -> Self {
        let due = Mutex::new(vec![0; groups.len()]);
        Self { groups, due }
    }

    /// Chooses the group of the next request by smooth weighted round robin: any run of as many requests as the weights
    /// add up to is shared out exactly by weight.
    pub(super) fn next(&self) -> Option<&str> {
        let mut due = held(&self.due);
        let total: i64 = self.groups.iter().map(|(_, weight)| i64::from(*weight)).sum();
        for (due, (_, weight)) in due.iter_mut().zip(&self.groups) {
            *due += i64::from(*weight);
        }
        let weighted = (0..self.groups.len()).filter(|index| self.groups[*index].1 > 0);
        let chosen = weighted.max_by_key(|index| (due[*index], std::cmp::Reverse(*index)))?;
        due[chosen] -= total;
        Some(&self.groups[chosen].0)
    }
}

/// Where a request is sent, with `#{…}` for what it had.
#[derive(Debug, Clone)]
pub(super) struct Redirect {
    pub(super) status: u16,
    protocol: String,
    host: String,
    port: String,
    path: String,
    query: String,
}

impl Redirect {
    fn read(action: &Element) -> Self {
        let config = |name: &str, default: &str| {
            let text = action.at(&format!("RedirectConfig/{name}")).map(|config| config.text.clone());
            text.unwrap_or_else(|| default.into())
        };
        Self {
            status: if config("StatusCode", "HTTP_301") == "HTTP_302" { 302 } else { 301 },
            protocol: config("Protocol", "#{protocol}"),
            host: config("Host", "#{host}"),
            port: config("Port", "#{port}"),
            path: config("Path", "/#{path}"),
            query: config("Query", "#{query}"),
        }
    }

    /// Returns the location for a request to `path` of a listener.
    pub(super) fn location(&self, request: &Parts, path: &str, protocol: &str, port: u16) -> String {
        let (host, port) = (condition::host(request), port.to_string());
        let protocol = protocol.to_lowercase();
        let query = request.uri.query().unwrap_or_default();
        let filled = |text: &str| {
            let parts = [
                ("#{protocol}", protocol.as_str()),
                ("#{host}", &host),
                ("#{port}", &port),
                ("#{path}", path.trim_start_matches('/')),
                ("#{query}", query),
            ];
            parts.into_iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
        };
        let query = filled(&self.query);
        let mark = if query.is_empty() { "" } else { "?" };
        let protocol = filled(&self.protocol).to_lowercase();
        format!("{protocol}://{}:{}{}{mark}{query}", filled(&self.host), filled(&self.port), filled(&self.path))
    }
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn forward(weights: &[u32]) -> Forward {
        Forward::new(weights.iter().enumerate().map(|(index, weight)| (index.to_string(), *weight)).collect())
    }

    #[test]
    fn requests_are_shared_out_exactly_by_weight_and_evenly_in_time() {
        let shares = forward(&[90, 10]);
        for _ in 0..5 {
            let second: Vec<_> = (0..100).map(|_| shares.next() == Some("1")).collect();
            assert_eq!(second.iter().filter(|own| **own).count(), 10);
            let places: Vec<_> = second.iter().enumerate().filter(|(_, own)| **own).map(|(place, _)| place).collect();
            assert!(places.windows(2).all(|pair| pair[1] - pair[0] == 10), "{places:?}");
        }
    }

    #[test]
    fn a_group_without_weight_gets_nothing() {
        let shares = forward(&[0, 1, 0]);
        assert!((0..50).all(|_| shares.next() == Some("1")));
        assert_eq!(forward(&[0, 0]).next(), None);
    }

    #[test]
    fn a_redirect_keeps_what_it_does_not_change() {
        let text = "<member><Type>redirect</Type><RedirectConfig><Protocol>HTTPS</Protocol><Port>443</Port>\
                    <StatusCode>HTTP_301</StatusCode></RedirectConfig></member>";
        let Action::Redirect(redirect) = Action::read(&[Element::parse(text.as_bytes()).unwrap()]) else {
            panic!("no redirect")
        };
        let request = Request::get("/a/b?c=d").header("host", "x.example:4566").body(()).unwrap().into_parts().0;
        assert_eq!(redirect.location(&request, "/a/b", "HTTP", 80), "https://x.example:443/a/b?c=d");
        let bare = Request::get("/").header("host", "x.example").body(()).unwrap().into_parts().0;
        assert_eq!(redirect.location(&bare, "/", "HTTP", 80), "https://x.example:443/");
    }
}
