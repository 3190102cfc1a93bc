use std::collections::HashMap;
use std::sync::Mutex;

use fc_runtime::App;

fn main() {
    let _ = App::new().store(Mutex::new(HashMap::<String, String>::new()));
}
