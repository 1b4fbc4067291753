//! The address that mail comes from, and the identities of SES that stand for it.

use email_address::{EmailAddress, Options};
use service_runtime::address::address;

/// What to write for the sender.
pub(crate) const SENDER: &str = "an address in ASCII, as in no-reply@example.org or Notices <no-reply@example.org>; a domain in Punycode, \
     a name with other letters as RFC 2047 encodes it";

/// Where mail comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sender {
    text: String,
    /// The address alone, in lower case.
    address: String,
}

impl Sender {
    /// Reads an address, perhaps with a name.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        // Of the address, the name and all: https://docs.aws.amazon.com/ses/latest/APIReference/API_SendEmail.html.
        if !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return Err("it has other characters than the printable ones of ASCII, and SES has no SMTPUTF8".into());
        }
        let whole = EmailAddress::parse_with_options(text, Options::default()).map_err(|error| error.to_string())?;
        let address = address(&whole.email())?;
        Ok(Self { text: text.to_owned(), address: address.as_str().to_lowercase() })
    }

    /// Returns it as it stands in a mail.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Tells whether SES sends by an identity, which is written in lower case: the address, its domain or one above that.
    pub(crate) fn is_of(&self, identity: &str) -> bool {
        let domain = self.address.split_once('@').map_or("", |(_, domain)| domain);
        let above =
            || identity.contains('.') && domain.strip_suffix(identity).is_some_and(|below| below.ends_with('.'));
        identity == self.address || identity == domain || above()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_one_address_in_ascii() {
        for good in
            ["no-reply@example.org", "Notices <No-Reply@example.org>", "=?utf-8?q?Gr=C3=BC=C3=9Fe?= <a@b.example>"]
        {
            assert_eq!(Sender::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "nobody",
            "grüße@example.org",
            "no-reply@grüße.example",
            "Grüße <no-reply@example.org>",
            "Notices\r\nBcc: <no-reply@example.org>",
            "no-reply@localhost",
            "\"a b\"@example.org",
        ] {
            assert!(Sender::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn its_identities_are_its_address_and_the_domains_above() {
        let sender = Sender::parse("Notices <No-Reply@Mail.Example.org>").unwrap();
        for identity in ["no-reply@mail.example.org", "mail.example.org", "example.org"] {
            assert!(sender.is_of(identity), "{identity}");
        }
        for identity in ["another@mail.example.org", "other.example.org", "ample.org", "org", ""] {
            assert!(!sender.is_of(identity), "{identity}");
        }
    }
}
