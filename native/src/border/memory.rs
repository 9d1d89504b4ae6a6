//! The engine itself, and buffers in and out.

use super::arguments::{Named, Size};
use super::call;
use crate::buffers::{Kind, Values, copied};
use crate::cpu::physical_cores;
use crate::error::Result;
use crate::kernels::cast::{convert, to_bool, to_int};
use crate::{ensure, fail};
use napi::bindgen_prelude::{Either3, Float32Array, Int32Array, Uint8Array};
use napi_derive::napi;

#[napi(object, object_from_js = false)]
pub struct Description {
    pub version: String,
    pub instruction_set: String,
    pub bf16: bool,
    pub physical_cores: u32,
    pub threads: u32,
}

#[napi]
pub fn describe() -> napi::Result<Description> {
    call("describe", |engine| {
        Ok(Description {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            instruction_set: engine.compute.cpu.set().name().to_owned(),
            bf16: engine.compute.cpu.bf16(),
            physical_cores: physical_cores() as u32,
            threads: engine.compute.threads.expected() as u32,
        })
    })
}

#[napi]
pub fn set_threads(count: Size) -> napi::Result<()> {
    call("setThreads", |engine| {
        ensure!((1..=1024).contains(&count.0), "{} threads; from 1 to 1024 can compute", count.0);
        if count.0 != engine.compute.threads.expected() {
            engine.compute.threads = engine.compute.threads.resized(count.0);
        }
        Ok(())
    })
}

#[napi]
pub fn set_niceness(niceness: Size) -> napi::Result<bool> {
    call("setNiceness", |engine| {
        ensure!(niceness.0 < 20, "a niceness of {}; it goes from 0 to 19", niceness.0);
        Ok(engine.compute.threads.set_niceness(niceness.0 as i32))
    })
}

#[napi(object, object_from_js = false)]
pub struct Memory {
    pub buffers: f64,
    pub bytes: f64,
    pub pooled_bytes: f64,
    pub system_allocations: f64,
}

#[napi]
pub fn memory() -> napi::Result<Memory> {
    call("memory", |engine| {
        let counts = engine.compute.pool.counts();
        Ok(Memory {
            buffers: engine.buffers.count() as f64,
            bytes: engine.buffers.bytes() as f64,
            pooled_bytes: (counts.held_bytes - counts.used_bytes) as f64,
            system_allocations: counts.system_allocations as f64,
        })
    })
}

#[napi]
pub fn release_pool() -> napi::Result<()> {
    call("releasePool", |engine| {
        engine.compute.pool.release();
        Ok(())
    })
}

#[napi]
pub fn upload(values: Either3<Float32Array, Int32Array, Uint8Array>) -> napi::Result<Named> {
    call("upload", |engine| {
        let pool = &engine.compute.pool;
        let values: Values = match &values {
            Either3::A(numbers) => copied(pool, numbers).into(),
            Either3::B(numbers) => copied(pool, numbers).into(),
            Either3::C(numbers) => copied(pool, numbers).into(),
        };
        Ok(Named(engine.buffers.insert(values)))
    })
}

fn kind_of(name: &str) -> Result<Kind> {
    match name {
        "float32" => Ok(Kind::Float32),
        "int32" => Ok(Kind::Int32),
        "bool" => Ok(Kind::Bool),
        other => fail!("there is no type {other}"),
    }
}

#[napi]
pub fn fill(kind: String, size: Size, value: f64) -> napi::Result<Named> {
    call("fill", |engine| {
        let pool = &engine.compute.pool;
        let values: Values = match kind_of(&kind)? {
            Kind::Float32 => pool.take_filled(size.0, value as f32).into(),
            Kind::Int32 => pool.take_filled(size.0, value as i32).into(),
            Kind::Bool => pool.take_filled(size.0, u8::from(value != 0.0)).into(),
        };
        Ok(Named(engine.buffers.insert(values)))
    })
}

#[napi]
pub fn read(buffer: Named) -> napi::Result<Either3<Float32Array, Int32Array, Uint8Array>> {
    call("read", |engine| {
        Ok(match engine.buffers.get(buffer.0)?.values() {
            Values::Float32(block) => Either3::A(Float32Array::new(block.to_vec())),
            Values::Int32(block) => Either3::B(Int32Array::new(block.to_vec())),
            Values::Bool(block) => Either3::C(Uint8Array::new(block.to_vec())),
        })
    })
}

#[napi]
pub fn free(buffer: Named) -> napi::Result<()> {
    call("free", |engine| engine.buffers.free(buffer.0))
}

/// How many numbers a buffer holds.
#[napi]
pub fn size_of(buffer: Named) -> napi::Result<Size> {
    call("sizeOf", |engine| Ok(Size(engine.buffers.get(buffer.0)?.values().size())))
}

#[napi]
pub fn copy(buffer: Named) -> napi::Result<Named> {
    call("copy", |engine| {
        let pool = &engine.compute.pool;
        let values: Values = match engine.buffers.get(buffer.0)?.values() {
            Values::Float32(block) => copied(pool, block).into(),
            Values::Int32(block) => copied(pool, block).into(),
            Values::Bool(block) => copied(pool, block).into(),
        };
        Ok(Named(engine.buffers.insert(values)))
    })
}

#[napi]
pub fn cast(buffer: Named, kind: String) -> napi::Result<Named> {
    call("cast", |engine| {
        let compute = &engine.compute;
        let pool = &compute.pool;
        macro_rules! converted {
            ($x:expr, $of:expr) => {{
                let mut y = pool.take($x.len());
                convert(compute, $x, &mut y, $of);
                y.into()
            }};
        }
        let values: Values = match (engine.buffers.get(buffer.0)?.values(), kind_of(&kind)?) {
            (Values::Float32(x), Kind::Float32) => copied(pool, x).into(),
            (Values::Float32(x), Kind::Int32) => converted!(x, to_int),
            (Values::Float32(x), Kind::Bool) => converted!(x, to_bool),
            (Values::Int32(x), Kind::Float32) => converted!(x, |x: i32| x as f32),
            (Values::Int32(x), Kind::Int32) => copied(pool, x).into(),
            (Values::Int32(x), Kind::Bool) => converted!(x, |x: i32| u8::from(x != 0)),
            (Values::Bool(x), Kind::Float32) => converted!(x, f32::from),
            (Values::Bool(x), Kind::Int32) => converted!(x, i32::from),
            (Values::Bool(x), Kind::Bool) => copied(pool, x).into(),
        };
        Ok(Named(engine.buffers.insert(values)))
    })
}
