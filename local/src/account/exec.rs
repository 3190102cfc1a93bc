//! A command in an instance, as the deployment tool asks for it.

use super::account::Account;
use super::answer::Ask;
use crate::call::Command;
use crate::failure::Failure;

impl Account {
    /// Starts the command of a call in an instance of its function.
    ///
    /// # Errors
    ///
    /// There is no such instance or no command, a terminal is asked for, or the command does not start.
    pub(crate) fn execute(&self, ask: &Ask, instance: &str) -> Result<Command, Failure> {
        let function = self.registry.find(&ask.function)?;
        let found = function.instance(instance);
        let instance = found.ok_or_else(|| Failure::instance_not_found(&ask.function, instance))?;
        let mut command = ask.all("command");
        if command.is_empty() {
            return Err(Failure::invalid_argument(
                "`command` is missing: name the program and each of its arguments",
            ));
        }
        if let [one] = &command[..]
            && one.contains(' ')
        {
            // A whole line, as people write it.
            command = vec!["/bin/sh".to_owned(), "-c".to_owned(), one.clone()];
        }
        let is_true =
            |name: &str| ask.parameter(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        if is_true("tty") {
            let text = "fc-local offers no terminal in an instance: ask for the command without `tty`";
            return Err(Failure::invalid_argument(text));
        }
        let started = Command::start(instance, &command, is_true("stdin"));
        started.map_err(|error| Failure::invalid_argument(format!("the command cannot be started: {error}")))
    }
}
