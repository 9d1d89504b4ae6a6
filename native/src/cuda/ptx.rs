//! The compiled kernels: `compile.py` writes them, this file carries them into the binary.

/// Text for the driver, with the 0 at its end that it asks for.
macro_rules! ptx {
    ($name:literal) => {
        concat!(include_str!(concat!("ptx/", $name, ".ptx")), "\0")
    };
}

/// From compute capability 7.5 on: float32.
pub const FOR_75: [&str; 7] = [
    ptx!("product_fp32.sm_75"),
    ptx!("normalise.sm_75"),
    ptx!("embed.sm_75"),
    ptx!("attention_fp32.sm_75"),
    ptx!("pooled_attention.sm_75"),
    ptx!("loss.sm_75"),
    ptx!("optimizer.sm_75"),
];

/// From compute capability 8.0 on, besides: bfloat16.
pub const FOR_80: [&str; 6] = [
    ptx!("product_bf16.sm_80"),
    ptx!("normalise.sm_80"),
    ptx!("embed.sm_80"),
    ptx!("attention_bf16.sm_80"),
    ptx!("pooled_attention.sm_80"),
    ptx!("loss.sm_80"),
];
