//! `ip` and `cidr`: addresses and networks.

use std::net::IpAddr;

use cel::Env;
use cel::common::types::STRING_TYPE;
use cel::common::value::CowVal;

use super::{Added, failed, kind, own, quoted, said, text, truth, whole};

#[derive(Debug, Clone, PartialEq)]
struct Ip(IpAddr);

#[derive(Debug, Clone, PartialEq)]
struct Cidr {
    address: IpAddr,
    bits: u8,
}

kind!(Ip, IP, "net.IP");
kind!(Cidr, CIDR, "net.CIDR");

/// An address; the words are those of Go's reader where it can be told why it is none.
fn address(text: &str) -> Result<IpAddr, String> {
    let why =
        |why: String| format!("IP Address {} parse error during conversion from string: {why}", quoted(text));
    if text.contains('%') && text.contains(':') {
        return Err(format!("IP address {} with zone value is not allowed", quoted(text)));
    }
    match parse_address(text).map_err(why)? {
        IpAddr::V6(six) if six.to_ipv4_mapped().is_some() => {
            Err(format!("IPv4-mapped IPv6 address {} is not allowed", quoted(text)))
        }
        address => Ok(address),
    }
}

fn parse_address(text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| format!("ParseAddr({}): {}", quoted(text), fault(text)))
}

/// What Go says is wrong with a text that is no address.
fn fault(text: &str) -> String {
    let at = |why: &str, rest: &str| format!("{why} (at {})", quoted(rest));
    match text.find(['.', ':', '%']).map(|at| &text[at..=at]) {
        Some(".") => fault_of_four(text),
        Some(":") => {
            let gaps: Vec<usize> = text.match_indices("::").map(|(at, _)| at).collect();
            if let [_, second, ..] = gaps[..] {
                return at("multiple :: in address", &text[second + 1..]);
            }
            let rest = text.trim_start_matches("::");
            for (index, part) in rest.split(':').enumerate() {
                let place = rest.splitn(index + 1, ':').last().unwrap_or_default();
                let digits = part.bytes().take_while(u8::is_ascii_hexdigit).count();
                if digits > 4 {
                    return at("each group must have 4 or less digits", place);
                }
                if digits < part.len() && part.as_bytes().get(digits) != Some(&b'.') {
                    let (why, place) = if digits == 0 {
                        ("each colon-separated field must have at least one digit", place)
                    } else {
                        ("unexpected character, want colon", &place[digits..])
                    };
                    return at(why, place);
                }
            }
            if rest.ends_with(':') && !rest.ends_with("::") {
                return at("colon must be followed by more characters", ":");
            }
            if text.matches(':').count() < 7 {
                "address string too short"
            } else {
                "trailing garbage after address"
            }
            .to_owned()
        }
        Some(_) => "missing IPv6 address".to_owned(),
        None => "unable to parse IP".to_owned(),
    }
}

fn fault_of_four(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut value, mut digits, mut fields) = (0_u32, 0, 0);
    for (index, byte) in bytes.iter().enumerate() {
        let at = |why: &str| format!("{why} (at {})", quoted(&text[index..]));
        match byte {
            b'0'..=b'9' => {
                if digits == 1 && value == 0 {
                    return "IPv4 field has octet with leading zero".to_owned();
                }
                value = value * 10 + u32::from(byte - b'0');
                digits += 1;
                if value > 255 {
                    return "IPv4 field has value >255".to_owned();
                }
            }
            b'.' if index == 0 || index + 1 == bytes.len() || bytes[index - 1] == b'.' => {
                return at("IPv4 field must have at least one digit");
            }
            b'.' if fields == 3 => return "IPv4 address too long".to_owned(),
            b'.' => (value, digits, fields) = (0, 0, fields + 1),
            _ if text.is_char_boundary(index) => return at("unexpected character"),
            _ => return "unexpected character".to_owned(),
        }
    }
    "IPv4 address too short".to_owned()
}

fn network(text: &str) -> Result<Cidr, String> {
    let why = |why: String| {
        let prefix = format!("netip.ParsePrefix({}): {why}", quoted(text));
        format!("network address parse error during conversion from string: {prefix}")
    };
    let (address, bits) = text.rsplit_once('/').ok_or_else(|| why("no '/'".to_owned()))?;
    if address.contains('%') && address.contains(':') {
        return Err(why("IPv6 zones cannot be present in a prefix".to_owned()));
    }
    let address = parse_address(address).map_err(why)?;
    let is_number = bits == "0" || (!bits.starts_with(['0', '+', '-']) && bits.parse::<i64>().is_ok());
    if !is_number {
        return Err(why(format!("bad bits after slash: {}", quoted(bits))));
    }
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.parse().ok().filter(|bits| *bits <= most);
    let bits = bits.ok_or_else(|| why("prefix length out of range".to_owned()))?;
    match address {
        IpAddr::V6(six) if six.to_ipv4_mapped().is_some() => {
            Err(format!("IPv4-mapped IPv6 address {} is not allowed", quoted(text)))
        }
        _ => Ok(Cidr { address, bits }),
    }
}

impl Cidr {
    fn parse(text: &str) -> Result<Self, String> {
        network(text)
            .map_err(|why| format!("network address parse error during conversion from string: {why}"))
    }

