//! The likeliest mistakes, and what the compiler says of them.

#[test]
fn mistakes_are_told_in_one_clear_sentence() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
