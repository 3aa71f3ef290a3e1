//! Takes DER apart and puts it together again with other parts, so that a test can make what no issuer would.

/// A value: members if it is constructed, octets if not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Primitive(u8, Vec<u8>),
    Constructed(u8, Vec<Value>),
}

impl Value {
    pub(crate) fn read(octets: &[u8]) -> Self {
        let (value, rest) = Self::read_first(octets);
        assert!(rest.is_empty());
        value
    }

    fn read_first(octets: &[u8]) -> (Self, &[u8]) {
        let (tag, length) = (octets[0], usize::from(octets[1]));
        let (header, length) = match length {
            0x81 => (3, usize::from(octets[2])),
            0x82 => (4, usize::from(u16::from_be_bytes([octets[2], octets[3]]))),
            _ => (2, length),
        };
        let (contents, rest) = octets[header..].split_at(length);
        if tag & 0x20 == 0 {
            return (Self::Primitive(tag, contents.to_vec()), rest);
        }
        let mut members = Vec::new();
        let mut inside = contents;
        while !inside.is_empty() {
            let (member, behind) = Self::read_first(inside);
            members.push(member);
            inside = behind;
        }
        (Self::Constructed(tag, members), rest)
    }

    pub(crate) fn to_der(&self) -> Vec<u8> {
        let (tag, contents) = match self {
            Self::Primitive(tag, octets) => (*tag, octets.clone()),
            Self::Constructed(tag, members) => (*tag, members.iter().flat_map(Self::to_der).collect()),
        };
        let mut der = vec![tag];
        match contents.len() {
            length @ 0..0x80 => der.push(u8::try_from(length).unwrap()),
            length @ 0x80..0x100 => der.extend([0x81, u8::try_from(length).unwrap()]),
            length => {
                der.push(0x82);
                der.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
        }
        der.extend(contents);
        der
    }

    pub(crate) fn members(&mut self) -> &mut Vec<Self> {
        match self {
            Self::Constructed(_, members) => members,
            Self::Primitive(..) => panic!("a primitive value has no members"),
        }
    }
}

/// Changes the signed part of a certificate or list and signs it anew.
pub(crate) fn resigned(der: &[u8], edit: impl FnOnce(&mut Vec<Value>), sign: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let mut whole = Value::read(der);
    edit(whole.members()[0].members());
    let signature = sign(&whole.members()[0].to_der());
    whole.members()[2] = Value::Primitive(0x03, [vec![0], signature].concat());
    whole.to_der()
}

/// The extensions of a certificate's signed part, each `{identifier, [critical,] octets}`.
pub(crate) fn extensions(body: &mut [Value]) -> &mut Vec<Value> {
    body.last_mut().unwrap().members()[0].members()
}

/// Replaces the octets of the extension whose identifier ends in `2.5.29.number`.
pub(crate) fn replace_extension(body: &mut [Value], number: u8, octets: &[u8]) {
    let identifier = Value::Primitive(0x06, vec![0x55, 0x1D, number]);
    let mut extensions = extensions(body).iter_mut();
    let extension =
        extensions.find_map(|extension| (extension.members()[0] == identifier).then_some(extension)).unwrap();
    *extension.members().last_mut().unwrap() = Value::Primitive(0x04, octets.to_vec());
}
