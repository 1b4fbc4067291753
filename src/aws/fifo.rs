//! Names of FIFO queues and topics, which end with `.fifo`.

use crate::cloud::Op;

/// What names of FIFO queues and topics end with.
pub const END: &str = ".fifo";

/// `name`, with the end that it must have where it is one that `op` made for something FIFO.
pub fn name(name: &str, is_fifo: bool, op: &Op) -> String {
    let end = if is_fifo && name.ends_with(&op.id.short()) { END } else { "" };
    format!("{name}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::{Address, OpId};

    #[test]
    fn only_a_name_that_was_made_gets_the_end() {
        let id = OpId::from("01J0000000000000AAAABBCCDD");
        let op = Op::new(id, Address::root("Jobs"), "shop".into(), "dev".into());
        assert_eq!(name("shop-dev-Jobs-aabbccdd", true, &op), "shop-dev-Jobs-aabbccdd.fifo");
        assert_eq!(name("shop-dev-Jobs-aabbccdd", false, &op), "shop-dev-Jobs-aabbccdd");
        assert_eq!(name("jobs.fifo", true, &op), "jobs.fifo");
    }
}
