//! Functions on network addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use num_bigint::BigInt;

use crate::value::Value;

use super::{Function, FunctionTable, Param, text, whole};

pub(super) fn add(table: &mut FunctionTable) {
    table.add(Function::new("cidrhost", vec![Param::string("prefix"), Param::number("hostnum")], |_, a| {
        let network = Network::parse(text(&a[0]))?;
        let number = a[1].as_number().and_then(crate::number::Number::to_big).ok_or("a whole number is required")?;
        network.host(&number).map(|address| address.to_string().into())
    }));
    table.add(Function::new("cidrnetmask", vec![Param::string("prefix")], |_, a| {
        let network = Network::parse(text(&a[0]))?;
        if network.bits == 128 {
            return Err("only IPv4 networks have a netmask".to_owned());
        }
        Ok(network.address_of(network.mask()).to_string().into())
    }));
    table.add(Function::new(
        "cidrsubnet",
        vec![Param::string("prefix"), Param::number("newbits"), Param::number("netnum")],
        |_, a| {
            let network = Network::parse(text(&a[0]))?;
            let number =
                a[2].as_number().and_then(crate::number::Number::to_big).ok_or("a whole number is required")?;
            let number = u128::try_from(number).map_err(|_| "the network's number must not be negative".to_owned())?;
            network.subnet(whole(&a[1])?, number).map(|subnet| subnet.to_string().into())
        },
    ));
    table.add(
        Function::new("cidrsubnets", vec![Param::string("prefix")], |_, a| {
            let network = Network::parse(text(&a[0]))?;
            let mut subnets: Vec<Value> = Vec::new();
            let mut next = network.address;
            for bits in &a[1..] {
                let bits = whole(bits)?;
                if bits < 1 {
                    return Err("a subnet needs at least one more bit than its network".to_owned());
                }
                let template = network.subnet(bits, 0)?;
                let size = template.size_minus_one();
                // The first network of this size at or after the end of the last one.
                let start = next.checked_add(size).map(|end| end & !size).filter(|start| network.contains(*start));
                let start = start.ok_or_else(|| format!("not enough addresses are left for a /{}", template.length))?;
                subnets.push(Network { address: start, ..template }.to_string().into());
                next = start.checked_add(size).and_then(|last| last.checked_add(1)).unwrap_or(u128::MAX);
            }
            Ok(Value::list(subnets))
        })
        .variadic_with(Param::number("newbits")),
    );
}

/// A network: its first address and how many of its bits are fixed.
#[derive(Clone, Copy)]
struct Network {
    address: u128,
    bits: u32,
    length: u32,
}

impl Network {
    fn parse(text: &str) -> Result<Self, String> {
        let invalid =
            || format!("invalid CIDR expression {text:?}: an address with a length is required, such as 10.0.0.0/8");
        let (address, length) = text.split_once('/').ok_or_else(invalid)?;
        let length: u32 = length.parse().map_err(|_| invalid())?;
        let (address, bits) = match address.parse().map_err(|_| invalid())? {
            IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
            IpAddr::V6(address) => (u128::from(address), 128),
        };
        if length > bits {
            return Err(invalid());
        }
        let network = Self { address, bits, length };
        Ok(Self { address: address & network.mask(), ..network })
    }

    fn full(&self) -> u128 {
        if self.bits == 128 { u128::MAX } else { (1 << self.bits) - 1 }
    }

    fn size_minus_one(&self) -> u128 {
        let free = self.bits - self.length;
        if free == 128 { u128::MAX } else { (1 << free) - 1 }
    }

    fn mask(&self) -> u128 {
        self.full() & !self.size_minus_one()
    }

    fn contains(&self, address: u128) -> bool {
        address & self.mask() == self.address
    }

    fn address_of(&self, value: u128) -> IpAddr {
        if self.bits == 32 { IpAddr::V4(Ipv4Addr::from(value as u32)) } else { IpAddr::V6(Ipv6Addr::from(value)) }
    }

    /// The host of that number, counted from the end if it is negative.
    fn host(&self, number: &BigInt) -> Result<IpAddr, String> {
        let size = BigInt::from(self.size_minus_one()) + 1;
        let at = if *number < BigInt::ZERO { &size + number } else { number.clone() };
        match u128::try_from(at) {
            Ok(at) if BigInt::from(at) < size => Ok(self.address_of(self.address + at)),
            _ => Err(format!("a network /{} has no host number {number}", self.length)),
        }
    }

    fn subnet(&self, new_bits: i64, number: u128) -> Result<Self, String> {
        let length = i64::from(self.length) + new_bits;
        if new_bits < 0 || length > i64::from(self.bits) {
            return Err(format!("a /{} cannot be extended by {new_bits} bits", self.length));
        }
        if new_bits < 128 && number >= 1u128 << new_bits {
            return Err(format!("{new_bits} bits cannot hold the network number {number}"));
        }
        let length = length as u32;
        let free = self.bits - length;
        let offset = if free == 128 { 0 } else { number << free };
        Ok(Self { address: self.address | offset, length, ..*self })
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address_of(self.address), self.length)
    }
}
