//! The priority of the calling thread.

/// 0 normal to 19 lowest. -> whether the system did it: some only ever lower.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn set_niceness(niceness: i32) -> bool {
    // SAFETY: plain numbers; on Linux `setpriority` with a thread's id changes that thread alone.
    unsafe {
        let thread = libc::syscall(libc::SYS_gettid) as libc::id_t;
        libc::setpriority(libc::PRIO_PROCESS, thread, niceness.clamp(0, 19)) == 0
    }
}

#[cfg(target_os = "macos")]
pub fn set_niceness(niceness: i32) -> bool {
    let class = if niceness > 0 { libc::qos_class_t::QOS_CLASS_UTILITY } else { libc::qos_class_t::QOS_CLASS_DEFAULT };
    // SAFETY: changes the calling thread's class only.
    unsafe { libc::pthread_set_qos_class_self_np(class, 0) == 0 }
}

#[cfg(windows)]
pub fn set_niceness(niceness: i32) -> bool {
    use windows_sys::Win32::System::Threading::{
        GetCurrentThread, SetThreadPriority, THREAD_PRIORITY_BELOW_NORMAL, THREAD_PRIORITY_NORMAL,
    };
    let priority = if niceness > 0 { THREAD_PRIORITY_BELOW_NORMAL } else { THREAD_PRIORITY_NORMAL };
    // SAFETY: the pseudo handle of the calling thread is always valid.
    unsafe { SetThreadPriority(GetCurrentThread(), priority) != 0 }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "macos", windows)))]
pub fn set_niceness(niceness: i32) -> bool {
    niceness == 0
}
