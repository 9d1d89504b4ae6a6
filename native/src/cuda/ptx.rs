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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::path::{Path, PathBuf};

    fn folder(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cuda").join(name)
    }

    /// A kernel's file with what it includes in its place, as `compile.py` puts it together.
    fn source_of(name: &str, seen: &mut HashSet<String>) -> String {
        if !seen.insert(name.to_owned()) {
            return String::new();
        }
        let text = std::fs::read_to_string(folder("kernels").join(name)).expect("a kernel's file");
        let lines = text.lines().filter(|line| *line != "#pragma once");
        let put = |line: &str| match line.strip_prefix("#include \"") {
            Some(rest) => source_of(rest.trim_end_matches('"'), seen),
            None => line.to_owned(),
        };
        lines.map(put).collect::<Vec<_>>().join("\n")
    }

    /// FNV-1a, 64 bits.
    fn digest_of(source: &str) -> u64 {
        source
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |digest, byte| (digest ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
    }

    #[test]
    fn every_kernel_was_compiled_from_what_stands_there() {
        let mut count = 0;
        for file in std::fs::read_dir(folder("ptx")).expect("a folder") {
            let path = file.expect("a file").path();
            let name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
            let source = source_of(&format!("{}.cu", name.split('.').next().expect("a part")), &mut HashSet::new());
            let text = std::fs::read_to_string(&path).expect("text");
            let first = format!("// source {:016x}", digest_of(&source));
            assert_eq!(text.lines().next(), Some(&first[..]), "{name} is older than its source: run compile.py");
            count += 1;
        }
        assert_eq!(count, FOR_75.len() + FOR_80.len());
    }
}
