//! A bounded memory of what was used most recently.

use std::collections::HashMap;

/// Remembers at least the last `size` keys that were used, and at most twice as
/// many.
#[derive(Debug)]
pub(crate) struct Recent {
    size: usize,
    young: HashMap<String, String>,
    /// What was young before; what is used again becomes young again.
    old: HashMap<String, String>,
}

impl Recent {
    pub(crate) fn new(size: usize) -> Self {
        Self {
            size,
            young: HashMap::new(),
            old: HashMap::new(),
        }
    }

    pub(crate) fn get(&mut self, key: &str) -> Option<String> {
        if let Some(value) = self.young.get(key) {
            return Some(value.clone());
        }
        let (key, value) = self.old.remove_entry(key)?;
        self.insert(key, value.clone());
        Some(value)
    }

    pub(crate) fn insert(&mut self, key: String, value: String) {
        if self.young.len() >= self.size {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    pub(crate) fn remove(&mut self, key: &str) {
        self.young.remove(key);
        self.old.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::Recent;

    #[test]
    fn what_is_used_stays_and_what_is_not_goes() {
        let mut recent = Recent::new(2);
        recent.insert("always".to_owned(), "1".to_owned());
        for n in 0..100 {
            recent.insert(format!("once {n}"), String::new());
            assert_eq!(recent.get("always").as_deref(), Some("1"), "{n}");
            assert!(recent.young.len() + recent.old.len() <= 4);
        }
        assert_eq!(recent.get("once 0"), None);
        assert!(recent.get("once 99").is_some());
        recent.remove("always");
        assert_eq!(recent.get("always"), None);
    }
}
