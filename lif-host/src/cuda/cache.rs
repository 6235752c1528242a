//! Compiled kernels on disk.
//!
//! An entry is kept under a digest of everything that it was made from, and holds that in full, so that two keys never
//! share one. An entry that is cut short, changed or foreign is no entry: the kernel is compiled anew and the entry
//! written over.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

/// The first bytes of an entry.
const MAGIC: &[u8; 8] = b"lifkern1";

/// The environment variable that names the folder; empty for no cache.
pub const CACHE_VARIABLE: &str = "LIF_KERNEL_CACHE";

/// A folder of compiled kernels.
#[derive(Clone, Debug, Default)]
pub(super) struct Cache {
    folder: Option<PathBuf>,
}

impl Cache {
    /// A cache in `folder`; none for no cache.
    pub(super) const fn new(folder: Option<PathBuf>) -> Self {
        Self { folder }
    }

    /// The folder that the environment says: `LIF_KERNEL_CACHE`, or `lif-kernels` in the user's cache folder.
    pub(super) fn from_environment() -> Self {
        let named = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty());
        let folder = match std::env::var_os(CACHE_VARIABLE) {
            Some(folder) => (!folder.is_empty()).then(|| folder.into()),
            None => named("XDG_CACHE_HOME")
                .map(PathBuf::from)
                .or_else(|| Some(PathBuf::from(named("HOME")?).join(".cache")))
                .or_else(|| Some(PathBuf::from(named("LOCALAPPDATA")?)))
                .map(|folder| folder.join("lif-kernels")),
        };
        Self::new(folder)
    }

    fn path(&self, key: &str) -> Option<PathBuf> {
        // Two digests of 64 bits: the name must be short, not unique.
        let name = format!(
            "{:016x}{:016x}.cubin",
            fnv(key.as_bytes(), 0),
            fnv(key.as_bytes(), 1)
        );
        Some(self.folder.as_ref()?.join(name))
    }

    /// The kernel that was made from `key`.
    pub(super) fn get(&self, key: &str) -> Option<Vec<u8>> {
        let bytes = fs::read(self.path(key)?).ok()?;
        let rest = bytes.strip_prefix(MAGIC)?;
        let (digest, body) = rest.split_first_chunk::<8>()?;
        if u64::from_le_bytes(*digest) != fnv(body, 0) {
            return None;
        }
        let (length, body) = body.split_first_chunk::<8>()?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
        let (stored_key, kernel) = body.split_at_checked(length)?;
        (stored_key == key.as_bytes()).then(|| kernel.to_vec())
    }

    /// Keeps `kernel`, made from `key`. A cache that cannot be written is none.
    pub(super) fn put(&self, key: &str, kernel: &[u8]) {
        let Some(path) = self.path(key) else { return };
        let mut body = (key.len() as u64).to_le_bytes().to_vec();
        body.extend_from_slice(key.as_bytes());
        body.extend_from_slice(kernel);
        // Under another name first: a reader never sees half an entry, and of two writers one wins.
        static WRITTEN: AtomicU32 = AtomicU32::new(0);
        let unique = WRITTEN.fetch_add(1, Ordering::Relaxed);
        let draft = path.with_extension(format!("{}-{unique}.tmp", std::process::id()));
        let write = || -> std::io::Result<()> {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            let mut file = fs::File::create(&draft)?;
            file.write_all(MAGIC)?;
            file.write_all(&fnv(&body, 0).to_le_bytes())?;
            file.write_all(&body)?;
            drop(file);
            fs::rename(&draft, &path)
        };
        if write().is_err() {
            let _ = fs::remove_file(&draft);
        }
    }
}

/// The digest FNV-1a of `bytes`, from a start that `seed` moves.
fn fnv(bytes: &[u8], seed: u64) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325 ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bytes.iter().fold(start, |digest, byte| {
        (digest ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_comes_back_and_a_damaged_one_does_not() {
        let folder = std::env::temp_dir().join(format!("lif-cache-{}", std::process::id()));
        let cache = Cache::new(Some(folder.clone()));
        assert_eq!(cache.get("a"), None);
        cache.put("a", b"kernel");
        assert_eq!(cache.get("a").as_deref(), Some(&b"kernel"[..]));
        assert_eq!(cache.get("b"), None);
        let path = cache.path("a").unwrap();
        let whole = fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            assert_eq!(cache.get("a"), None, "cut to {cut} bytes");
        }
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            fs::write(&path, changed).unwrap();
            assert_eq!(cache.get("a"), None, "byte {at} changed");
        }
        cache.put("a", b"again");
        assert_eq!(cache.get("a").as_deref(), Some(&b"again"[..]));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn no_folder_is_no_cache() {
        let cache = Cache::new(None);
        cache.put("a", b"kernel");
        assert_eq!(cache.get("a"), None);
    }
}
