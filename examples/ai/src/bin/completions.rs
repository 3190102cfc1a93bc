//! Completions as OpenAI's clients ask for them: `cargo run --bin completions`, then point a client at
//! `http://localhost:9000/v1`.

fn main() -> fc_runtime::Result {
    ai::completions::app(&fc_runtime::Instance::from_env())?.run()
}
