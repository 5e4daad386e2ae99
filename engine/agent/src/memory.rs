//! Gives memory back that only the start of an agent needed.

use std::time::Duration;

/// An agent that was started has settled after this time.
const SETTLED_S: u64 = 3;

/// Once the agent has settled, lets go of the pages of code that were read to start it. Most of them (parsing
/// configuration, opening the state, fingerprints) are never used again; the kernel maps those that are on their
/// next use, from the page cache. Without this, they count as resident for as long as the agent lives.
pub(crate) async fn release_when_settled() {
    tokio::time::sleep(Duration::from_secs(SETTLED_S)).await;
    release_code();
}

fn release_code() {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let Ok(executable) = std::fs::read_link("/proc/self/exe") else { return };
    for (start, length) in code_of(&maps, &executable.to_string_lossy()) {
        release(start, length);
    }
}

/// Start and length of the executable's mappings of code.
fn code_of(maps: &str, executable: &str) -> Vec<(usize, usize)> {
    let code = |line: &str| {
        let mut fields = line.split_whitespace();
        let (range, permissions) = (fields.next()?, fields.next()?);
        if permissions != "r-xp" || fields.nth(3)? != executable {
            return None;
        }
        let (start, end) = range.split_once('-')?;
        let (start, end) = (usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?);
        Some((start, end.checked_sub(start)?))
    };
    maps.lines().filter_map(code).collect()
}

#[expect(unsafe_code, reason = "there is no safe way to advise the kernel about a mapping")]
fn release(start: usize, length: usize) {
    let Some(address) = std::ptr::NonNull::new(start as *mut std::ffi::c_void) else { return };
    // SAFETY: the range is a private, read-only mapping of this program's own file, as the kernel lists it. Its
    // pages were never written (they cannot be), and the file cannot be written while it runs, so that the kernel
    // reads the same bytes again when they are needed.
    let advised = unsafe { nix::sys::mman::madvise(address, length, nix::sys::mman::MmapAdvise::MADV_DONTNEED) };
    if let Err(error) = advised {
        tracing::debug!(%error, "pages of code stay resident");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_of_the_executable_is_let_go() {
        let maps = "\
5581a0000000-5581a0100000 r--p 00000000 fe:00 1 /bin/drover
5581a0100000-5581a0180000 r-xp 00100000 fe:00 1 /bin/drover
5581a0180000-5581a0190000 rw-p 00180000 fe:00 1 /bin/drover
7f0000000000-7f0000010000 r-xp 00000000 fe:00 2 /lib/libc.so.6
7f0000010000-7f0000020000 rw-p 00000000 00:00 0
";
        assert_eq!(code_of(maps, "/bin/drover"), [(0x5581_a010_0000, 0x8_0000)]);
    }

    #[test]
    fn a_program_goes_on_without_its_resident_code() {
        release_code();
        assert_eq!(code_of("", "x"), []);
    }
}
