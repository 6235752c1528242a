//! A surrogate as a map of its name and parameters, for serde. Nothing here allocates.

use core::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap as _, Serializer};

use super::{ParamError, Surrogate};

/// The key of the surrogate's name.
const NAME: &str = "name";

/// Every key that there is, `name` and the parameters of all surrogates.
const KEYS: [&str; 12] = [
    NAME,
    "alpha",
    "w",
    "c",
    "n",
    "T_period",
    "beta",
    "leak",
    "k",
    "max_spike_count",
    "grad_min",
    "grad_max",
];

/// Whether the parameter is written as a whole number.
fn is_whole(param: &str) -> bool {
    matches!(param, "n" | "max_spike_count")
}

impl Serialize for Surrogate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1 + self.params().count()))?;
        map.serialize_entry(NAME, self.name())?;
        for (param, value) in self.params() {
            if is_whole(param) {
                map.serialize_entry(param, &(value as u32))?;
            } else {
                map.serialize_entry(param, &value)?;
            }
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Surrogate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(SurrogateVisitor)
    }
}

struct SurrogateVisitor;

impl<'de> Visitor<'de> for SurrogateVisitor {
    type Value = Surrogate;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a surrogate: a map of its name and parameters")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Surrogate, A::Error> {
        // The name may come after the parameters.
        let mut name = None;
        let mut values = KEYS.map(|key| (key, None));
        while let Some(Key(key)) = map.next_key()? {
            let filled = if key == NAME {
                name.replace(map.next_value::<Name>()?.0).is_some()
            } else {
                let value = if is_whole(key) {
                    f64::from(map.next_value::<u32>()?)
                } else {
                    map.next_value()?
                };
                let slot = values.iter_mut().find(|(param, _)| *param == key);
                slot.is_some_and(|(_, slot)| slot.replace(value).is_some())
            };
            if filled {
                return Err(de::Error::duplicate_field(key));
            }
        }
        let mut surrogate = name.ok_or(de::Error::missing_field(NAME))?;
        for (param, value) in values {
            match value.map(|value| surrogate.set(param, value)) {
                None if param == "max_spike_count" && !surrogate.is_binary() => {
                    return Err(de::Error::missing_field(param));
                }
                None | Some(Ok(())) => {}
                Some(Err(ParamError::Unknown { allowed, .. })) => {
                    return Err(de::Error::unknown_field(param, allowed));
                }
                Some(Err(error)) => return Err(de::Error::custom(error)),
            }
        }
        Ok(surrogate)
    }
}

/// One of [`KEYS`].
struct Key(&'static str);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not an identifier, which formats without names would not write.
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a surrogate's parameter")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Key, E> {
        let known = KEYS.into_iter().find(|key| *key == text);
        known.map(Key).ok_or(E::unknown_field(text, &KEYS))
    }
}

/// A surrogate by its name, with its defaults.
struct Name(Surrogate);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl Visitor<'_> for NameVisitor {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a surrogate")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Name, E> {
        let known = Surrogate::from_name(text);
        known
            .map(Name)
            .ok_or(E::unknown_variant(text, Surrogate::NAMES))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::value::{Error, MapDeserializer};

    #[test]
    fn every_parameter_has_a_key_and_every_key_a_parameter() {
        let names = Surrogate::ALL.iter().flat_map(|s| s.param_names());
        assert!(names.clone().all(|name| KEYS.contains(name)));
        for key in &KEYS[1..] {
            assert!(names.clone().any(|name| name == key), "{key}");
        }
    }

    #[cfg(feature = "link")]
    #[test]
    fn a_format_without_types_brings_it_back() {
        for mut surrogate in Surrogate::ALL {
            for (i, param) in surrogate.param_names().iter().enumerate() {
                surrogate.set(param, 3.0 + i as f64).unwrap();
            }
            let mut bytes = [0; 128];
            let bytes = postcard::to_slice(&surrogate, &mut bytes).unwrap();
            assert_eq!(postcard::from_bytes(bytes), Ok(surrogate));
        }
    }

    #[test]
    fn a_map_of_text_is_a_surrogate_by_its_name_alone() {
        let read = |entries: &[(&'static str, &'static str)]| {
            let entries = entries.iter().copied();
            Surrogate::deserialize(MapDeserializer::<_, Error>::new(entries)).ok()
        };
        assert_eq!(read(&[("name", "atan")]), Some(Surrogate::default()));
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[("name", "tanh")]), None);
        assert_eq!(read(&[("name", "erf"), ("name", "erf")]), None);
        assert_eq!(read(&[("name", "erf"), ("alpha", "1")]), None);
        assert_eq!(read(&[("name", "erf"), ("beta1", "1")]), None);
    }
}
