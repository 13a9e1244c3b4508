//! How much freed memory the allocator keeps for the next request.
//!
//! The GNU C library gives every block beyond 128 KiB pages of its own and returns them at once; blocks below that are
//! returned as soon as 128 KiB lie free at the end of the heap. With bodies of a few hundred KiB, each request would then
//! get every page anew from the system, which costs more than copying them several times.
//!
//! Both limits follow the largest block that was ever freed, by the library's own documented rule (`mallopt(3)`,
//! "dynamic mmap threshold"), so it is enough to free one. Nothing touches that block: it takes no memory. Other
//! allocators see one block come and go.

/// Blocks up to this size come from the heap, and up to twice as much stays there once free, per heap (of which there
/// is about one per worker thread).
const KEPT: usize = 4 * 1024 * 1024;

/// To be called once, before there are other threads.
pub(super) fn keep_what_requests_free() {
    // Without the hint the compiler would see that the block is never used, and leave it out.
    drop(std::hint::black_box(Vec::<u8>::with_capacity(KEPT)));
}