    /// The address with what is beyond the network's bits taken out.
    fn masked(address: IpAddr, bits: u8) -> IpAddr {
        match address {
            IpAddr::V4(four) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(bits.min(32))).unwrap_or(0);
                IpAddr::V4((u32::from(four) & mask).into())
            }
            IpAddr::V6(six) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(bits.min(128))).unwrap_or(0);
                IpAddr::V6((u128::from(six) & mask).into())
            }
        }
    }

    fn holds(&self, address: IpAddr) -> bool {
        self.address.is_ipv4() == address.is_ipv4()
            && Self::masked(self.address, self.bits) == Self::masked(address, self.bits)
    }

    fn holds_network(&self, other: &Self) -> bool {
        self.bits <= other.bits && self.holds(other.address)
    }
}

/// An address of one host in the world, private ones among them.
fn is_global_unicast(address: IpAddr) -> bool {
    let is_broadcast = matches!(address, IpAddr::V4(four) if four.is_broadcast());
    !is_broadcast
        && !address.is_unspecified()
        && !address.is_loopback()
        && !address.is_multicast()
        && !is_link_local(address)
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => four.is_link_local(),
        IpAddr::V6(six) => six.segments()[0] & 0xffc0 == 0xfe80,
    }
}

fn is_link_local_multicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => four.octets()[..3] == [224, 0, 0],
        IpAddr::V6(six) => six.segments()[0] & 0xff0f == 0xff02,
    }
}

pub(super) fn extension(env: &mut Env) -> Added {
    env.add_type(IP.to_owned())?;
    env.add_type(CIDR.to_owned())?;
    let (ip, cidr) = (|| IP.to_owned(), || CIDR.to_owned());
    env.add_overload("isIP", "is_ip", vec![STRING_TYPE], |all| truth(address(text(&all, 0)?).is_ok()))?;
    env.add_overload("ip", "string_to_ip", vec![STRING_TYPE], |all| {
        address(text(&all, 0)?).map(|found| CowVal::owned(Ip(found))).map_err(failed)
    })?;
    env.add_overload("ip.isCanonical", "ip_is_canonical", vec![STRING_TYPE], |all| {
        let written = text(&all, 0)?;
        truth(address(written).map_err(failed)?.to_string() == written)
    })?;
    env.add_overload("string", "ip_to_string", vec![ip()], |all| said(own::<Ip>(&all, 0)?.0.to_string()))?;
    env.add_member_overload("family", "ip_family", ip(), vec![], |all| {
        whole(if own::<Ip>(&all, 0)?.0.is_ipv4() { 4 } else { 6 })
    })?;
    env.add_member_overload("isUnspecified", "ip_is_unspecified", ip(), vec![], |all| {
        truth(own::<Ip>(&all, 0)?.0.is_unspecified())
    })?;
    env.add_member_overload("isLoopback", "ip_is_loopback", ip(), vec![], |all| {
        truth(own::<Ip>(&all, 0)?.0.is_loopback())
    })?;
    env.add_member_overload("isLinkLocalMulticast", "ip_is_link_local_multicast", ip(), vec![], |all| {
        truth(is_link_local_multicast(own::<Ip>(&all, 0)?.0))
    })?;
    env.add_member_overload("isLinkLocalUnicast", "ip_is_link_local_unicast", ip(), vec![], |all| {
        truth(is_link_local(own::<Ip>(&all, 0)?.0))
    })?;
    env.add_member_overload("isGlobalUnicast", "ip_is_global_unicast", ip(), vec![], |all| {
        truth(is_global_unicast(own::<Ip>(&all, 0)?.0))
    })?;
    env.add_overload("isCIDR", "is_cidr", vec![STRING_TYPE], |all| truth(network(text(&all, 0)?).is_ok()))?;
    env.add_overload("cidr", "string_to_cidr", vec![STRING_TYPE], |all| {
        Cidr::parse(text(&all, 0)?).map(CowVal::owned).map_err(failed)
    })?;
    env.add_overload("string", "cidr_to_string", vec![cidr()], |all| {
        let Cidr { address, bits } = own(&all, 0)?;
        said(format!("{address}/{bits}"))
    })?;
    env.add_member_overload("containsIP", "cidr_contains_ip_ip", cidr(), vec![ip()], |all| {
        truth(own::<Cidr>(&all, 0)?.holds(own::<Ip>(&all, 1)?.0))
    })?;
    env.add_member_overload("containsIP", "cidr_contains_ip_string", cidr(), vec![STRING_TYPE], |all| {
        truth(own::<Cidr>(&all, 0)?.holds(address(text(&all, 1)?).map_err(failed)?))
    })?;
    env.add_member_overload("containsCIDR", "cidr_contains_cidr", cidr(), vec![cidr()], |all| {
        truth(own::<Cidr>(&all, 0)?.holds_network(own(&all, 1)?))
    })?;
    env.add_member_overload("containsCIDR", "cidr_contains_cidr_string", cidr(), vec![STRING_TYPE], |all| {
        let other = Cidr::parse(text(&all, 1)?).map_err(failed)?;
        truth(own::<Cidr>(&all, 0)?.holds_network(&other))
    })?;
    env.add_member_overload("ip", "cidr_ip", cidr(), vec![], |all| {
        Ok(CowVal::owned(Ip(own::<Cidr>(&all, 0)?.address)))
    })?;
    env.add_member_overload("masked", "cidr_masked", cidr(), vec![], |all| {
        let Cidr { address, bits } = own(&all, 0)?;
        Ok(CowVal::owned(Cidr { address: Cidr::masked(*address, *bits), bits: *bits }))
    })?;
    env.add_member_overload("prefixLength", "cidr_prefix_length", cidr(), vec![], |all| {
        whole(i64::from(own::<Cidr>(&all, 0)?.bits))
    })
}
