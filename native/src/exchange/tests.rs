use super::*;
use std::path::PathBuf;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("exchange-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.join("shared")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

fn write(exchange: &Exchange, at: usize, values: &[f32]) {
    // SAFETY: `place` gives room for them.
    unsafe { exchange.place(at, values.len()).unwrap().copy_from_nonoverlapping(values.as_ptr(), values.len()) };
}

fn read(exchange: &Exchange, at: usize, count: usize) -> Vec<f32> {
    // SAFETY: `place` checks that they are there.
    unsafe { std::slice::from_raw_parts(exchange.place(at, count).unwrap(), count).to_vec() }
}

#[test]
fn what_one_writes_the_other_adds_even_when_the_file_has_no_name_any_more() {
    let folder = Folder::new("adds");
    let one = Exchange::create(&folder.file(), 9000).unwrap();
    let other = Exchange::open(&folder.file(), 9000).unwrap();
    std::fs::remove_file(folder.file()).unwrap();
    let values: Vec<f32> = (0..3000).map(|at| at as f32).collect();
    write(&one, 0, &values);
    write(&other, 3000, &values);
    one.store(5, 7).unwrap();
    assert_eq!(other.wait(5, 1, 7, Duration::ZERO), Ok(Waited::Reached));
    other.add(&[0, 3000], 6000, 3000).unwrap();
    assert_eq!(read(&one, 6000, 3000), values.iter().map(|value| 2.0 * value).collect::<Vec<_>>());
}

#[test]
fn sums_are_taken_in_the_order_of_their_parts() {
    let folder = Folder::new("order");
    let exchange = Exchange::create(&folder.file(), 4).unwrap();
    write(&exchange, 0, &[1e8, -1e8, 1.0]);
    exchange.add(&[0, 1, 2], 3, 1).unwrap();
    assert_eq!(read(&exchange, 3, 1), [1.0]);
    exchange.add(&[2, 0, 1], 3, 1).unwrap();
    assert_eq!(read(&exchange, 3, 1), [0.0]);
}

#[test]
fn waiting_ends_by_itself_and_when_a_partner_leaves() {
    let folder = Folder::new("waits");
    let exchange = Exchange::create(&folder.file(), 1).unwrap();
    exchange.store(2, 3).unwrap();
    assert_eq!(exchange.wait(1, 2, 3, Duration::from_millis(1)), Ok(Waited::Waiting));
    exchange.store(1, 4).unwrap();
    assert_eq!(exchange.wait(1, 2, 3, Duration::ZERO), Ok(Waited::Reached));
    exchange.store(LEFT, 1).unwrap();
    assert_eq!(exchange.wait(1, 2, 5, Duration::from_secs(3600)), Ok(Waited::Left));
    // What was there before it left is still there.
    assert_eq!(exchange.wait(1, 2, 3, Duration::ZERO), Ok(Waited::Reached));
}

#[test]
fn what_lies_outside_is_refused() {
    let folder = Folder::new("outside");
    let exchange = Exchange::create(&folder.file(), 10).unwrap();
    assert!(exchange.place(8, 3).is_err());
    assert!(exchange.place(usize::MAX, 1).is_err());
    assert!(exchange.add(&[0], 8, 3).is_err());
    assert!(exchange.add(&[0, 4], 2, 3).is_err());
    assert!(exchange.add(&[], 0, 1).is_err());
    assert!(exchange.store(COUNTERS, 1).is_err());
    assert!(exchange.wait(COUNTERS - 1, 2, 1, Duration::ZERO).is_err());
    assert!(Exchange::create(&folder.file(), 10).is_err(), "there is one already");
    assert!(Exchange::open(&folder.file(), 11).is_err(), "it is another one");
    assert!(Exchange::create(&folder.0.join("other"), usize::MAX).is_err());
}
