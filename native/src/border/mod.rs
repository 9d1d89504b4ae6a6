//! The border to JavaScript: main/engines/native/binding.ts, function for function, one file a family.
//!
//! Conventions: a function here checks what it is given (handles, types, sizes, indices), takes its output from the
//! pool, calls a kernel and names the output by a new handle. Its body runs inside `call`, which puts "Error in <name>:"
//! before what went wrong and turns a panic into an error too: nothing that JavaScript passes ends the process.

mod arguments;
mod attention;
mod dropout;
mod elementwise;
mod exchange;
mod memory;
mod normalise;
mod optimizer;
mod products;
mod rows;
mod shape;

use crate::engine::{Engine, with_engine};
use crate::error::{Error, Result};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs the body of a function of the border on the calling thread's engine.
fn call<R>(name: &str, body: impl FnOnce(&mut Engine) -> Result<R>) -> napi::Result<R> {
    caught(body).map_err(|error| napi::Error::from_reason(format!("Error in {name}: {error}")))
}

/// The same with a plain error, for what is done before a function of the border begins.
fn caught<R>(body: impl FnOnce(&mut Engine) -> Result<R>) -> Result<R> {
    catch_unwind(AssertUnwindSafe(|| with_engine(body))).unwrap_or_else(|payload| {
        if let Some(error) = payload.downcast_ref::<Error>() {
            return Err(error.clone());
        }
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or(payload.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
        Err(Error(format!("a fault of the kernel itself: {text}")))
    })
}
