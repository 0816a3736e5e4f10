//! Any input is read to its end, and what is read again gives the same tests.
#![no_main]

use esmond_ps_pipe::reader::{Reader, Test, Tool};
use libfuzzer_sys::fuzz_target;

fn read(input: &[u8]) -> Vec<Test> {
    let mut tests = Vec::new();
    let read = Reader::new(Some(Tool::Bwctl)).read(input, |test| {
        tests.push(test);
        true
    });
    read.expect("a slice can be read");
    tests
}

fuzz_target!(|bytes: &[u8]| {
    // Recognised or not, it is read.
    let mut any = 0;
    Reader::new(None)
        .read(bytes, |_| {
            any += 1;
            true
        })
        .expect("a slice can be read");
    for test in read(bytes) {
        let again = read(test.raw().as_bytes());
        let Test::Bwctl(found) = &test else {
            panic!("{test:?}")
        };
        let [Test::Bwctl(same)] = again.as_slice() else {
            panic!("{again:?}")
        };
        assert_eq!(
            (&same.tool, &same.output, same.start),
            (&found.tool, &found.output, found.start)
        );
        assert_eq!(
            (&same.sender, &same.receiver),
            (&found.sender, &found.receiver)
        );
    }
});
