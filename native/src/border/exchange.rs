//! Memory shared with other processes: gradients of a run that several train together.

use super::arguments::{Floats, Indices, Named, Size};
use super::call;
use crate::engine::Engine;
use crate::ensure;
use crate::error::{Error, Result};
use crate::exchange::{Exchange, Waited};
use napi_derive::napi;
use std::path::Path;
use std::time::Duration;

fn of(engine: &Engine, id: Named) -> Result<&Exchange> {
    engine.exchanges.get(&id.0).ok_or_else(|| Error(format!("there is no exchange {}", id.0)))
}

fn kept(engine: &mut Engine, exchange: Exchange) -> Named {
    engine.last_exchange += 1;
    engine.exchanges.insert(engine.last_exchange, exchange);
    Named(engine.last_exchange)
}

#[napi]
pub fn exchange_create(path: String, numbers: Size) -> napi::Result<Named> {
    call("exchangeCreate", |engine| {
        let exchange = Exchange::create(Path::new(&path), numbers.0)?;
        Ok(kept(engine, exchange))
    })
}

#[napi]
pub fn exchange_open(path: String, numbers: Size) -> napi::Result<Named> {
    call("exchangeOpen", |engine| {
        let exchange = Exchange::open(Path::new(&path), numbers.0)?;
        Ok(kept(engine, exchange))
    })
}

#[napi]
pub fn exchange_close(exchange: Named) -> napi::Result<()> {
    call("exchangeClose", |engine| {
        ensure!(engine.exchanges.remove(&exchange.0).is_some(), "there is no exchange {}", exchange.0);
        Ok(())
    })
}

#[napi]
pub fn exchange_store(exchange: Named, counter: Size, value: Size) -> napi::Result<()> {
    call("exchangeStore", |engine| of(engine, exchange)?.store(counter.0, value.0 as u64))
}

#[napi]
pub fn exchange_wait(
    exchange: Named,
    first: Size,
    count: Size,
    value: Size,
    limit_micros: Size,
) -> napi::Result<&'static str> {
    call("exchangeWait", |engine| {
        let limit = Duration::from_micros(limit_micros.0 as u64);
        Ok(match of(engine, exchange)?.wait(first.0, count.0, value.0 as u64, limit)? {
            Waited::Reached => "reached",
            Waited::Waiting => "waiting",
            Waited::Left => "left",
        })
    })
}

#[napi]
pub fn exchange_write(exchange: Named, at: Size, values: Floats) -> napi::Result<()> {
    call("exchangeWrite", |engine| {
        let place = of(engine, exchange)?.place(at.0, values.count())?;
        // SAFETY: `place` has room for them, apart from all memory of JavaScript.
        unsafe { values.copy_to(place) };
        Ok(())
    })
}

#[napi]
pub fn exchange_read(exchange: Named, at: Size, values: Floats) -> napi::Result<()> {
    call("exchangeRead", |engine| {
        let place = of(engine, exchange)?.place(at.0, values.count())?;
        // SAFETY: `place` has as many, apart from all memory of JavaScript.
        unsafe { values.copy_from(place) };
        Ok(())
    })
}

#[napi]
pub fn exchange_add(exchange: Named, from: Indices, to: Size, count: Size) -> napi::Result<()> {
    call("exchangeAdd", |engine| {
        let from = from.below(i32::MAX as usize, "places")?.iter().map(|&at| at as usize).collect::<Vec<_>>();
        of(engine, exchange)?.add(&from, to.0, count.0)
    })
}
