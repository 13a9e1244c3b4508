//! Names of endpoints and groups: kept, compared and copied many times in each request.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A short text that costs next to nothing to copy. Its value is all that counts: a [lasting](Name::lasting) name and
/// another one of the same text are the same.
#[derive(Clone)]
pub struct Name(Kept);

#[derive(Clone)]
enum Kept {
    /// For as long as the program runs.
    Lasting(&'static str),
    Counted(Arc<str>),
}

/// The lasting names there are.
static LASTING: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

impl Name {
    /// This name, kept for as long as the program runs: for the few that a configuration gives, also one that is refused
    /// in the end. A copy of it counts no
    /// references; there are some twenty of an endpoint's name in each request, and counting them would cost as much as
    /// routing it.
    pub fn lasting(name: &str) -> Self {
        let mut lasting = LASTING.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = lasting.get(name).copied().unwrap_or_else(|| {
            let kept: &'static str = Box::leak(name.into());
            lasting.insert(kept);
            kept
        });
        Self(Kept::Lasting(kept))
    }
}

impl<T: Into<Arc<str>>> From<T> for Name {
    fn from(name: T) -> Self {
        Self(Kept::Counted(name.into()))
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        match &self.0 {
            Kept::Lasting(name) => name,
            Kept::Counted(name) => name,
        }
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        self
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        self
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Name {}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(other)
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::from(String::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use super::*;

    #[test]
    fn a_lasting_name_is_kept_once_and_equals_any_other_of_its_text() {
        let (one, two, counted) = (Name::lasting("main-a"), Name::lasting("main-a"), Name::from("main-a"));
        assert!(std::ptr::eq(&*one, &*two));
        assert_eq!(one, counted);
        assert_eq!(HashMap::from([(one.clone(), 1)]).get(&counted), Some(&1));
        assert_eq!(BTreeMap::from([(counted, 1)]).get(&one), Some(&1));
        assert!(Name::lasting("z") > one && Name::from("a") < two);
    }

    #[test]
    fn a_name_is_its_text_in_json() {
        let name: Name = serde_json::from_str(r#""a \"b\"""#).unwrap();
        assert_eq!(&*name, "a \"b\"");
        assert_eq!(serde_json::to_string(&Name::lasting("a \"b\"")).unwrap(), r#""a \"b\"""#);
    }
}
