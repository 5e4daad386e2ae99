//! An allocator that counts for threads that render, and lets all others pass.

#![expect(
    unsafe_code,
    reason = "an allocator is unsafe by its trait; each method hands on to the system's with the same arguments"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::Ordering;

use super::{MAX_BYTES, Meter, OVER_MEMORY, RUNNING};

thread_local! {
    static METER: Cell<Option<&'static Meter>> = const { Cell::new(None) };
    static HELD_BYTES: Cell<isize> = const { Cell::new(0) };
}

/// The system's allocator, with a limit for threads that render packs: `#[global_allocator] static A: Bounded = Bounded;`
#[derive(Clone, Copy, Debug, Default)]
pub struct Bounded;

/// Does `work` with this thread's memory counted.
pub(super) fn counted<T>(meter: &'static Meter, work: impl FnOnce() -> T) -> T {
    HELD_BYTES.set(0);
    METER.set(Some(meter));
    let result = work();
    METER.set(None);
    result
}

/// The meter of this thread, if it renders.
pub(super) fn current() -> Option<&'static Meter> {
    METER.get()
}

/// Counts bytes that are about to be taken. A thread that is over its limit, or that is not waited for any more, stays here.
fn take(bytes: usize) {
    // A thread that ends has no locals any more, and renders nothing.
    let Ok(Some(meter)) = METER.try_with(Cell::get) else { return };
    let held = HELD_BYTES.get().saturating_add_unsigned(bytes);
    HELD_BYTES.set(held);
    if held > MAX_BYTES.cast_signed() {
        meter.state.store(OVER_MEMORY, Ordering::Relaxed);
    }
    if meter.state.load(Ordering::Relaxed) != RUNNING {
        // Whatever parking itself needs is not counted.
        METER.set(None);
        loop {
            std::thread::park();
        }
    }
}

fn give(bytes: usize) {
    if let Ok(Some(_)) = METER.try_with(Cell::get) {
        HELD_BYTES.set(HELD_BYTES.get().saturating_sub_unsigned(bytes));
    }
}

// SAFETY: every method hands its arguments on to the system's allocator unchanged and gives back what that gives. Counting
// touches nothing but thread-locals without destructors, which allocate nothing, and neither unwinds.
unsafe impl GlobalAlloc for Bounded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        // SAFETY: the caller upholds the contract of `alloc`, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        give(layout.size());
        // SAFETY: the pointer comes from the system's allocator, by way of this one, with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        // SAFETY: the caller upholds the contract of `alloc_zeroed`, which is the same.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        take(new_size.saturating_sub(layout.size()));
        give(layout.size().saturating_sub(new_size));
        // SAFETY: the pointer comes from the system's allocator, by way of this one, with this layout.
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}
