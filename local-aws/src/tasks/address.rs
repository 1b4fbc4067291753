//! Private addresses of simulated tasks: inside their subnet, each held by one task at a time.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};

use ipnet::Ipv4Net;

use crate::shared::held;

/// The first addresses of a subnet are AWS's own, and the last one.
const RESERVED: u32 = 4;

#[derive(Debug, Default)]
struct Subnet {
    /// How many addresses were given: one that was just given back is not given again at once.
    given: u32,
    held: Vec<Ipv4Addr>,
}

/// The addresses held in each subnet.
#[derive(Debug, Clone, Default)]
pub(super) struct Addresses(Arc<Mutex<HashMap<String, Subnet>>>);

/// An address, held until this is dropped.
#[derive(Debug)]
pub(super) struct Address {
    pub(super) ip: Ipv4Addr,
    subnet: String,
    addresses: Addresses,
}

impl Addresses {
    /// Takes a free address of `subnet`, whose range is `cidr`; none if all are held.
    pub(super) fn take(&self, subnet: &str, cidr: Ipv4Net) -> Option<Address> {
        let mut subnets = held(&self.0);
        let known = subnets.entry(subnet.into()).or_default();
        let size = 1_u32.checked_shl(u32::from(32 - cidr.prefix_len())).unwrap_or(u32::MAX);
        let usable = size.checked_sub(RESERVED + 1).filter(|usable| *usable > 0)?;
        for _ in 0..usable {
            let offset = RESERVED + known.given % usable;
            known.given = known.given.wrapping_add(1);
            let ip = Ipv4Addr::from(u32::from(cidr.network()) + offset);
            if !known.held.contains(&ip) {
                known.held.push(ip);
                return Some(Address { ip, subnet: subnet.into(), addresses: self.clone() });
            }
        }
        None
    }
}

impl From<&Address> for IpAddr {
    fn from(address: &Address) -> Self {
        Self::V4(address.ip)
    }
}

impl Drop for Address {
    fn drop(&mut self) {
        let mut subnets = held(&self.addresses.0);
        if let Some(known) = subnets.get_mut(&self.subnet) {
            known.held.retain(|held| *held != self.ip);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_in_the_subnet_and_held_once() {
        let addresses = Addresses::default();
        let cidr: Ipv4Net = "10.0.1.0/28".parse().unwrap();
        let held: Vec<Address> = (0..11).map(|_| addresses.take("subnet-1", cidr).unwrap()).collect();
        let ips: Vec<String> = held.iter().map(|address| address.ip.to_string()).collect();
        assert_eq!(ips.first().map(String::as_str), Some("10.0.1.4"));
        assert_eq!(ips.last().map(String::as_str), Some("10.0.1.14"));
        assert!(addresses.take("subnet-1", cidr).is_none());
        assert!(addresses.take("subnet-2", cidr).is_some());
    }

    #[test]
    fn an_address_given_back_is_not_the_next_one() {
        let addresses = Addresses::default();
        let cidr: Ipv4Net = "10.0.1.0/28".parse().unwrap();
        let first = addresses.take("subnet-1", cidr).unwrap().ip;
        let second = addresses.take("subnet-1", cidr).unwrap().ip;
        assert_ne!(first, second);
    }
}
